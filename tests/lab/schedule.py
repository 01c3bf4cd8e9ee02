"""How much load each chain gets, step by step: a day in small, with rests and rushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from tests.lab.topology import CHAINS

__all__ = ["FULL", "Schedule", "schedule"]

Schedule = Sequence[Mapping[str, float | None]]
"""Of each step, the requests per second of each chain; None: as many as it can."""

FULL: Final = None

_REST_SHARE = 0.12
"""Of the steps in which a chain rests, as many workloads do at night."""

_JITTER = 0.35


def schedule(step_count: int, seed: int, *, rushes: bool = True) -> Schedule:
    """Return the load of each chain in each step.

    Each chain has a day of its own: a wave whose height it reaches at another time than the
    others, changed at random from step to step, with steps of rest. In the first step all rest.

    Args:
        step_count: of the run, which is one day.
        seed: of the randomness.
        rushes: whether each HTTP chain between two sidecars gets one step without any limit.
    """
    rng = np.random.default_rng(seed)
    steps: list[dict[str, float | None]] = [{} for _ in range(step_count)]
    for number, chain in enumerate(CHAINS):
        phase = number / len(CHAINS)
        day = (1 - np.cos(2 * np.pi * (np.arange(step_count) / step_count + phase))) / 2
        level = (0.08 + 0.92 * day) * rng.uniform(1 - _JITTER, 1 + _JITTER, step_count)
        level[rng.random(step_count) < _REST_SHARE] = 0.0
        level[0] = 0.0
        for step, share in zip(steps, np.minimum(level, 1.0), strict=True):
            step[chain.name] = round(float(share) * chain.most_rps, 1)
    if rushes:
        rushing = [chain.name for chain in CHAINS if chain.name.startswith(("front", "media"))]
        at = rng.choice(np.arange(2, step_count), len(rushing), replace=False)
        for name, point in zip(rushing, at, strict=True):
            steps[point][name] = FULL
    return steps
