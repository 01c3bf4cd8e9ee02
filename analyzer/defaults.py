"""Defaults and choices that more than one layer names, and that `--help` shows.

This module imports nothing heavy, so that help is instant.
"""

from datetime import datetime
from typing import Final

DEFAULT_DAYS: Final = 7.0
"""A week includes weekdays and a weekend."""

DEFAULT_TIMEOUT_SECONDS: Final = 120
"""Per request, to the end of its answer: Prometheus's own default for --query.timeout."""

DEFAULT_MAX_ANSWER_MIB: Final = 40
"""Per answer, decompressed: decoding takes up to 12 times as much memory. An ordinary answer has up
to a million samples of 38 bytes."""

DEFAULT_SAMPLE: Final = "lab"
"""Name of the bundled snapshot of real Envoys; `fleet` is a larger, simulated mesh."""

CHART_FORMATS: Final = ("png", "svg", "pdf")
"""The formats a chart can be written in, the default first."""

CHART_DPI: Final = 200
"""Dots per inch of a PNG chart: twice a usual screen's 100, to be sharp on finer screens."""

LEAST_DAYS: Final = 0.001
MOST_DAYS: Final = 3660
"""Bounds of the length of a time range: a minute and a half, and ten years."""

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
"""Bounds of a time: Prometheus counts from the first, and pandas has no nanosecond after 2262."""


def year_problem(time: datetime) -> str:
    """Return what is wrong with the year of a time; "" if it is one that can be asked about."""
    if FIRST_YEAR <= time.year <= LAST_YEAR:
        return ""
    return f"the year {time.year} is not from {FIRST_YEAR} to {LAST_YEAR}"
