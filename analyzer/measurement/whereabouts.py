"""When proxies were there that a few looks missed: moments to look at them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from analyzer.arrays import Bools
from analyzer.measurement.neighbours import runs
from analyzer.measurement.proxy_counts import Key, ProxyCounts, ProxyGroup, grid
from analyzer.prometheus.label_mapping import Exporter
from analyzer.window import TimeWindow

SMALL_SHARE: Final = 0.01
"""Share of an exporter's proxies up to which a scrape job does not decide how it is measured."""

_FINEST_SECONDS: Final = 300
"""Prometheus's --query.lookback-delta: a moment sees samples of so much time before it."""

_INNER_PARTS: Final = 3
"""Parts in a row from which one is certain to lie between two moments with samples."""

_LOOKS: Final = 5
_TIMES: Final = 2
"""Further times at which is looked: each costs a few requests."""

Counted = Callable[[TimeWindow], ProxyCounts | None]
"""Counts the proxies of each part."""


def further_looks(
    counts: ProxyCounts, seen: Iterable[Key], counted: Counted, start: datetime, end: datetime
) -> Iterator[TimeWindow]:
    """Yield moments at which scrape jobs had samples that no series was seen of.

    Args:
        counts: the proxies of the whole time.
        seen: `ProxyGroup.key` of each job of which a series was seen.
        counted: counts proxies in shorter parts.
        start: first moment asked for.
        end: last moment.
    """
    missed = unseen(counts, seen)
    for _ in range(_TIMES):
        if not missed:
            return
        finest = _closely(counts, missed[0].key, counted, start, end)
        looks = _moments(finest, missed[0].key, start, end)
        if looks is None:
            return
        yield looks
        # Others that were there at the same time are seen with it.
        missed = [one for one in missed[1:] if not _is_there(finest, one.key, looks)]


def unseen(counts: ProxyCounts, seen: Iterable[Key]) -> list[ProxyGroup]:
    """Return the scrape jobs that matter and of which no series was seen, the largest first."""
    known = set(seen)
    missed = [
        group
        for group in counts.groups
        if group.key not in known
        and group.seen.max() > SMALL_SHARE * counts.seen(group.exporter).max()
    ]
    return sorted(missed, key=lambda group: (-group.seen.sum(), group.key))


def _is_there(counts: ProxyCounts, key: Key, looks: TimeWindow) -> bool:
    """Return whether a job had samples around the middle one of some moments."""
    middle = looks.time_of(looks.point_count // 2).timestamp() - counts.start_seconds
    after = int(middle // counts.part_seconds)
    present = _presence(counts, key)
    around = present[max(after - 1, 0) : after + 1]
    return bool(around.any() if counts.part_seconds <= _FINEST_SECONDS else around.all())


def _closely(
    counts: ProxyCounts, key: Key, counted: Counted, start: datetime, end: datetime
) -> ProxyCounts:
    """Return counts in parts so short that a job has samples at the ends of some of them."""
    while True:
        first, length = _longest_run(_presence(counts, key))
        if length >= _INNER_PARTS or counts.part_seconds <= _FINEST_SECONDS:
            return counts
        begin, finish = counts.begin_of(first), counts.begin_of(first + length)
        seconds = (finish - begin).total_seconds() / (2 * _LOOKS) / _FINEST_SECONDS
        shorter = max(1, int(seconds)) * _FINEST_SECONDS
        finer = counted(grid(max(begin, start), min(finish, end), shorter))
        if finer is None or not _presence(finer, key).any():
            return counts
        counts = finer


def _presence(counts: ProxyCounts, key: Key) -> Bools:
    """Return the parts in which a job has samples, those with the other exporter if there are."""
    own = next((one.seen > 0 for one in counts.groups if one.key == key), np.zeros(1, bool))
    other = Exporter.PROXY if key[0] == Exporter.CADVISOR else Exporter.CADVISOR
    both = np.logical_and(own, counts.seen(other) > 0)
    return both if both.any() else own


def _longest_run(present: Bools) -> tuple[int, int]:
    """Return the first part and the number of parts of the longest time without a gap."""
    begin, end = max(runs(present), key=lambda run: run[1] - run[0], default=(0, 0))
    return begin, end - begin


def _moments(counts: ProxyCounts, key: Key, start: datetime, end: datetime) -> TimeWindow | None:
    """Return the ends of some parts of the longest time that a job had samples.

    The end of the last part is left out where there are others. None if it has no samples.
    """
    first, length = _longest_run(_presence(counts, key))
    if not length:
        return None
    inner = max(length - 1, 1)
    every = -(-inner // _LOOKS)
    points = inner // every
    last = min(counts.begin_of(first + points * every), end)
    last = datetime.fromtimestamp(int(last.timestamp()), UTC)
    step = timedelta(seconds=every * counts.part_seconds)
    while points > 1 and last - step * (points - 1) < start:
        points -= 1
    return TimeWindow(start=last - step * points, end=last, step_seconds=int(step.total_seconds()))
