"""How much load each chain gets, step by step: a day in small, with rests and rushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from tests.lab.topology import CHAINS

__all__ = ["RUSH", "Schedule", "schedule"]

Schedule = Sequence[Mapping[str, float]]
"""Of each step, the requests per second asked of each chain."""

RUSH: Final = 1.6
"""In a rush, times its most is asked of every chain at once: more than two cores can do."""

_REST_SHARE = 0.15
"""Of the steps in which a chain rests, as many workloads do at night."""

_JITTER = 0.35


def schedule(step_count: int, seed: int, *, rush_count: int = 0) -> Schedule:
    """Return the load of each chain in each step.

    Each chain has a day of its own: a wave whose height it reaches at another time than the
    others, changed at random from step to step, with steps of rest. In the first step all rest.

    Args:
        step_count: of the run, which is one day.
        seed: of the randomness.
        rush_count: steps in which all chains together are asked for more than the machine can do,
            one in each equal part of the run.
    """
    rng = np.random.default_rng(seed)
    steps: list[dict[str, float]] = [{} for _ in range(step_count)]
    for number, chain in enumerate(CHAINS):
        phase = number / len(CHAINS)
        day = (1 - np.cos(2 * np.pi * (np.arange(step_count) / step_count + phase))) / 2
        level = (0.08 + 0.92 * day) * rng.uniform(1 - _JITTER, 1 + _JITTER, step_count)
        level[rng.random(step_count) < _REST_SHARE] = 0.0
        level[0] = 0.0
        for step, share in zip(steps, np.minimum(level, 1.0), strict=True):
            step[chain.name] = round(float(share) * chain.most_rps, 1)
    for part in np.array_split(np.arange(1, step_count), rush_count) if rush_count else ():
        rush = {chain.name: RUSH * chain.most_rps for chain in CHAINS}
        steps[int(rng.choice(part))] = rush
    return steps
