"""Tables of a comparison: components, where the difference comes from, and namespaces."""

from collections.abc import Callable
from typing import Final

from analyzer.comparison.result import Cause, Compared, Comparison, Difference, NamespaceCompared
from analyzer.report.sentences.comparison import CAUSE_TITLES, range_word, signed
from analyzer.report.table import Amount, Cell, Head, Listing, Table, Unit, View, Words

_LEGEND: Final = (
    "Bias is predicted over measured, less one, at the traffic after the migration: the unit "
    "costs of BEFORE at the requests of AFTER. Ranges are of these unit costs alone."
)
_PARTS_LEGEND: Final = (
    "traffic: there were more or fewer requests; proxies: there are more or fewer than predicted; "
    "idle and request: AFTER's fit less the prediction. The parts add up to measured less "
    "predicted."
)


def components(comparison: Comparison) -> Table:
    """Return what each component was predicted to use, and what it uses."""
    listing = Listing((*comparison.components, comparison.total))
    listing.column(lambda item: Words(item.role), terminal="vCPU", text="component")
    listing.column(
        lambda item: Amount(item.predicted_vcpu), terminal="predicted", text="predicted vCPU"
    )
    listing.column(
        lambda item: Amount(item.predicted_at_after_vcpu),
        terminal="at traffic\nafter",
        text="at the traffic after",
    )
    listing.column(lambda item: Amount(item.measured_vcpu), terminal="measured", text="measured")
    listing.column(_bias, terminal="bias", text="bias")
    listing.column(lambda item: Words(range_word(item)), terminal="in range", text="in range")
    return Table(
        "components", *listing.filled, notes=dict.fromkeys((View.TERMINAL, View.TEXT), _LEGEND)
    )


def _bias(item: Difference) -> Cell:
    return Amount(item.bias_at_after_percent, Unit.PERCENT, absent="refused")


def parts(comparison: Comparison) -> Table:
    """Return where the difference of each component comes from."""
    listing = Listing((*comparison.components, comparison.total))
    listing.column(lambda item: Words(item.role), terminal="vCPU", text="component")
    listing.column(
        lambda item: _part(item, item.difference_vcpu), terminal="difference", text="difference"
    )
    for cause in Cause:
        title = CAUSE_TITLES[cause]
        terminal = "request" if cause == Cause.UNIT_COST else title
        listing.column(_part_of(cause), terminal=terminal, text=title)
    return Table(
        "parts", *listing.filled, notes=dict.fromkeys((View.TERMINAL, View.TEXT), _PARTS_LEGEND)
    )


def _part_of(cause: Cause) -> Callable[[Difference], Cell]:
    # What could not be told apart is in the part that is not explained.
    return lambda item: _part(item, item.parts_vcpu.get(cause))


def _part(item: Difference, value: float | None) -> Cell:
    """Return a part of a difference; what is a thousandth of the whole at most is nothing."""
    if value is None:
        return Words("refused")
    whole = max(item.measured_vcpu, item.predicted_vcpu.mid)
    return Words(signed(value if abs(value) > whole / 1000 else 0.0))


def namespaces(comparison: Comparison) -> Table:
    """Return a row a namespace and component, those that use or were to use most first."""
    rows: list[tuple[NamespaceCompared, Compared]] = [
        (item, part) for item in comparison.namespaces for part in item.components
    ]
    rows.sort(key=lambda row: -max(row[1].measured_vcpu, row[1].predicted_vcpu.mid))

    def heads(title: str) -> dict[str, str | Head]:
        # Namespaces are many: each has one line, however narrow the terminal.
        short = Head(title, best_only=True)
        return {View.TERMINAL: short, View.NARROW: short, View.TEXT: title}

    listing = Listing(rows)
    listing.column(lambda row: Words(row[0].namespace), **heads("namespace"))
    listing.column(lambda row: Words(row[0].status), **heads("sidecars"))
    listing.column(lambda row: Words(row[1].role), **heads("component"))
    listing.column(lambda row: Amount(row[1].predicted_vcpu), **heads("predicted"))
    listing.column(lambda row: Amount(row[1].predicted_at_after_vcpu), **heads("after"))
    listing.column(lambda row: Amount(row[1].measured_vcpu), **heads("measured"))
    listing.column(lambda row: _bias(row[1]), **heads("bias"))
    return Table("namespaces", *listing.filled, is_named=True)
