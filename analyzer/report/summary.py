"""The answer in one paragraph, for whoever pays and for whoever is on call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from analyzer.measurement.findings import Severity
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, SIDECAR
from analyzer.projection.result import Price, Projection, Sensitivity
from analyzer.projection.scenario import Basis
from analyzer.report.answer import Answer
from analyzer.report.prospect import headline
from analyzer.report.verdict import verdict
from analyzer.report.words import (
    AS_BASIS,
    MODE_TITLES,
    counted,
    dollars,
    inert,
    number,
    ranged,
    saving,
    span_title,
    usd,
)
from analyzer.units import Interval, Reason, Refusal

__all__ = ["IN_FULL", "executive_summary", "price_title", "summary_sentences"]

IN_FULL: Final[Mapping[Basis, str]] = {
    **AS_BASIS,
    Basis.BILLED: "as billed (the larger of used and reserved, proxy by proxy)",
}
"""Which vCPUs dollars are of, and what the least known of these words means."""


def executive_summary(answer: Answer) -> str | None:
    """Return the whole answer as one paragraph; None where nothing was asked."""
    return " ".join(summary_sentences(answer)) or None


def summary_sentences(answer: Answer) -> tuple[str, ...]:
    """Return what was measured, what it costs, what moving saves, and how far to trust it."""
    sentences = [*_sentences(answer)]
    sentences += _limit(answer, " ".join(sentences))
    return tuple(inert(sentence) for sentence in sentences)


def price_title(price: Price) -> str:
    """Return what a vCPU costs, and a GiB where it costs something."""
    memory = f" and ${price.memory_gib_month_usd:.4g} per GiB-month"
    vcpu = f"${price.vcpu_month_usd:.4g} per vCPU-month"
    return f"{vcpu}{memory if price.memory_gib_month_usd else ''}"


def _sentences(answer: Answer) -> Iterator[str]:
    projection = answer.projection
    load = projection.load if projection else answer.load
    if load:
        yield _carried(answer, load)
    if projection:
        yield _cost(projection)
    cost_of_a_request = verdict(answer)
    if cost_of_a_request:
        yield cost_of_a_request
    elif answer.calibration and isinstance(answer.calibration.sidecar, Refusal):
        yield f"What a request costs cannot be said: {answer.calibration.sidecar.detail}."
    if projection:
        yield from _savings(projection)
        yield from _dependence(projection)


def _carried(answer: Answer, load: MeshLoad) -> str:
    """Return which sidecars the answer is about, and what they used and had reserved."""
    mesh = (
        f"{counted(load.sidecar_count, 'sidecar')} in {counted(len(load.namespaces), 'namespace')}"
    )
    nodes = "" if load.nodes is None else f" on {counted(len(load.nodes), 'node')}"
    sidecars = load.sidecars
    if answer.manifest is None or sidecars is None:
        rps = f", {number(load.proxy_rps)} requests/s through them together"
        return f"Stated, not measured: {mesh}{nodes}{rps if load.proxy_rps else ''}."
    growth, hours = _changed(answer.projection)
    used = "used" if growth == 1 else f"would, at {number(growth)} times the traffic, use"
    reserved = sidecars.reserved_vcpu
    kept = "" if reserved is None else f"; {number(reserved)} are reserved for them"
    return (
        f"Measured {span_title(answer.manifest.window)}{hours}: {mesh}{nodes} {used} "
        f"{number(sidecars.vcpu)} vCPU on average{kept}."
    )


def _changed(projection: Projection | None) -> tuple[float, str]:
    """Return by how much the traffic was made to grow, and which hours alone count."""
    if projection is None or projection.workings is None:
        return 1.0, ""
    scenario = projection.workings.scenario
    hours = ", in the scenario's working hours" if scenario.working_hours else ""
    return scenario["traffic_growth_factor"].mid, hours


def _cost(projection: Projection) -> str:
    bases = next(mode.bases for mode in projection.modes if mode.name == SIDECAR)
    chosen = bases[projection.basis]
    other = Basis.USAGE if projection.basis == Basis.BILLED else Basis.BILLED
    also = f"; {IN_FULL[other]}, {usd(bases[other].usd_per_year)}" if other in bases else ""
    cost = f"{usd(chosen.usd_per_year)} a year {IN_FULL[projection.basis]}"
    told = (
        f"They cost {cost}"
        if projection.load.sidecars
        else f"They would use {ranged(chosen.vcpu)} vCPU, which cost {cost}"
    )
    return f"{told}, at {price_title(projection.price)}{also}."


def _savings(projection: Projection) -> Iterator[str]:
    savings = {item.mode: item for item in projection.savings}
    told = headline(projection)
    if told:
        l4, waypoint = (savings[name].usd_per_year for name in (AMBIENT_L4, AMBIENT_WAYPOINT))
        has_range = waypoint.low < waypoint.high
        yield told
        # A loss among them has its sign, and is no saving.
        what = "that is" if min(l4.mid, waypoint.mid) >= 0 else "the savings are"
        yield (
            f"In dollars {AS_BASIS[projection.basis]} {what} {usd(l4)} and {usd(waypoint)} a year"
            f"{'; brackets hold 90 % of what is likely' if has_range else ''}."
        )
    elif savings:
        parts = [
            f"{saving(item.percent)} ({usd(_size(item.usd_per_year))} a year) with "
            f"{MODE_TITLES[name].removeprefix('ambient, ')}"
            for name, item in savings.items()
        ]
        yield f"For the same traffic ambient would {' and '.join(parts)}."
    else:
        yield f"What ambient would save cannot be said{_why_not(projection)}."


def _size(value: Interval) -> Interval:
    """Return how much is saved or lost."""
    return value if value.mid >= 0 else value.negated()


def _why_not(projection: Projection) -> str:
    """Return the first refusal that is about what is there, not about what was never asked."""
    details = [item.detail for item in projection.refusals if item.reason != Reason.NOT_ASKED]
    return f": {details[0]}" if details else ""


def _dependence(projection: Projection) -> Iterator[str]:
    for item in projection.sensitivity[:1]:
        value, unit = _assumed(projection, item)
        told = f" ({ranged(value)}{f' {unit}' if unit else ''})" if value else ""
        name = item.assumption.replace("_", " ").replace("vcpu", "vCPU")
        yield (
            f"The saving with waypoints depends most on the {name}{told}: "
            f"{dollars(item.low_usd_per_year)} a year at its low end, "
            f"{dollars(item.high_usd_per_year)} at its high end."
        )


def _assumed(projection: Projection, item: Sensitivity) -> tuple[Interval | None, str]:
    """Return the range of what was moved, and its unit; a fitted figure has it in its name."""
    workings = projection.workings
    if workings is None:
        return None, ""
    assumption = workings.scenario.assumptions.get(item.assumption)
    if assumption:
        return assumption.value, assumption.unit
    return workings.parameters.waypoint_fit.get(item.assumption), ""


def _limit(answer: Answer, said: str) -> Iterator[str]:
    """Return the one thing that most limits the answer, if anything does that was not yet said."""
    findings = [item for item in answer.findings if item.severity != Severity.INFO]
    refusals = [item for item in answer.refusals if item.detail not in said]
    if findings:
        yield f"What limits this most: {replace(findings[0], mending='')}."
    elif refusals:
        yield f"What cannot be said: {refusals[0]}."
