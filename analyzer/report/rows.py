"""The tables of an answer at a terminal: of its modes and of its workloads."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analyzer.calibration.result import Calibration, WorkloadCalibration
from analyzer.projection.result import Mode, Projection
from analyzer.projection.scenario import Basis
from analyzer.report.layout import (
    named_table,
    natural_width,
    over_range,
    plain_table,
    room_for_names,
)
from analyzer.report.words import dollars, number, percent, ranged, short_dollars, usd
from analyzer.units import Interval

__all__ = ["MAX_ROWS", "modes_table", "workloads_table"]

MAX_ROWS = 20
"""Rows of the workload table; the rest is in the other formats."""

_ROOM_FOR_NAMES = 24
"""Letters of a workload's name below which the ranges make way for it."""


def modes_table(projection: Projection, console: Console) -> Table:
    """Return what each mode costs; one below the other where they do not fit beside it."""
    table = _wide(projection)
    fits = natural_width(console, table) <= console.width
    return table if fits else _narrow(projection)


def _wide(projection: Projection) -> Table:
    title = _saving_title(projection, "\n")
    table = plain_table("mode", "vCPU", "USD/year\nas used", "USD/year\nas billed", title)
    savings = {item.mode: item.percent for item in projection.savings}
    for mode in projection.modes:
        used, billed = mode.bases[Basis.USAGE], mode.bases.get(Basis.BILLED)
        table.add_row(
            mode.name,
            over_range(used.vcpu, number, number),
            over_range(used.usd_per_year, dollars, short_dollars),
            "-" if billed is None else over_range(billed.usd_per_year, dollars, short_dollars),
            _saving(savings.get(mode.name), "\n"),
        )
    return table


def _narrow(projection: Projection) -> Table:
    """Return the same with a line for each figure."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    savings = {item.mode: item.percent for item in projection.savings}
    for mode in projection.modes:
        table.add_row(Text(mode.name, style="bold"), "")
        for title, cell in _figures(mode):
            table.add_row(f"  {title}", cell)
        if mode.name in savings:
            title = _saving_title(projection, " ")
            table.add_row(f"  {title}", _saving(savings[mode.name], " "))
    return table


def _figures(mode: Mode) -> list[tuple[str, str]]:
    used, billed = mode.bases[Basis.USAGE], mode.bases.get(Basis.BILLED)
    return [
        ("vCPU", ranged(used.vcpu)),
        ("USD/year as used", usd(used.usd_per_year)),
        ("USD/year as billed", "-" if billed is None else usd(billed.usd_per_year)),
    ]


def _saving_title(projection: Projection, gap: str) -> str:
    return "saving" if projection.basis == Basis.USAGE else f"saving{gap}as {projection.basis}"


def _saving(value: Interval | None, gap: str) -> Text:
    """Return a saving, green where it surely is one and red where it surely is none."""
    if value is None:
        return Text("")
    style = "green" if value.low > 0 else "red" if value.high < 0 else ""
    return Text(percent(value).replace(" [", f"{gap}["), style=style)


def workloads_table(calibration: Calibration, width: int) -> Table:
    """Return what each workload costs, the costliest first."""
    ranked = sorted(calibration.workloads, key=lambda item: -item.mean_vcpu)
    headers = ["workload", "proxies", "requests/s", "vCPU/1000 rps", "idle vCPU"]
    rows = [_row(item, with_range=True) for item in ranked[:MAX_ROWS]]
    if room_for_names(headers, rows, width) < _ROOM_FOR_NAMES:
        headers = ["workload", "proxies", "requests/s", "vCPU per\n1000 rps", "idle\nvCPU"]
        rows = [_row(item, with_range=False) for item in ranked[:MAX_ROWS]]
    if len(ranked) > MAX_ROWS:
        rows.append([f"and {len(ranked) - MAX_ROWS} more", "", "", "", ""])
    return named_table(headers, rows, width)


def _row(item: WorkloadCalibration, *, with_range: bool) -> list[str]:
    slope, idle = item.vcpu_per_1000_rps, item.idle_vcpu_per_proxy
    show = ranged if with_range else _mid
    return [
        f"{item.namespace}/{item.workload}",
        str(item.proxy_count),
        number(item.mean_rps),
        "refused" if slope is None else show(slope),
        "refused" if idle is None else _mid(idle),
    ]


def _mid(value: Interval) -> str:
    return number(value.mid)
