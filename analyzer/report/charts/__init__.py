"""Charts: a result in, a matplotlib Figure out; they draw and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from analyzer.report.answer import Answer
from analyzer.report.charts.calibration import calibration_chart
from analyzer.report.charts.cost import cost_chart

__all__ = ["CHARTS", "calibration_chart", "cost_chart"]

CHARTS: Mapping[str, Callable[[Answer], Figure | None]] = {
    "cost": cost_chart,
    "calibration": calibration_chart,
}
"""Every chart by its file name; None where the answer has nothing to draw."""
