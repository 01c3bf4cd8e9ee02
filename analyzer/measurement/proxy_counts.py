"""How many proxies a server holds samples of in each part of the time, by scrape job.

Five moments of a day miss a mesh that ran for three hours of it, so every part is read: a short one
whole, and of a long one six minutes of each hour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.defaults import LAST_YEAR
from analyzer.prometheus.label_mapping import CLUSTER_LABELS, LabelMapping
from analyzer.window import INTERVALS_PER_STEP, TimeWindow

_PARTS: Final = 24
"""Parts of a time that is not longer than as many days."""

SHORTEST_SECONDS: Final = 1200
"""Of a part: four scrapes of a job that scrapes every five minutes."""

_LONGEST_SECONDS: Final = 86_400

_LONG_SECONDS: Final = 7200
"""A part from which not all of it is read: it has six times at which it is."""

RATED_SAMPLES: Final = 3
"""A proxy with this many samples in a part has two in one step or in the next, and so a rate."""


Site = tuple[str, str]
"""Cluster and job."""

Key = tuple[str, str, str]
"""Exporter, cluster and job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyGroup:
    """The proxies that one scrape job of one cluster reports.

    Attributes:
        exporter: whose series were counted, `Exporter.CADVISOR` (CPU) or `Exporter.PROXY`.
        cluster: the value of the cluster label, or of the usual ones; "" without one.
        job: the value of the label `job`; "" without one.
        counts: proxies in each part with at least `RATED_SAMPLES` samples.
        brief_counts: those with fewer.
        scrape_seconds: usual interval between two samples of one proxy; None if not known.
    """

    exporter: str
    cluster: str
    job: str
    counts: tuple[int, ...]
    brief_counts: tuple[int, ...]
    scrape_seconds: float | None = None

    @property
    def site(self) -> Site:
        """The cluster and the job."""
        return self.cluster, self.job

    @property
    def key(self) -> Key:
        """The exporter, the cluster and the job."""
        return self.exporter, *self.site

    @property
    def seen(self) -> Floats:
        """All proxies of each part, shape (parts,)."""
        return np.add(self.counts, self.brief_counts, dtype=float)


def is_thinned(part_seconds: int) -> bool:
    """Return whether some minutes of each hour of such a part are read."""
    return part_seconds >= _LONG_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyCounts:
    """What a server holds, in parts of equal length; part i begins at start + i * part.

    Attributes:
        start_seconds: when the first part begins, seconds since the epoch.
        part_seconds: length of a part.
        groups: each scrape job of each cluster.
        copied: proxies of each part that have several series of one metric in one scrape.
        rescraped: proxies of each part that have several series of it in any scrapes; () where
            they were not counted.
    """

    start_seconds: int
    part_seconds: int
    groups: tuple[ProxyGroup, ...] = ()
    copied: tuple[int, ...] = ()
    rescraped: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse counts of which a part has no time, or only some have a number."""
        if self.part_seconds < 1 or (
            self.copied and self.begin_of(self.part_count).year > LAST_YEAR
        ):
            raise ValueError("its parts are at no time")
        lengths = {len(row) for group in self.groups for row in (group.counts, group.brief_counts)}
        if lengths - {self.part_count} or len(self.rescraped) not in {0, self.part_count}:
            raise ValueError("its lists differ in length")

    @property
    def is_thinned(self) -> bool:
        """Whether some minutes of each hour were read: what is there for less may be missing."""
        return is_thinned(self.part_seconds)

    @property
    def part_count(self) -> int:
        """The number of parts."""
        return len(self.copied)

    def of(self, exporter: str) -> tuple[ProxyGroup, ...]:
        """Return the groups of one exporter."""
        return tuple(group for group in self.groups if group.exporter == exporter)

    def seen(self, exporter: str) -> Floats:
        """Return all proxies of an exporter in each part, shape (parts,)."""
        rows = [group.seen for group in self.of(exporter)]
        return np.sum(rows, axis=0, dtype=float) if rows else np.zeros(self.part_count)

    def begin_of(self, part: int) -> datetime:
        """Return when a part begins, which is when the one before it ends."""
        return datetime.fromtimestamp(self.start_seconds + part * self.part_seconds, UTC)

    def too_slow(self, step_seconds: int) -> tuple[ProxyGroup, ...]:
        """Return the groups that are scraped too seldom for steps of some length."""
        return tuple(
            group
            for group in self.groups
            if round((group.scrape_seconds or 0) * INTERVALS_PER_STEP, 3) > step_seconds
        )

    def slowest(self, seconds: float) -> str:
        """Return the largest scrape job with an interval, in brackets; "" where all have it."""
        known = [group for group in self.groups if group.scrape_seconds]
        slow = [group for group in known if group.scrape_seconds == seconds]
        if not slow or len(slow) == len(known):
            return ""
        return f" ({named(max(slow, key=lambda one: one.seen.sum()))})"

    def with_intervals(self, intervals: Mapping[Key, float]) -> ProxyCounts:
        """Return the counts with the scrape interval of each group, where it is known."""
        groups = (replace(one, scrape_seconds=intervals.get(one.key)) for one in self.groups)
        return replace(self, groups=tuple(groups))

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return asdict(self)


def parts_of(start: datetime, end: datetime) -> TimeWindow:
    """Return parts that hold all of a time, at multiples of their length.

    Query frontends move other times to such multiples.
    """
    whole = (end - start).total_seconds()
    part = min(max(SHORTEST_SECONDS, whole / _PARTS), _LONGEST_SECONDS)
    return grid(start, end, math.ceil(part / 300) * 300)


def grid(start: datetime, end: datetime, part_seconds: int) -> TimeWindow:
    """Return parts of a given length that hold all of a time."""
    first = math.floor(start.timestamp() / part_seconds) * part_seconds
    last = math.ceil(end.timestamp() / part_seconds) * part_seconds
    begin = datetime.fromtimestamp(first, UTC)
    span = timedelta(seconds=max(last - first, part_seconds))
    return TimeWindow(start=begin, end=begin + span, step_seconds=part_seconds)


def site_of(labels: Mapping[str, str], mapping: LabelMapping) -> Site:
    """Return the cluster and the job of a series."""
    clusters = (labels.get(name, "") for name in (mapping.cluster, *CLUSTER_LABELS))
    return next(filter(None, clusters), ""), labels.get("job", "")


def named(group: ProxyGroup) -> str:
    """Return a scrape job and its cluster as a text names them."""
    parts = [f"job {group.job}" if group.job else "", group.cluster and f"cluster {group.cluster}"]
    return " of ".join(filter(None, parts)) or "series without a job"
