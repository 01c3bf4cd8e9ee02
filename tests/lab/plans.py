"""Plans of runs: a short one for tests, a long one, and some of a character of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from tests.lab.run import Plan
from tests.lab.schedule import Level, rushing, schedule, waves

__all__ = ["PLANS", "plan"]

_MINUTE = 60

_LONG_MINUTES = 10

_LOAD_SECONDS = 20

_MOST_BURNT_CORES = 1.2

BLOCK_STEPS: Final = 6
"""Load steps in a block of time: two minutes, in which each chain passes through all its levels."""


_CUT: Final = Plan(
    loads=(),
    load_seconds=_LOAD_SECONDS,
    step_seconds=_LOAD_SECONDS,
    scrape_seconds=2,
    block_seconds=BLOCK_STEPS * _LOAD_SECONDS,
)
"""What the runs have in common that are fitted and held against in turn, block by block."""


def plan(minutes: int, seed: int, name: str = "day") -> Plan:
    """Return the plan of this name for a run of this length; KeyError if there is none."""
    return PLANS[name](minutes, seed)


def _day(minutes: int, seed: int) -> Plan:
    return (_long if minutes >= _LONG_MINUTES else _short)(minutes, seed)


def _short(minutes: int, seed: int) -> Plan:
    """Return a run whose steps are as short as scrapes of a second allow."""
    return Plan(
        loads=schedule(minutes * _MINUTE // _LOAD_SECONDS, seed),
        load_seconds=_LOAD_SECONDS,
        step_seconds=10,
        scrape_seconds=1,
    )


def _long(minutes: int, seed: int) -> Plan:
    """Return a run of load steps of a minute, scraped every three seconds."""
    return Plan(
        loads=schedule(minutes, seed, rush_count=2),
        load_seconds=_MINUTE,
        step_seconds=30,
        scrape_seconds=3,
    )


def _steady(minutes: int, seed: int) -> Plan:
    steps = _steps(minutes)
    return replace(
        _CUT,
        character="Steady load: each chain varies calmly.",
        loads=waves(steps, seed, period=BLOCK_STEPS, level=Level(low=0.1, high=0.4)),
    )


def _rushes(minutes: int, seed: int) -> Plan:
    steps = _steps(minutes)
    calm = waves(steps, seed, period=BLOCK_STEPS, level=Level(low=0.03, high=0.2))
    return replace(
        _CUT,
        character="Rushes: every two minutes all chains together get several times their load.",
        loads=rushing(calm, seed, period=BLOCK_STEPS, share=0.7),
    )


def _neighbour(minutes: int, seed: int) -> Plan:
    steps = _steps(minutes)
    level = Level(low=0.05, high=0.4, rest_share=0.1)
    return replace(
        _CUT,
        character="A neighbour burns up to 1.2 cores in waves and empties the caches.",
        loads=waves(steps, seed, period=BLOCK_STEPS, level=level),
        neighbour_cores=_burning(steps, seed),
    )


def _upgrade(minutes: int, seed: int) -> Plan:
    steps = _steps(minutes)
    level = Level(low=0.05, high=0.4, rest_share=0.1)
    loads = list(waves(steps, seed, period=BLOCK_STEPS, level=level))
    # The first step of a block.
    change = steps // (2 * BLOCK_STEPS) * BLOCK_STEPS
    loads[change] = dict.fromkeys(loads[change], 0.0)
    return replace(
        _CUT,
        character="In the middle all HTTP sidecars are restarted without one of their filters.",
        loads=loads,
        change_step=change,
    )


def _busy(minutes: int, seed: int) -> Plan:
    steps = _steps(minutes)
    level = Level(low=0.15, high=0.7, rest_share=0.05)
    return replace(
        _CUT,
        character="Much load: each chain wants up to 70 % of its most.",
        loads=waves(steps, seed, period=BLOCK_STEPS, level=level),
    )


def _burning(step_count: int, seed: int) -> list[float]:
    """Return the cores that the neighbour burns: waves of two to five steps, then some rest."""
    rng = np.random.default_rng(seed)
    cores: list[float] = []
    while len(cores) < step_count:
        height = float(rng.uniform(0.3, _MOST_BURNT_CORES))
        cores += [round(height, 2)] * int(rng.integers(2, 6)) + [0.0] * int(rng.integers(1, 4))
    return cores[:step_count]


def _steps(minutes: int) -> int:
    return minutes * _MINUTE // _LOAD_SECONDS


PLANS: Final[Mapping[str, Callable[[int, int], Plan]]] = {
    "day": _day,
    "steady": _steady,
    "rushes": _rushes,
    "neighbour": _neighbour,
    "upgrade": _upgrade,
    "busy": _busy,
}
"""By their names; "day" is a day in small, as the bundled sample is."""
