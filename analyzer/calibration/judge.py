"""How much too narrow the residuals and the backtest show the ranges to be."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from analyzer.arrays import numbers_of, taken
from analyzer.calibration.fit.huber import RobustFit
from analyzer.calibration.panel import Panel
from analyzer.calibration.result import Backtest, RoleCalibration
from analyzer.measurement.findings import Bias, Finding
from analyzer.settings import Setting
from analyzer.units import in_percent

HIGH_CORRELATION: Final = 0.25
"""Correlation of two proxies' residuals above which they are called shared. Noise of each proxy's
own gives 0, a shared shock of 5 % beside own noise of 10 % gives 0.2."""

LEAST_NOISE: Final = 0.002
"""Standard deviation of noise, as a share of CPU, below which its correlation does not matter."""

LEAST_COVERED: Final = 0.6
"""Share of workloads inside their 90 % prediction interval below which the backtest has missed: of
five workloads, two or more are outside by chance in 8 % of meshes, three in 1 %."""

LEAST_WORKLOADS: Final = 5
"""Workloads below which the share inside their intervals shows nothing."""

MOST_BIAS: Final = 1.5
"""Half-widths of its 90 % interval by which the total may be off; beyond, the backtest has missed.
By chance that is so in 2 % of meshes."""

MOST_FACTOR: Final = 5.0
"""Most by which ranges are widened: a wider one is of no use."""


def residual_correlation(panel: Panel, fit: RobustFit) -> float | None:
    """Return the mean correlation of the residuals of two fitted proxies in one interval."""
    noise = np.sqrt(fit.variance_weights)
    noise *= fit.robust_weights
    noise *= fit.residuals
    noise /= panel.workloads.spread(fit.scale)
    # Without a line, residuals are traffic too.
    rows = numbers_of(panel.workloads.spread(panel.is_fitted))
    point, noise = taken(panel.point, rows), taken(noise, rows)
    counts, sums = np.bincount(point).astype(float), np.bincount(point, noise)
    squares = np.bincount(point, np.square(noise, out=noise))
    pairs = float((counts * (counts - 1)).sum())
    total = float(squares.sum())
    if not pairs or not total or np.median(fit.scale[panel.is_fitted]) < LEAST_NOISE:
        return None
    together = float((sums**2 - squares).sum())
    return together / pairs / (total / float(counts.sum()))


def range_factor(test: Backtest | None) -> float:
    """Return by what the ranges are to be widened, at least 1, from what the backtest missed."""
    if test is None:
        return 1.0
    factors = [1.0]
    if test.bias_half_width_share:
        off = abs(test.bias_share) / test.bias_half_width_share
        factors.append(off if off > MOST_BIAS else 1.0)
    if test.workload_count >= LEAST_WORKLOADS and test.covered_share < LEAST_COVERED:
        rows = test.workloads
        middle = rows["predicted_vcpu"]
        margin = np.maximum(rows["predicted_high_vcpu"] - middle, 1e-12)
        factors.append(float(np.quantile(np.abs(rows["measured_vcpu"] - middle) / margin, 0.9)))
    return min(max(factors), MOST_FACTOR)


def findings(sidecar: RoleCalibration) -> Iterator[Finding]:
    """Yield what the user must know of it."""
    correlation, test = sidecar.residual_correlation, sidecar.backtest
    if correlation is not None and correlation > HIGH_CORRELATION:
        yield Finding(
            name="shared_noise",
            text="The CPU of many sidecars rises and falls together without their requests "
            f"(correlation {correlation:.2g}). Other work on the nodes or configuration pushes may "
            "be the cause. The ranges include it.",
            fix=f"Use a longer time ({Setting.DAYS}).",
            bias=Bias.NONE,
        )
    if test is not None and sidecar.range_factor > 1:
        off = f"{in_percent(abs(test.bias_share))} too {'high' if test.bias_share > 0 else 'low'}"
        inside = round(test.covered_share * test.workload_count)
        yield Finding(
            name="missed_backtest",
            text=f"A fit of the first part of the time predicts the rest {off}. {inside} of "
            f"{test.workload_count} workloads are inside their 90 % intervals. The cost changed, "
            f"or the rest has other traffic. Ranges are {sidecar.range_factor:.2g} times as wide.",
            fix=f"Choose a time without such a change ({Setting.START}, {Setting.END}).",
            bias=Bias.NONE,
        )
