"""The table of recommended requests."""

from collections.abc import Callable
from typing import Final

from analyzer.projection.rightsizing.result import Recommendation, Resources, Rightsizing
from analyzer.report.table import Amount, Head, Listing, Table, Unit, Value, View
from analyzer.units import MIB_PER_GIB

FILE: Final = "rightsizing.csv"

CAPTION: Final = "CPU and memory of sidecars, today and recommended, largest saving first"

_CANNOT_TELL: Final = "cannot tell"


def recommendations(found: Rightsizing) -> Table:
    """Return the requests of each workload's sidecars, today and recommended."""
    listing = Listing(found.workloads)
    wide, percentile = ("text", "page", "notebook"), f"{found.policy.percentile:g}"
    listing.column(lambda item: f"{item.namespace}/{item.workload}", everywhere="workload")
    listing.column(owner, text="owner", page="owner")
    listing.column(
        lambda item: item.sidecar_count,
        Unit.COUNT,
        **dict.fromkeys((*wide, "terminal"), "sidecars"),
    )
    listing.column(
        lambda item: item.today.request_vcpu,
        everywhere="vCPU requested",
        terminal="vCPU\nrequested",
        narrow="vCPU\nrequested",
    )
    listing.column(
        lambda item: item.request_vcpu,
        Unit.NUMBER,
        _CANNOT_TELL,
        everywhere="vCPU recommended",
        terminal=Head("vCPU\nrecommended", best_only=True),
        narrow=Head("vCPU\nrecommended", best_only=True),
    )
    listing.column(
        lambda item: item.used_vcpu, terminal="used,\naverage", **dict.fromkeys(wide, "vCPU used")
    )
    listing.column(
        lambda item: item.high_vcpu, **dict.fromkeys(wide, f"vCPU used, percentile {percentile}")
    )
    _memory_columns(listing)
    listing.column(
        lambda item: _percent(item.exceeded_share),
        Unit.PERCENT,
        **dict.fromkeys(("text", "page"), "steps above the request (backtest)"),
    )
    listing.column(
        lambda item: Amount(item.saved_vcpu, absent="-", is_gain=True),
        everywhere="billed vCPU saved",
        terminal="billed vCPU\nsaved",
        narrow="billed vCPU\nsaved",
    )
    if any(item.refusal for item in found.workloads):
        listing.text_column(_reason, text="reason", page="reason")
    captions = dict.fromkeys((View.PAGE, View.NOTEBOOK), CAPTION)
    return Table("rightsizing", *listing.filled, captions=captions, file=FILE, is_named=True)


def _reason(item: Recommendation) -> str:
    return item.refusal.detail if item.refusal else ""


def owner(item: Recommendation) -> str:
    """Return the kind and name of a workload's owner."""
    return f"{item.kind}/{item.owner}" if item.kind and item.owner else "not known"


def _memory_columns(listing: Listing[Recommendation]) -> None:
    columns: tuple[tuple[str, Callable[[Recommendation], float | None]], ...] = (
        ("MiB used at most", lambda item: item.peak_memory_gib),
        ("MiB requested", lambda item: item.today.request_memory_gib),
        ("MiB recommended", lambda item: _of(item, lambda found: found.request_memory_gib)),
        ("MiB limit", lambda item: item.today.limit_memory_gib),
        ("MiB limit recommended", lambda item: _of(item, lambda found: found.limit_memory_gib)),
    )
    for title, value in columns:
        absent = _CANNOT_TELL if "recommended" in title else None
        listing.column(_in_mib(value), Unit.NUMBER, absent, text=title, page=title)


def _of(item: Recommendation, amount: Callable[[Resources], float | None]) -> float | None:
    return amount(item.recommended) if item.recommended else None


def _in_mib(gib_of: Callable[[Recommendation], float | None]) -> Callable[[Recommendation], Value]:
    def value(item: Recommendation) -> Value:
        gib = gib_of(item)
        return None if gib is None else gib * MIB_PER_GIB

    return value


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
