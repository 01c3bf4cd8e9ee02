"""Charts: a result in, a matplotlib figure out; they draw and compute nothing.

Each module here but `style` is a chart: it has the chart's name and a function `draw`.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from analyzer.report.answer import Answer
from analyzer.report.charts.style import ShownFigure
from analyzer.units import Refusal

Chart = Callable[[Answer], ShownFigure | Refusal]
"""A chart of an answer, or why there is nothing to draw."""

_ORDER = "cost calibration workloads timeline namespaces sensitivity l7_share backtest ztunnels"
"""In which charts are read; one that is not named here comes after these."""


def _charts() -> Iterator[tuple[str, Chart]]:
    first = _ORDER.split()
    others = {module.name for module in iter_modules(__path__)} - {*first, "style"}
    for name in (*first, *sorted(others)):
        yield name, import_module(f"{__name__}.{name}").draw


CHARTS: Final[Mapping[str, Chart]] = dict(_charts())
"""Every chart by its name, which is its file's too."""
