"""More replicas are not more work for each: their number does not pass for the slope."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.units import Provenance, Reason, Refusal
from tests.calibration.meshes import Fleet, lawful, ramp, usage_of

IDLE, SLOPE = 0.02, 0.0004
MOST, STEPS = 20, 288


def replicas() -> npt.NDArray[np.bool_]:
    """Tell when each pod is there: from four to twenty and back, with the load of the day."""
    wave = (1 - np.cos(np.linspace(0, 2 * np.pi, STEPS))) / 2
    count = np.round(4 + (MOST - 4) * wave)
    return np.arange(MOST)[:, None] < count


def scaled_out(seed: int, rps_per_pod: float = 100.0) -> Fleet:
    """Return a workload whose autoscaler keeps each pod at the same rate, give or take 2 %."""
    rng = np.random.default_rng(seed)
    rps = rps_per_pod * (1 + 0.02 * rng.normal(size=(MOST, STEPS)))
    fleet = lawful(rps, workload="scaled", idle=IDLE, slope=SLOPE, seed=seed)
    return dataclasses.replace(fleet, seen=replicas())


def test_sums_over_the_workload_would_give_a_slope_that_has_the_idle_in_it() -> None:
    steps = usage_of(scaled_out(1)).steps.groupby("point")[["proxy_rps", "cpu_vcpu"]].sum()

    slope, idle = np.polyfit(steps["proxy_rps"], steps["cpu_vcpu"], 1)

    # As if nothing idled: each pod brings its hundred requests, and its 0.02 vCPU with them.
    assert steps["proxy_rps"].max() > 4 * steps["proxy_rps"].min()
    assert slope == pytest.approx(SLOPE + IDLE / 100, rel=0.03)
    assert idle < IDLE


def test_pods_that_scale_out_with_the_load_are_refused_as_constant() -> None:
    sidecar = calibrate_usage(usage_of(scaled_out(1))).sidecar

    assert isinstance(sidecar, Refusal)
    assert sidecar.reason == Reason.CONSTANT_TRAFFIC


def test_beside_workloads_that_can_be_fitted_it_borrows_their_slope() -> None:
    others = [
        lawful(
            ramp(9, STEPS, low=50, high=300),
            workload=f"w{n}",
            idle=IDLE * factor,
            slope=SLOPE * factor,
            seed=n,
        )
        for n, factor in enumerate((0.95, 0.98, 1.0, 1.02, 1.05))
    ]

    answer = calibrate_usage(usage_of(*others, scaled_out(1)))

    scaled = answer.workloads[0]
    assert (scaled.workload, scaled.provenance) == ("scaled", Provenance.DERIVED)
    assert scaled.vcpu_per_1000_rps is not None
    # Not the 0.6 of the sums.
    assert scaled.vcpu_per_1000_rps.mid == pytest.approx(1000 * SLOPE, rel=0.05)
    assert scaled.vcpu_per_1000_rps.high < 0.5


def test_pods_that_only_idle_and_are_added_over_time_leave_the_slope_alone() -> None:
    busy = lawful(ramp(9, STEPS), workload="busy", idle=IDLE, slope=SLOPE, seed=1)
    idlers = lawful(np.zeros((MOST, STEPS)), workload="idlers", idle=IDLE, seed=2)
    # One more of them for every fifteen steps, as the busy ones' load rises.
    growing = dataclasses.replace(idlers, seen=np.arange(STEPS) >= 15 * np.arange(MOST)[:, None])

    without = calibrate_usage(usage_of(busy)).sidecar
    among = calibrate_usage(usage_of(busy, growing))

    assert isinstance(without, RoleCalibration)
    assert isinstance(among.sidecar, RoleCalibration)
    assert among.sidecar.vcpu_per_1000_rps.mid == pytest.approx(
        without.vcpu_per_1000_rps.mid, rel=1e-3
    )
    assert among.sidecar.vcpu_per_1000_rps.mid == pytest.approx(1000 * SLOPE, rel=0.02)
    steps = usage_of(busy, growing).steps.groupby("point")[["proxy_rps", "cpu_vcpu"]].sum()
    summed = 1000 * np.polyfit(steps["proxy_rps"], steps["cpu_vcpu"], 1)[0]
    assert summed > 2 * among.sidecar.vcpu_per_1000_rps.mid


def test_idle_pods_of_the_same_workload_are_on_its_line() -> None:
    # Replicas that the balancer leaves out: they idle as the others do, and say so.
    rps = ramp(12, STEPS)
    rps[8:] = 0
    fleet = lawful(rps, workload="front", idle=IDLE, slope=SLOPE, seed=1)
    seen = np.ones(rps.shape, dtype=bool)
    seen[8:] = np.arange(STEPS) >= 60 * np.arange(4)[:, None]

    answer = calibrate_usage(usage_of(dataclasses.replace(fleet, seen=seen))).sidecar

    assert isinstance(answer, RoleCalibration)
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(1000 * SLOPE, rel=0.03)
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(IDLE, rel=0.03)
