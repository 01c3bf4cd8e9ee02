"""Defaults and choices that more than one layer names, and that `--help` shows.

This module imports nothing heavy, so that help is instant.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CHART_DPI", "CHART_FORMATS", "DEFAULT_DAYS", "DEFAULT_TIMEOUT_SECONDS"]

DEFAULT_DAYS: Final = 7.0
"""A week, so that weekdays and the weekend are both in it."""

DEFAULT_TIMEOUT_SECONDS: Final = 120
"""For one request: Prometheus's own default for --query.timeout."""

CHART_FORMATS: Final = ("png", "svg", "pdf")
"""The formats a chart can be written in, the default first."""

CHART_DPI: Final = 200
"""Dots per inch of a PNG chart: twice a screen's 100, so that it is sharp on finer ones."""
