"""Tables of the origins of figures: assumptions and published constants."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from analyzer.data import Assumption, PublishedConstants, published_constants
from analyzer.projection.components import COMPONENTS, ComponentKind
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.table import Listing, Table, Unit, View, Words
from analyzer.settings import Setting
from analyzer.units import Role

_RUNS: Final = (
    "In percent of the sidecars' CPU. Each mesh has the run's sidecars, calls and nodes. "
    "Connections that a run does not state are in its cost of a request, and so are stated as 0."
)

_URL: Final = re.compile(r"https://[A-Za-z0-9.-]+(?:/[^\s<>\"']*)?")


def assumptions(items: Sequence[Assumption], spelled: Callable[[str], str]) -> Table:
    """Return all assumptions of the projection; `spelled` names settings as the front end does."""
    listing = Listing(items)
    listing.column(lambda item: item.name, page="assumption")
    listing.column(lambda item: item.value, page="value")
    listing.text_column(lambda item: item.unit, page="unit")
    listing.text_column(lambda item: _link(item.source), page="source")
    note = f"A file given with {Setting.SCENARIO} changes each under its name."
    return Table(
        "assumptions",
        *listing.filled,
        captions={View.PAGE: "Assumptions of the projection"},
        notes={View.PAGE: spelled(note)},
    )


def constants(projection: Projection | None) -> Table:
    """Return published figures, and the CPU they give for this mesh's sidecars."""
    references = {item.name: item for item in projection.references} if projection else {}

    def of_this_mesh(item: PublishedConstants) -> float | None:
        return references[item.name].vcpu.get(Role.SIDECAR) if item.name in references else None

    listing = Listing(published_constants().values())
    listing.column(lambda item: Words(item.title, detail=_detail(item)), page="published by")
    for kind in COMPONENTS.values():
        listing.text_column(partial(_cost_in_words, kind), page=f"a {kind.role}")
    listing.column(of_this_mesh, Unit.NUMBER, "", page="sidecars of this mesh")
    listing.text_column(lambda item: _link(item.source), page="source")
    return Table("constants", *listing.filled, captions={View.PAGE: "Published constants, in vCPU"})


def runs() -> Table:
    """Return what ambient saved in published runs, and what a projection gives for such meshes."""
    listing = Listing(
        (item, mode, percent)
        for item in published_constants().values()
        for mode, percent in item.measured_saving_percent.items()
    )
    listing.column(lambda row: row[0].title, page="run")
    listing.text_column(lambda row: fmt.MODE_TITLES[row[1]], page="mode")
    listing.column(lambda row: row[2], Unit.PERCENT, page="saved there")
    listing.column(
        lambda row: row[0].projected_saving_percent[row[1]], Unit.PERCENT, page="projected"
    )
    return Table(
        "runs",
        *listing.filled,
        captions={View.PAGE: "Published runs, and this tool's answer for such meshes"},
        notes={View.PAGE: _RUNS},
    )


def _detail(item: PublishedConstants) -> str:
    conditions = f"Conditions: {item.conditions}." if item.conditions else ""
    return " ".join(part for part in (item.remark, conditions) if part)


def _cost_in_words(kind: ComponentKind, item: PublishedConstants) -> str:
    figures = zip(kind.cost_vcpu(item), ("each", "per 1000 requests/s"), strict=True)
    parts = [f"{fmt.number(value)} {unit}" for value, unit in figures if value is not None]
    share = kind.sidecar_share(item)
    if share is not None and kind.role != Role.SIDECAR:
        parts.append(f"{fmt.share(100 * share)} of the sidecars")
    return " and ".join(parts) or "not given"


def _link(text: str) -> Words:
    """Return a source; it is a link only if all of it is an address."""
    return Words(text, link=text if _URL.fullmatch(text) else "")
