"""How often each scrape job samples its proxies, and which of them decides the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from analyzer.measurement.detect import Sample
from analyzer.measurement.looks import raw_samples
from analyzer.measurement.proxy_counts import Site, site_of
from analyzer.measurement.whereabouts import SMALL_SHARE
from analyzer.prometheus.connection import Source
from analyzer.prometheus.label_mapping import LabelMapping

_SAMPLE_SECONDS: Final = 3600
"""Length of the raw samples that are read: twelve scrapes at 5 minutes."""

_TIMES: Final = 3
"""Moments before which samples are read: jobs that ended earlier are read at another."""

_SERIES: Final = 150
"""Series of which samples are read at one moment."""

_SLOWER: Final = 1.5
"""Intervals of one job differ by less than this if they are the same but for jitter."""


def scrape_intervals(
    source: Source, samples: Sequence[Sample], mapping: LabelMapping, further_back: int = 0
) -> dict[Site, tuple[float, ...]]:
    """Return the usual times between two samples of some series of each cluster and job.

    Args:
        source: the server.
        samples: series of one metric.
        mapping: what the server calls labels.
        further_back: seconds by which the series may have ended before they were seen.
    """
    seconds = _SAMPLE_SECONDS + further_back
    known: dict[Site, list[float]] = {}
    for labels, seen_at in _readings(samples, mapping):
        at = datetime.fromtimestamp(seen_at, UTC)
        for series in raw_samples(source, labels, seconds, at).series:
            gaps = np.diff(np.unique(series.times))
            if len(gaps):
                usual = known.setdefault(site_of(series.labels, mapping), [])
                usual.append(float(np.median(gaps)))
    return {site: tuple(_whole(one) for one in intervals) for site, intervals in known.items()}


def _readings(
    samples: Sequence[Sample], mapping: LabelMapping
) -> list[tuple[list[Mapping[str, str]], float]]:
    """Return the series to read, and the moment of each reading: when their jobs were last seen."""
    latest: dict[Site, float] = {}
    for one in samples:
        site = site_of(one.labels, mapping)
        latest[site] = max(latest.get(site, 0.0), one.seen_at_seconds)
    at: dict[float, list[Mapping[str, str]]] = {}
    for one in samples:
        if one.seen_at_seconds == latest[site_of(one.labels, mapping)]:
            at.setdefault(one.seen_at_seconds, []).append(one.labels)
    times = sorted(at, key=lambda time: -len(at[time]))[:_TIMES]
    return [(part, time) for time in times for part in _alike(at[time])]


def _alike(series: Sequence[Mapping[str, str]]) -> list[list[Mapping[str, str]]]:
    """Return the series in parts that one selector can choose: those of a part name their pod.

    A selector of series that have few labels in common would match nearly all.
    """
    chosen = series[:: -(-len(series) // _SERIES)]
    shared = set.intersection(*map(set, chosen))
    if any("pod" in name or name == "instance" for name in shared):
        return [list(chosen)]
    by_names: dict[bool, list[Mapping[str, str]]] = {}
    for labels in chosen:
        by_names.setdefault("pod" in labels, []).append(labels)
    return list(by_names.values())


def deciding_seconds(
    intervals: Mapping[Site, Sequence[float]], weights: Mapping[Site, float]
) -> float | None:
    """Return the interval of the slowest jobs that matter; None if no interval is known.

    Jobs with a hundredth of the proxies or less do not make all others be measured in longer steps.

    Args:
        intervals: of some series of each cluster and job, s.
        weights: proxies of each cluster and job; where it has none of them, all weigh the same.
    """
    slowest_first = sorted(_weighed(intervals, weights), reverse=True)
    whole = sum(weight for _, weight in slowest_first)
    slow = 0.0
    for seconds, weight in slowest_first:
        slow += weight
        if slow > SMALL_SHARE * whole:
            return seconds
    return None


def usual_seconds(intervals: Sequence[float]) -> float:
    """Return the interval that most series of a job have."""
    # Of an even number the faster of the middle two: half of both would be the interval of none.
    return sorted(intervals)[(len(intervals) - 1) // 2]


def _weighed(
    intervals: Mapping[Site, Sequence[float]], weights: Mapping[Site, float]
) -> Iterable[tuple[float, float]]:
    """Yield each interval of each job and how many proxies have it."""
    is_weighed = any(weights.get(site) for site in intervals)
    for site, found in intervals.items():
        weight = weights.get(site, 0.0) if is_weighed else 1.0
        usual = usual_seconds(found)
        slow = [seconds for seconds in found if seconds >= _SLOWER * usual]
        share = len(slow) / len(found)
        yield usual, weight * (1 - share)
        if slow:
            yield usual_seconds(slow), weight * share


def _whole(seconds: float) -> float:
    # Scrape intervals are whole seconds; the odd millisecond is jitter.
    return float(round(seconds)) if seconds >= 1 else seconds
