"""Series: what a scraper wrote down of the load, each target by its own clock."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.support.layout import Pod
from tests.support.spec import MeshSpec
from tests.support.traffic import Floats

STALE = float(np.array(0x7FF0000000000002, dtype=np.uint64).view(np.float64))
"""Prometheus's own NaN, written where a series ends because its target or object is gone."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One series, its samples in time order."""

    labels: tuple[tuple[str, str], ...]
    """Sorted by name, with `__name__`."""
    times_ms: Integers
    values: Floats

    @property
    def name(self) -> str:
        """Return the metric's name."""
        return dict(self.labels)["__name__"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clock:
    """When a target is scraped, and of which moment its values then tell."""

    scrape_seconds: Floats
    """From the begin of the window, whole milliseconds."""
    read_seconds: Floats
    """Not after the scrape; earlier by the lag of cAdvisor."""

    def behind(self, random: np.random.Generator, lag_seconds: float) -> "Clock":
        """Return the clock of values that are a lag old when scraped, give or take a little."""
        jitter = random.uniform(-1, 1, self.scrape_seconds.shape) * min(0.5, lag_seconds / 2)
        lags = np.maximum(lag_seconds + jitter, 0)
        return Clock(scrape_seconds=self.scrape_seconds, read_seconds=self.scrape_seconds - lags)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Total:
    """A running total of a rate over the grid, exact between its edges too."""

    edges_seconds: Floats
    totals: Floats

    @classmethod
    def of(cls, edges_seconds: Floats, rates: Floats) -> "Total":
        """Add up a rate that is constant within each grid cell."""
        totals = np.concatenate(([0.0], np.cumsum(rates * np.diff(edges_seconds))))
        return cls(edges_seconds=edges_seconds, totals=totals)

    def until(self, seconds: Floats) -> Floats:
        """Return the total at given moments."""
        return np.asarray(np.interp(seconds, self.edges_seconds, self.totals))


def target_clock(spec: MeshSpec, random: np.random.Generator, interval_seconds: float) -> Clock:
    """Return the scrapes of one target: its own phase, and a jitter each time."""
    turns = np.arange(random.uniform(0, interval_seconds), spec.window_seconds, interval_seconds)
    jitter = random.uniform(-1, 1, turns.shape) * spec.scrape_jitter_seconds
    last = spec.window_seconds - 0.001
    scrapes: Floats = np.round(np.clip(turns + jitter, 0, last), 3).astype(np.float64)
    return Clock(scrape_seconds=scrapes, read_seconds=scrapes)


def make_series(
    spec: MeshSpec, name: str, labels: Mapping[str, str], seconds: Floats, values: Floats
) -> Series:
    """Return a series from seconds since the begin of the window."""
    return Series(
        labels=tuple(sorted({"__name__": name, **labels}.items())),
        times_ms=spec.start_ms + np.round(seconds * 1000).astype(np.int64),
        values=values,
    )


def scrapes_between(clock: Clock, begin_seconds: float, end_seconds: float) -> slice:
    """Return the scrapes from a begin up to, and not at, an end."""
    first, last = np.searchsorted(clock.scrape_seconds, [begin_seconds, end_seconds])
    return slice(int(first), int(last))


def lives(pod: Pod) -> tuple[tuple[int, int], ...]:
    """Return begin and end of each life of a pod's proxy: two when it restarts."""
    if pod.restart_seconds is None:
        return ((pod.birth_seconds, pod.death_seconds),)
    return (
        (pod.birth_seconds, pod.restart_seconds),
        (pod.restart_seconds, pod.death_seconds),
    )


def counter_of_life(
    clock: Clock, total: Total, life: tuple[int, int], start_value: float
) -> tuple[Floats, Floats]:
    """Return scrape seconds and counter values of one life, without those that are still 0.

    cAdvisor leaves such values out, and Istio creates a counter with its first request.
    """
    begin, end = life
    kept = scrapes_between(clock, begin, end)
    counted = total.until(clock.read_seconds[kept]) - total.until(np.array([float(begin)]))
    values = start_value + np.maximum(counted, 0)
    begun = values > 0
    return clock.scrape_seconds[kept][begun], values[begun]


def with_stale_end(
    spec: MeshSpec, pod: Pod, clock: Clock, sampled: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Add the staleness marker that the first scrape after a pod's death leaves."""
    seconds, values = sampled
    after = clock.scrape_seconds[clock.scrape_seconds >= pod.death_seconds]
    if pod.death_seconds >= spec.window_seconds or not after.size or not seconds.size:
        return sampled
    return np.append(seconds, after[0]), np.append(values, STALE)
