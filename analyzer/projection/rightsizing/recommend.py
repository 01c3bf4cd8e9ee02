"""The recommended requests of each workload, or why it has none."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.facts import Samples, exceeded_shares, facts_of
from analyzer.projection.rightsizing.policy import LEAST_HOURS
from analyzer.projection.rightsizing.quantities import (
    gib_of,
    rounded_memory_gib,
    rounded_vcpu,
)
from analyzer.projection.rightsizing.result import (
    Bursts,
    Policy,
    Recommendation,
    Resources,
    Rightsizing,
)
from analyzer.settings import Setting
from analyzer.units import BYTES_PER_GIB, Interval, Reason, Refusal, duration, in_percent

_SHORTEST_BURST_SECONDS: Final = 60
"""Steps up to which they show bursts themselves."""

_GAPS: Final = 0.95
"""Share of a day from which a window counts as one: scrapes may miss a few steps."""

_LEAST_STEPS: Final = 12
"""Fewest samples of a workload: its percentile would be the highest of them."""

_LEAST_RUN_DAYS: Final = 3
"""Days with runs of a workload that are enough where they are no day together: those of a job."""

Name = tuple[str, str]
"""Namespace and workload."""


class _Facts(NamedTuple):
    """A row of `facts_of`."""

    Index: int
    sidecar_count: float
    known_steps: int
    span_hours: float
    hours: float
    run_days: float
    comes_and_goes: bool
    used_vcpu: float
    peak_memory_bytes: float
    early_memory_bytes: float
    high_vcpu_low: float
    high_vcpu: float
    high_vcpu_high: float
    early_vcpu: float
    throttled_share: float
    early_throttled_share: float
    reserved_vcpu: float
    limit_vcpu: float
    reserved_memory_bytes: float
    limit_memory_bytes: float
    early_limit_vcpu: float

    def of_early(self) -> "_Facts":
        """Return the same with the CPU and its limit of the first half of the window alone."""
        return self._replace(
            high_vcpu=self.early_vcpu,
            throttled_share=self.early_throttled_share,
            limit_vcpu=self.early_limit_vcpu,
        )


def recommend(
    rows: pd.DataFrame,
    points: np.ndarray,
    policy: Policy,
    killed: Collection[Name] = (),
) -> Rightsizing:
    """Return recommended requests for the sidecars; what they save is left to `with_savings`.

    Args:
        rows: their samples as seen, with growth: those of `MeshUsage.of_role`.
        points: the observed steps.
        policy: how requests are recommended.
        killed: workloads of which a sidecar was killed for memory.
    """
    samples = Samples.of(rows, points)
    if not len(samples.names):
        return Rightsizing(policy=policy)
    facts = facts_of(samples, policy, len(points))
    found = [
        _recommendation(fact, name, policy, killed)
        for fact, name in zip(_each(facts), samples.names, strict=True)
    ]
    tested = _tested(found, facts, samples, policy)
    return Rightsizing(policy=policy, workloads=tuple(tested))


def _each(facts: pd.DataFrame) -> Iterator[_Facts]:
    for number, row in zip(facts.index, facts.to_dict("records"), strict=True):
        yield _Facts(Index=int(number), **{str(name): value for name, value in row.items()})


def _known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def bursts_of(fact: _Facts, policy: Policy) -> Bursts:
    """Return what shows the short bursts of a workload."""
    if policy.step_seconds <= _SHORTEST_BURST_SECONDS:
        return Bursts.STEPS
    # The kernel counts periods only of containers with a limit, and they show no more than how
    # often it was reached: without it they do not tell how high bursts are.
    is_limited = not np.isnan(fact.limit_vcpu) and not np.isnan(fact.throttled_share)
    return Bursts.THROTTLING if is_limited else Bursts.UNSEEN


def _left_out(policy: Policy) -> float:
    """Return the share of steps above the percentile."""
    return (100 - policy.percentile) / 100


def _need(fact: _Facts, high_vcpu: float, policy: Policy) -> float:
    """Return the CPU that a request has to cover: a high percentile, and the bursts within steps.

    A throttled period needed the whole limit. Where as many are throttled as the percentile leaves
    out, the percentile of the periods is the limit; with fewer it is as far between the step's mean
    and the limit.
    """
    bursts = bursts_of(fact, policy)
    if bursts == Bursts.UNSEEN:
        return high_vcpu * (1 + policy.unseen_headroom_share)
    if bursts == Bursts.THROTTLING and fact.limit_vcpu > high_vcpu:
        left_out = _left_out(policy)
        reached = min(fact.throttled_share / left_out, 1.0) if left_out else 0.0
        high_vcpu += (fact.limit_vcpu - high_vcpu) * reached
    return high_vcpu * (1 + policy.headroom_share)


def _request_vcpu(fact: _Facts, policy: Policy) -> Interval:
    low, mid, high = (
        rounded_vcpu(_need(fact, vcpu, policy))
        for vcpu in (fact.high_vcpu_low, fact.high_vcpu, fact.high_vcpu_high)
    )
    return Interval(low=min(low, mid), mid=mid, high=max(high, mid))


def memory_request_gib(peak_bytes: float, policy: Policy) -> float:
    """Return the memory request for a highest use in bytes."""
    return rounded_memory_gib(peak_bytes / BYTES_PER_GIB * (1 + policy.memory_headroom_share))


def _recommendation(
    fact: _Facts, name: Name, policy: Policy, killed: Collection[Name]
) -> Recommendation:
    today = Resources(
        request_vcpu=_known(fact.reserved_vcpu),
        limit_vcpu=_known(fact.limit_vcpu),
        request_memory_gib=gib_of(_known(fact.reserved_memory_bytes)),
        limit_memory_gib=gib_of(_known(fact.limit_memory_bytes)),
    )
    refusal = _refusal(fact, name, policy, is_killed=name in killed)
    has_cpu = fact.known_steps > 0
    request = None if refusal else _request_vcpu(fact, policy)
    return Recommendation(
        namespace=str(name[0]),
        workload=str(name[1]),
        sidecar_count=fact.sidecar_count,
        used_vcpu=_known(fact.used_vcpu),
        high_vcpu=_known(fact.high_vcpu),
        peak_memory_gib=gib_of(_known(fact.peak_memory_bytes)),
        today=today,
        recommended=None if request is None else _recommended(fact, request, today, policy),
        request_vcpu=request,
        bursts=bursts_of(fact, policy) if has_cpu else None,
        refusal=refusal,
    )


def _recommended(fact: _Facts, request: Interval, today: Resources, policy: Policy) -> Resources:
    """Return the requests and limits; memory is today's where none was measured."""
    limit_vcpu = {
        LimitPolicy.NONE: None,
        LimitPolicy.KEEP: today.limit_vcpu and max(today.limit_vcpu, request.mid),
        LimitPolicy.SET: rounded_vcpu(policy.limit_factor * request.mid),
    }[policy.cpu_limit]
    if np.isnan(fact.peak_memory_bytes):
        return replace(today, request_vcpu=request.mid, limit_vcpu=limit_vcpu)
    peak_gib = fact.peak_memory_bytes / BYTES_PER_GIB
    least_gib = rounded_memory_gib(peak_gib * (1 + policy.memory_limit_share))
    request_gib = memory_request_gib(fact.peak_memory_bytes, policy)
    # A limit costs nothing, and a lower one may kill: today's is never lowered.
    return Resources(
        request_vcpu=request.mid,
        limit_vcpu=limit_vcpu,
        request_memory_gib=request_gib,
        limit_memory_gib=max(today.limit_memory_gib or 0.0, least_gib, request_gib),
    )


def _refusal(fact: _Facts, name: Name, policy: Policy, *, is_killed: bool) -> Refusal | None:
    """Return why a workload has no recommendation; None if it has one."""
    if fact.known_steps == 0:
        reason, detail = Reason.NO_DATA, "The CPU of its sidecars was not measured."
    elif too_short := _too_short(fact, policy):
        reason, detail = Reason.TOO_FEW_SAMPLES, too_short
    elif cut_off := _cut_off(fact, policy, is_killed=is_killed):
        reason, detail = Reason.AMBIGUOUS, cut_off
    else:
        return None
    return Refusal(subject=f"requests of {name[0]}/{name[1]}", reason=reason, detail=detail)


def _too_short(fact: _Facts, policy: Policy) -> str:
    """Return why there are too few samples; "" if there are enough."""
    least_hours = 0.0 if policy.is_short else _GAPS * LEAST_HOURS
    if policy.window_hours < least_hours:
        seen = duration(policy.window_hours * 3600)
        return (
            f"{seen} were measured, which may lack the busiest hours. Collect a day, or set "
            f"{Setting.FORCE_SHORT}."
        )
    is_short = min(fact.hours, fact.span_hours) < least_hours
    if is_short and fact.run_days < _LEAST_RUN_DAYS:
        seen = duration(min(fact.hours, fact.span_hours) * 3600)
        again = (
            "Collect a window with several of its runs."
            if fact.comes_and_goes
            else "Collect again when it has run for a day."
        )
        return f"Its CPU was seen for {seen} only. {again}"
    if fact.known_steps < _LEAST_STEPS:
        return f"{fact.known_steps} samples are too few. Collect a longer window."
    return ""


def _cut_off(fact: _Facts, policy: Policy, *, is_killed: bool) -> str:
    """Return why the highest use is not the need; "" if it is."""
    if _is_throttled(fact, policy):
        return (
            f"Its busiest sidecars were throttled in {in_percent(fact.throttled_share)} of the CPU "
            "periods: their use shows the limit, not the need. Raise the CPU limit, and measure "
            "again."
        )
    if _is_at_limit(fact):
        return (
            f"Its busiest sidecars used all of their CPU limit, {fact.limit_vcpu:.3g} vCPU: their "
            "use shows the limit, not the need. Raise the CPU limit, and measure again."
        )
    if is_killed:
        return (
            "A sidecar of it was killed for memory: its highest use shows the limit, not the need. "
            "Raise the memory limit, and measure again."
        )
    return ""


def _is_throttled(fact: _Facts, policy: Policy) -> bool:
    """Return whether as many CPU periods are throttled as the percentile leaves out."""
    # At the 100th percentile nothing is left out: a single throttled period is too many.
    return fact.throttled_share >= _left_out(policy) and fact.throttled_share > 0


def _is_at_limit(fact: _Facts) -> bool:
    """Return whether the percentile of the steps is at the limit, with any count of periods.

    Where none was throttled, the limit was lowered after them, and the need was seen.
    """
    return fact.high_vcpu >= fact.limit_vcpu and fact.throttled_share != 0


def _tested(
    found: list[Recommendation], facts: pd.DataFrame, samples: Samples, policy: Policy
) -> list[Recommendation]:
    """Return recommendations with how often those of the first half would have been exceeded."""
    early = [fact.of_early() for fact in _each(facts)]
    early_vcpu = pd.Series(
        {
            fact.Index: rounded_vcpu(_need(fact, fact.high_vcpu, policy))
            for fact in early
            # Where the limit hides the need, the first half has no recommendation to be tested.
            if not np.isnan(fact.high_vcpu) and not _cut_off(fact, policy, is_killed=False)
        },
        dtype=float,
    )
    early_bytes = facts["early_memory_bytes"].dropna()
    early_memory = early_bytes.map(lambda peak: memory_request_gib(peak, policy) * BYTES_PER_GIB)
    cpu = exceeded_shares(samples, samples.vcpu, early_vcpu)
    memory = exceeded_shares(samples, samples.memory_bytes, early_memory)
    return [
        item
        if item.recommended is None
        else replace(
            item,
            exceeded_share=_known(cpu.get(number)),
            memory_exceeded_share=_known(memory.get(number)),
        )
        for number, item in enumerate(found)
    ]
