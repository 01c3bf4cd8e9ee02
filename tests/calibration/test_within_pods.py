"""Pods of unequal speed: the fit then rests on the changes within each pod."""

import dataclasses

import numpy as np
import pytest

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.calibration.shapes import AFFINE, POD_IDLE, power
from analyzer.calibration.within_pods import compare
from analyzer.calibration.workloads import fit_workloads
from analyzer.measurement.findings import Severity
from tests.calibration.asking import answered, fits_of, panel_of, role_of
from tests.calibration.attacks import CALM, attacked
from tests.calibration.meshes import Fleet, Floats, lawful, ramp

IDLE, SLOPE = 0.02, 0.0004
SPEEDS = np.repeat([0.7, 1.0, 1.4], 4)[:, None]


def unequal(
    *, speeds: Floats = SPEEDS, seed: int = 1, workload: str = "front", work: Floats | None = None
) -> Fleet:
    """Return pods with requests in proportion to the speed of their nodes."""
    rng = np.random.default_rng(seed)
    rps = speeds * ramp(len(speeds), 48) * np.exp(0.05 * rng.normal(size=(len(speeds), 48)))
    noise = 1 + 0.05 * rng.normal(size=rps.shape)
    cost = 1 / speeds if work is None else work
    return Fleet(rps=rps, vcpu=(IDLE + SLOPE * rps) * cost * noise, workload=workload)


def truth(fleet: Fleet) -> tuple[float, float]:
    """Return the mean idle over pods, and the mean cost over requests."""
    idle, cost = IDLE * (1 / SPEEDS).mean(), SLOPE / SPEEDS * fleet.rps
    return float(idle), float(cost.sum() / fleet.rps.sum())


def test_the_mean_cost_of_pods_on_unequal_nodes_is_found() -> None:
    fleet = unequal()

    answer = answered(fleet)

    idle, slope = truth(fleet)
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(1000 * slope, rel=0.03)
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(idle, rel=0.05)
    assert answer.vcpu_per_1000_rps.low < 1000 * slope < answer.vcpu_per_1000_rps.high
    assert answer.idle_vcpu_per_proxy.low < idle < answer.idle_vcpu_per_proxy.high


def test_a_line_over_all_pods_would_be_too_flat() -> None:
    fleet = unequal()

    comparison = compare(fits_of(fleet))

    assert comparison.slopes[0] < 0.85 * truth(fleet)[1]
    assert comparison.slopes[0] + comparison.changes[0] == pytest.approx(truth(fleet)[1], rel=0.03)


def test_terms_for_pods_leave_the_sum_of_the_cpu_to_idle_and_slope() -> None:
    fleet = unequal()
    shape = AFFINE.within_pods(frozenset({0}))

    fits = fits_of(fleet, shape=shape)

    explained = fits.curves[0] @ [fleet.rps.size, fleet.rps.sum()]
    assert explained == pytest.approx(fits.predicted_vcpu.sum())
    assert fits.levelled_vcpu.sum() == pytest.approx(fleet.vcpu.sum(), rel=1e-6)


def test_a_curve_has_terms_for_pods_too() -> None:
    rps = SPEEDS * ramp(len(SPEEDS), 48, low=10, high=1000)
    fleet = Fleet(rps=rps, vcpu=(0.005 + 0.0016 * rps**0.75) / SPEEDS)

    fits = fits_of(fleet, shape=power(0.75).within_pods(frozenset({0})))

    basis = rps**0.75
    cost = (0.0016 / SPEEDS * basis).sum() / basis.sum()
    assert fits.curves[0] == pytest.approx([0.005 * (1 / SPEEDS).mean(), cost], rel=0.01)


def test_pods_with_more_work_for_each_request_are_found_too() -> None:
    speeds = np.repeat(SPEEDS, 4, axis=0)

    role = role_of(unequal(speeds=speeds, work=speeds))

    assert role.fitted is not None
    assert role.fitted.pods.within == {0}
    assert role.fitted.pods.changes[0] < 0


def test_pods_that_are_alike_keep_one_line() -> None:
    role = role_of(lawful(SPEEDS * ramp(len(SPEEDS), 48), seed=1))

    assert role.fitted is not None
    assert role.fitted.pods.within == frozenset()
    assert role.fitted.straight_idle_vcpu is None
    assert POD_IDLE not in role.fitted.workloads.shape.terms


def test_only_the_workload_that_differs_gets_terms_if_the_mesh_hardly_changes() -> None:
    alike = lawful(100 * ramp(12, 48), workload="big", idle=IDLE, slope=SLOPE, seed=2)
    role = role_of(alike, unequal(workload="small"))

    assert role.fitted is not None
    assert role.fitted.pods.within == {1}


def test_a_pod_that_ran_by_night_is_compared_with_the_others_of_that_night() -> None:
    fleet = lawful(ramp(3, 24))
    seen = np.ones(fleet.rps.shape, dtype=bool)
    seen[0, 12:] = False

    panel = panel_of(dataclasses.replace(fleet, seen=seen))

    assert panel.pod_distance == pytest.approx(0, abs=1e-12)


def test_half_the_requests_are_a_distance_of_one() -> None:
    rps = ramp(3, 24) * np.array([[0.5], [1.0], [1.5]])

    panel = panel_of(lawful(rps))

    distances = panel.proxies.lowest(panel.pod_distance)
    assert distances == pytest.approx([1, 0, -1 / 3])


def test_a_workload_of_one_pod_has_nothing_to_compare() -> None:
    panel = panel_of(lawful(ramp(1, 48), seed=1))

    problem = AFFINE.within_pods(frozenset({0})).problem(panel)

    assert problem.active.tolist() == [[True, True, False, False]]
    assert compare(fit_workloads(AFFINE, panel)).within == frozenset()


@pytest.mark.parametrize("seed", [2, 11])
def test_least_request_over_unequal_nodes_is_fitted_and_named(seed: int) -> None:
    mesh = attacked("least request", seed)

    answer = calibrate_usage(mesh.usage)

    assert isinstance(answer.sidecar, RoleCalibration)
    slope = answer.sidecar.vcpu_per_1000_rps
    assert slope.low < mesh.vcpu_per_1000_rps < slope.high
    finding = next(item for item in answer.warnings if item.name == "unequal_pods")
    assert (finding.code, finding.severity) == ("IU311", Severity.WARNING)
    assert "nodes of unequal speed" in finding.text
    assert set(finding.affected) <= {f"shop/w{number}" for number in range(10)}
    assert finding.rps_share is not None
    assert 0.5 < finding.rps_share <= 1


@pytest.mark.parametrize("name", [CALM, "HPA", "mesh shock 5 %", "hinge"])
def test_other_troubles_are_not_taken_for_unequal_pods(name: str) -> None:
    found = [
        item.name
        for seed in range(3)
        for item in calibrate_usage(attacked(name, seed).usage).warnings
    ]

    assert "unequal_pods" not in found
