"""The results of the calibration, in sentences a person can repeat."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from analyzer.calibration.backtest import TRAINING_SHARE
from analyzer.calibration.models import Affine
from analyzer.calibration.result import (
    Backtest,
    Calibration,
    MemoryCalibration,
    RoleCalibration,
    TcpCalibration,
    WorkloadCalibration,
)
from analyzer.data import BLOG, published_constants
from analyzer.measurement.quality.of_unseen import LEAST_FILLED_SHARE
from analyzer.report import format as fmt
from analyzer.units import MIB_PER_GIB, Interval, Provenance, enumerated, in_percent

TIMES_FROM: Final = 1.1  # from here on a factor is written as "times"; below, in percent

_MOST_TIMES = 1000
"""A larger factor is not written as a number."""

_UNKNOWN_SHARE: Final = 1.0
"""A range of a share that reaches as far has no information."""

_PER: Final = {
    "vcpu_per_1000_inbound_rps": "per 1000 inbound requests/s",
    "vcpu_per_1000_outbound_rps": "per 1000 outbound requests/s",
    "vcpu_per_gbit_per_second": "per Gbit/s",
    "vcpu_seconds_per_configuration_update": "vCPU-seconds per configuration update",
    "vcpu_per_1000_accepted_connections_per_second": "per 1000 new connections/s",
    "more_vcpu_per_1000_failed_rps": "more per 1000 failed requests/s",
    "vcpu_per_tcp_gbit_per_second": "per Gbit/s of TCP",
}

_EVENTS: Final = {
    "configuration_updates": "configuration updates",
    "accepted_connections": "new connections",
    "tcp_beside_requests": "TCP beside requests",
}


@cache
def post_vcpu() -> float:
    """Return the Solo.io post's figure: vCPU per 1000 requests/s, which it uses per sidecar."""
    each_vcpu = published_constants()[BLOG].sidecar_vcpu_per_proxy
    if each_vcpu is None:
        raise ValueError(f"Constants {BLOG!r} need sidecar_vcpu_per_proxy.")
    return each_vcpu


def verdict(fit: RoleCalibration) -> str:
    """Return what the sidecars cost, and how the Solo.io post's figure compares with that."""
    slope, post = fit.vcpu_per_1000_rps, published_constants()[BLOG].title
    # The slope of a curve holds at one rate only.
    place = "" if isinstance(fit.curve, Affine) else " at their present rates"
    cost = f"{fmt.ranged(slope)} vCPU per 1000 proxy requests/s{place}"
    idle = f"{fmt.number(fit.idle_vcpu_per_proxy.mid)} vCPU idle each"
    each = f"{post} uses {post_vcpu()} for each pod."
    per_request = f"Read as a cost per 1000 requests/s, {post_vcpu()} {compared(slope)}."
    sentences = [f"Your sidecars cost {cost}, plus {idle}.", each, per_request]
    ratio = fit.ratio_vcpu_per_1000_rps
    if ratio is not None:
        shown = fmt.number(ratio)
        sentences.append(
            f"The dashboard ratio is {shown} because it includes idle CPU."
            if ratio > slope.high
            else f"The dashboard ratio, which includes idle CPU, is {shown}."
        )
    return " ".join(sentences)


def compared(slope: Interval) -> str:
    """Return whether the post's figure is above, below or inside the range, and how far off."""
    post = post_vcpu()
    if slope.low <= post <= slope.high:
        return "is within this range"
    if post > slope.high:
        return (
            f"overstates yours {_factor(_ratio(post, slope.high), _ratio(post, slope.low))}".strip()
        )
    return f"understates yours {_factor(slope.low / post, slope.high / post)}"


def _ratio(one: float, other: float) -> float | None:
    """Return one / other; None from `_MOST_TIMES` on, where the figure would mean nothing."""
    return one / other if other > one / _MOST_TIMES else None


def _factor(low: float | None, high: float | None) -> str:
    """Return a range of factors; an end that is None could be anything above."""
    if low is None:
        return f"more than {_MOST_TIMES:,} times"
    if high is None:
        return f"at least {low:.1f} times" if low >= TIMES_FROM else ""
    if low >= TIMES_FROM:
        first, last = f"{low:.1f}", f"{high:.1f}"
        return f"{first if first == last else f'{first}-{last}'} times"
    first, last = in_percent(low - 1), in_percent(high - 1)
    return f"by {first if first == last else f'{first} to {last}'}"


def ranked(workloads: Iterable[WorkloadCalibration]) -> tuple[WorkloadCalibration, ...]:
    """Return workloads in the order of display: highest CPU first."""
    return tuple(sorted(workloads, key=lambda item: -item.mean_vcpu))


def calibration_lines(calibration: Calibration) -> Iterator[str]:
    """Return the model, its backtest, the parts of the CPU, and the costs of other roles."""
    if isinstance(calibration.sidecar, RoleCalibration):
        yield from _fit_lines(calibration.sidecar)
    parts = calibration.decomposition
    filled = ""
    if parts.filled_vcpu >= LEAST_FILLED_SHARE * parts.measured_vcpu:
        filled = f" ({fmt.number(parts.filled_vcpu)} of it not seen, but filled)"
    tcp = "" if parts.tcp_vcpu is None else f"{fmt.ranged(parts.tcp_vcpu)} TCP + "
    events = "".join(
        f"{fmt.ranged(vcpu)} {_EVENTS[name]} + " for name, vcpu in parts.events_vcpu.items()
    )
    yield (
        f"CPU: {fmt.ranged(parts.measured_vcpu_range)} vCPU measured = "
        f"{fmt.ranged(parts.idle_vcpu)} idle + {fmt.ranged(parts.traffic_vcpu)} traffic + "
        f"{tcp}{events}{fmt.number(parts.excluded_vcpu)} not fitted{filled} + "
        f"{fmt.number(parts.unexplained_vcpu)} unexplained"
    )
    if calibration.tcp:
        yield from _tcp_lines(calibration.tcp)
    if isinstance(calibration.memory, MemoryCalibration):
        yield _memory(calibration.memory)
    for role in (calibration.waypoint, calibration.ztunnel):
        if isinstance(role, RoleCalibration):
            yield role_line(role)


def _fit_lines(fit: RoleCalibration) -> Iterator[str]:
    count = len(fit.candidates)
    tried = f", chosen from {count} models by cross-validation" if count else ""
    fitted = fit.fitted_rps and (
        f" Fitted to {fmt.counted(fit.sample_count, 'sample')} of "
        f"{fmt.counted(fit.proxy_count, 'proxy', 'proxies')} at "
        f"{fmt.number(fit.fitted_rps[0])}-{fmt.number(fit.fitted_rps[1])} requests/s."
    )
    yield f"Model: {fit.model}{tried}.{fitted or ''}"
    costs = [f"{fmt.ranged(value)} {_PER[name]}" for name, value in fit.cost_of_each.items()]
    if costs:
        yield f"Cost by kind of load, in vCPU: {', '.join(costs)}"
    if fit.backtest:
        yield _backtest(fit.backtest)
    if fit.attenuation_share:
        yield _offset(fit.attenuation_share, fit.attenuation_applied_share)


def _backtest(test: Backtest) -> str:
    share, bias = in_percent(TRAINING_SHARE), in_percent(abs(test.bias_share))
    side = "high" if test.bias_share > 0 else "low"
    inside = round(test.covered_share * test.workload_count)
    return (
        f"Backtest: a fit of the first {share} of the window predicts the rest {bias} too {side}. "
        f"The mean error per workload is {in_percent(test.error_share)}. "
        f"{inside} of {fmt.counted(test.workload_count, 'workload')} "
        f"{'is' if inside == 1 else 'are'} inside the 90 % interval."
    )


def _offset(share: Interval, applied: float) -> str:
    """Return by how much time offsets lower the fit, if their range excludes 0."""
    percent = share.scaled(100)
    if max(-share.low, share.high) > _UNKNOWN_SHARE:
        return "Time offset between samples: the effect on cost per request is unknown."
    if share.low > 0:
        corrected = f"raised by {in_percent(applied)}" if applied else "not corrected"
        return (
            f"Time offset between samples: the fit is about {fmt.percent(percent)} low. Cost per "
            f"request is {corrected}."
        )
    ends = f"{in_percent(share.low)} to {in_percent(share.high)}"
    return f"Time offset between samples: no measurable effect on cost per request ({ends})."


def _tcp_lines(tcp: TcpCalibration) -> Iterator[str]:
    """Return what TCP costs, and which costs could not be separated."""
    costs = (
        (tcp.vcpu_per_gbit_per_second, "vCPU per Gbit/s"),
        (tcp.vcpu_per_1000_new_connections_per_second, "vCPU per 1000 new connections/s"),
    )
    known = [f"{fmt.ranged(cost)} {unit}" for cost, unit in costs if cost is not None]
    known.append(f"{fmt.ranged(tcp.idle_vcpu_per_proxy)} vCPU idle")
    yield (
        f"TCP: {enumerated(known)} ({tcp.provenance}), from "
        f"{fmt.counted(tcp.workload_count, 'workload')} with TCP only"
    )
    yield from tcp.remarks


def _memory(memory: MemoryCalibration) -> str:
    def mib(gib: Interval) -> str:
        return f"{fmt.ranged(gib.scaled(MIB_PER_GIB))} MiB"

    whole = f"Memory: {mib(memory.gib_per_proxy)} per sidecar"
    if memory.gib_per_1000_clusters is None or memory.idle_gib_per_proxy is None:
        return whole
    return (
        f"{whole}: {mib(memory.idle_gib_per_proxy)} plus {mib(memory.gib_per_1000_clusters)} per "
        "1000 configured Envoy clusters, at any traffic"
    )


def role_line(role: RoleCalibration) -> str:
    """Return the cost of a proxy of one role, and its provenance."""
    slope, idle = fmt.ranged(role.vcpu_per_1000_rps), fmt.ranged(role.idle_vcpu_per_proxy)
    cost = f"{role.role.capitalize()}: {slope} vCPU per 1000 requests/s"
    per_gbit = role.vcpu_per_gbit_per_second
    if per_gbit is None:
        return f"{cost} plus {idle} vCPU idle ({role.provenance})"
    measured = [f"{idle} vCPU idle", f"{fmt.ranged(per_gbit)} per Gbit/s"]
    connections = role.vcpu_per_1000_new_connections_per_second
    if connections is not None:
        measured.append(f"{fmt.ranged(connections)} per 1000 new connections/s")
    return f"{cost} ({Provenance.PUBLISHED}), {', '.join(measured)} ({role.provenance})"
