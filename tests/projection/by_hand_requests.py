"""Recommended requests done the slow way: plain loops over plain numbers, sharing no code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from tests.projection.builders import Proxy

__all__ = ["requests_by_hand"]

LEAST_SAMPLES = 12
MILLI_STEPS = ((100, 1), (1_000, 5), (10**9, 50))
"""Up to so many thousandths of a vCPU, in steps of so many."""
MIB_STEPS = ((256, 1), (1_024, 8), (10**9, 64))


def requests_by_hand(
    sidecars: Sequence[Proxy],
    vcpu_of: Callable[[Proxy, int], float],
    assumed: Mapping[str, float],
) -> dict[str, tuple[float, float]]:
    """Return vCPU and GiB by workload; those with too few samples are left out.

    Steps are longer than a minute, and no limit is known, so nothing shows short bursts.
    """
    found = {}
    for workload in sorted({proxy.workload for proxy in sidecars}):
        pods, samples, peak_bytes = [], 0, 0.0
        for proxy in sidecars:
            if proxy.workload != workload:
                continue
            used = [vcpu_of(proxy, step) for step in proxy.life]
            samples += len(used)
            pods.append((_percentile(used, assumed["rightsizing_percentile"]), len(used)))
            peak_bytes = max(peak_bytes, proxy.memory_bytes)
        if samples < LEAST_SAMPLES:
            continue
        reached, need = 0, math.nan
        for value, steps in sorted(pods):
            reached += steps
            need = value
            if 100 * reached >= assumed["rightsizing_percentile"] * samples:
                break
        need *= 1 + assumed["rightsizing_unseen_headroom_share"]
        memory_mib = peak_bytes / 2**20 * (1 + assumed["rightsizing_memory_headroom_share"])
        found[workload] = (
            _up(need * 1000, MILLI_STEPS, 10) / 1000,
            _up(memory_mib, MIB_STEPS, 32) / 1024,
        )
    return found


def _percentile(values: Sequence[float], percent: float) -> float:
    """Return the value at a percentage of the way from the least to the highest."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    if below + 1 == len(ordered):
        return ordered[below]
    part = place - below
    return ordered[below] * (1 - part) + ordered[below + 1] * part


def _up(amount: float, steps: tuple[tuple[int, int], ...], least: int) -> int:
    """Return the next whole number that people write, counted up from the least."""
    found = 0
    while found < amount - 1e-6 or found < least:
        found += next(step for most, step in steps if found + step <= most)
    return found
