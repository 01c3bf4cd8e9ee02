"""Charts: a result in, a matplotlib figure out.

Each module here is a chart of an answer, except `style` and `parts`, which charts share, and
`meshes`, which is of several. The module of a chart has the chart's name and a function `draw`.
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

SHARED: Final = frozenset({"style", "parts", "meshes"})
"""The modules here that are not charts of an answer."""

_ORDER = (
    "cost calibration workloads rightsizing timeline namespaces sensitivity l7_share backtest "
    "ztunnels"
)
"""The order in which charts are read; a chart that is not named here comes after these."""


def _charts() -> Iterator[tuple[str, Chart]]:
    first = _ORDER.split()
    others = {module.name for module in iter_modules(__path__)} - {*first, *SHARED}
    for name in (*first, *sorted(others)):
        yield name, import_module(f"{__name__}.{name}").draw


CHARTS: Final[Mapping[str, Chart]] = dict(_charts())
"""Every chart by its name, which is also the name of its file."""
