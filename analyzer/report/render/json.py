"""A report as JSON."""

import re

import orjson

from analyzer.report.blocks import Report
from analyzer.report.document import plain


def render(report: Report, _: object = None) -> str:
    """Return a report as JSON text; the same report gives the same bytes."""
    text = orjson.dumps(plain(report.document), option=orjson.OPT_INDENT_2).decode()
    # JSON demands it of \x1b and its like only, but terminals obey these as well.
    return re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"
