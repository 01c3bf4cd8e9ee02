"""How much load each chain gets, step by step: a day in small, with rests and rushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tests.lab.topology import CHAINS

__all__ = ["RUSH", "Level", "Schedule", "rushing", "schedule", "waves"]

Schedule = Sequence[Mapping[str, float]]
"""Of each step, the requests per second asked of each chain."""

RUSH: Final = 1.6
"""In a rush, times its most is asked of every chain at once: more than two cores can do."""

_REST_SHARE = 0.15
"""Of the steps in which a chain rests, as many workloads do at night."""

_JITTER = 0.35

_CALM_JITTER = 0.1


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Between which shares of its most a chain's load varies, and how often it rests."""

    low: float
    high: float
    rest_share: float = 0.0


def waves(step_count: int, seed: int, *, period: int, level: Level) -> Schedule:
    """Return the load of each chain in each step: a wave over all its levels in each period.

    Each chain has a phase of its own, and a little randomness of each step.

    Args:
        step_count: of the run.
        seed: of the randomness.
        period: steps of one wave.
        level: between which the load varies.
    """
    rng = np.random.default_rng(seed)
    steps: list[dict[str, float]] = [{} for _ in range(step_count)]
    for number, chain in enumerate(CHAINS):
        turn = np.arange(step_count) / period + number / len(CHAINS)
        day = (1 - np.cos(2 * np.pi * turn)) / 2
        share = level.low + (level.high - level.low) * day
        share *= rng.uniform(1 - _CALM_JITTER, 1 + _CALM_JITTER, step_count)
        share[rng.random(step_count) < level.rest_share] = 0.0
        for step, one in zip(steps, share, strict=True):
            step[chain.name] = round(float(one) * chain.most_rps, 1)
    return steps


def rushing(calm: Schedule, seed: int, *, period: int, share: float) -> Schedule:
    """Return these loads with one step in each period in which all chains have much at once.

    Args:
        calm: what it is between the rushes.
        seed: of the randomness.
        period: steps from one choice to the next.
        share: of its most that each chain has in a rush.
    """
    rng = np.random.default_rng(seed)
    steps = list(calm)
    for first in range(0, len(steps), period):
        step = first + int(rng.integers(min(period, len(steps) - first)))
        steps[step] = {chain.name: round(share * chain.most_rps, 1) for chain in CHAINS}
    return steps
