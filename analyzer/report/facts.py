"""The few figures that stand out at the top of the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.projection.modes import SIDECAR
from analyzer.projection.result import Projection, Saving
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.sentences.calibration import post_vcpu
from analyzer.report.table import Amount, Cell, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One figure that stands out.

    Attributes:
        remark: what to compare it with.
    """

    label: str
    figure: Cell
    remark: str = ""


def facts(answer: Answer) -> Iterator[Fact]:
    """Return the figures that a reader takes away; what is not known is not among them."""
    projection = answer.projection
    load = projection.load if projection else answer.load
    if load and load.sidecars:
        reserved = load.sidecars.reserved_vcpu
        yield Fact(
            label="vCPU used by the sidecars",
            figure=Amount(load.sidecars.vcpu),
            remark="" if reserved is None else f"{fmt.number(reserved)} reserved",
        )
    if projection:
        yield _cost(projection)
    if answer.sidecar:
        yield Fact(
            label="vCPU per 1000 requests/s",
            figure=Amount(answer.sidecar.vcpu_per_1000_rps),
            remark=f"the post says {post_vcpu()}",
        )
    if projection:
        yield from map(_saving, projection.savings[:2])


def _cost(projection: Projection) -> Fact:
    sidecars = next(mode for mode in projection.modes if mode.name == SIDECAR)
    basis = fmt.AS_BASIS[projection.basis]
    return Fact(
        label="USD a year for sidecars",
        figure=Amount(sidecars.usd_per_year, Unit.USD),
        remark=f"{basis}, at ${projection.price.vcpu_month_usd:.4g} per vCPU-month",
    )


def _saving(saving: Saving) -> Fact:
    share, verb = saving.percent, "saved by"
    if share.mid < 0:
        share, verb = share.negated(), "dearer with"
    return Fact(
        label=f"{verb} {fmt.MODE_TITLES[saving.mode]}",
        figure=Amount(share, Unit.WHOLE_PERCENT),
        remark=f"{fmt.dollars(abs(saving.usd_per_year.mid))} a year",
    )
