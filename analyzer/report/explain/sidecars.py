"""What the sidecars need: sums over proxies and steps, divided by the number of steps."""

from collections.abc import Iterator

from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.result import Workings
from analyzer.projection.sidecars import SidecarFootprint, SidecarTally
from analyzer.report.answer import Answer
from analyzer.report.explain.lines import assumed, cpu_query, equation, figure, fitted, query_file
from analyzer.units import Provenance


def sidecar_lines(answer: Answer, load: MeasuredLoad, workings: Workings) -> Iterator[str]:
    """Return how the sidecars' footprint comes about."""
    sums, footprint = load.tally, load.sidecars
    yield f"Sidecars ({Provenance.MEASURED})"
    yield f"  CPU used is from {cpu_query(answer.manifest)}"
    yield (
        f"  it tells {sums.value_count} values, one a sidecar and step, in {sums.step_count} steps "
        f"of {load.sidecar_count} sidecars"
    )
    yield from _used(answer, workings, sums, footprint)
    yield from _other_bases(sums, footprint)
    yield from _memory(load, workings, sums, footprint)
    yield (
        f"  requests are from {query_file('inbound_requests_rps')} and "
        f"{query_file('outbound_requests_rps')}"
    )
    growth = workings.scenario["traffic_growth_factor"].mid
    times = "" if growth == 1 else f" x {figure(growth)}"
    summed = f"{figure(sums.measured_rps)} / {sums.step_count}{times}"
    yield equation("proxy requests, sum / steps", summed, load.proxy_rps, "requests/s")


def _used(
    answer: Answer, workings: Workings, sums: SidecarTally, footprint: SidecarFootprint
) -> Iterator[str]:
    steps = sums.step_count
    if workings.scenario["traffic_growth_factor"].mid == 1:
        summed = f"{figure(sums.measured_vcpu)} / {steps}"
        yield equation("used, sum of the values / steps", summed, footprint.vcpu, "vCPU")
        return
    yield from assumed(workings.scenario, "traffic_growth_factor")
    terms = [figure(sums.measured_vcpu)]
    if answer.sidecar:
        yield from fitted(answer.sidecar)
        slope = figure(answer.sidecar.vcpu_per_1000_rps.mid)
        growth = f"{figure(sums.added_rps)} / 1000 x {slope}"
        yield equation("growth, sum of the requests added", growth, sums.added_vcpu, "vCPU")
        terms.append(figure(sums.added_vcpu))
    if sums.floored_vcpu > 0:
        yield "  no sidecar uses less than nothing: what growth takes beyond that is given back"
        terms.append(figure(sums.floored_vcpu))
    summed = f"({' + '.join(terms)}) / {steps}"
    yield equation("used, sum of the values / steps", summed, footprint.vcpu, "vCPU")


def _other_bases(sums: SidecarTally, footprint: SidecarFootprint) -> Iterator[str]:
    reserved, billed, steps = footprint.reserved_vcpu, footprint.billed_vcpu, sums.step_count
    if reserved is None or billed is None:
        yield "  reserved and billed: no CPU request of any sidecar is known"
        return
    reserved_sum = f"{figure(sums.reserved_vcpu)} / {steps}"
    yield f"  CPU reserved is from {query_file('proxy_reserved_vcpu')}"
    yield equation("reserved, sum / steps", reserved_sum, reserved, "vCPU")
    yield "  billed is the larger of the two, sidecar by sidecar and step by step:"
    yield (
        f"  used, where more is used than reserved or no request is known, "
        f"{figure(sums.billed_by_use_vcpu)}; reserved, elsewhere, "
        f"{figure(sums.billed_by_reservation_vcpu)}"
    )
    parts = f"({figure(sums.billed_by_use_vcpu)} + {figure(sums.billed_by_reservation_vcpu)})"
    yield equation("billed, sum / steps", f"{parts} / {steps}", billed, "vCPU")


def _memory(
    load: MeasuredLoad, workings: Workings, sums: SidecarTally, footprint: SidecarFootprint
) -> Iterator[str]:
    used, reserved, billed = (
        footprint.memory_gib,
        footprint.reserved_memory_gib,
        footprint.billed_memory_gib,
    )
    steps = sums.step_count
    if used is None:
        name = "sidecar_memory_gib_per_proxy"
        each = workings.scenario[name].mid
        yield from assumed(workings.scenario, name)
        assumed_sum = f"{load.sidecar_count} x {figure(each)}"
        yield equation("memory, not measured", assumed_sum, load.sidecar_count * each, "GiB")
    else:
        yield f"  memory used is from {query_file('proxy_memory_bytes')}"
        yield equation("memory, sum / steps", f"{figure(sums.memory_gib)} / {steps}", used, "GiB")
    if reserved is None or billed is None:
        return
    yield f"  memory reserved is from {query_file('proxy_reserved_memory_bytes')}"
    reserved_sum = f"{figure(sums.reserved_memory_gib)} / {steps}"
    yield equation("memory reserved, sum / steps", reserved_sum, reserved, "GiB")
    parts = f"({figure(sums.billed_by_use_gib)} + {figure(sums.billed_by_reservation_gib)})"
    yield equation("memory billed, likewise", f"{parts} / {steps}", billed, "GiB")
