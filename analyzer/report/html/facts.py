"""The few figures that stand out at the top of the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.projection.modes import SIDECAR
from analyzer.projection.result import Projection
from analyzer.report.answer import Answer
from analyzer.report.html.cells import Cell, interval
from analyzer.report.verdict import POST_VCPU_PER_1000_RPS
from analyzer.report.words import AS_BASIS, MODE_TITLES, dollars, number

__all__ = ["Fact", "facts"]


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
            figure=Cell(text=number(load.sidecars.vcpu)),
            remark="" if reserved is None else f"{number(reserved)} reserved",
        )
    if projection:
        yield _cost(projection)
    fit = answer.sidecar
    if fit:
        yield Fact(
            label="vCPU per 1000 requests/s",
            figure=interval(fit.vcpu_per_1000_rps),
            remark=f"the post says {POST_VCPU_PER_1000_RPS}",
        )
    if projection:
        yield from _savings(projection)


def _cost(projection: Projection) -> Fact:
    sidecars = next(mode for mode in projection.modes if mode.name == SIDECAR)
    basis = AS_BASIS[projection.basis]
    return Fact(
        label="USD a year for sidecars",
        figure=interval(sidecars.bases[projection.basis].usd_per_year, dollars),
        remark=f"{basis}, at ${projection.price.vcpu_month_usd:.4g} per vCPU-month",
    )


def _savings(projection: Projection) -> Iterator[Fact]:
    for saving in projection.savings[:2]:
        share, verb = saving.percent, "saved by"
        if share.mid < 0:
            share, verb = share.negated(), "dearer with"
        yield Fact(
            label=f"{verb} {MODE_TITLES[saving.mode]}",
            figure=interval(share, lambda end: f"{round(end) + 0} %"),
            remark=f"{dollars(abs(saving.usd_per_year.mid))} a year",
        )
