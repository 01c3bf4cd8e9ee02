"""How results are shown in a notebook: sentences, a table, data frames, and charts by name."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from analyzer.calibration.result import Calibration
from analyzer.errors import UsageError
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.result import Projection
from analyzer.report import words
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.units import Interval, Refusal, Role

_ROWS = 15
"""Rows shown; all of them are in the data frames."""


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


def paragraphs_html(*texts: str | None) -> str:
    """Return sentences as HTML, each shown as it is; None is left out."""
    return "".join(f"<p>{html.escape(words.inert(text))}</p>" for text in texts if text)


def proxies_html(usage: MeshUsage) -> str:
    """Return the proxies of each role that is there, with what they used."""
    rows = []
    for role in Role:
        if usage.of_role(role).empty:
            continue
        totals = [usage.mean_total(role, name) for name in ("cpu_vcpu", "proxy_rps")]
        cells = ["unknown" if total is None else words.number(total) for total in totals]
        rows.append([str(role), f"{usage.count(role):,}", *cells])
    header = ["role", "proxies", "vCPU used", "requests/s"]
    return _table_html(header, rows, "Proxies, means over the window")


def workloads_html(calibration: Calibration) -> str:
    """Return the workloads, those with the most CPU first, with what their sidecars cost."""

    def cell(value: Interval | None) -> str:
        return "refused" if value is None else words.ranged(value)

    rows = [
        [
            f"{item.namespace}/{item.workload}",
            str(item.proxy_count),
            words.number(item.mean_rps),
            cell(item.vcpu_per_1000_rps),
            cell(item.idle_vcpu_per_proxy),
        ]
        for item in sorted(calibration.workloads, key=lambda item: -item.mean_vcpu)
    ]
    header = ["workload", "proxies", "requests/s", "vCPU per 1000 rps", "idle vCPU each"]
    return _table_html(header, rows, "Workloads, those with the most CPU first")


def modes_html(projection: Projection) -> str:
    """Return the modes with what each costs and saves."""
    savings = {item.mode: words.percent(item.percent) for item in projection.savings}
    rows = [
        [
            mode.name,
            words.ranged(mode.bases[projection.basis].vcpu),
            words.usd(mode.bases[projection.basis].usd_per_year),
            savings.get(mode.name, ""),
        ]
        for mode in projection.modes
    ]
    header = ["mode", "vCPU", "USD a year", "saving"]
    return _table_html(header, rows, f"Modes, of {projection.basis}; 90 % intervals")


def _table_html(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """Return a table as HTML, its first rows only, every cell shown as it is."""
    lines = ["<table>", f"<caption>{html.escape(caption)}</caption>", "<thead><tr>"]
    lines += [f'<th scope="col">{html.escape(words.inert(cell))}</th>' for cell in header]
    lines += ["</tr></thead>", "<tbody>"]
    for row in rows[:_ROWS]:
        cells = "".join(f"<td>{html.escape(words.inert(cell))}</td>" for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    if len(rows) > _ROWS:
        more = f"and {len(rows) - _ROWS:,} more"
        lines.append(f'<tr><td colspan="{len(header)}">{more}</td></tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])
