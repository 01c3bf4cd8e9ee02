"""Tables of what the modes cost, and of what moves that."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Final

from analyzer.projection.choices import Basis, TrafficDistribution
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import (
    Mode,
    Projection,
    Reference,
    ReplicaChoice,
    Saving,
    Sensitivity,
    Sweep,
    ZoneChoice,
)
from analyzer.report import format as fmt
from analyzer.report.sentences.projection import (
    assumed,
    assumption_title,
    side_by_side,
    why_different,
)
from analyzer.report.table import Amount, Head, Listing, Table, Unit, Value, View, Words
from analyzer.units import Interval

_BASES: Final = {Basis.USAGE: "used", Basis.RESERVED: "requested", Basis.BILLED: "billed"}

_SWEEPS: Final = {
    # By sweep: the title of the choice, and the caption of the page.
    "l7_share": (
        "namespaces with HTTP that need a waypoint",
        "Saving by the share of namespaces with HTTP that need a waypoint",
    ),
    "waypoint_replicas": ("waypoint replicas", "Saving by the replicas of each waypoint"),
}


_HOW: Final = {ReplicaChoice.ASSUMED: "", ReplicaChoice.ONE_A_ZONE: " (one a zone)"}

_PREFERS: Final = {TrafficDistribution.PREFER_CLOSE: "yes", TrafficDistribution.RANDOM: "no"}


def modes(projection: Projection) -> Table:
    """Return what each mode needs and costs, and what it saves."""
    savings = {item.mode: item for item in projection.savings}
    basis = projection.basis
    known = [basis for basis in Basis if any(basis in mode.bases for mode in projection.modes)]
    listing = Listing(projection.modes)
    listing.column(lambda mode: fmt.in_two_lines(fmt.MODE_TITLES[mode.name]), terminal="mode")
    listing.column(
        lambda mode: fmt.MODE_TITLES[mode.name], text="mode", narrow="mode", notebook="mode"
    )
    listing.column(
        lambda mode: Words(fmt.MODE_TITLES[mode.name], detail=_provenance(mode, " ")),
        page="mode, and the source of its figures",
    )
    listing.column(_of(Basis.USAGE, "vcpu"), notebook="vCPU used")
    for each in Basis:
        used = "vCPU\nused" if each == Basis.USAGE else None
        # A terminal has room for what is used, and for what is paid.
        usd = Head(f"USD a year\n{fmt.AS_BASIS[each]}", absent="-")
        paid = usd if each in known and each != Basis.RESERVED else None
        titles = (f"vCPU {_BASES[each]}", f"USD a year, {_BASES[each]}")
        page_vcpu, page_usd = titles if each in known else (None, None)
        text_usd = f"USD a year {fmt.AS_BASIS[each]}" if paid else None
        is_saved = paid is not None
        saved, plain = (
            Head(f"saving{gap}{fmt.AS_BASIS[each]}", absent="") if is_saved else None
            for gap in ("\n", " ")
        )
        listing.column(
            _of(each, "vcpu"), terminal=used, narrow=used, text=_flat(used), page=page_vcpu
        )
        listing.column(
            _of(each, "usd_per_year"),
            Unit.USD,
            terminal=paid,
            narrow=paid,
            text=text_usd,
            page=page_usd,
            notebook=text_usd,
        )
        listing.column(
            partial(_saved_percent, savings, each),
            terminal=saved,
            narrow=saved,
            text=plain,
            page=plain,
            notebook=plain,
        )
    if any(item.against_rightsized for item in projection.savings):
        beyond = Head("saving against right-sized", absent="")
        listing.column(
            partial(_beyond_percent, savings),
            narrow=beyond,
            text=beyond,
            page=beyond,
            notebook=beyond,
        )
    listing.column(
        lambda mode: mode.bases[basis].memory_gib,
        text=Head(f"memory GiB {fmt.AS_BASIS[basis]}", absent=""),
        page="GiB of memory",
    )
    listing.column(lambda mode: _provenance(mode, ": "), text="source of the CPU used")
    captions = {
        View.PAGE: "What each mode needs and costs for the same traffic",
        View.NOTEBOOK: "Cost of each mode for the same traffic (ranges are 90 % intervals)",
    }
    notes = {View.PAGE: _note(projection)}
    return Table("cost", *listing.filled, captions=captions, notes=notes)


def _flat(title: str | None) -> str | None:
    return title and title.replace("\n", " ")


def _saved_percent(savings: Mapping[str, Saving], basis: Basis, mode: Mode) -> Value:
    if mode.name == SIDECAR:
        return ""
    found = savings[mode.name].bases.get(basis) if mode.name in savings else None
    return Amount(found.percent if found else None, Unit.PERCENT, is_gain=True)


def _beyond_percent(savings: Mapping[str, Saving], mode: Mode) -> Value:
    found = savings[mode.name].against_rightsized if mode.name in savings else None
    return Amount(found.percent if found else None, Unit.PERCENT, absent="", is_gain=True)


def bases(projection: Projection) -> Table:
    """Return what each mode needs and costs on every basis."""
    listing = Listing(projection.modes)
    listing.column(lambda mode: fmt.MODE_TITLES[mode.name], text="mode")
    for basis in Basis:
        vcpu, usd = (
            Head(f"{unit}, {_BASES[basis]}", absent="-") for unit in ("vCPU", "USD a year")
        )
        listing.column(_of(basis, "vcpu"), text=vcpu)
        listing.column(_of(basis, "usd_per_year"), Unit.USD, text=usd)
    return Table("bases", *listing.filled)


def _of(basis: Basis, figure: str) -> Callable[[Mode], Interval | None]:
    return lambda mode: getattr(mode.bases[basis], figure) if basis in mode.bases else None


def _provenance(mode: Mode, between: str) -> str:
    return ", ".join(f"{item.role}{between}{item.provenance}" for item in mode.components)


def _note(projection: Projection) -> str:
    footprints = [item for mode in projection.modes for item in mode.bases.values()]
    has_range = any(item.vcpu.low < item.vcpu.high for item in footprints)
    price = f"{fmt.price(projection.price)} ({projection.price.source})"
    return " ".join(
        [
            *(["Small figures: 90 % interval."] if has_range else []),
            f"Memory is {fmt.AS_BASIS[projection.basis]}. Dollars are at {price}.",
            *side_by_side(projection),
        ]
    )


def sensitivity(projection: Projection) -> Table:
    """Return what each assumption does to the saving with waypoints, the widest range first."""

    def unit(item: Sensitivity) -> str:
        return assumed(projection, item.assumption)[1] or "fitted; its unit is in its name"

    listing = Listing(item for item in projection.sensitivity if _shows(item))
    listing.column(
        lambda item: assumption_title(item.assumption), text="assumption", page="assumption"
    )
    listing.column(lambda item: assumed(projection, item.assumption)[0], text="value", page="value")
    for title, saved in (
        ("at its low end", attrgetter("low_usd_per_year")),
        ("at its high end", attrgetter("high_usd_per_year")),
    ):
        listing.column(saved, Unit.USD, text=f"saved a year {title}", page=f"USD saved {title}")
    listing.text_column(unit, page="unit")
    caption = "Assumptions that move the saving with waypoints, each alone, largest first"
    return Table("sensitivity", *listing.filled, captions={View.PAGE: caption})


def _shows(item: Sensitivity) -> bool:
    """Return whether an assumption moves the saving by what a dollar shows."""
    return fmt.dollars(item.low_usd_per_year) != fmt.dollars(item.high_usd_per_year)


def sweep(found: Sweep) -> Table:
    """Return the saving along one choice."""
    title, caption = _SWEEPS[found.name]
    is_share = found.name == "l7_share"
    listing = Listing(found.points)
    listing.column(
        lambda point: f"{100 * point.choice:.0f} %" if is_share else f"{point.choice:.0f}",
        text=title,
        page=title if is_share else "replicas of each waypoint",
    )
    listing.column(
        lambda point: point.usd_per_year, Unit.USD, text="saved a year", page="saved, USD a year"
    )
    return Table(found.name, *listing.filled, captions={View.PAGE: caption})


def zones(projection: Projection) -> Table:
    """Return the traffic between zones with each choice of waypoint replicas."""
    found = projection.zone_transfer
    choices = found.choices if found and found.zone_count > 1 else ()
    listing = Listing(item for item in choices if item.waypoint_count)
    for title, value, unit in _ZONE_COLUMNS:
        narrow = Head(title, best_only=True)
        views = {"terminal": narrow, "narrow": narrow}
        listing.column(value, unit, everywhere=title.replace("\n", " "), **views)
    caption = "Traffic between zones that waypoints add, by their replicas"
    notes = {}
    if found:
        basis = fmt.AS_BASIS[projection.basis]
        price = f"${fmt.ranged(found.usd_per_gb)} per GB ({found.source})"
        notes = {View.PAGE: f"At {price}. Waypoints {basis}."}
    return Table("zones", *listing.filled, captions={View.PAGE: caption}, notes=notes)


def _replicas(item: ZoneChoice) -> str:
    return f"{fmt.count(item.waypoint_count)}{_HOW[item.replicas]}"


_ZONE_COLUMNS: Final[tuple[tuple[str, Callable[[ZoneChoice], Value], Unit], ...]] = (
    ("waypoint\nreplicas", _replicas, Unit.NUMBER),
    ("PreferClose", lambda item: _PREFERS[item.traffic_distribution], Unit.NUMBER),
    ("GB\na month", lambda item: item.gb_per_month, Unit.NUMBER),
    ("USD\na year", lambda item: item.transfer_usd_per_year, Unit.USD),
    ("waypoint\nvCPU", lambda item: item.waypoint_vcpu, Unit.NUMBER),
    ("USD with\nwaypoints", lambda item: item.usd_per_year, Unit.USD),
)
"""The columns of `zones`; a terminal has room for the best estimates."""


def references(projection: Projection) -> Table:
    """Return what the same mesh would use by published constants."""
    listing = Listing(projection.references)
    listing.column(lambda item: item.title, text="published figures applied to this mesh")
    # Published constants may have figures of these.
    for name in (SIDECAR, AMBIENT_L4, AMBIENT_WAYPOINT_ALL):
        listing.column(_reference_vcpu(name), text=Head(f"{name} vCPU", absent="-"))
    listing.column(lambda item: why_different(item, projection.load), text="why")
    return Table("references", *listing.filled)


def _reference_vcpu(mode: str) -> Callable[[Reference], float | None]:
    return lambda item: item.vcpu.get(mode)
