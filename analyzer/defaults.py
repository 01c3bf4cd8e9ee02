"""Defaults and choices that more than one layer names, and that `--help` shows.

This module imports nothing heavy, so that help is instant.
"""

from typing import Final

DEFAULT_DAYS: Final = 7.0
"""A week includes weekdays and a weekend."""

DEFAULT_TIMEOUT_SECONDS: Final = 120
"""Per request, to the end of its answer: Prometheus's own default for --query.timeout."""

DEFAULT_MAX_ANSWER_MIB: Final = 40
"""Per answer, decompressed: decoding takes up to 12 times as much memory. An ordinary answer has up
to a million samples of 38 bytes."""

CHART_FORMATS: Final = ("png", "svg", "pdf")
"""The formats a chart can be written in, the default first."""

CHART_DPI: Final = 200
"""Dots per inch of a PNG chart: twice a usual screen's 100, to be sharp on finer screens."""
