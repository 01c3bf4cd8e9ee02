"""Kinds of node that differ in speed get factors; those that do not change nothing."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.calibration.events import CONFIGURATION
from analyzer.calibration.observations import observe
from analyzer.measurement.findings import Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role
from tests.calibration.asking import sidecar_of
from tests.calibration.attacks import attacked
from tests.calibration.attacks.day import nodes_of
from tests.calibration.attacks.kinds import SPEED
from tests.calibration.meshes import STEP_SECONDS, Fleet, SimulatedMesh, ramp, usage_of

SEEDS = range(8)

LEAST_COVERED = 5
"""Of eight intervals of 90 %: P(Binomial(8, 0.9) < 5) is 5e-3."""


@cache
def answers() -> tuple[tuple[SimulatedMesh, Calibration], ...]:
    meshes = [attacked("least request, typed", seed) for seed in SEEDS]
    return tuple((mesh, calibrate_usage(mesh.usage)) for mesh in meshes)


def fitted(calibration: Calibration) -> RoleCalibration:
    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration), answer
    return answer


def on_nodes(usage: MeshUsage, kinds: dict[str, str], seed: int = 0) -> MeshUsage:
    """Return the mesh with its pods on nodes of these types, drawn by chance."""
    nodes = np.random.default_rng(seed).choice(list(kinds), len(usage.proxies))
    return replace(usage, proxies=usage.proxies.assign(node=nodes), nodes=nodes_of(kinds))


def test_the_cost_is_the_mean_over_the_nodes_of_today() -> None:
    slopes = idles = 0
    errors = []
    for mesh, calibration in answers():
        answer = fitted(calibration)
        slope, idle = answer.vcpu_per_1000_rps, answer.idle_vcpu_per_proxy
        slopes += slope.low <= mesh.vcpu_per_1000_rps <= slope.high
        idles += idle.low <= mesh.idle_vcpu_per_proxy <= idle.high
        errors.append(slope.mid / mesh.vcpu_per_1000_rps - 1)

    assert min(slopes, idles) >= LEAST_COVERED
    assert abs(np.mean(errors)) < 0.02


def test_the_factor_of_each_type_is_found() -> None:
    ratios = []
    for _, calibration in answers():
        cpu = fitted(calibration).cpu_of_node_kinds
        assert cpu.keys() == SPEED.keys()
        assert cpu["fast"].high < 1 < cpu["slow"].low
        ratios.append(cpu["slow"].mid / cpu["fast"].mid)

    assert np.mean(ratios) == pytest.approx(SPEED["fast"] / SPEED["slow"], rel=0.01)


def test_it_is_an_information_and_replaces_the_warning_about_pods() -> None:
    for _, calibration in answers():
        found = {item.code: item for item in calibration.warnings}
        assert found["IU312"].severity == Severity.INFO
        assert found["IU312"].affected == ("fast", "slow")
        assert "IU311" not in found


def test_the_parts_of_the_cpu_add_up() -> None:
    for _, calibration in answers():
        parts = calibration.decomposition
        assert abs(parts.unexplained_vcpu) < 0.01 * parts.measured_vcpu


def test_without_types_the_fit_uses_changes_within_pods() -> None:
    unknown = attacked("least request", 0).usage
    codes = {item.code for item in calibrate_usage(unknown).warnings}

    assert "IU311" in codes
    assert "IU312" not in codes
    assert sidecar_of(unknown).cpu_of_node_kinds == {}


def test_events_cost_more_on_slower_nodes_too() -> None:
    """Of updates at 2 CPU-seconds each, a node that is half as fast needs 4."""
    rng = np.random.default_rng(0)
    counts = np.tile(rng.poisson(1.0, 96), (12, 1)) / STEP_SECONDS
    slower = 1 + np.arange(12)[:, None] % 2
    rps = ramp(12, 96) * rng.uniform(0.8, 1.2, (12, 96)) / slower
    vcpu = slower * (0.02 + 0.0004 * rps + 2.0 * counts)
    column = CONFIGURATION.column
    usage = usage_of(Fleet(rps=rps, vcpu=vcpu, events={column: counts}))
    nodes = [f"n{number % 2}" for number in range(12)]
    kinds = nodes_of({"n0": "fast", "n1": "slow"})

    found = calibrate_usage(replace(usage, proxies=usage.proxies.assign(node=nodes), nodes=kinds))

    parts = found.decomposition
    assert parts.events_vcpu[CONFIGURATION.name].mid == pytest.approx(
        float((2.0 * counts * slower).sum()) / 96, rel=1e-3
    )
    assert fitted(found).idle_vcpu_per_proxy.mid == pytest.approx(0.03, rel=0.01)
    assert abs(parts.unexplained_vcpu) < 1e-3 * parts.measured_vcpu


@pytest.mark.parametrize("kind", ["calm", "log-normal", "mesh shock 5 %", "HPA"])
def test_types_that_are_alike_change_nothing(kind: str) -> None:
    for seed in range(3):
        usage = attacked(kind, seed).usage
        before = sidecar_of(usage)
        after = sidecar_of(on_nodes(usage, {"n1": "a", "n2": "b", "n3": "c"}, seed))

        np.testing.assert_array_equal(after.draws, before.draws)
        assert replace(after, draws=None) == replace(before, draws=None)


@pytest.mark.parametrize(
    "kinds", [{"n1": "a", "n2": "a"}, {"n1": "a", "n2": ""}, {"n1": "", "n2": ""}]
)
def test_one_known_type_is_nothing_to_compare(kinds: dict[str, str]) -> None:
    usage = on_nodes(attacked("calm", 0).usage, kinds)
    observations = observe(usage, Role.SIDECAR)

    assert observations.node_kinds == ()
    assert "node_kind" not in observations.rows


def test_a_pod_that_moved_is_of_no_known_type() -> None:
    usage = on_nodes(attacked("calm", 0).usage, {"n1": "a", "n2": "b"})
    moves = usage.steps.loc[usage.steps["proxy"] == 0, ["proxy", "point"]].assign(node="n1")
    observations = observe(replace(usage, moves=moves), Role.SIDECAR)

    assert observations.node_kinds == ("", "a", "b")
    rows = observations.rows
    assert set(rows.loc[rows["proxy"] == 0, "node_kind"]) == {0}
    assert 0 not in set(rows.loc[rows["proxy"] != 0, "node_kind"])
