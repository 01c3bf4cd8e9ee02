"""Tables of where figures come from: assumptions and published constants."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from analyzer.data import Assumption, PublishedConstants, published_constants
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.table import Amount, Cell, Listing, Table, View, Words
from analyzer.settings import Setting
from analyzer.units import Role

_URL: Final = re.compile(r"https://[A-Za-z0-9.-]+(?:/[^\s<>\"']*)?")


def assumptions(items: Sequence[Assumption], spelled: Callable[[str], str]) -> Table:
    """Return everything the projection assumes, with its range and its source.

    Args:
        items: all of it.
        spelled: names settings as the front end does.
    """
    listing = Listing(items)
    listing.column(lambda item: Words(item.name), page="assumption")
    listing.column(lambda item: Amount(item.value), page="value")
    listing.text_column(lambda item: Words(item.unit), page="unit")
    listing.text_column(lambda item: _link(item.source), page="source")
    note = f"Each can be changed under its name in a file given with {Setting.SCENARIO}."
    return Table(
        "assumptions",
        *listing.filled,
        captions={View.PAGE: "What the projection assumes"},
        notes={View.PAGE: spelled(note)},
    )


def constants(projection: Projection | None) -> Table:
    """Return published figures, and what they would make of this mesh's sidecars."""
    references = {item.name: item for item in projection.references} if projection else {}

    def of_this_mesh(item: PublishedConstants) -> Cell:
        found = references.get(item.name)
        return Amount(found.vcpu.get(Role.SIDECAR) if found else None, absent="")

    listing = Listing(published_constants().values())
    listing.column(lambda item: Words(item.title, detail=item.remark), page="published by")
    listing.text_column(
        lambda item: _each(item.sidecar_vcpu_per_proxy, item.sidecar_vcpu_per_1000_rps),
        page="a sidecar",
    )
    listing.text_column(
        lambda item: _each(item.ztunnel_vcpu_per_node, item.ztunnel_vcpu_per_1000_rps),
        page="a ztunnel",
    )
    listing.text_column(
        lambda item: _each(item.waypoint_vcpu_per_replica, item.waypoint_vcpu_per_1000_rps),
        page="a waypoint",
    )
    listing.column(of_this_mesh, page="sidecars of this mesh")
    listing.text_column(lambda item: _link(item.source), page="source")
    return Table("constants", *listing.filled, captions={View.PAGE: "Published constants, in vCPU"})


def _each(each_vcpu: float | None, vcpu_per_1000_rps: float | None) -> Words:
    parts = [
        f"{fmt.number(value)} {unit}"
        for value, unit in ((each_vcpu, "each"), (vcpu_per_1000_rps, "per 1000 requests/s"))
        if value is not None
    ]
    return Words(" and ".join(parts) or "says nothing")


def _link(text: str) -> Words:
    """Return a source; it leads there only if it is an address and nothing else."""
    return Words(text, link=text if _URL.fullmatch(text) else "")
