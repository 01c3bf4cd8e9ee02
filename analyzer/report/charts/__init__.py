"""Charts: a result in, a matplotlib figure out; they draw and compute nothing."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from analyzer.report.answer import Answer
from analyzer.report.charts.style import ShownFigure
from analyzer.report.sentences.charts import HEADINGS
from analyzer.units import Refusal

Chart = Callable[[Answer], ShownFigure | Refusal]
"""A chart of an answer, or why there is nothing to draw."""


def _chart(name: str) -> Chart:
    chart: Chart = import_module(f"{__name__}.{name}").draw
    return chart


CHARTS: Final[Mapping[str, Chart]] = {name: _chart(name) for name in HEADINGS}
"""Every chart by its file name: the module of that name draws it, `HEADINGS` has its heading."""
