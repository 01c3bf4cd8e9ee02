"""Tables of what a migration costs and saves: memory, dollars, savings, nodes and all bases."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

from analyzer.comparison.cost_result import BasisCompared, NodeTime, SavingCompared, Versus
from analyzer.comparison.result import Compared, Comparison, Difference
from analyzer.projection.choices import Basis
from analyzer.report import format as fmt
from analyzer.report.sentences.comparison import price
from analyzer.report.table import Listing, Table, Unit, Value, View
from analyzer.report.tables.comparison import headed
from analyzer.units import Interval, Refusal

_REFUSED: Final = "refused"
_VIEWS: Final = (View.TERMINAL, View.TEXT, View.PAGE)
_BASES: Final = {Basis.USAGE: "used", Basis.RESERVED: "requested", Basis.BILLED: "billed"}

_AMOUNT: Final = {"vcpu": "vCPU", "memory_gib": "GiB", "usd_per_year": "USD a year"}


def _of(item: Difference, basis: Basis, figure: str) -> Versus | None:
    found = (item.bases or {}).get(basis)
    return getattr(found, figure) if found else None


def _side(basis: Basis, figure: str, side: str) -> Callable[[Difference], Value]:
    """Return one side of a figure of a row, as a cell."""

    def value(item: Difference) -> Interval | None:
        found = _of(item, basis, figure)
        return getattr(found, side) if found else None

    return value


def _within(basis: Basis, figure: str) -> Callable[[Difference], str]:
    def value(item: Difference) -> str:
        found = _of(item, basis, figure)
        return _REFUSED if found is None else _yes(is_yes=found.is_within_at_after)

    return value


def _yes(*, is_yes: bool) -> str:
    return "yes" if is_yes else "no"


def memory(comparison: Comparison) -> Table:
    """Return the memory that each role uses, in all and of one proxy."""
    listing = Listing((*comparison.components, comparison.total))
    listing.column(lambda item: item.role, **headed("component", "GiB"))
    used = partial(_side, Basis.USAGE, "memory_gib")
    listing.column(used("predicted"), **headed("GiB predicted", "predicted"))
    listing.column(used("measured"), **headed("GiB measured", "measured"))
    listing.column(partial(_of_one, "predicted"), **headed("GiB each, predicted"))
    listing.column(partial(_of_one, "measured"), **headed("GiB each, measured"))
    listing.column(_within(Basis.USAGE, "memory_gib"), **headed("in range"))
    captions = {View.PAGE: "Memory used, as predicted and as measured"}
    return Table("memory", *listing.filled, captions=captions)


def _of_one(side: str, item: Difference) -> Value:
    if not isinstance(item, Compared):
        return ""
    found = item.memory_gib_per_proxy
    return _REFUSED if found is None else getattr(found, side)


def dollars(comparison: Comparison) -> Table:
    """Return what each role costs on the headline's basis, at the traffic after."""
    basis = comparison.costs.basis
    listing = Listing((*comparison.components, comparison.total))
    listing.column(lambda item: item.role, **headed("component", "USD a year"))
    for side, title in (("predicted_at_after", "predicted"), ("measured", "measured")):
        cell = _side(basis, "usd_per_year", side)
        listing.column(cell, Unit.USD, _REFUSED, **headed(f"USD {title}", title))
    listing.column(
        _side(basis, "usd_per_year", "difference_at_after"),
        Unit.USD,
        _REFUSED,
        **headed("difference"),
    )
    listing.column(_within(basis, "usd_per_year"), **headed("in range"))
    note = f"Predicted for the traffic after. {price(comparison)}"
    captions = {View.PAGE: f"Cost a year {fmt.AS_BASIS[basis]}, as predicted and as measured"}
    return Table("dollars", *listing.filled, captions=captions, notes=dict.fromkeys(_VIEWS, note))


class _Saved(NamedTuple):
    """The saving on one basis, at one traffic."""

    basis: Basis
    found: SavingCompared
    suffix: str

    def usd(self, name: str) -> Interval:
        """Return one of its figures."""
        value: Interval = getattr(self.found, f"{name}{self.suffix}_usd_per_year")
        return value


_AT_AFTER: Final = "_at_after"
_TRAFFIC: Final = {_AT_AFTER: "after", "": "own"}


def savings(comparison: Comparison) -> Table:
    """Return the predicted and the realised saving: on each basis, at both traffics."""
    listing = Listing(
        _Saved(basis, found, suffix)
        for basis, found in comparison.costs.savings.items()
        for suffix in _TRAFFIC
    )
    listing.column(lambda row: fmt.AS_BASIS[row.basis], **headed("saving a year"))
    listing.column(lambda row: _TRAFFIC[row.suffix], **headed("traffic"))
    for name, title in (("predicted", "USD predicted"), ("realised", "USD realised")):
        terminal = title.removeprefix("USD ")
        cell = partial(_usd_of, name)
        listing.column(cell, Unit.USD, **headed(title, terminal))
    listing.column(_saving_within, **headed("in range"))
    note = (
        "A saving below zero is an extra cost. Traffic after: both sides carry the requests of "
        "AFTER. Own: each snapshot carries its own, and their growth counts as cost."
    )
    captions = {View.PAGE: "The saving, as predicted and as realised"}
    return Table("savings", *listing.filled, captions=captions, notes=dict.fromkeys(_VIEWS, note))


def _usd_of(name: str, row: _Saved) -> Interval:
    return row.usd(name)


def _saving_within(row: _Saved) -> str:
    return _yes(is_yes=getattr(row.found, f"is_within{row.suffix}"))


def bases(comparison: Comparison) -> Table:
    """Return CPU, memory and dollars of each role on every basis, for pages and files."""
    rows = [
        (item.role, basis, found)
        for item in (*comparison.components, comparison.total)
        for basis, found in (item.bases or {}).items()
    ]
    listing = Listing(rows)
    views = (View.TEXT, View.PAGE)
    listing.column(lambda row: row[0], **dict.fromkeys(views, "component"))
    listing.column(lambda row: _BASES[row[1]], **dict.fromkeys(views, "basis"))
    for figure, unit in _AMOUNT.items():
        written = Unit.USD if figure == "usd_per_year" else Unit.NUMBER
        for side, title in (("predicted_at_after", "predicted"), ("measured", "measured")):
            cell = partial(_of_basis, figure, side)
            heads = dict.fromkeys(views, f"{unit} {title}")
            listing.column(cell, written, _REFUSED, **heads)
    captions = {View.PAGE: "What each component needs and costs, used, requested and billed"}
    return Table("bases", *listing.filled, captions=captions)


def _of_basis(figure: str, side: str, row: tuple[object, Basis, BasisCompared]) -> Interval | None:
    found = getattr(row[2], figure)
    return getattr(found, side) if found else None


class _Nodes(NamedTuple):
    when: str
    time: NodeTime


def nodes(comparison: Comparison) -> Table:
    """Return the nodes of both snapshots: number, node-hours and size."""
    listing = Listing(_nodes(comparison))
    listing.column(lambda row: row.when, **headed("nodes"))
    listing.column(lambda row: round(row.time.node_count, 2), Unit.COUNT, **headed("number"))
    listing.column(
        lambda row: row.time.node_hours_per_week, Unit.COUNT, **headed("node-hours a week")
    )
    listing.column(
        lambda row: row.time.node_hours_per_month, Unit.COUNT, **headed("node-hours a month")
    )
    listing.column(
        lambda row: row.time.allocatable_vcpu,
        Unit.NUMBER,
        _REFUSED,
        **headed("vCPU allocatable"),
    )
    listing.column(
        lambda row: row.time.allocatable_memory_gib,
        Unit.NUMBER,
        _REFUSED,
        **headed("GiB allocatable"),
    )
    captions = {View.PAGE: "Nodes that run DaemonSets, as measured"}
    return Table("nodes", *listing.filled, captions=captions)


def _nodes(comparison: Comparison) -> Iterator[_Nodes]:
    found = comparison.nodes
    if not isinstance(found, Refusal):
        yield _Nodes("before", found.before)
        yield _Nodes("after", found.after)
