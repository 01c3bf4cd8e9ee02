"""A comparison for a person: at a terminal, and as Markdown."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

from rich.table import Table
from rich.text import Text

from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.result import Cause, Comparison, Difference
from analyzer.report.cells import escaped, markdown_table
from analyzer.report.layout import (
    console_on,
    list_on,
    named_table,
    over_range,
    plain_table,
    trimmed,
)
from analyzer.report.outcome import CAUSE_TITLES, outcome, range_word, signed
from analyzer.report.rows import MAX_ROWS
from analyzer.report.verdict import role_line
from analyzer.report.words import number, percent, ranged, time_title
from analyzer.units import Interval
from analyzer.window import TimeWindow

__all__ = ["as_comparison_markdown", "as_comparison_table"]

_LEGEND = (
    "Bias is predicted over measured, less one, at the traffic after the migration: the unit "
    "costs of BEFORE at the requests of AFTER. Ranges are of these unit costs alone."
)
_PARTS_LEGEND = (
    "traffic: there were more or fewer requests; proxies: there are more or fewer than predicted; "
    "idle and request: AFTER's fit less the prediction. The parts add up to measured less "
    "predicted."
)


def as_comparison_table(
    comparison: Comparison,
    windows: tuple[TimeWindow, TimeWindow],
    *,
    width: int = 80,
    colour: bool = False,
) -> str:
    """Return a comparison as text.

    Args:
        comparison: what was found.
        windows: of BEFORE and AFTER.
        width: columns of the terminal.
        colour: whether escape codes are welcome.
    """
    out = io.StringIO()
    console = console_on(out, width=width, colour=colour)
    for name, window in zip(("Before", "After"), windows, strict=True):
        console.print(Text(f"{name}: {time_title(window)}"))
    console.print(Text(_moved(comparison)))
    console.print()
    console.print(Text(outcome(comparison), style="bold"))
    console.print()
    console.print(_components(comparison))
    console.print(Text(_LEGEND))
    console.print()
    console.print(_parts(comparison))
    console.print(Text(_PARTS_LEGEND))
    console.print()
    console.print(_namespaces(comparison, width))
    list_on(console, "What AFTER measured", _fits(comparison))
    list_on(console, "Warnings", comparison.warnings)
    list_on(console, "Cannot say", map(str, comparison.refusals))
    return trimmed(out.getvalue())


def as_comparison_markdown(comparison: Comparison, windows: tuple[TimeWindow, TimeWindow]) -> str:
    """Return a comparison as Markdown; arguments as `as_comparison_table`."""
    lines = ["# Predicted and measured, after the migration", ""]
    for name, window in zip(("Before", "After"), windows, strict=True):
        lines += [f"{name}: {time_title(window)}", ""]
    lines += [_moved(comparison), "", f"**{escaped(outcome(comparison))}**", ""]
    header = ["component", "predicted vCPU", "at the traffic after", "measured", "bias", "in range"]
    lines += [*markdown_table(header, map(_component_row, _all(comparison))), "", _LEGEND, ""]
    lines += ["## Where the difference comes from", ""]
    header = ["component", "difference", *(CAUSE_TITLES[cause] for cause in Cause)]
    lines += [*markdown_table(header, map(_parts_row, _all(comparison))), "", _PARTS_LEGEND, ""]
    lines += ["## Namespaces", ""]
    header = ["namespace", "sidecars", "component", "predicted", "after", "measured", "bias"]
    lines += [*markdown_table(header, _namespace_rows(comparison, ranged, percent)), ""]
    for title, items in (
        ("What AFTER measured", _fits(comparison)),
        ("Warnings", comparison.warnings),
        ("Cannot say", map(str, comparison.refusals)),
    ):
        listed = [f"- {escaped(item)}" for item in items]
        lines += [f"## {title}", "", *listed, ""] if listed else []
    return "\n".join(lines).rstrip() + "\n"


def _moved(comparison: Comparison) -> str:
    """Return how many namespaces have moved."""
    counts: dict[str, int] = {}
    for item in comparison.namespaces:
        counts[item.status] = counts.get(item.status, 0) + 1
    return f"Namespaces: {', '.join(f'{count} {status}' for status, count in counts.items())}"


def _all(comparison: Comparison) -> Iterator[Difference]:
    yield from comparison.components
    yield comparison.total


def _components(comparison: Comparison) -> Table:
    table = plain_table("vCPU", "predicted", "at traffic\nafter", "measured", "bias", "in range")
    for item in _all(comparison):
        table.add_row(
            item.role,
            over_range(item.predicted_vcpu, number, number),
            over_range(item.predicted_at_after_vcpu, number, number),
            number(item.measured_vcpu),
            _bias(item, lambda value: percent(value).replace(" [", "\n[")),
            range_word(item),
        )
    return table


def _component_row(item: Difference) -> list[str]:
    return [
        item.role,
        ranged(item.predicted_vcpu),
        ranged(item.predicted_at_after_vcpu),
        number(item.measured_vcpu),
        _bias(item, percent),
        range_word(item),
    ]


def _bias(item: Difference, show: Callable[[Interval], str]) -> str:
    return "refused" if item.bias_at_after_percent is None else show(item.bias_at_after_percent)


def _parts(comparison: Comparison) -> Table:
    table = plain_table(
        "vCPU", "difference", "traffic", "proxies", "idle", "request", "unexplained"
    )
    for item in _all(comparison):
        table.add_row(*_parts_row(item))
    return table


def _parts_row(item: Difference) -> list[str]:
    # What could not be told apart is in the part that is not explained.
    parts = [
        _rounded(item.parts_vcpu[cause], item) if cause in item.parts_vcpu else "refused"
        for cause in Cause
    ]
    return [item.role, _rounded(item.difference_vcpu, item), *parts]


def _rounded(value: float, item: Difference) -> str:
    """Return a part of a difference; what is a thousandth of the whole at most is nothing."""
    whole = max(item.measured_vcpu, item.predicted_vcpu.mid)
    return signed(value if abs(value) > whole / 1000 else 0.0)


def _namespaces(comparison: Comparison, width: int) -> Table:
    headers = ["namespace", "sidecars", "component", "predicted", "after", "measured", "bias"]
    rows = list(_namespace_rows(comparison, lambda value: number(value.mid), _short_percent))
    shown = rows[:MAX_ROWS]
    if len(rows) > MAX_ROWS:
        shown.append([f"and {len(rows) - MAX_ROWS} more", *[""] * 6])
    return named_table(headers, shown, width)


def _short_percent(value: Interval) -> str:
    return f"{round(value.mid)} %"


def _namespace_rows(
    comparison: Comparison,
    show: Callable[[Interval], str],
    show_bias: Callable[[Interval], str],
) -> Iterator[list[str]]:
    """Return a row a namespace and component, those that use or were to use most first."""
    rows = [(item, part) for item in comparison.namespaces for part in item.components]
    rows.sort(key=lambda row: -max(row[1].measured_vcpu, row[1].predicted_vcpu.mid))
    for item, part in rows:
        yield [
            item.namespace,
            str(item.status),
            part.role,
            show(part.predicted_vcpu),
            show(part.predicted_at_after_vcpu),
            number(part.measured_vcpu),
            _bias(part, show_bias),
        ]


def _fits(comparison: Comparison) -> Iterable[str]:
    for fit in (comparison.waypoint, comparison.ztunnel):
        if isinstance(fit, RoleCalibration):
            yield role_line(fit)
