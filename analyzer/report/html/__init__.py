"""The report as one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from analyzer.report.html.page import as_html
from analyzer.report.html.pictures import Picture

__all__ = ["Picture", "as_html"]
