"""How results are shown in a notebook: data frames, and charts by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
from matplotlib.figure import Figure

from analyzer.errors import UsageError
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.units import Refusal


def plot(answer: Answer, name: str) -> Figure | Refusal:
    """Draw a chart, or return why there is nothing to draw.

    Raises:
        UsageError: if there is no chart of that name.
    """
    if name not in CHARTS:
        raise UsageError(f"no chart {name!r}; there are: {', '.join(CHARTS)}")
    return CHARTS[name](answer)


def frame_of(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as a frame; a key that a row lacks is missing there."""
    return pd.DataFrame(list(rows))
