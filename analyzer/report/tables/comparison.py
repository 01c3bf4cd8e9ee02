"""Tables of a comparison: components, causes of the difference, and namespaces."""

from functools import partial
from operator import attrgetter
from typing import Final

from analyzer.comparison.result import Cause, Compared, Comparison, Difference, NamespaceCompared
from analyzer.report.sentences.comparison import CAUSE_TITLES, signed
from analyzer.report.table import Head, Listing, Table, Unit, View

_LEGEND: Final = (
    "Bias is predicted / measured - 1 at the traffic after: unit costs of BEFORE, requests of "
    "AFTER. Ranges are 90 % intervals and cover only these unit costs."
)
_PARTS_LEGEND: Final = (
    "traffic: more or fewer requests than before. proxies: more or fewer than predicted. "
    "idle, request: fit of AFTER minus prediction. The parts add up to measured minus predicted."
)

_VIEWS: Final = (View.TERMINAL, View.TEXT, View.PAGE)

_BIAS_CELL: Final = (Unit.PERCENT, "refused")


def headed(title: str, terminal: str | None = None) -> dict[str, str]:
    """Return a column's title in each view of a comparison; a terminal may have a shorter one."""
    wide: tuple[str, ...] = (View.TEXT, View.PAGE, View.NOTEBOOK)
    return {View.TERMINAL: terminal or title, **dict.fromkeys(wide, title)}


def components(comparison: Comparison) -> Table:
    """Return predicted and measured CPU of each component."""
    listing = Listing((*comparison.components, comparison.total))
    listing.column(lambda item: item.role, **headed("component", "vCPU"))
    listing.column(lambda item: item.predicted_vcpu, **headed("predicted vCPU", "predicted"))
    listing.column(
        lambda item: item.predicted_at_after_vcpu,
        **headed("at the traffic after", "at traffic\nafter"),
    )
    listing.column(lambda item: item.measured_vcpu, **headed("measured"))
    listing.column(attrgetter("bias_at_after_percent"), *_BIAS_CELL, **headed("bias"))
    listing.column(lambda item: "yes" if item.is_within_at_after else "no", **headed("in range"))
    captions = dict.fromkeys((View.PAGE, View.NOTEBOOK), "CPU as predicted and as measured")
    return Table(
        "components", *listing.filled, captions=captions, notes=dict.fromkeys(_VIEWS, _LEGEND)
    )


def parts(comparison: Comparison) -> Table:
    """Return the difference of each component by cause."""
    listing = Listing((*comparison.components, comparison.total))
    listing.column(lambda item: item.role, **headed("component", "vCPU"))
    listing.column(_part, **headed("difference"))
    for cause, title in CAUSE_TITLES.items():
        terminal = "request" if cause == Cause.UNIT_COST else title
        # Parts without a fit are in the unexplained part.
        listing.column(partial(_part, cause=cause), **headed(title, terminal))
    captions = {View.PAGE: "The difference in vCPU by cause"}
    return Table(
        "parts", *listing.filled, captions=captions, notes=dict.fromkeys(_VIEWS, _PARTS_LEGEND)
    )


def _part(item: Difference, cause: Cause | None = None) -> str:
    """Return a difference or a part of it; up to a thousandth of the whole is shown as 0."""
    value = item.parts_vcpu.get(cause) if cause else item.difference_vcpu
    if value is None:
        return "refused"
    whole = max(item.measured_vcpu, item.predicted_vcpu.mid)
    return signed(value if abs(value) > whole / 1000 else 0.0)


def namespaces(comparison: Comparison) -> Table:
    """Return a row per namespace and component, largest measured or predicted CPU first."""
    rows: list[tuple[NamespaceCompared, Compared]] = [
        (item, part) for item in comparison.namespaces for part in item.components
    ]
    rows.sort(key=lambda row: -max(row[1].measured_vcpu, row[1].predicted_vcpu.mid))

    def heads(title: str) -> dict[str, str | Head]:
        # There are many namespaces: each has one line on any terminal.
        short = Head(title, best_only=True)
        return {View.TERMINAL: short, View.NARROW: short, View.TEXT: title, View.PAGE: title}

    listing = Listing(rows)
    listing.column(lambda row: row[0].namespace, **heads("namespace"))
    listing.column(lambda row: row[0].status, **heads("sidecars"))
    listing.column(lambda row: row[1].role, **heads("component"))
    listing.column(lambda row: row[1].predicted_vcpu, **heads("predicted"))
    listing.column(lambda row: row[1].predicted_at_after_vcpu, **heads("after"))
    listing.column(lambda row: row[1].measured_vcpu, **heads("measured"))
    listing.column(lambda row: row[1].bias_at_after_percent, *_BIAS_CELL, **heads("bias"))
    captions = {View.PAGE: "CPU of each namespace, as predicted and as measured"}
    return Table("namespaces", *listing.filled, captions=captions, is_named=True)
