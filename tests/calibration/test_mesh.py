"""Workloads weighed together: idle by proxy time, the slope by requests, and how sure of it."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from analyzer.calibration.fit.shared_time import DEGREES_OF_FREEDOM
from analyzer.calibration.mesh import MeshCurve, cost_of_each, mesh_curve
from analyzer.calibration.models import Affine, Knee, Power
from analyzer.calibration.shapes import AFFINE, BY_DIRECTION, Shape, knee, power
from analyzer.calibration.workloads import pool_workloads
from tests.calibration.asking import fits_of
from tests.calibration.meshes import Fleet, lawful, ramp


def curve_of(*fleets: Fleet, shape: Shape = AFFINE) -> MeshCurve:
    fits = fits_of(*fleets, shape=shape)
    mesh = mesh_curve(fits, pool_workloads(fits))
    assert mesh is not None
    return mesh


# --- the mean ---


def test_the_slope_is_the_mean_by_requests_and_the_idle_by_proxy_time() -> None:
    busy = lawful(ramp(2, 24, low=400, high=600), workload="busy", idle=0.01, slope=0.0001)
    quiet = lawful(ramp(6, 24, low=5, high=35), workload="quiet", idle=0.05, slope=0.001)

    mesh = curve_of(busy, quiet)

    requests = np.array([2 * 500, 6 * 20])
    slope = requests @ [0.1, 1.0] / requests.sum()
    assert mesh.mid == pytest.approx([(2 * 0.01 + 6 * 0.05) / 8, slope])
    assert isinstance(mesh.curve, Affine)
    assert (mesh.curve.idle_vcpu, 1000 * mesh.curve.vcpu_per_rps) == pytest.approx(tuple(mesh.mid))
    assert mesh.sample_count == 8 * 24
    # One line through both would even slope the wrong way.
    pooled = np.polyfit(
        np.concatenate([busy.rps.ravel(), quiet.rps.ravel()]),
        np.concatenate([busy.vcpu.ravel(), quiet.vcpu.ravel()]),
        1,
    )
    assert pooled[0] * 1000 < 0.5 * slope


def test_proxies_that_lived_half_the_day_count_half_in_the_idle() -> None:
    rps = ramp(4, 48)
    seen = np.ones(rps.shape, bool)
    seen[:, 24:] = False
    young = dataclasses.replace(lawful(rps, workload="young", idle=0.05), seen=seen)

    mesh = curve_of(lawful(rps, workload="old", idle=0.01), young)

    # Of the 24 steps that each was seen in, the last one is cut.
    weights = np.array([48, 23])
    assert mesh.mid[0] == pytest.approx(weights @ [0.01, 0.05] / weights.sum())


def test_a_workload_without_requests_counts_in_the_idle_only() -> None:
    rps = ramp(4, 24)
    asleep = lawful(np.zeros_like(rps), workload="asleep", idle=0.03)

    mesh = curve_of(lawful(rps, idle=0.01), asleep)

    assert mesh.mid == pytest.approx([0.02, 0.4])


def test_the_slope_of_concave_workloads_is_what_their_requests_cost_one_more() -> None:
    laws = {"a": (0.0016, ramp(3, 48, low=10, high=300)), "b": (0.001, ramp(2, 48, low=50))}
    fleets = [
        Fleet(rps=rps, vcpu=0.005 + factor * rps**0.7, workload=name)
        for name, (factor, rps) in laws.items()
    ]

    mesh = curve_of(*fleets, shape=power(0.7))

    marginal = sum(
        float((factor * 0.7 * rps**-0.3 * rps).sum()) for factor, rps in laws.values()
    ) / sum(float(rps.sum()) for _, rps in laws.values())
    assert mesh.mid == pytest.approx([0.005, 1000 * marginal])
    assert isinstance(mesh.curve, Power)
    assert 0.001 < mesh.curve.vcpu_per_rps_power < 0.0016
    # Idle and traffic of the mean proxy add up to what the proxies used.
    used = sum(float(fleet.vcpu.sum()) for fleet in fleets)
    traffic = mesh.mid[1] * mesh.total_basis_per_slope
    assert mesh.mid[0] * mesh.sample_count + traffic == pytest.approx(used)


def test_the_slope_beyond_a_knee_is_what_requests_cost_one_more() -> None:
    laws = {"a": (0.0016, ramp(3, 48, low=10, high=300)), "b": (0.001, ramp(2, 48, low=50))}
    fleets, beyond = [], {}
    for name, (slope, rps) in laws.items():
        beyond[name] = np.maximum(rps - 0.6 * rps.max(), 0)
        fleets.append(Fleet(rps=rps, vcpu=0.005 + slope * (rps + beyond[name]), workload=name))

    mesh = curve_of(*fleets, shape=knee(0.6, 1.0))

    requests = sum(float(rps.sum()) for _, rps in laws.values())
    more = sum(
        float((slope * rps * np.where(beyond[name] > 0, 2, 1)).sum())
        for name, (slope, rps) in laws.items()
    )
    assert mesh.mid == pytest.approx([0.005, 1000 * more / requests])
    traffic = sum(float((fleet.vcpu - 0.005).sum()) for fleet in fleets)
    assert mesh.mid[1] * mesh.total_basis_per_slope == pytest.approx(traffic)
    curve = mesh.curve
    assert isinstance(curve, Knee)
    assert curve.marginal_share == pytest.approx(more / traffic)
    assert curve.elsewhere.vcpu_per_rps == pytest.approx(traffic / requests)
    highest = [float(rps.max()) for _, rps in laws.values()]
    assert 0.6 * min(highest) < curve.knee_rps < 0.6 * max(highest)


def test_without_any_slope_there_is_no_curve() -> None:
    fits = fits_of(lawful(np.zeros((4, 24))))

    assert mesh_curve(fits, pool_workloads(fits)) is None


# --- uncertainty ---


def test_idle_and_slope_of_a_single_workload_are_as_sure_as_its_fit() -> None:
    fits = fits_of(lawful(ramp(9, 48), seed=1))

    mesh = mesh_curve(fits, pool_workloads(fits))

    assert mesh is not None
    scale = np.diag([1, 1000])
    assert mesh.covariance == pytest.approx(scale @ fits.covariances[0] @ scale)
    assert mesh.covariance[0, 1] < 0
    idle, slope = mesh.intervals
    assert 8 <= mesh.degrees_of_freedom[1] <= 8 + DEGREES_OF_FREEDOM
    reach = stats.t.ppf(0.95, mesh.degrees_of_freedom[1]) * 1000 * fits.covariances[0, 1, 1] ** 0.5
    assert slope.high == pytest.approx(mesh.mid[1] + reach)
    assert idle.mid == mesh.mid[0]


def test_variances_of_workloads_add_up_by_the_squares_of_their_weights() -> None:
    fleets = [lawful(ramp(9, 48), workload=f"w{n:02}", seed=n) for n in range(16)]

    alone = np.mean([curve_of(fleet).covariance for fleet in fleets], axis=0)
    together = curve_of(*fleets).covariance

    # Their noise is judged together too, so that some remains of what each had in time.
    assert np.diag(together) == pytest.approx(np.diag(alone) / 16, rel=0.4)


def test_noise_that_workloads_share_does_not_average_out() -> None:
    one, other = (lawful(ramp(9, 48), workload=name, seed=1) for name in ("one", "other"))

    alone, together = curve_of(one), curve_of(one, other)

    assert np.diag(together.covariance) == pytest.approx(np.diag(alone.covariance), rel=0.15)


def test_a_mesh_is_known_no_better_than_the_workload_that_makes_its_uncertainty() -> None:
    # Eight clusters make nearly all of the variance; sixty-four steady ones add next to nothing.
    loud = lawful(ramp(1, 96, low=500, high=900), workload="loud", seed=1)
    steady = lawful(ramp(64, 96, low=1, high=2), workload="steady")

    mesh = curve_of(loud, steady)

    assert 7 <= mesh.degrees_of_freedom[1] < DEGREES_OF_FREEDOM


def test_workloads_of_equal_uncertainty_add_their_degrees_of_freedom() -> None:
    mesh = curve_of(*(lawful(ramp(9, 48), workload=f"w{n}", seed=n) for n in range(3)))

    # Each has 8 by its pods; noise in time has 10.
    assert (mesh.degrees_of_freedom > 11).all()
    assert (mesh.degrees_of_freedom <= 3 * 8 + DEGREES_OF_FREEDOM).all()


def test_costs_hidden_by_noise_do_not_push_the_mean_up() -> None:
    slopes = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rps = ramp(2, 48, low=1, high=5)
        fleets = [
            Fleet(
                rps=rps,
                vcpu=0.05 + 0.0004 * rps + rng.normal(0, 0.005, rps.shape),
                workload=f"w{number}",
            )
            for number in range(12)
        ]
        busy = lawful(ramp(2, 48, low=2, high=10), workload="busy", idle=0.05)
        slopes.append(curve_of(busy, *fleets).mid[1])

    error = np.std(slopes, ddof=1) / len(slopes) ** 0.5
    assert np.mean(slopes) == pytest.approx(0.4, abs=3.5 * error)
    # Keeping only the lines that tilt up would add twice the tolerance and more.
    assert 3.5 * error < 0.12


# --- who borrows ---


def test_a_borrowed_slope_counts_by_its_requests() -> None:
    rps = ramp(4, 48)
    lenders = [
        lawful(rps, workload=f"w{n}", idle=0.02, slope=slope)
        for n, slope in enumerate((0.0003, 0.0004, 0.0005))
    ]
    steady = lawful(np.full((4, 48), 100.0), workload="z", idle=0.02, slope=0.0005)

    mesh = curve_of(*lenders, steady)

    # Its level tells its slope here, because the idle is the same everywhere.
    requests = np.array([55, 55, 55, 100])
    slope = requests @ [0.3, 0.4, 0.5, 0.5] / requests.sum()
    assert mesh.mid == pytest.approx([0.02, slope], rel=1e-3)
    assert mesh.sample_count == 4 * 4 * 48


def test_a_borrower_widens_the_meshs_interval() -> None:
    rps = ramp(9, 48)
    lenders = [
        lawful(rps, workload=f"w{n}", slope=slope, seed=n)
        for n, slope in enumerate((0.0002, 0.0004, 0.0006, 0.0008))
    ]
    seen = np.tile(np.arange(48) < 2, (9, 1))
    few = dataclasses.replace(lawful(np.full((9, 48), 3000.0), workload="z"), seen=seen)

    without, borrowing = curve_of(*lenders), curve_of(*lenders, few)

    # Of its two steps the last is cut, and it knows nothing of its own: its slope may be any of
    # the others', whose mean is known from four. Their variance is 0.2 / 3, and it has this part
    # of the requests:
    part = 3000 / (3000 + 4 * 48 * 55)
    assert without.covariance[1, 1] < 1e-4
    assert borrowing.covariance[1, 1] == pytest.approx(part**2 * 0.2 / 3 * (1 + 1 / 4), rel=0.1)
    assert borrowing.mid[1] == pytest.approx(without.mid[1], rel=0.05)


# --- each direction ---


def test_each_cost_is_weighted_by_how_much_of_it_a_workload_has() -> None:
    rng = np.random.default_rng(1)
    fleets = []
    for name, level, inbound_cost in (("a", 1.0, 0.0002), ("b", 3.0, 0.0006)):
        inbound, outbound = level * rng.uniform(10, 100, (2, 9, 48))
        vcpu = 0.02 + inbound_cost * inbound + 0.0005 * outbound
        noisy = vcpu * (1 + 0.001 * rng.normal(size=vcpu.shape))
        fleets.append(
            Fleet(rps=inbound + outbound, outbound_rps=outbound, vcpu=noisy, workload=name)
        )

    costs = cost_of_each(fits_of(*fleets, shape=BY_DIRECTION))

    loads = [float((fleet.rps - fleet.outbound_rps).sum()) for fleet in fleets]
    inbound_cost = float(np.average([0.2, 0.6], weights=loads))
    assert set(costs) == {"vcpu_per_1000_inbound_rps", "vcpu_per_1000_outbound_rps"}
    assert costs["vcpu_per_1000_inbound_rps"].mid == pytest.approx(inbound_cost, rel=0.01)
    assert costs["vcpu_per_1000_outbound_rps"].mid == pytest.approx(0.5, rel=0.01)
    assert costs["vcpu_per_1000_outbound_rps"].low < 0.5 < costs["vcpu_per_1000_outbound_rps"].high
