"""Idle, traffic, what was excluded and what is not explained are all of the CPU, exactly."""

import dataclasses
import math

import numpy as np
import pytest

from analyzer.calibration import Calibration, calibrate_usage
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Refusal, Role, in_percent
from tests.calibration.hardships import concave_mesh, spoilt
from tests.calibration.meshes import Fleet, lawful, ramp, simulate, usage_of

IDLE, SLOPE = 0.02, 0.0004


def added_up(usage: MeshUsage) -> Calibration:
    """Return the calibration after adding its parts up, and up to what was measured."""
    calibration = calibrate_usage(usage)
    parts = calibration.decomposition
    total = (
        parts.idle_vcpu.mid + parts.traffic_vcpu.mid + parts.excluded_vcpu + parts.unexplained_vcpu
    )
    total += parts.tcp_vcpu.mid if parts.tcp_vcpu else 0.0
    assert math.isclose(total, parts.measured_vcpu, rel_tol=1e-12)
    measured = usage.mean_total(Role.SIDECAR, "cpu_vcpu")
    assert measured is not None
    assert math.isclose(parts.measured_vcpu, measured, rel_tol=1e-12)
    return calibration


def several(seed: int | None = None) -> list[Fleet]:
    """Return workloads of four proxies that can be fitted, each with a law of its own."""
    return [
        lawful(ramp(4, 48), workload=f"w{n}", idle=IDLE * factor, slope=SLOPE / factor, seed=seed)
        for n, factor in enumerate((0.8, 1.0, 1.2, 1.4))
    ]


def test_without_noise_the_cpu_is_idle_and_traffic_and_nothing_else() -> None:
    parts = added_up(usage_of(lawful(ramp(4, 24)))).decomposition

    assert parts.measured_vcpu == pytest.approx(4 * (IDLE + SLOPE * 55))
    assert parts.idle_vcpu.mid == pytest.approx(4 * IDLE)
    assert parts.traffic_vcpu.mid == pytest.approx(4 * SLOPE * 55)
    assert (parts.excluded_vcpu, parts.unexplained_vcpu) == pytest.approx((0, 0), abs=1e-12)


def test_what_could_not_be_fitted_is_in_it_as_excluded() -> None:
    rps = ramp(4, 24)
    seen = np.ones(rps.shape, bool)
    seen[0, :2] = False
    cut = dataclasses.replace(lawful(rps, workload="cut"), seen=seen)
    constant = lawful(np.full((1, 24), 10.0), workload="steady")

    parts = added_up(usage_of(lawful(rps), cut, constant)).decomposition

    born = cut.vcpu[0, 2] / 24
    assert parts.excluded_vcpu == pytest.approx(born + IDLE + SLOPE * 10)
    assert parts.unexplained_vcpu == pytest.approx(0, abs=1e-12)
    assert parts.idle_vcpu.mid == pytest.approx(IDLE * (8 - 3 / 24))


def test_what_borrowed_is_in_it_as_idle_and_traffic() -> None:
    steady = lawful(np.full((4, 48), 50.0), workload="z", idle=0.022, slope=0.00037)

    parts = added_up(usage_of(*several(), steady)).decomposition

    fitted = [4 * (fleet.vcpu[0] - fleet.vcpu[0, 0]).mean() for fleet in several()]
    assert parts.excluded_vcpu == 0
    assert parts.unexplained_vcpu == pytest.approx(0, abs=1e-3 * parts.measured_vcpu)
    assert parts.traffic_vcpu.mid > sum(fitted)


def test_tcp_is_in_it_with_its_idle_and_its_traffic_apart() -> None:
    tcp = dataclasses.replace(
        lawful(np.zeros((2, 48)), workload="tcp"), tcp_bytes_per_second=ramp(2, 48) * 1e6
    )
    tcp.vcpu[:] = 0.01 + 0.02 * ramp(2, 48)

    parts = added_up(usage_of(*several(), tcp)).decomposition

    assert parts.tcp_vcpu is not None
    assert parts.tcp_vcpu.mid == pytest.approx(2 * 0.02 * 55)
    assert parts.idle_vcpu.mid == pytest.approx(2 * 0.01 + 4 * IDLE * (0.8 + 1 + 1.2 + 1.4))
    assert (parts.excluded_vcpu, parts.unexplained_vcpu) == pytest.approx((0, 0), abs=1e-9)


def test_constant_tcp_is_all_in_it_too() -> None:
    tcp = dataclasses.replace(
        lawful(np.zeros((2, 48)), workload="tcp", idle=0.5), tcp_bytes_per_second=1e6
    )

    parts = added_up(usage_of(*several(), tcp)).decomposition

    assert parts.tcp_vcpu is not None
    assert parts.tcp_vcpu.mid + parts.idle_vcpu.mid > 1.0
    assert (parts.excluded_vcpu, parts.unexplained_vcpu) == pytest.approx((0, 0), abs=1e-9)


def test_tcp_without_a_fit_and_dead_workloads_are_excluded_with_all_their_cpu() -> None:
    falling = dataclasses.replace(
        lawful(np.zeros((2, 48)), workload="tcp"), tcp_bytes_per_second=ramp(2, 48) * 1e6
    )
    falling.vcpu[:] = 1.0 - 0.005 * ramp(2, 48)
    dead = Fleet(rps=ramp(2, 48), vcpu=np.zeros((2, 48)), workload="dead")

    parts = added_up(usage_of(*several(), falling, dead)).decomposition

    assert parts.tcp_vcpu is None
    assert parts.excluded_vcpu == pytest.approx(float(falling.vcpu.sum()) / 48)
    assert parts.unexplained_vcpu == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_noisy_mesh_with_everything_that_can_happen_to_one_adds_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (6, 48)
    seen = np.ones(shape, bool)
    seen[1, :7], seen[2, 30:], seen[3, 10:20] = False, False, False
    hard = lawful(ramp(*shape), workload="hard", seed=seed)
    hard.vcpu[rng.random(shape) < 0.05] = np.nan
    hard.rps[rng.random(shape) < 0.05] = np.nan
    hard = dataclasses.replace(
        hard,
        seen=seen,
        throttled_share=np.where(rng.random(shape) < 0.1, 0.3, 0.0),
        resets=np.where(rng.random(shape) < 0.03, 1.0, 0.0),
        limit_vcpu=np.full(shape, 0.06),
    )
    steady = lawful(np.full((4, 48), 50.0), workload="steady", seed=seed)
    asleep = lawful(np.zeros((4, 48)), workload="asleep", seed=seed)
    few = dataclasses.replace(
        lawful(ramp(4, 48), workload="few", seed=seed), seen=np.tile(np.arange(48) < 3, (4, 1))
    )
    tcp = dataclasses.replace(
        lawful(np.zeros((2, 48)), workload="tcp", seed=seed), tcp_bytes_per_second=1e6
    )
    rps = ramp(4, 48)
    falling = Fleet(rps=rps, vcpu=0.1 - 0.0005 * rps, workload="falling")

    calibration = added_up(usage_of(*several(seed), hard, steady, asleep, few, tcp, falling))

    assert len(calibration.exclusions) >= 5
    assert len(calibration.refusals) >= 5
    excluded = sum(item.mean_vcpu for item in calibration.exclusions)
    assert calibration.decomposition.tcp_vcpu is not None
    alone = float(falling.vcpu.sum()) / 48
    assert calibration.decomposition.excluded_vcpu == pytest.approx(excluded + alone)


@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_day_adds_up_with_hardly_anything_left(seed: int) -> None:
    mesh = simulate(seed)

    parts = added_up(mesh.usage).decomposition

    assert abs(parts.unexplained_vcpu) < 0.01 * parts.measured_vcpu
    assert parts.idle_vcpu.mid / parts.measured_vcpu == pytest.approx(mesh.idle_share, rel=0.05)
    for part, share in (
        (parts.idle_vcpu, mesh.idle_share),
        (parts.traffic_vcpu, 1 - mesh.idle_share),
    ):
        # Within twice its interval of the truth, noise of the whole day's CPU included.
        reach = max(part.high - part.mid, part.mid - part.low)
        assert abs(part.mid - share * parts.measured_vcpu) < 2 * reach + 0.005 * parts.measured_vcpu


def test_a_concave_mesh_adds_up() -> None:
    usage, law = concave_mesh(0)

    parts = added_up(usage).decomposition

    traffic = float((law - 0.005).sum()) / 288
    assert parts.traffic_vcpu.mid == pytest.approx(traffic, rel=0.01)
    assert abs(parts.unexplained_vcpu) < 0.01 * parts.measured_vcpu


def test_a_mesh_whose_cost_is_refused_adds_up_too() -> None:
    calibration = added_up(usage_of(lawful(np.full((4, 24), 10.0), seed=1)))

    assert isinstance(calibration.sidecar, Refusal)
    parts = calibration.decomposition
    assert parts.excluded_vcpu == pytest.approx(parts.measured_vcpu)


# --- the warning ---


def test_more_than_three_percent_left_unexplained_is_warned_of() -> None:
    usage = spoilt(usage_of(*several(1)), wild_share=0.02, throttled_share=0.0, seed=1)

    calibration = added_up(usage)

    parts = calibration.decomposition
    share = parts.unexplained_vcpu / parts.measured_vcpu
    assert share > 0.03
    (warning,) = (item for item in calibration.warnings if item.name == "unexplained_cpu")
    assert f"explain {in_percent(share)}" in warning.text


def test_less_than_that_is_not() -> None:
    usage = spoilt(usage_of(*several(1)), wild_share=0.004, throttled_share=0.0, seed=1)

    calibration = added_up(usage)

    parts = calibration.decomposition
    assert 0.001 < parts.unexplained_vcpu / parts.measured_vcpu < 0.03
    assert calibration.warnings == ()
