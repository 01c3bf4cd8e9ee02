"""What cannot be known is refused with its reason, and is never a number."""

import dataclasses
import math

import numpy as np
import pytest

from analyzer.calibration import Calibration, calibrate_usage
from analyzer.calibration.observations import Unusable
from analyzer.units import Reason, Refusal, counted
from tests.calibration.meshes import Fleet, lawful, ramp, usage_of


def noisy(rps: np.ndarray, vcpu: np.ndarray, seed: int, workload: str = "front") -> Fleet:
    """Return proxies of this CPU, give or take a tenth."""
    noise = 1 + np.random.default_rng(seed).normal(0, 0.1, rps.shape)
    return Fleet(rps=rps, vcpu=vcpu * noise, workload=workload)


def refused(*fleets: Fleet) -> tuple[Refusal, Calibration]:
    calibration = calibrate_usage(usage_of(*fleets))
    assert isinstance(calibration.sidecar, Refusal), calibration.sidecar
    assert calibration.sidecar.subject.endswith("of a sidecar")
    assert calibration.refusals[0] == calibration.sidecar
    # What is projected with no sidecar fit is the measured CPU: that stays.
    assert math.isfinite(calibration.decomposition.measured_vcpu)
    # Nor can a waypoint be derived from it.
    assert isinstance(calibration.waypoint, Refusal)
    return calibration.sidecar, calibration


def test_a_constant_rate_is_refused() -> None:
    rng = np.random.default_rng(1)
    rps = 100 * (1 + 0.01 * rng.normal(size=(8, 96)))

    refusal, calibration = refused(lawful(rps, seed=1))

    assert refusal.reason == Reason.CONSTANT_TRAFFIC
    assert "less than 5 %" in refusal.detail
    assert "low and high traffic" in refusal.detail
    (workload,) = calibration.workloads
    assert workload.vcpu_per_1000_rps is None
    assert workload.idle_vcpu_per_proxy is None


def test_the_same_rate_with_a_night_is_not() -> None:
    rps = np.tile(100 * np.linspace(0.3, 1, 96), (8, 1))

    assert not isinstance(calibrate_usage(usage_of(lawful(rps, seed=1))).sidecar, Refusal)


def test_a_mesh_without_requests_is_refused_and_its_cpu_is_all_idle() -> None:
    refusal, calibration = refused(lawful(np.zeros((8, 96)), seed=1))

    assert refusal.reason == Reason.NO_TRAFFIC
    assert "No HTTP or gRPC request" in refusal.detail
    parts = calibration.decomposition
    assert parts.idle_vcpu.mid == pytest.approx(parts.measured_vcpu)
    assert (parts.traffic_vcpu.mid, parts.unexplained_vcpu) == pytest.approx((0, 0), abs=1e-12)


def test_a_single_sidecar_is_refused_however_well_its_line_fits() -> None:
    refusal, calibration = refused(lawful(ramp(1, 96), seed=1))

    assert refusal.reason == Reason.TOO_FEW_PROXIES
    assert "1 sidecar has traffic" in refusal.detail
    # That one workload costs what it costs.
    assert calibration.workloads[0].vcpu_per_1000_rps is not None


def test_a_single_sidecar_with_traffic_is_not_more_for_others_that_sleep() -> None:
    refusal, _ = refused(
        lawful(ramp(1, 96), seed=1), lawful(np.zeros((20, 96)), workload="asleep", seed=2)
    )

    assert refusal.reason == Reason.TOO_FEW_PROXIES


def test_two_sidecars_are_answered() -> None:
    assert not isinstance(calibrate_usage(usage_of(lawful(ramp(2, 96), seed=1))).sidecar, Refusal)


@pytest.mark.parametrize("steps", [1, 2])
def test_one_or_two_steps_are_refused_however_many_proxies_they_show(steps: int) -> None:
    rps = np.linspace(10, 500, 40 * steps).reshape(40, steps)

    refusal, _ = refused(lawful(rps, seed=1))

    assert refusal.reason == Reason.TOO_FEW_SAMPLES
    assert f"in {counted(steps, 'interval')}" in refusal.detail


def test_cpu_that_falls_when_requests_rise_is_refused() -> None:
    rps = ramp(8, 96)

    refusal, calibration = refused(noisy(rps, 0.2 - 0.001 * rps, seed=1))

    assert refusal.reason == Reason.NEGATIVE_SLOPE
    assert "something else drives it" in refusal.detail
    parts = calibration.decomposition
    assert parts.excluded_vcpu == pytest.approx(parts.measured_vcpu)


@pytest.mark.long
def test_noise_alone_is_refused_where_it_tilts_down_and_else_has_zero_within_reach() -> None:
    refusals = 0
    for seed in range(40):
        rps = ramp(8, 96)
        answer = calibrate_usage(usage_of(noisy(rps, np.full(rps.shape, 0.05), seed))).sidecar
        if isinstance(answer, Refusal):
            assert answer.reason == Reason.NEGATIVE_SLOPE
            refusals += 1
        elif answer.vcpu_per_1000_rps.low > 0:
            refusals += 1000

    # Half tilt down: fewer than ten of forty do with P = 3e-4. Of the others, one in ten at most is
    # said to cost something: more than six of forty with P(Binomial(40, 0.05) > 6) = 3e-3.
    assert 10 <= refusals % 1000 <= 30
    assert refusals // 1000 <= 6


def test_noise_of_many_workloads_that_tilts_down_on_the_whole_is_refused() -> None:
    fleets = []
    for number in range(6):
        rps = ramp(2, 48, low=1, high=5)
        noise = np.random.default_rng(number).normal(0, 0.005, rps.shape)
        # Take out what noise tilts up, and a little more.
        tilted = noise - np.polyval(np.polyfit(rps.ravel(), noise.ravel(), 1), rps) - 1e-5 * rps
        fleets.append(Fleet(rps=rps, vcpu=0.05 + tilted, workload=f"w{number}"))

    refusal, calibration = refused(*fleets)

    assert refusal.reason == Reason.NEGATIVE_SLOPE
    assert "noise" in refusal.detail
    # What the others lend may lift a slope above zero, but not its range.
    costs = [item.vcpu_per_1000_rps for item in calibration.workloads]
    assert len(costs) == 6
    assert all(cost is None or cost.low == 0 for cost in costs)


@pytest.mark.parametrize(
    ("column", "value", "cause"),
    [
        ("throttled_share", 0.5, Unusable.THROTTLED),
        ("limit_vcpu", 0.01, Unusable.AT_LIMIT),
    ],
)
def test_a_mesh_none_of_whose_steps_can_be_used_is_refused(
    column: str, value: float, cause: Unusable
) -> None:
    fleet = lawful(ramp(8, 96), seed=1)
    usage = usage_of(fleet)
    usage.steps[column] = value

    calibration = calibrate_usage(usage)

    assert isinstance(calibration.sidecar, Refusal)
    assert calibration.sidecar.reason == Reason.NO_DATA
    assert calibration.sidecar.detail == f"768 samples left out: {cause}."
    assert calibration.workloads == ()
    parts = calibration.decomposition
    assert parts.excluded_vcpu == pytest.approx(parts.measured_vcpu)


def test_without_any_scrape_the_refusal_names_it() -> None:
    fleet = lawful(ramp(4, 24), seed=1)
    fleet.rps[:] = np.nan

    refusal, _ = refused(fleet)

    assert refusal.reason == Reason.NO_DATA
    assert refusal.detail == f"96 samples left out: {Unusable.NOT_SCRAPED}."


def test_cpu_that_reads_zero_is_refused() -> None:
    refusal, _ = refused(Fleet(rps=ramp(8, 96), vcpu=np.zeros((8, 96))))

    assert refusal.reason == Reason.NO_DATA
    assert "is zero" in refusal.detail


def test_a_mesh_of_tcp_alone_is_refused_and_its_cpu_is_not_called_idle() -> None:
    fleet = dataclasses.replace(lawful(np.zeros((8, 96)), seed=1), tcp_bytes_per_second=1e6)

    refusal, calibration = refused(fleet)

    assert refusal.reason == Reason.NO_TRAFFIC
    assert calibration.decomposition.idle_vcpu.mid == 0
    assert calibration.decomposition.excluded_vcpu == pytest.approx(
        calibration.decomposition.measured_vcpu
    )
