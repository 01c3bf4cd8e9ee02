"""Tables of what the modes cost, and of what moves that."""

from collections.abc import Callable, Mapping
from typing import Final

from analyzer.projection.choices import Basis
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Mode, Projection, Reference, Sensitivity, Sweep
from analyzer.report import format as fmt
from analyzer.report.sentences.projection import assumed, why_different
from analyzer.report.table import Amount, Cell, Head, Listing, Table, Unit, View, Words

_BASES: Final = {Basis.USAGE: "used", Basis.RESERVED: "reserved", Basis.BILLED: "billed"}

_SWEEPS: Final[Mapping[str, Mapping[View, str]]] = {
    "l7_share": {
        View.TEXT: "namespaces that need L7",
        View.PAGE: "If only some of the namespaces with HTTP need L7",
    },
    "waypoint_replicas": {
        View.TEXT: "waypoint replicas",
        View.PAGE: "If waypoints have more replicas",
    },
}


_PUBLISHED: Final = (SIDECAR, AMBIENT_L4, AMBIENT_WAYPOINT_ALL)
"""Modes that published constants may have figures of."""


def modes(projection: Projection) -> Table:
    """Return what each mode needs and costs, and what it saves."""
    savings = {item.mode: item for item in projection.savings}
    basis = projection.basis
    known = [basis for basis in Basis if any(basis in mode.bases for mode in projection.modes)]
    listing = Listing(projection.modes)
    listing.column(lambda mode: Words(mode.name), terminal="mode", narrow="mode", notebook="mode")
    listing.column(lambda mode: Words(f"{mode.name} ({fmt.MODE_TITLES[mode.name]})"), text="mode")
    listing.column(
        lambda mode: Words(fmt.MODE_TITLES[mode.name], detail=_provenance(mode, " ")),
        page="mode, and what its figures are",
    )
    listing.column(_vcpu(basis), text="vCPU", notebook="vCPU")
    for each in Basis:
        # A terminal has room for what is used, and for what is paid.
        used = "vCPU" if each == Basis.USAGE else None
        usd = Head(f"USD/year\n{fmt.AS_BASIS[each]}", absent="-")
        paid = None if each == Basis.RESERVED else usd
        titles = (f"vCPU {_BASES[each]}", f"USD a year, {_BASES[each]}")
        page_vcpu, page_usd = titles if each in known else (None, None)
        listing.column(_vcpu(each), terminal=used, narrow=used, page=page_vcpu)
        listing.column(_usd(each), terminal=paid, narrow=paid, page=page_usd)
    listing.column(
        lambda mode: Amount(mode.bases[basis].memory_gib),
        text=Head("memory GiB", absent=""),
        page="GiB of memory",
    )
    listing.column(_usd(basis), text="USD a year", notebook="USD a year")

    def saved(mode: Mode, unit: Unit) -> Cell:
        saving = savings.get(mode.name)
        if mode == projection.modes[0]:
            return Words("")
        if unit == Unit.USD:
            return Amount(saving.usd_per_year if saving else None, unit=unit)
        return Amount(saving.percent if saving else None, unit=unit, is_gain=True)

    short = "saving" if basis == Basis.USAGE else f"saving\nas {basis}"
    listing.column(
        lambda mode: saved(mode, Unit.PERCENT),
        terminal=Head(short, absent=""),
        narrow=Head(short, absent=""),
        text=Head("saving", absent=""),
        notebook=Head("saving", absent=""),
        page="saved",
    )
    listing.column(lambda mode: saved(mode, Unit.USD), page="saved, USD a year")
    listing.column(lambda mode: Words(_provenance(mode, ": ")), text="figures are")
    return Table(
        "cost",
        *listing.filled,
        captions={
            View.PAGE: "What each mode needs and costs for the same traffic",
            View.NOTEBOOK: f"Modes, of {basis}; 90 % intervals",
        },
        notes={View.PAGE: _note(projection, known)},
    )


def bases(projection: Projection) -> Table:
    """Return what each mode needs and costs on every basis."""
    listing = Listing(projection.modes)
    listing.column(lambda mode: Words(mode.name), text="mode")
    for basis in Basis:
        listing.column(_vcpu(basis), text=Head(f"{basis} vCPU", absent="-"))
        listing.column(_usd(basis), text=Head(f"{basis} USD", absent="-"))
    return Table("bases", *listing.filled)


def _vcpu(basis: Basis) -> Callable[[Mode], Cell]:
    return lambda mode: Amount(mode.bases[basis].vcpu if basis in mode.bases else None)


def _usd(basis: Basis) -> Callable[[Mode], Cell]:
    return lambda mode: Amount(
        mode.bases[basis].usd_per_year if basis in mode.bases else None, Unit.USD
    )


def _provenance(mode: Mode, between: str) -> str:
    return ", ".join(f"{item.role}{between}{item.provenance}" for item in mode.components)


def _note(projection: Projection, known: list[Basis]) -> str:
    """Return what the figures of the table are of."""
    footprints = [item for mode in projection.modes for item in mode.bases.values()]
    has_range = any(item.vcpu.low < item.vcpu.high for item in footprints)
    price = projection.price
    sentences = [
        *(["Small figures: 90 % range."] if has_range else []),
        (
            f"Memory and savings are {fmt.IN_FULL[projection.basis]}; dollars at "
            f"{fmt.price(price)} ({price.source})."
        ),
        *([] if Basis.RESERVED in known else ["What is reserved, and thus billed, is not known."]),
    ]
    return " ".join(sentences)


def sensitivity(projection: Projection) -> Table:
    """Return what each assumption does to the saving with waypoints, the widest range first."""

    def value(item: Sensitivity) -> Cell:
        return Amount(assumed(projection, item.assumption)[0])

    def unit(item: Sensitivity) -> Cell:
        found = assumed(projection, item.assumption)[1]
        return Words(found or "by the fit; the unit is in the name")

    listing = Listing(projection.sensitivity)
    listing.column(
        lambda item: Words(item.assumption), text="what moves the saving most", page="assumption"
    )
    listing.column(value, page="value")
    listing.column(
        lambda item: Amount(item.low_usd_per_year, Unit.USD),
        text="at its low end",
        page="USD saved at its low end",
    )
    listing.column(
        lambda item: Amount(item.high_usd_per_year, Unit.USD),
        text="at its high end",
        page="USD saved at its high end",
    )
    listing.text_column(unit, page="unit")
    return Table(
        "sensitivity",
        *listing.filled,
        captions={View.PAGE: "What moves the saving with waypoints most, each alone"},
    )


def sweep(found: Sweep) -> Table:
    """Return the saving along one choice."""
    is_share = found.name == "l7_share"
    title = _SWEEPS[found.name][View.TEXT]
    listing = Listing(found.points)
    listing.column(
        lambda point: Words(f"{point.choice:.0%}" if is_share else f"{point.choice:.0f}"),
        text=title,
        page=title if is_share else "replicas of each waypoint",
    )
    listing.column(
        lambda point: Amount(point.usd_per_year, Unit.USD),
        text="saved a year",
        page="saved, USD a year",
    )
    return Table(found.name, *listing.filled, captions={View.PAGE: _SWEEPS[found.name][View.PAGE]})


def references(projection: Projection) -> Table:
    """Return what published constants would make of the same mesh."""
    listing = Listing(projection.references)
    listing.column(lambda item: Words(item.title), text="published figures, for this mesh")
    for name in _PUBLISHED:
        listing.column(_reference_vcpu(name), text=Head(f"{name} vCPU", absent="-"))
    listing.column(lambda item: Words(why_different(item, projection.load)), text="why")
    return Table("references", *listing.filled)


def _reference_vcpu(mode: str) -> Callable[[Reference], Cell]:
    return lambda item: Amount(item.vcpu.get(mode))
