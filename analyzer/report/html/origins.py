"""Where the figures come from: assumptions, published constants, and how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from analyzer.data import PublishedConstants, published_constants
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.manifest import Manifest, window_to_json
from analyzer.projection.result import Projection
from analyzer.projection.scenario import Scenario
from analyzer.report.html.cells import Cell, Column, Table, interval, link
from analyzer.report.words import number

__all__ = ["assumptions_table", "commands", "constants_table"]


def assumptions_table(scenario: Scenario) -> Table:
    """Return everything the projection assumes, with its range and its source."""
    return Table(
        anchor="assumptions",
        caption="What the projection assumes",
        columns=(
            Column(title="assumption"),
            Column(title="value"),
            Column(title="unit", is_text=True),
            Column(title="source", is_text=True),
        ),
        rows=tuple(
            (Cell(text=item.name), interval(item.value), Cell(text=item.unit), link(item.source))
            for item in scenario.assumptions.values()
        ),
        note="Each can be changed under its name in a file given with --scenario.",
    )


def constants_table(projection: Projection | None) -> Table:
    """Return published figures, and what they would say of this mesh's sidecars."""
    references = {item.name: item for item in projection.references} if projection else {}
    rows = []
    for name, item in published_constants().items():
        said = references[name].vcpu.get("sidecar") if name in references else None
        rows.append(
            (
                Cell(text=item.title, detail=item.remark),
                *(Cell(text=text) for text in _figures(item)),
                Cell(text="" if said is None else number(said)),
                link(item.source),
            )
        )
    return Table(
        anchor="constants",
        caption="Published constants, in vCPU",
        columns=(
            Column(title="published by"),
            Column(title="a sidecar", is_text=True),
            Column(title="a ztunnel", is_text=True),
            Column(title="a waypoint", is_text=True),
            Column(title="sidecars of this mesh"),
            Column(title="source", is_text=True),
        ),
        rows=tuple(rows),
    )


def _figures(item: PublishedConstants) -> Iterator[str]:
    for each, per_1000_rps in (
        (item.sidecar_vcpu_per_proxy, item.sidecar_vcpu_per_1000_rps),
        (item.ztunnel_vcpu_per_node, item.ztunnel_vcpu_per_1000_rps),
        (item.waypoint_vcpu_per_replica, item.waypoint_vcpu_per_1000_rps),
    ):
        parts = [
            f"{number(value)} {unit}"
            for value, unit in ((each, "each"), (per_1000_rps, "per 1000 requests/s"))
            if value is not None
        ]
        yield " and ".join(parts) or "says nothing"


def commands(manifest: Manifest) -> tuple[str, ...]:
    """Return the commands that collect the same window and write the same report.

    None of a snapshot that hides names: what it was asked of is hidden as well.
    """
    if manifest.source == HIDDEN_SOURCE:
        return ("istio-usage report mesh.snapshot -o report",)
    window, scope = window_to_json(manifest.window), manifest.scope
    words = ["istio-usage", "collect", "-p", manifest.source]
    words += ["--start", window["start"], "--end", window["end"]]
    words += ["--step", f"{manifest.window.step_seconds}s"]
    for pattern in scope.namespaces:
        words += ["--namespace", pattern]
    if scope.cluster:
        words += ["--cluster", scope.cluster, "--cluster-label", manifest.label_mapping.cluster]
    return (
        shlex.join([*words, "-o", "mesh.snapshot"]),
        "istio-usage report mesh.snapshot -o report",
    )
