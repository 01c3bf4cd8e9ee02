"""Longer steps show what disagreeing clocks and errors in the request rate take from the slope."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.corrections import missing_share
from analyzer.calibration.fit.attenuation import Course, neighbours_share
from analyzer.calibration.observations import observe
from analyzer.calibration.panel import Panel
from analyzer.calibration.shapes import AFFINE, Shape, power
from analyzer.calibration.workloads import WorkloadFits, fit_workloads
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Interval, Role
from tests.calibration.hardships import lagging_mesh, spoilt
from tests.calibration.meshes import Fleet, usage_of

IDLE, SLOPE = 0.02, 0.0004
SEEDS = range(30)


def fits_of(usage: MeshUsage, shape: Shape = AFFINE) -> WorkloadFits:
    return fit_workloads(shape, Panel.of(observe(usage, Role.SIDECAR).rows))


def share_or_none(fits: WorkloadFits) -> Interval | None:
    missing = missing_share(fits)
    return None if missing is None else missing.whole


def share_of(fits: WorkloadFits) -> Interval:
    share = share_or_none(fits)
    assert share is not None
    return share


def shortfall(fits: WorkloadFits) -> float:
    """Return by which share the fitted slopes of a mesh, weighted by requests, are too low."""
    rps = fits.panel.workloads.sum(fits.panel.rps)
    return SLOPE / float(rps @ fits.curves[:, 1] / rps.sum()) - 1


def day(rng: np.random.Generator, proxies: int = 20, steps: int = 288) -> Floats:
    wave = 1 + 0.7 * np.sin(np.linspace(0, 2 * np.pi, steps) + rng.uniform(0, 6))
    return np.asarray(100 * wave * rng.lognormal(0, 0.1, (proxies, 1)) * np.ones(steps))


def mesh(seed: int, *, error: float, noise: float = 0.05) -> MeshUsage:
    """Return workloads whose CPU follows a rate of which what is measured is off by chance."""
    rng = np.random.default_rng(seed)
    fleets = []
    for number in range(4):
        true = day(rng)
        vcpu = (IDLE + SLOPE * true) * (1 + noise * rng.normal(size=true.shape))
        measured = true * np.maximum(1 + error * rng.normal(size=true.shape), 0)
        fleets.append(Fleet(rps=measured, vcpu=vcpu, workload=f"w{number}"))
    return usage_of(*fleets)


@cache
def fitted(error: float) -> tuple[WorkloadFits, ...]:
    return tuple(fits_of(mesh(seed, error=error)) for seed in SEEDS)


def held(truths: Floats, shares: list[Interval]) -> int:
    return sum(
        share.low <= truth <= share.high for truth, share in zip(truths, shares, strict=True)
    )


def mid(shares: list[Interval]) -> float:
    return float(np.mean([share.mid for share in shares]))


# Of Binomial(30, 0.9), 21 or fewer has probability 2e-3.


def test_where_nothing_disagrees_nothing_is_missing() -> None:
    shares = [share_of(fits) for fits in fitted(0.0)]

    assert all(abs(share.mid) < 0.002 for share in shares)
    assert held(np.zeros(len(shares)), shares) > 21


@pytest.mark.parametrize(("error", "least"), [(0.1, 0.02), (0.2, 0.08)])
def test_errors_in_the_request_rate_are_found_out(error: float, least: float) -> None:
    shares = [share_of(fits) for fits in fitted(error)]
    # Noise moves each mesh's own slope besides, which longer steps cannot bring back.
    missing = float(np.mean([shortfall(fits) for fits in fitted(error)]))

    # Else nothing would be missing that could be found.
    assert missing > least
    assert mid(shares) == pytest.approx(missing, rel=0.05)
    # How errors average out is assumed, and the correction allows a tenth for it.
    allowed = [replace(share, low=0.9 * share.low, high=1.1 * share.high) for share in shares]
    assert held(np.full(len(shares), missing), allowed) > 21
    assert all(share.high - share.low < 0.2 * share.mid for share in shares)


def test_wild_samples_are_not_taken_for_what_is_missing() -> None:
    shares = [
        share_of(
            fits_of(spoilt(mesh(seed, error=0.0), wild_share=0.05, throttled_share=0.0, seed=seed))
        )
        for seed in range(10)
    ]

    assert abs(mid(shares)) < 0.001


def test_clocks_that_disagree_are_found_out() -> None:
    fits = fits_of(lagging_mesh(1, step_seconds=60, scale_seconds=300, vcpu_per_1000_rps=0.4))

    missing = shortfall(fits)
    share = share_of(fits)

    assert missing > 0.005
    assert share.mid == pytest.approx(missing, rel=0.25)
    assert share.low <= missing <= share.high


def test_what_is_missing_from_a_power_is_found_out_too() -> None:
    rng = np.random.default_rng(1)
    true = day(rng)
    vcpu = IDLE + 0.002 * true**0.5 * (1 + 0.02 * rng.normal(size=true.shape))
    measured = true * np.exp(0.2 * rng.normal(size=true.shape))

    fits = fits_of(usage_of(Fleet(rps=measured, vcpu=vcpu)), power(0.5))

    missing = 0.002 / fits.curves[0, 1] - 1
    assert missing > 0.05
    assert share_of(fits).mid == pytest.approx(missing, rel=0.15)


def test_the_mesh_counts_workloads_by_their_requests() -> None:
    rng = np.random.default_rng(3)
    quiet, busy = day(rng) / 100, 10 * day(rng)
    fleets = [
        Fleet(
            rps=rps * (1 + error * rng.normal(size=rps.shape)),
            vcpu=IDLE + SLOPE * rps,
            workload=name,
        )
        for name, rps, error in (("quiet", quiet, 0.2), ("busy", busy, 0.0))
    ]

    alone, together = share_of(fits_of(usage_of(fleets[0]))), share_of(fits_of(usage_of(*fleets)))

    assert alone.mid > 0.05
    assert abs(together.mid) < 0.001


def test_lives_too_short_for_longer_steps_give_no_estimate() -> None:
    rng = np.random.default_rng(1)
    short = day(rng, proxies=1, steps=12)
    # One proxy's time is cut into eight blocks, and one or two steps make no long one.
    assert share_or_none(fits_of(usage_of(Fleet(rps=short, vcpu=IDLE + SLOPE * short)))) is None
    one = day(rng, proxies=1, steps=64)
    assert share_or_none(fits_of(usage_of(Fleet(rps=one, vcpu=IDLE + SLOPE * one)))) is not None


def test_a_mesh_without_a_slope_gives_no_estimate() -> None:
    steady = np.full((20, 40), 50.0)

    assert share_or_none(fits_of(usage_of(Fleet(rps=steady, vcpu=IDLE + 0 * steady)))) is None


def test_a_mesh_of_falling_cpu_gives_no_estimate() -> None:
    rps = day(np.random.default_rng(1))
    noise = 1 + 0.3 * np.random.default_rng(2).normal(size=rps.shape)

    fits = fits_of(usage_of(Fleet(rps=rps, vcpu=(0.2 - 1e-6 * rps) * noise)))

    assert fits.curves[0, 1] < 0
    assert share_or_none(fits) is None


def bursts(rng: np.random.Generator, steps: int = 9) -> Floats:
    """Return a burst of any size in two of three steps."""
    turns = np.tile([1.0, 0.6, 0.1], steps // 3)
    return np.asarray(100 * turns * rng.lognormal(0, 0.2, (20, steps)))


def beside_of(rps: Floats, vcpu: Floats) -> float:
    fits = fits_of(usage_of(Fleet(rps=rps, vcpu=vcpu)))
    panel = fits.panel
    steps = fits.shape.basis(panel), panel.vcpu, panel.point
    return neighbours_share(Course(*steps, panel.workloads, panel.proxies), fits.has_slope)


@pytest.mark.parametrize("towards", [-1, 1])
def test_bursts_whose_cpu_is_partly_in_the_next_step_are_found_out(towards: int) -> None:
    rps = bursts(np.random.default_rng(5))
    late = np.roll(rps, towards, axis=1)
    parted = IDLE + SLOPE * (0.7 * rps + 0.3 * late)
    fitted_slope = fits_of(usage_of(Fleet(rps=rps, vcpu=parted))).curves[0, 1]

    missing = SLOPE / fitted_slope - 1
    assert missing > 0.2
    assert beside_of(rps, parted) == pytest.approx(missing, rel=0.25)


def test_bursts_that_are_whole_lack_nothing() -> None:
    rng = np.random.default_rng(6)
    rps = bursts(rng)
    vcpu = (IDLE + SLOPE * rps) * (1 + 0.05 * rng.normal(size=rps.shape))

    assert beside_of(rps, vcpu) == 0
    assert beside_of(rps[:, :3], vcpu[:, :3]) == 0
