"""Plans of runs: a short one for tests, and a long one that is kept."""

from __future__ import annotations

from tests.lab.run import Plan
from tests.lab.schedule import schedule

__all__ = ["plan"]

_MINUTE = 60

_LONG_MINUTES = 10


def plan(minutes: int, seed: int) -> Plan:
    """Return the plan of a run of this length."""
    return (_long if minutes >= _LONG_MINUTES else _short)(minutes, seed)


def _short(minutes: int, seed: int) -> Plan:
    """Return a run whose steps are as short as scrapes of a second allow."""
    load_seconds = 20
    return Plan(
        loads=schedule(minutes * _MINUTE // load_seconds, seed),
        load_seconds=load_seconds,
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
