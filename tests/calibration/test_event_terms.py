"""Events that proxies count get a term where they use CPU, and change nothing where they do not."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.calibration.events import (
    CONFIGURATION,
    CONNECTIONS,
    EVENTS,
    FAILURES,
    TCP_BYTES,
    Event,
)
from analyzer.calibration.observations import observe
from analyzer.calibration.panel import Panel
from analyzer.measurement.findings import Severity
from analyzer.measurement.steps import EVENTS as MEASURED
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role
from tests.calibration.asking import sidecar_of
from tests.calibration.attacks import attacked
from tests.calibration.attacks.kinds import HANDSHAKE_VCPU_SECONDS
from tests.calibration.meshes import STEP_SECONDS, Fleet, SimulatedMesh, lawful, ramp, usage_of

SEEDS = range(8)

LEAST_COVERED = 5
"""Of eight intervals of 90 %: P(Binomial(8, 0.9) < 5) is 5e-3."""

CODES = {"xDS, counted": "IU319", "handshakes, counted": "IU320", "retries, counted": "IU321"}
OF_PATTERNS = {"IU306", "IU307", "IU308", "IU309"}


@cache
def answers(kind: str) -> tuple[tuple[SimulatedMesh, Calibration], ...]:
    meshes = [attacked(kind, seed) for seed in SEEDS]
    return tuple((mesh, calibrate_usage(mesh.usage)) for mesh in meshes)


def fitted(calibration: Calibration) -> RoleCalibration:
    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration), answer
    return answer


def with_columns(usage: MeshUsage, **rates: Floats | float) -> MeshUsage:
    return replace(usage, steps=usage.steps.assign(**rates))


def panel_of(usage: MeshUsage, *events: Event) -> Panel:
    return Panel.of(observe(usage, Role.SIDECAR).rows, events)


def test_each_event_is_measured() -> None:
    counted = [event.column for event in EVENTS if event != TCP_BYTES]
    assert counted == list(MEASURED)


# --- where they use CPU ---


@pytest.mark.parametrize("kind", CODES)
def test_cost_per_request_and_idle_cpu_are_the_truth(kind: str) -> None:
    slopes = idles = 0
    for mesh, calibration in answers(kind):
        answer = fitted(calibration)
        slope, idle = answer.vcpu_per_1000_rps, answer.idle_vcpu_per_proxy
        slopes += slope.low <= mesh.vcpu_per_1000_rps <= slope.high
        idles += idle.low <= mesh.idle_vcpu_per_proxy <= idle.high

    assert min(slopes, idles) >= LEAST_COVERED


@pytest.mark.parametrize(("kind", "code"), CODES.items())
def test_the_warning_becomes_an_information(kind: str, code: str) -> None:
    for _, calibration in answers(kind):
        found = {item.code: item.severity for item in calibration.warnings}
        assert found.get(code) == Severity.INFO
        assert not found.keys() & OF_PATTERNS


def test_the_cost_of_a_connection_is_found() -> None:
    costs = [
        fitted(answer).cost_of_each[CONNECTIONS.cost]
        for _, answer in answers("handshakes, counted")
    ]
    truth = 1000 * HANDSHAKE_VCPU_SECONDS

    assert np.mean([cost.mid for cost in costs]) == pytest.approx(truth, rel=0.1)
    assert sum(cost.low <= truth <= cost.high for cost in costs) >= LEAST_COVERED


@pytest.mark.parametrize("kind", CODES)
def test_the_parts_of_the_cpu_add_up(kind: str) -> None:
    for _, calibration in answers(kind):
        parts = calibration.decomposition
        assert abs(parts.unexplained_vcpu) < 0.01 * parts.measured_vcpu
        for vcpu in parts.events_vcpu.values():
            assert 0.01 * parts.measured_vcpu < vcpu.mid < 0.3 * parts.measured_vcpu


def test_failures_are_a_part_of_the_traffic() -> None:
    for _, calibration in answers("retries, counted"):
        assert calibration.decomposition.events_vcpu == {}
        assert fitted(calibration).cost_of_each[FAILURES.cost].low > 0


def test_the_backtest_knows_the_events() -> None:
    tests = [fitted(answer).backtest for _, answer in answers("xDS, counted")]

    assert np.mean([test.covered_share for test in tests if test]) > 0.85
    assert np.mean([abs(test.bias_share) for test in tests if test]) < 0.02


def pushed(*, proxies: int, idle: float, rps: Floats, each: float, name: str) -> Fleet:
    """Return sidecars whose configuration is updated at random, at a cost for each update."""
    counts = np.tile(np.random.default_rng(5).poisson(1.0, rps.shape[1]), (proxies, 1))
    vcpu = idle + 0.0004 * rps + each * counts / STEP_SECONDS
    return Fleet(
        rps=rps, vcpu=vcpu, workload=name, events={CONFIGURATION.column: counts / STEP_SECONDS}
    )


def test_idle_cpu_of_sidecars_without_requests_is_without_updates_too() -> None:
    busy = pushed(proxies=4, idle=0.02, rps=ramp(4, 96), each=2.0, name="busy")
    still = pushed(proxies=4, idle=0.01, rps=np.zeros((4, 96)), each=2.0, name="still")

    answer = sidecar_of(usage_of(busy, still))

    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(0.015, rel=1e-3)
    assert answer.cost_of_each[CONFIGURATION.cost].mid == pytest.approx(2.0, rel=1e-3)


# --- where they do not ---


def assert_same(one: RoleCalibration, other: RoleCalibration) -> None:
    np.testing.assert_array_equal(one.draws, other.draws)
    assert replace(one, draws=None) == replace(other, draws=None)


@pytest.mark.parametrize("kind", ["calm", "mesh shock 5 %", "power", "SMT"])
def test_events_without_a_cost_change_nothing(kind: str) -> None:
    """Failures that rise with load explain no curve, as the cost of a busy node is."""
    for seed in range(3):
        usage = attacked(kind, seed).usage
        rng = np.random.default_rng(seed)
        rps, point = (usage.steps[name].to_numpy() for name in ("proxy_rps", "point"))
        load = np.bincount(point, rps) / np.bincount(point, rps).max()
        counted = with_columns(
            usage,
            **{
                CONFIGURATION.column: rng.poisson(load**2)[point] / STEP_SECONDS,
                CONNECTIONS.column: rng.poisson(3 * rps) / STEP_SECONDS,
                FAILURES.column: rng.poisson(9 * rps * load[point] ** 2) / STEP_SECONDS,
            },
        )

        before, after = calibrate_usage(usage), calibrate_usage(counted)

        assert_same(fitted(after), fitted(before))
        assert after.decomposition == before.decomposition
        assert [item.code for item in after.warnings] == [item.code for item in before.warnings]


@pytest.mark.parametrize("column", list(MEASURED))
def test_an_event_that_is_nowhere_known_is_no_column(column: str) -> None:
    usage = usage_of(lawful(ramp(4, 24)))

    assert column not in observe(usage, Role.SIDECAR).rows
    assert column not in observe(with_columns(usage, **{column: np.nan}), Role.SIDECAR).rows


def test_an_event_that_follows_requests_cannot_be_separated() -> None:
    usage = usage_of(lawful(ramp(4, 24)))
    rps = usage.steps["proxy_rps"].to_numpy()
    shaken = rps * np.random.default_rng(0).uniform(0, 2, len(rps))

    for rate, expected in ((0.1 * rps, False), (0 * rps + 1, False), (shaken, True)):
        panel = panel_of(with_columns(usage, **{CONNECTIONS.column: rate}), CONNECTIONS)
        assert panel.events[CONNECTIONS.term].is_separable.tolist() == [expected]


@pytest.mark.parametrize(("lacking", "is_known"), [(1, True), (20, False)])
def test_few_samples_may_lack_an_event(lacking: int, *, is_known: bool) -> None:
    usage = usage_of(lawful(ramp(4, 24)))
    rate = np.random.default_rng(0).uniform(0, 2, len(usage.steps))
    rate[:lacking] = np.nan

    counted = panel_of(with_columns(usage, **{CONNECTIONS.column: rate}), CONNECTIONS)

    found = counted.events[CONNECTIONS.term]
    assert found.is_separable.tolist() == [is_known]
    assert found.rate[0] == pytest.approx(np.nanmean(rate))
