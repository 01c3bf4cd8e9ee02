"""The answer in one paragraph, for whoever pays and for whoever is on call."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from analyzer.measurement.findings import Severity
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, MODES, SIDECAR
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.sentences import Line
from analyzer.report.sentences.calibration import verdict
from analyzer.report.sentences.projection import assumed, growth_factor, headline
from analyzer.units import Reason, Refusal


def summary(answer: Answer) -> tuple[Line, ...]:
    """Return what was measured, what it costs, what moving saves, and how far to trust it."""
    lines = [*_lines(answer)]
    lines += _limit(answer, [refusal for line in lines for refusal in line.refusals])
    return tuple(replace(line, text=answer.spelled(fmt.inert(line.text))) for line in lines)


def _lines(answer: Answer) -> Iterator[Line]:
    projection = answer.projection
    load = projection.load if projection else answer.load
    if load:
        yield Line(_carried(answer, load))
    if projection:
        yield Line(_cost(projection))
    if answer.sidecar:
        yield Line(verdict(answer.sidecar), is_strong=True)
    elif answer.calibration and isinstance(refusal := answer.calibration.sidecar, Refusal):
        text = f"What a request costs cannot be said: {refusal.detail}."
        yield Line(text, refusals=(refusal,))
    if projection:
        yield from _savings(projection)
        yield from _dependence(projection)


def _carried(answer: Answer, load: MeshLoad) -> str:
    namespaces = fmt.counted(len(load.namespaces), "namespace")
    mesh = f"{fmt.counted(load.sidecar_count, 'sidecar')} in {namespaces}"
    nodes = "" if load.nodes is None else f" on {fmt.counted(len(load.nodes), 'node')}"
    sidecars = load.sidecars
    if answer.manifest is None or sidecars is None:
        rps = f", {fmt.number(load.proxy_rps)} requests/s through them together"
        return f"Stated, not measured: {mesh}{nodes}{rps if load.proxy_rps else ''}."
    growth = growth_factor(answer.projection)
    workings = answer.projection.workings if answer.projection else None
    has_hours = workings is not None and workings.scenario.working_hours is not None
    hours = ", in the scenario's working hours" if has_hours else ""
    used = "used" if growth == 1 else f"would, at {fmt.number(growth)} times the traffic, use"
    reserved = sidecars.reserved_vcpu
    kept = "" if reserved is None else f"; {fmt.number(reserved)} are reserved for them"
    return (
        f"Measured {fmt.span_title(answer.manifest.window)}{hours}: {mesh}{nodes} {used} "
        f"{fmt.number(sidecars.vcpu)} vCPU on average{kept}."
    )


def _cost(projection: Projection) -> str:
    bases = next(mode.bases for mode in projection.modes if mode.name == SIDECAR)
    chosen = bases[projection.basis]
    other = Basis.USAGE if projection.basis == Basis.BILLED else Basis.BILLED
    also = f"; {fmt.IN_FULL[other]}, {fmt.usd(bases[other].usd_per_year)}" if other in bases else ""
    cost = f"{fmt.usd(chosen.usd_per_year)} a year {fmt.IN_FULL[projection.basis]}"
    stated = f"They would use {fmt.ranged(chosen.vcpu)} vCPU, which cost"
    who = "They cost" if projection.load.sidecars else stated
    return f"{who} {cost}, at {fmt.price(projection.price)}{also}."


def _savings(projection: Projection) -> Iterator[Line]:
    savings = {item.mode: item for item in projection.savings}
    finding = headline(projection)
    if finding:
        l4, waypoint = (savings[name].usd_per_year for name in (AMBIENT_L4, AMBIENT_WAYPOINT))
        yield Line(finding, is_strong=True)
        # A loss among them has its sign, and is no saving.
        what = "that is" if min(l4.mid, waypoint.mid) >= 0 else "the savings are"
        legend = "; brackets hold 90 % of what is likely" if waypoint.low < waypoint.high else ""
        yield Line(
            f"In dollars {fmt.AS_BASIS[projection.basis]} {what} {fmt.usd(l4)} and "
            f"{fmt.usd(waypoint)} a year{legend}."
        )
    elif savings:
        parts = [
            f"{fmt.saving(item.percent)} ({fmt.usd(sized)} a year) with {MODES[name].variant}"
            for name, item in savings.items()
            # The verb has the sign.
            for usd in [item.usd_per_year]
            for sized in [usd if usd.mid >= 0 else usd.negated()]
        ]
        yield Line(f"For the same traffic ambient would {' and '.join(parts)}.")
    else:
        # What was never asked for is no reason.
        known = [item for item in projection.refusals if item.reason != Reason.NOT_ASKED][:1]
        why = "".join(f": {item.detail}" for item in known)
        yield Line(f"What ambient would save cannot be said{why}.", refusals=tuple(known))


def _dependence(projection: Projection) -> Iterator[Line]:
    for item in projection.sensitivity[:1]:
        value, unit = assumed(projection, item.assumption)
        ends = f" ({fmt.ranged(value)}{f' {unit}' if unit else ''})" if value else ""
        name = item.assumption.replace("_", " ").replace("vcpu", "vCPU")
        yield Line(
            f"The saving with waypoints depends most on the {name}{ends}: "
            f"{fmt.dollars(item.low_usd_per_year)} a year at its low end, "
            f"{fmt.dollars(item.high_usd_per_year)} at its high end."
        )


def _limit(answer: Answer, refused: Collection[Refusal]) -> Iterator[Line]:
    """Return the one thing that most limits the answer, if anything does that was not yet said."""
    findings = [item for item in answer.findings if item.severity != Severity.INFO]
    said = {answer.worded(item) for item in refused}
    refusals = [item for item in answer.refusals if item not in said]
    if findings:
        yield Line(f"What limits this most: {replace(findings[0], fix='')}.")
    elif refusals:
        yield Line(f"What cannot be said: {refusals[0]}.", refusals=(refusals[0],))
