"""Charts: a result in, a matplotlib Figure out; they draw and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from analyzer.report.answer import Answer
from analyzer.report.charts.backtest import backtest_chart
from analyzer.report.charts.calibration import calibration_chart
from analyzer.report.charts.cost import cost_chart
from analyzer.report.charts.l7_share import l7_share_chart
from analyzer.report.charts.namespaces import namespaces_chart
from analyzer.report.charts.sensitivity import sensitivity_chart
from analyzer.report.charts.timeline import timeline_chart
from analyzer.report.charts.workloads import workloads_chart
from analyzer.report.charts.ztunnels import ztunnels_chart
from analyzer.units import Refusal

__all__ = [
    "CHARTS",
    "Chart",
    "backtest_chart",
    "calibration_chart",
    "cost_chart",
    "l7_share_chart",
    "namespaces_chart",
    "sensitivity_chart",
    "timeline_chart",
    "workloads_chart",
    "ztunnels_chart",
]

Chart = Callable[[Answer], Figure | Refusal]
"""A chart of an answer, or why there is nothing to draw."""

CHARTS: Mapping[str, Chart] = {
    "cost": cost_chart,
    "calibration": calibration_chart,
    "workloads": workloads_chart,
    "timeline": timeline_chart,
    "namespaces": namespaces_chart,
    "sensitivity": sensitivity_chart,
    "l7_share": l7_share_chart,
    "backtest": backtest_chart,
    "ztunnels": ztunnels_chart,
}
"""Every chart by its file name, in the order in which they are read."""
