"""The projection as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.projection.choices import Basis
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Projection
from analyzer.report.cells import escaped, markdown_table
from analyzer.report.prospect import projection_lines, why_different
from analyzer.report.words import MODE_TITLES, dollars, number, percent, ranged, usd

__all__ = ["projection_markdown"]

_REFERRED = (SIDECAR, AMBIENT_L4, AMBIENT_WAYPOINT_ALL)

_RANKED = 20
"""Namespaces listed; all of them are in namespaces.csv."""


def projection_markdown(projection: Projection) -> list[str]:
    """Return the projection: modes, bases, what moves the answer, and namespaces ranked."""
    return [
        *_modes(projection),
        *(f"- {escaped(line)}" for line in projection_lines(projection)),
        "",
        *_bases(projection),
        *_sensitivity(projection),
        *_sweeps(projection),
        *_namespaces(projection),
        *_references(projection),
    ]


def _references(projection: Projection) -> Iterator[str]:
    if not projection.references:
        return
    rows = [
        [
            item.title,
            *(number(item.vcpu[name]) if name in item.vcpu else "-" for name in _REFERRED),
            why_different(item, projection.load),
        ]
        for item in projection.references
    ]
    header = ["published figures, for this mesh", *(f"{name} vCPU" for name in _REFERRED), "why"]
    yield from ("## What others' constants would say", "", *markdown_table(header, rows), "")


def _modes(projection: Projection) -> Iterator[str]:
    savings = {item.mode: item for item in projection.savings}
    rows = [
        [
            f"{mode.name} ({MODE_TITLES[mode.name]})",
            ranged(footprint.vcpu),
            "" if footprint.memory_gib is None else ranged(footprint.memory_gib),
            usd(footprint.usd_per_year),
            percent(savings[mode.name].percent) if mode.name in savings else "",
            ", ".join(f"{item.role}: {item.provenance}" for item in mode.components),
        ]
        for mode in projection.modes
        for footprint in [mode.bases[projection.basis]]
    ]
    header = ["mode", "vCPU", "memory GiB", "USD a year", "saving", "figures are"]
    price = projection.price
    source = f"at ${price.vcpu_month_usd:.4g} per vCPU-month ({escaped(price.source)})"
    yield f"Dollars are of {projection.basis}, {source}."
    yield ""
    yield from markdown_table(header, rows)
    yield ""


def _bases(projection: Projection) -> Iterator[str]:
    rows = [
        [
            mode.name,
            *(
                cell
                for basis in Basis
                for cell in (
                    (ranged(mode.bases[basis].vcpu), usd(mode.bases[basis].usd_per_year))
                    if basis in mode.bases
                    else ("-", "-")
                )
            ),
        ]
        for mode in projection.modes
    ]
    header = ["mode", *(f"{basis} {unit}" for basis in Basis for unit in ("vCPU", "USD"))]
    yield from ("## Used, reserved, billed", "", *markdown_table(header, rows), "")


def _sensitivity(projection: Projection) -> Iterator[str]:
    if not projection.sensitivity:
        return
    rows = [
        [item.assumption, dollars(item.low_usd_per_year), dollars(item.high_usd_per_year)]
        for item in projection.sensitivity
    ]
    header = ["what moves the saving most", "at its low end", "at its high end"]
    yield from ("## What matters", "", *markdown_table(header, rows), "")


def _sweeps(projection: Projection) -> Iterator[str]:
    titles = {"l7_share": "namespaces that need L7", "waypoint_replicas": "waypoint replicas"}
    for sweep in projection.sweeps:
        rows = [
            [
                f"{point.choice:.0%}" if sweep.name == "l7_share" else f"{point.choice:.0f}",
                usd(point.usd_per_year),
            ]
            for point in sweep.points
        ]
        yield from markdown_table([titles[sweep.name], "saved a year"], rows)
        yield ""


def _namespaces(projection: Projection) -> Iterator[str]:
    namespaces = projection.namespaces
    if "saving_l4_vcpu" not in namespaces or namespaces.empty:
        return
    columns = ["sidecar_vcpu", "saving_l4_vcpu", "saving_waypoint_vcpu", "cumulative_saving_vcpu"]
    rows = [
        [str(row["namespace"]), *(number(float(row[column])) for column in columns)]
        for row in namespaces.head(_RANKED).to_dict("records")
    ]
    header = [
        "namespace, in order of what moving it saves",
        "sidecars vCPU",
        "saved, L4 only",
        "saved with a waypoint",
        "saved so far",
    ]
    yield from ("## Namespaces", "", *markdown_table(header, rows), "")
    if len(namespaces) > _RANKED:
        yield from (f"And {len(namespaces) - _RANKED} more: see namespaces.csv.", "")
