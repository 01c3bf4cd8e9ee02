"""Defaults and choices that more than one layer names, and that `--help` shows.

This module imports nothing heavy, so that help is instant.
"""

from typing import Final

DEFAULT_DAYS: Final = 7.0
"""A week includes weekdays and a weekend."""

DEFAULT_TIMEOUT_SECONDS: Final = 120
"""Per request: Prometheus's own default for --query.timeout."""

CHART_FORMATS: Final = ("png", "svg", "pdf")
"""The formats a chart can be written in, the default first."""

CHART_DPI: Final = 200
"""Dots per inch of a PNG chart: twice a usual screen's 100, to be sharp on finer screens."""
