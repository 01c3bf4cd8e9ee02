"""The answer in one paragraph, for those who pay and those who are on call."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from analyzer.measurement.findings import Severity
from analyzer.projection.choices import OBSERVED, Basis
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_WAYPOINT, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.escapes import inert
from analyzer.report.sentences import Line, whole
from analyzer.report.sentences.calibration import verdict
from analyzer.report.sentences.dependence import dependence_lines
from analyzer.report.sentences.projection import (
    break_even_line,
    growth_factor,
    headline,
    requested_vcpu,
    side_by_side,
    used_vcpu,
)
from analyzer.report.sentences.unseen import filled_line
from analyzer.report.sentences.zones import added_lines, is_leading
from analyzer.units import Reason, Refusal


def summary(answer: Answer) -> tuple[Line, ...]:
    """Return what was measured, what it costs, what moving saves, and how far to trust it."""
    lines = [*_lines(answer)]
    lines += _limit(answer, [refusal for line in lines for refusal in line.refusals])
    return tuple(replace(line, text=answer.spelled(inert(line.text))) for line in lines)


def _lines(answer: Answer) -> Iterator[Line]:
    projection = answer.projection
    load = projection.load if projection else answer.load
    if load:
        yield Line(_carried(answer, load))
        yield from map(Line, filled_line(load))
    if projection:
        yield Line(_cost(projection))
    if answer.sidecar:
        yield Line(verdict(answer.sidecar), is_strong=True)
    elif answer.calibration and isinstance(refusal := answer.calibration.sidecar, Refusal):
        text = f"Cannot tell what a request costs. {whole(refusal.detail)}"
        yield Line(text, refusals=(refusal,))
    if projection:
        yield from _savings(projection)
        yield from _dependence(projection)


def _carried(answer: Answer, load: MeshLoad) -> str:
    namespaces = fmt.counted(load.namespace_count, "namespace")
    mesh = f"{fmt.counted(load.sidecar_count, 'sidecar')} in {namespaces}"
    nodes = "" if load.node_count is None else f" on {fmt.counted(load.node_count, 'node')}"
    sidecars = load.sidecars
    if answer.manifest is None or sidecars is None:
        rps = f", {fmt.number(load.proxy_rps)} proxy requests/s in total"
        return f"Hypothetical mesh, not measured: {mesh}{nodes}{rps if load.proxy_rps else ''}."
    growth = growth_factor(answer.projection)
    workings = answer.projection.workings if answer.projection else None
    has_hours = workings is not None and workings.scenario.working_hours is not None
    hours = ", in the scenario's working hours" if has_hours else ""
    used = "used" if growth == 1 else f"would, at {fmt.number(growth)} times the traffic, use"
    requested = sidecars.reserved_vcpu
    text = "" if requested is None else f" They request {requested_vcpu(load, requested)} vCPU."
    return (
        f"Measured {fmt.span_title(answer.manifest.window)}{hours}: {mesh}{nodes} {used} "
        f"{used_vcpu(load, sidecars)} vCPU on average.{text}"
    )


def _cost(projection: Projection) -> str:
    bases = next(mode.bases for mode in projection.modes if mode.name == SIDECAR)
    chosen = bases[projection.basis]
    other = Basis.USAGE if projection.basis == Basis.BILLED else Basis.BILLED
    also = f", {fmt.usd(bases[other].usd_per_year)} {fmt.AS_BASIS[other]}" if other in bases else ""
    if projection.load.sidecars:
        what = "The sidecars cost"
    else:
        what = f"The sidecars would use {fmt.ranged(chosen.vcpu)} vCPU and cost"
    return (
        f"{what} {fmt.usd(chosen.usd_per_year)} a year {fmt.AS_BASIS[projection.basis]}{also}, at "
        f"{fmt.price(projection.price)}."
    )


def _savings(projection: Projection) -> Iterator[Line]:
    savings = {item.mode: item for item in projection.savings}
    finding = headline(projection)
    if finding:
        yield Line(finding)
        yield from map(Line, break_even_line(projection))
        yield Line(_in_dollars(projection), is_strong=True)
        for text in side_by_side(projection):
            yield Line(text)
        if is_leading(projection):
            yield from map(Line, added_lines(projection))
    elif savings:
        parts = [
            f"{fmt.MODE_TITLES[name]} would {fmt.saving(item.percent)}"
            for name, item in savings.items()
        ]
        yield Line(f"For the same traffic, {' and '.join(parts)}.")
        yield Line(_in_dollars(projection), is_strong=True)
    else:
        # What was not requested is no reason.
        known = [item for item in projection.refusals if item.reason != Reason.NOT_ASKED][:1]
        yield Line("Cannot tell what ambient would save.", refusals=tuple(known))
        yield from (Line(whole(item.detail)) for item in known)


def _in_dollars(projection: Projection) -> str:
    """Return what each mode saves in a year; negative: extra cost."""
    namespaces = projection.load.namespaces
    with_http = fmt.counted(int(namespaces["has_http"].sum()), "namespace")
    where = {
        AMBIENT_WAYPOINT: f" ({with_http} with HTTP)"
        if projection.waypoint_placement == OBSERVED
        else "",
        AMBIENT_WAYPOINT_ALL: f" ({fmt.counted(len(namespaces), 'namespace')})",
    }
    parts = []
    for item in projection.savings:
        name = f"{fmt.capital(fmt.MODE_TITLES[item.mode])}{where.get(item.mode, '')}"
        parts.append(f"{name}: {fmt.usd(item.usd_per_year)}.")
    has_range = any(item.usd_per_year.low < item.usd_per_year.high for item in projection.savings)
    legend = " Ranges are 90 % intervals." if has_range else ""
    basis = fmt.AS_BASIS[projection.basis]
    return f"Saving a year {basis}. {' '.join(parts)}{legend}"


def _dependence(projection: Projection) -> Iterator[Line]:
    for text in [*dependence_lines(projection)][:1]:
        yield Line(f"Largest effect: {fmt.continued(text)}")


def _limit(answer: Answer, refused: Collection[Refusal]) -> Iterator[Line]:
    """Return the one thing that most limits the answer, if the text before does not have it."""
    findings = [item for item in answer.findings if item.severity != Severity.INFO]
    stated = {answer.worded(item) for item in refused}
    refusals = [item for item in answer.refusals if item not in stated]
    if findings:
        yield Line(f"Largest gap in the data: {replace(findings[0], fix='')}")
    elif refusals:
        yield Line(f"Cannot tell: {str(refusals[0]).removesuffix('.')}.", refusals=(refusals[0],))
