"""The answer for a person at a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.text import Text

from analyzer.data import BLOG
from analyzer.measurement.findings import Severity
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Component, Projection
from analyzer.report.answer import Answer
from analyzer.report.layout import console_on, list_on, trimmed
from analyzer.report.prospect import headline, projection_lines
from analyzer.report.rows import modes_table, workloads_table
from analyzer.report.verdict import calibration_lines, verdict
from analyzer.report.words import inert, number, ranged, window_title

__all__ = ["as_table"]


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
    console.print(Text(window_title(answer)))
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
        console.print(workloads_table(answer.calibration, width))
    if answer.projection:
        console.print()
        told = headline(answer.projection)
        if told:
            console.print(Text(told, style="bold"))
            console.print()
        console.print(modes_table(answer.projection, console))
        console.print()
        for line in _notes(answer.projection):
            console.print(Text(line))
    list_on(console, "Data quality", _quality_lines(answer))
    list_on(console, "Warnings", answer.warnings)
    list_on(console, "Cannot say", map(str, answer.refusals))
    return trimmed(out.getvalue())


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
    factor = _growth_factor(answer)
    told = "measured" if factor == 1 else f"at {number(factor)} times the traffic"
    yield f"Sidecars, {told}: {', '.join(parts)}"


def _growth_factor(answer: Answer) -> float:
    workings = answer.projection.workings if answer.projection else None
    return workings.scenario["traffic_growth_factor"].mid if workings else 1.0


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
