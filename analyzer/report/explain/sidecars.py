"""The need of the sidecars: sums over sidecars and intervals."""

from collections.abc import Iterator

from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.result import Workings
from analyzer.projection.sidecars import SidecarFootprint, SidecarTally
from analyzer.report.answer import Answer
from analyzer.report.explain import lines
from analyzer.report.explain.lines import equation, figure, query_file
from analyzer.report.explain.unseen import unseen_lines
from analyzer.units import Provenance, counted


def sidecar_lines(answer: Answer, load: MeasuredLoad, workings: Workings) -> Iterator[str]:
    """Return the sidecars' footprint: sums over sidecars and intervals, divided by intervals."""
    sums, footprint, manifest = load.tally, load.sidecars, answer.manifest
    is_recorded = manifest is not None and manifest.label_mapping.is_recorded
    yield f"Sidecars ({Provenance.MEASURED})"
    query = query_file("proxy_recorded_cpu_vcpu" if is_recorded else "proxy_cpu_vcpu")
    yield f"  CPU used is from {query}"
    yield (
        f"  {counted(sums.value_count, 'value')}, one per sidecar and interval: "
        f"{counted(sums.step_count, 'interval')}, {counted(load.sidecar_count, 'sidecar')}"
    )
    yield from _sidecars_used(answer, workings, sums, footprint)
    yield from requested_lines(sums, footprint)
    yield from _sidecars_memory(load, workings, sums, footprint)
    inbound, outbound = query_file("inbound_requests_rps"), query_file("outbound_requests_rps")
    yield f"  requests are from {inbound} and {outbound}"
    growth = workings.scenario["traffic_growth_factor"].mid
    how, terms = "{} / {} x {}", (sums.measured_rps, sums.step_count, growth)
    how = "{} / {}" if growth == 1 else how
    yield equation("proxy requests, sum / intervals", how, terms, load.proxy_rps, "requests/s")
    yield from unseen_lines(load)


def _sidecars_used(
    answer: Answer, workings: Workings, sums: SidecarTally, footprint: SidecarFootprint
) -> Iterator[str]:
    label, terms = "used, sum of the values / intervals", [sums.measured_vcpu]
    if workings.scenario["traffic_growth_factor"].mid == 1:
        yield equation(label, "{} / {}", (*terms, sums.step_count), footprint.vcpu, "vCPU")
        return
    yield from lines.assumed(workings.scenario, "traffic_growth_factor")
    if answer.sidecar:
        yield from lines.fitted(answer.sidecar)
        added, how = (sums.added_rps, answer.sidecar.vcpu_per_1000_rps.mid), "{} / 1000 x {}"
        yield equation("growth, sum of the added requests", how, added, sums.added_vcpu, "vCPU")
        terms.append(sums.added_vcpu)
    if sums.floored_vcpu > 0:
        yield "  no sidecar uses less than 0 vCPU: what growth takes below 0 is added back"
        terms.append(sums.floored_vcpu)
    how = f"({lines.plus(terms)}) / {sums.step_count}"
    yield equation(label, how, (), footprint.vcpu, "vCPU")


def requested_lines(sums: SidecarTally, footprint: SidecarFootprint) -> Iterator[str]:
    """Return the CPU that the sidecars request, and what is billed."""
    reserved, billed, steps = footprint.reserved_vcpu, footprint.billed_vcpu, sums.step_count
    if reserved is None or billed is None:
        yield "  requested and billed: no CPU request of a sidecar is known"
        return
    yield f"  CPU requested is from {query_file('proxy_reserved_vcpu')}"
    yield "  a sidecar that starts or ends in an interval counts for the part in which it existed"
    label, terms = "requested, sum / intervals", (sums.reserved_vcpu, steps)
    yield equation(label, "{} / {}", terms, reserved, "vCPU")
    yield "  billed is the larger of the two, per sidecar and interval:"
    used, requested = sums.billed_by_use_vcpu, sums.billed_by_reservation_vcpu
    yield (
        f"  used, if more is used than requested or no request is known, {figure(used)}; "
        f"otherwise requested, {figure(requested)}"
    )
    yield equation(
        "billed, sum / intervals", "({} + {}) / {}", (used, requested, steps), billed, "vCPU"
    )


def _sidecars_memory(
    load: MeasuredLoad, workings: Workings, sums: SidecarTally, footprint: SidecarFootprint
) -> Iterator[str]:
    used, steps = footprint.memory_gib, sums.step_count
    if used is None:
        name = "sidecar_memory_gib_per_proxy"
        yield from lines.assumed(workings.scenario, name)
        count, each = load.sidecar_count, workings.scenario[name].mid
        yield equation("memory, assumed", "{} x {}", (count, each), count * each, "GiB")
    else:
        yield f"  memory used is from {query_file('proxy_memory_bytes')}"
        yield equation("memory, sum / intervals", "{} / {}", (sums.memory_gib, steps), used, "GiB")
    yield from requested_memory_lines(sums, footprint)


def requested_memory_lines(sums: SidecarTally, footprint: SidecarFootprint) -> Iterator[str]:
    """Return the memory that the sidecars request, and what is billed."""
    steps = sums.step_count
    reserved, billed = footprint.reserved_memory_gib, footprint.billed_memory_gib
    if reserved is None or billed is None:
        return
    yield f"  memory requested is from {query_file('proxy_reserved_memory_bytes')}"
    terms = sums.reserved_memory_gib, steps
    yield equation("memory requested, sum / intervals", "{} / {}", terms, reserved, "GiB")
    parts = sums.billed_by_use_gib, sums.billed_by_reservation_gib, steps
    yield equation("memory billed, by the same rule", "({} + {}) / {}", parts, billed, "GiB")
