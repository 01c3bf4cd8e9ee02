"""A workload that borrows is about where it seems to be, about as often as its interval says."""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, WorkloadCalibration, calibrate_usage
from analyzer.units import Interval, Provenance, Reason
from tests.calibration.meshes import lawful, ramp, usage_of

MESHES = 60
FEW = range(12)
LENDERS = 20
STEADY_RPS = 100.0

COVERED = 45
"""Fewest of the sixty intervals that must hold the truth: P(Binomial(60, 0.9) < 45) is 2.0e-4."""


@cache
def answer_of(seed: int) -> tuple[float, float, Calibration]:
    """Return the true idle and slope (per 1000 rps) of the last workload of a mesh."""
    rng = np.random.default_rng(seed)
    idles = np.maximum(rng.normal(0.03, 0.006, LENDERS + 1), 0.005)
    slopes = np.maximum(rng.normal(4e-4, 8e-5, LENDERS + 1), 5e-5)
    rates = [ramp(3, 48, low=20, high=120) * rng.uniform(0.5, 2) for _ in range(LENDERS)]
    rates.append(np.full((3, 48), STEADY_RPS))
    fleets = [
        lawful(rps, workload=f"w{n:02}", idle=idles[n], slope=slopes[n], seed=seed * 100 + n)
        for n, rps in enumerate(rates)
    ]
    return idles[-1], 1000 * slopes[-1], calibrate_usage(usage_of(*fleets))


def shown(workload: WorkloadCalibration) -> tuple[Interval, Interval]:
    idle, slope = workload.idle_vcpu_per_proxy, workload.vcpu_per_1000_rps
    assert idle is not None
    assert slope is not None
    return idle, slope


@pytest.mark.long
def test_the_interval_of_a_borrowed_line_holds_the_truth_about_as_often_as_it_should() -> None:
    covered = np.zeros(2, dtype=int)
    for idle, slope, answer in map(answer_of, range(MESHES)):
        shown_idle, shown_slope = shown(answer.workloads[-1])
        covered += [
            shown_idle.low <= idle <= shown_idle.high,
            shown_slope.low <= slope <= shown_slope.high,
        ]

    assert (covered >= COVERED).all()


def test_a_borrowed_interval_is_wide_but_not_as_wide_as_workloads_differ() -> None:
    for _, _, answer in map(answer_of, FEW):
        _, slope = shown(answer.workloads[-1])

        # The level leaves of a deviation of 0.08 what the idle's deviation of 0.006 at 100 rps does
        # not explain: 0.08 x 0.06 / hypot(0.08, 0.06).
        deviation = (slope.high - slope.low) / 2 / 1.73
        assert 0.5 * 0.048 < deviation < 2 * 0.048


def test_a_borrowed_line_passes_close_to_the_level_that_was_measured() -> None:
    for _, _, answer in map(answer_of, FEW):
        steady = answer.workloads[-1]
        idle, slope = shown(steady)

        level = idle.mid + slope.mid * STEADY_RPS / 1000
        assert abs(level / (steady.mean_vcpu / 3) - 1) < 0.01


def test_a_borrowed_slope_is_stated() -> None:
    for _, _, answer in map(answer_of, FEW):
        refusal = answer.refusals[-1]
        assert refusal.subject == "cost per request of shop/w20"
        assert refusal.reason == Reason.CONSTANT_TRAFFIC
        assert "mesh-wide estimate" in refusal.detail
        assert [item.provenance for item in answer.workloads] == [Provenance.MEASURED] * 20 + [
            Provenance.DERIVED
        ]
        assert (np.array([item.own_share for item in answer.workloads[:20]]) > 0.4).all()
