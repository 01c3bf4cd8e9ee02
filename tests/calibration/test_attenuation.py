"""Longer steps show what disagreeing clocks and errors in the request rate take from the slope."""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration.attenuation import attenuation_share
from analyzer.calibration.observations import observe
from analyzer.calibration.panel import Panel, obstacles
from analyzer.calibration.segments import Floats
from analyzer.calibration.shapes import AFFINE, Shape, power
from analyzer.calibration.workloads import WorkloadFits, fit_workloads
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Interval, Role
from tests.calibration.hardships import lagging_mesh
from tests.calibration.meshes import Fleet, usage_of

IDLE, SLOPE = 0.02, 0.0004
SEEDS = range(30)


def fits_of(usage: MeshUsage, shape: Shape = AFFINE) -> WorkloadFits:
    panel = Panel.of(observe(usage, Role.SIDECAR).rows)
    return fit_workloads(shape, panel, obstacles(panel))


def told(fits: WorkloadFits) -> Interval:
    share = attenuation_share(fits)
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


def test_where_nothing_disagrees_nothing_is_missing() -> None:
    shares = [told(fits) for fits in fitted(0.0)]

    assert all(abs(share.mid) < 0.01 for share in shares)
    assert abs(np.mean([share.mid for share in shares])) < 0.002
    # Of Binomial(30, 0.9), 21 or fewer has probability 2e-3; all 30 has 0.04, so that a few tests
    # of that kind may not fail by it.
    assert sum(share.low <= 0 <= share.high for share in shares) > 21


def test_errors_of_a_fifth_in_the_request_rate_are_found_out() -> None:
    missing = np.array([shortfall(fits) for fits in fitted(0.2)])
    shares = [told(fits) for fits in fitted(0.2)]

    # By the textbook: the variance of the error over that of the true rate, if all weighed alike.
    assert missing.mean() > 0.09
    assert np.mean([share.mid for share in shares]) == pytest.approx(missing.mean(), rel=0.15)
    held = [share.low <= own <= share.high for share, own in zip(shares, missing, strict=True)]
    print(np.mean([s.mid for s in shares]), missing.mean(), sum(held), [ (s.high-s.low)/2/s.mid for s in shares][:4])
    # The ends of an interval are not far from what they are about.
    assert all(share.high - share.low < 0.8 * share.mid for share in shares)
