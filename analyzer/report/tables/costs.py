"""Tables of what the modes cost, and of what moves that."""

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from analyzer.projection.choices import Basis
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Mode, Projection, Reference, Sensitivity, Sweep
from analyzer.report import format as fmt
from analyzer.report.sentences.projection import assumed, why_different
from analyzer.report.table import Amount, Head, Listing, Table, Told, Unit, View, Words
from analyzer.units import Interval

_BASES: Final = {Basis.USAGE: "used", Basis.RESERVED: "reserved", Basis.BILLED: "billed"}

_SWEEPS: Final = {
    # By sweep: the title of the choice, and the caption in the page.
    "l7_share": ("namespaces that need L7", "If only some of the namespaces with HTTP need L7"),
    "waypoint_replicas": ("waypoint replicas", "If waypoints have more replicas"),
}


def modes(projection: Projection) -> Table:
    """Return what each mode needs and costs, and what it saves."""
    savings = {item.mode: item for item in projection.savings}
    basis = projection.basis
    known = [basis for basis in Basis if any(basis in mode.bases for mode in projection.modes)]
    listing = Listing(projection.modes)
    listing.column(lambda mode: mode.name, terminal="mode", narrow="mode", notebook="mode")
    listing.column(lambda mode: f"{mode.name} ({fmt.MODE_TITLES[mode.name]})", text="mode")
    listing.column(
        lambda mode: Words(fmt.MODE_TITLES[mode.name], detail=_provenance(mode, " ")),
        page="mode, and what its figures are",
    )
    listing.column(_of(basis, "vcpu"), text="vCPU", notebook="vCPU")
    for each in Basis:
        # A terminal has room for what is used, and for what is paid.
        used = "vCPU" if each == Basis.USAGE else None
        usd = Head(f"USD/year\n{fmt.AS_BASIS[each]}", absent="-")
        paid = None if each == Basis.RESERVED else usd
        titles = (f"vCPU {_BASES[each]}", f"USD a year, {_BASES[each]}")
        page_vcpu, page_usd = titles if each in known else (None, None)
        listing.column(_of(each, "vcpu"), terminal=used, narrow=used, page=page_vcpu)
        listing.column(
            _of(each, "usd_per_year"), Unit.USD, terminal=paid, narrow=paid, page=page_usd
        )
    listing.column(
        lambda mode: mode.bases[basis].memory_gib,
        text=Head("memory GiB", absent=""),
        page="GiB of memory",
    )
    listing.column(_of(basis, "usd_per_year"), Unit.USD, text="USD a year", notebook="USD a year")

    def saved(mode: Mode) -> Told:
        if mode == projection.modes[0]:
            return ""
        share = savings[mode.name].percent if mode.name in savings else None
        return Amount(share, Unit.PERCENT, is_gain=True)

    def saved_usd(mode: Mode) -> Told:
        if mode == projection.modes[0]:
            return ""
        return savings[mode.name].usd_per_year if mode.name in savings else None

    short = Head("saving" if basis == Basis.USAGE else f"saving\nas {basis}", absent="")
    long = Head("saving", absent="")
    listing.column(saved, terminal=short, narrow=short, text=long, notebook=long, page="saved")
    listing.column(saved_usd, Unit.USD, page="saved, USD a year")
    listing.column(lambda mode: _provenance(mode, ": "), text="figures are")
    captions = {
        View.PAGE: "What each mode needs and costs for the same traffic",
        View.NOTEBOOK: f"Modes, of {basis}; 90 % intervals",
    }
    notes = {View.PAGE: _note(projection, known)}
    return Table("cost", *listing.filled, captions=captions, notes=notes)


def bases(projection: Projection) -> Table:
    """Return what each mode needs and costs on every basis."""
    listing = Listing(projection.modes)
    listing.column(lambda mode: mode.name, text="mode")
    for basis in Basis:
        listing.column(_of(basis, "vcpu"), text=Head(f"{basis} vCPU", absent="-"))
        listing.column(_of(basis, "usd_per_year"), Unit.USD, text=Head(f"{basis} USD", absent="-"))
    return Table("bases", *listing.filled)


def _of(basis: Basis, figure: str) -> Callable[[Mode], Interval | None]:
    return lambda mode: getattr(mode.bases[basis], figure) if basis in mode.bases else None


def _provenance(mode: Mode, between: str) -> str:
    return ", ".join(f"{item.role}{between}{item.provenance}" for item in mode.components)


def _note(projection: Projection, known: list[Basis]) -> str:
    footprints = [item for mode in projection.modes for item in mode.bases.values()]
    has_range = any(item.vcpu.low < item.vcpu.high for item in footprints)
    price = f"{fmt.price(projection.price)} ({projection.price.source})"
    return " ".join(
        [
            *(["Small figures: 90 % range."] if has_range else []),
            f"Memory and savings are {fmt.IN_FULL[projection.basis]}; dollars at {price}.",
            *(
                []
                if Basis.RESERVED in known
                else ["What is reserved, and thus billed, is not known."]
            ),
        ]
    )


def sensitivity(projection: Projection) -> Table:
    """Return what each assumption does to the saving with waypoints, the widest range first."""

    def unit(item: Sensitivity) -> str:
        return assumed(projection, item.assumption)[1] or "by the fit; the unit is in the name"

    listing = Listing(projection.sensitivity)
    listing.column(
        lambda item: item.assumption, text="what moves the saving most", page="assumption"
    )
    listing.column(lambda item: assumed(projection, item.assumption)[0], page="value")
    for title, saved in (
        ("at its low end", attrgetter("low_usd_per_year")),
        ("at its high end", attrgetter("high_usd_per_year")),
    ):
        listing.column(saved, Unit.USD, text=title, page=f"USD saved {title}")
    listing.text_column(unit, page="unit")
    caption = "What moves the saving with waypoints most, each alone"
    return Table("sensitivity", *listing.filled, captions={View.PAGE: caption})


def sweep(found: Sweep) -> Table:
    """Return the saving along one choice."""
    title, caption = _SWEEPS[found.name]
    is_share = found.name == "l7_share"
    listing = Listing(found.points)
    listing.column(
        lambda point: f"{point.choice:.0%}" if is_share else f"{point.choice:.0f}",
        text=title,
        page=title if is_share else "replicas of each waypoint",
    )
    listing.column(
        lambda point: point.usd_per_year, Unit.USD, text="saved a year", page="saved, USD a year"
    )
    return Table(found.name, *listing.filled, captions={View.PAGE: caption})


def references(projection: Projection) -> Table:
    """Return what published constants would make of the same mesh."""
    listing = Listing(projection.references)
    listing.column(lambda item: item.title, text="published figures, for this mesh")
    # Published constants may have figures of these.
    for name in (SIDECAR, AMBIENT_L4, AMBIENT_WAYPOINT_ALL):
        listing.column(_reference_vcpu(name), text=Head(f"{name} vCPU", absent="-"))
    listing.column(lambda item: why_different(item, projection.load), text="why")
    return Table("references", *listing.filled)


def _reference_vcpu(mode: str) -> Callable[[Reference], float | None]:
    return lambda item: item.vcpu.get(mode)
