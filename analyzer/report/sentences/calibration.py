"""What the calibration found, in sentences a person can repeat."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from analyzer.calibration.models import Affine
from analyzer.calibration.result import (
    Calibration,
    MemoryCalibration,
    RoleCalibration,
    WorkloadCalibration,
)
from analyzer.data import BLOG, published_constants
from analyzer.report import format as fmt
from analyzer.units import Interval, Provenance

TIMES_FROM: Final = 1.1  # from here on a factor is written as one; below, in percents

_PER: Final = {
    "vcpu_per_1000_inbound_rps": "per 1000 inbound requests/s",
    "vcpu_per_1000_outbound_rps": "per 1000 outbound requests/s",
    "vcpu_per_gbit_per_second": "per Gbit/s",
}


@cache
def post_vcpu() -> float:
    """Return the post's figure: vCPU per 1000 requests/s, which it takes for each sidecar."""
    each_vcpu = published_constants()[BLOG].sidecar_vcpu_per_proxy
    if each_vcpu is None:
        raise ValueError(f"constants {BLOG!r} need sidecar_vcpu_per_proxy")
    return each_vcpu


def verdict(fit: RoleCalibration) -> str:
    """Return what the sidecars cost, and what the post's figure does to that."""
    slope = fit.vcpu_per_1000_rps
    # Of a curve the slope holds at one place only.
    place = "" if isinstance(fit.curve, Affine) else " at the rates they run at"
    sentence = (
        f"Your sidecars cost {fmt.ranged(slope)} vCPU per 1000 proxy requests/s{place} plus "
        f"{fmt.number(fit.idle_vcpu_per_proxy.mid)} vCPU idle each; "
        f"the post's {post_vcpu()} {_compared(slope)}"
    )
    ratio = fit.ratio_vcpu_per_1000_rps
    if ratio is None:
        return f"{sentence}."
    return (
        f"{sentence}; the dashboard-style ratio is {fmt.number(ratio)}, because it smears idle "
        "into it."
    )


def _compared(slope: Interval) -> str:
    post = post_vcpu()
    if slope.low <= post <= slope.high:
        return "is within that range"
    if slope.mid <= 0:
        return "overstates them"
    factor = max(slope.mid / post, post / slope.mid)
    by = f"{factor:.1f} times" if factor >= TIMES_FROM else f"by {factor - 1:.0%}"
    return f"{'understates' if slope.mid > post else 'overstates'} them {by}"


def ranked(workloads: Iterable[WorkloadCalibration]) -> tuple[WorkloadCalibration, ...]:
    """Return workloads in the order in which they are shown: those that use most first."""
    return tuple(sorted(workloads, key=lambda item: -item.mean_vcpu))


def calibration_lines(calibration: Calibration) -> Iterator[str]:
    """Return what stands behind the verdict: the model, its test, and what adds up to what."""
    if isinstance(calibration.sidecar, RoleCalibration):
        yield from _fit_lines(calibration.sidecar)
    parts = calibration.decomposition
    yield (
        f"CPU: {fmt.number(parts.measured_vcpu)} vCPU measured = {fmt.ranged(parts.idle_vcpu)} "
        f"idle + {fmt.ranged(parts.traffic_vcpu)} traffic + "
        f"{fmt.number(parts.excluded_vcpu)} not fitted + "
        f"{fmt.number(parts.unexplained_vcpu)} unexplained"
    )
    if isinstance(calibration.memory, MemoryCalibration):
        yield _memory(calibration.memory)
    for role in (calibration.waypoint, calibration.ztunnel):
        if isinstance(role, RoleCalibration):
            yield role_line(role)


def _fit_lines(fit: RoleCalibration) -> Iterator[str]:
    tried = f", the simplest of {len(fit.candidates)} tried that is not clearly worse than the best"
    seen = fit.fitted_rps and (
        f"; {fit.sample_count:,} steps of {fit.proxy_count:,} proxies at "
        f"{fmt.number(fit.fitted_rps[0])} to {fmt.number(fit.fitted_rps[1])} requests/s"
    )
    yield f"Model: {fit.model}{tried if fit.candidates else ''}{seen or ''}"
    costs = [f"{fmt.ranged(value)} {_PER[name]}" for name, value in fit.cost_of_each.items()]
    if costs:
        yield f"Of which, in vCPU: {', '.join(costs)}"
    test, attenuation = fit.backtest, fit.attenuation_share
    if test:
        yield (
            "Backtest: fitted on the first 70 % of the time, the rest comes out "
            f"{abs(test.bias_share):.1%} too {'high' if test.bias_share >= 0 else 'low'}, a "
            f"workload {test.error_share:.1%} off; {test.covered_share:.0%} of "
            f"{test.workload_count} workloads within their 90 % range"
        )
    if attenuation:
        mid, low, high = map(_percent, (attenuation.mid, attenuation.low, attenuation.high))
        yield (
            "Clocks that disagree and errors in the rates make the slope an estimated "
            f"{mid} [{low} to {high}] too low; not corrected for"
        )


def _percent(share: float) -> str:
    # Adding 0 takes the sign off a zero.
    return f"{round(100 * share, 1) + 0.0:.1f}%"


def _memory(memory: MemoryCalibration) -> str:
    def mib(gib: Interval) -> str:
        return fmt.ranged(gib.scaled(1024))

    whole = f"Memory: {mib(memory.gib_per_proxy)} MiB a sidecar"
    if memory.gib_per_1000_clusters is None or memory.idle_gib_per_proxy is None:
        return whole
    return (
        f"{whole}: {mib(memory.idle_gib_per_proxy)} and {mib(memory.gib_per_1000_clusters)} for "
        "each 1000 Envoy clusters configured, whatever the traffic"
    )


def role_line(role: RoleCalibration) -> str:
    """Return what a proxy of one role costs, and how that is known."""
    slope, idle = fmt.ranged(role.vcpu_per_1000_rps), fmt.ranged(role.idle_vcpu_per_proxy)
    line = f"A {role.role}: {slope} vCPU per 1000 requests/s plus {idle} idle"
    if role.vcpu_per_gbit_per_second is None:
        return f"{line} ({role.provenance})"
    extra = f"{fmt.ranged(role.vcpu_per_gbit_per_second)} per Gbit/s"
    connections = role.vcpu_per_1000_new_connections_per_second
    if connections is not None:
        extra += f" and {fmt.ranged(connections)} per 1000 new connections/s"
    return f"{line} ({Provenance.PUBLISHED} per request; idle and {extra} {role.provenance})"
