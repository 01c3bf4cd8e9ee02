"""The answer for a person at a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analyzer.data import BLOG
from analyzer.measurement.findings import Severity
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Component, Projection
from analyzer.projection.scenario import Basis
from analyzer.report.answer import Answer
from analyzer.report.prospect import headline, projection_lines
from analyzer.report.verdict import calibration_lines, verdict
from analyzer.report.words import (
    dollars,
    inert,
    number,
    percent,
    ranged,
    short_dollars,
    window_title,
)
from analyzer.units import Interval

__all__ = [
    "as_table",
    "console_on",
    "list_on",
    "over_range",
    "plain_table",
    "trimmed",
]

MAX_ROWS = 20
"""Rows of the workload table; the rest is in the other formats."""

MAX_REMARKS = 8
"""Lines of each list of remarks, likewise."""


def as_table(answer: Answer, *, width: int = 80, colour: bool = False) -> str:
    """Return the answer as text.

    Args:
        answer: what was found out.
        width: columns of the terminal.
        colour: whether escape codes are welcome.
    """
    out = io.StringIO()
    console = console_on(out, width=width, colour=colour)
    if answer.manifest and answer.manifest.note:
        console.print(Text(inert(answer.manifest.note), style="bold"))
    console.print(Text(window_title(answer), style="dim"))
    for line in _mesh_lines(answer):
        console.print(Text(line))
    sentence = verdict(answer)
    if sentence:
        console.print()
        console.print(Text(sentence, style="bold"))
    if answer.calibration and not answer.projection:
        console.print()
        for line in calibration_lines(answer.calibration):
            console.print(Text(line))
        console.print()
        console.print(_workloads(answer))
    if answer.projection:
        console.print()
        told = headline(answer.projection)
        if told:
            console.print(Text(told, style="bold"))
            console.print()
        console.print(_modes(answer.projection))
        console.print()
        for line in _notes(answer.projection):
            console.print(Text(line, style="dim"))
    list_on(console, "Data quality", _quality_lines(answer))
    list_on(console, "Warnings", answer.warnings)
    list_on(console, "Cannot say", map(str, answer.refusals))
    return trimmed(out.getvalue())


def console_on(out: TextIO, *, width: int, colour: bool) -> Console:
    """Return what prints tables to a text."""
    return Console(
        file=out,
        width=width,
        force_terminal=colour,
        # In a notebook rich would show the text itself and return none of it.
        force_jupyter=False,
        no_color=not colour,
        highlight=False,
    )


def trimmed(text: str) -> str:
    """Return text without the spaces at the ends of its lines.

    Rich pads rows to the width; a pipe or a README has no use for that.
    """
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _quality_lines(answer: Answer) -> Iterable[str]:
    """Return what matters to the answer; what is only worth knowing is in the other formats."""
    for finding in answer.findings:
        if finding.severity != Severity.INFO:
            yield f"{finding.severity}: {finding}"


def _mesh_lines(answer: Answer) -> Iterable[str]:
    load = answer.load
    if load is None:
        return
    nodes = "unknown" if load.nodes is None else f"{len(load.nodes):,}"
    yield (
        f"{load.sidecar_count:,} sidecars in {len(load.namespaces):,} namespaces on {nodes} nodes; "
        f"{number(load.proxy_rps)} proxy requests/s, {number(load.mesh_rps)} calls/s"
    )
    sidecars = load.sidecars
    if sidecars is None:
        return
    parts = [f"{number(sidecars.vcpu)} vCPU used"]
    if sidecars.reserved_vcpu is not None:
        parts.append(f"{number(sidecars.reserved_vcpu)} reserved")
    if sidecars.memory_gib is not None:
        parts.append(f"{number(sidecars.memory_gib)} GiB of memory used")
    yield f"Sidecars, measured: {', '.join(parts)}"


def _modes(projection: Projection) -> Table:
    saving_header = (
        "saving" if projection.basis == Basis.USAGE else f"saving\nas {projection.basis}"
    )
    table = plain_table("mode", "vCPU", "USD/year\nas used", "USD/year\nas billed", saving_header)
    savings = {item.mode: item for item in projection.savings}
    for mode in projection.modes:
        used, billed = mode.bases[Basis.USAGE], mode.bases.get(Basis.BILLED)
        saving = savings.get(mode.name)
        table.add_row(
            mode.name,
            over_range(used.vcpu, number, number),
            over_range(used.usd_per_year, dollars, short_dollars),
            "-" if billed is None else over_range(billed.usd_per_year, dollars, short_dollars),
            "" if saving is None else percent(saving.percent).replace(" [", "\n["),
        )
    return table


def plain_table(first: str, *others: str) -> Table:
    """Return a table without lines: it reads the same on a terminal, in a pipe and in a README."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for header in others:
        table.add_column(header, justify="right", overflow="fold")
    return table


def over_range(
    value: Interval, show: Callable[[float], str], show_end: Callable[[float], str]
) -> str:
    """Return the mid above its range, so that a row fits 80 columns."""
    if value.low == value.high:
        return show(value.mid)
    return f"{show(value.mid)}\n[{show_end(value.low)}-{show_end(value.high)}]"


def _notes(projection: Projection) -> Iterable[str]:
    price = projection.price
    yield f"${price.vcpu_month_usd:g} per vCPU-month, ${price.memory_gib_month_usd:g} per GiB-month"
    yield from projection_lines(projection)
    for component in _components(projection):
        yield (
            f"{component.count:.0f} {component.role}: {ranged(component.vcpu)} vCPU "
            f"({component.provenance})"
        )
    for reference in projection.references:
        if reference.name == BLOG and AMBIENT_WAYPOINT_ALL in reference.vcpu:
            yield (
                f"The post's constants would give this mesh {number(reference.vcpu[SIDECAR])} "
                f"vCPU of sidecars and {number(reference.vcpu[AMBIENT_WAYPOINT_ALL])} of ambient "
                "with waypoints everywhere, whatever its traffic."
            )
    if projection.references:
        yield "Not compared: istiod, gateways, and the work of moving."


def _components(projection: Projection) -> Iterable[Component]:
    """Return each component once: modes share them."""
    everything = [item for mode in projection.modes for item in mode.components]
    return {(item.role, item.count): item for item in everything}.values()


def _workloads(answer: Answer) -> Table:
    table = plain_table("workload", "proxies", "requests/s", "vCPU/1000 rps", "idle vCPU")
    workloads = answer.calibration.workloads if answer.calibration else ()
    ranked = sorted(workloads, key=lambda item: -item.mean_vcpu)
    for item in ranked[:MAX_ROWS]:
        slope, idle = item.vcpu_per_1000_rps, item.idle_vcpu_per_proxy
        table.add_row(
            Text(inert(f"{item.namespace}/{item.workload}")),
            str(item.proxy_count),
            number(item.mean_rps),
            "refused" if slope is None else ranged(slope),
            "refused" if idle is None else number(idle.mid),
        )
    if len(ranked) > MAX_ROWS:
        table.add_row(f"and {len(ranked) - MAX_ROWS} more", "", "", "", "")
    return table


def list_on(console: Console, title: str, lines: Iterable[str]) -> None:
    """Print remarks under a title; nothing where there are none."""
    lines = list(lines)
    if not lines:
        return
    console.print()
    console.print(Text(title, style="bold"))
    if len(lines) > MAX_REMARKS:
        more = f"and {len(lines) - MAX_REMARKS} more: see --format json"
        lines = [*lines[:MAX_REMARKS], more]
    for line in lines:
        console.print(Text(f"- {inert(line)}"))
