"""Requests of right-sized sidecars: how each was found, and what they add up to."""

from collections.abc import Iterator

from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.result import Projection
from analyzer.projection.rightsizing.result import Bursts, Policy, Recommendation
from analyzer.report.escapes import inert
from analyzer.report.explain.lines import equation, figure
from analyzer.report.explain.sidecars import requested_lines, requested_memory_lines
from analyzer.report.sentences.rightsizing import policy_lines
from analyzer.units import Provenance

_BURSTS = {
    Bursts.STEPS: "steps show bursts",
    Bursts.THROTTLING: "throttling shows bursts",
    Bursts.UNSEEN: "bursts within a step are not seen",
}


def rightsized_lines(projection: Projection, load: MeasuredLoad) -> Iterator[str]:
    """Return the recommended request of each workload, and the sums over sidecars."""
    found, resized = projection.rightsizing, load.rightsized
    if found is None or resized is None:
        return
    yield f"  requests of sidecars ({Provenance.DERIVED}); what they use is as measured"
    yield from (f"  {line}" for line in policy_lines(found))
    for item in found.workloads:
        yield from _workload_lines(item, found.policy)
    yield from requested_lines(resized.tally, resized.sidecars)
    yield from requested_memory_lines(resized.tally, resized.sidecars)


def _workload_lines(item: Recommendation, policy: Policy) -> Iterator[str]:
    name = inert(f"{item.namespace}/{item.workload}")
    if item.request_vcpu is None or item.high_vcpu is None or item.bursts is None:
        yield f"  {name}: no recommendation, requests stay as they are"
        return
    # What throttled periods add is not among the answer's figures.
    is_plain = item.bursts != Bursts.THROTTLING
    share = policy.unseen_headroom_share if item.bursts == Bursts.UNSEEN else policy.headroom_share
    ends = f"{figure(item.request_vcpu.low)} to {figure(item.request_vcpu.high)}"
    rounded = f"request {figure(item.request_vcpu.mid)} vCPU ({ends})"
    label = f"{name}, {_BURSTS[item.bursts]}"
    if is_plain:
        need = item.high_vcpu * (1 + share)
        yield equation(label, "{} x (1 + {})", (item.high_vcpu, share), need, "vCPU")
        yield f"  {name}, rounded up: {rounded}"
    else:
        yield f"  {label}: high use {figure(item.high_vcpu)} vCPU, {rounded}"
