"""Proxies that a server holds more than once, and the labels that separate the copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from analyzer.measurement.copies import Copies, find_copies
from analyzer.measurement.first_look import Look
from analyzer.measurement.looks import at_all_looks, at_looks, raw_samples
from analyzer.measurement.metrics import REQUESTS
from analyzer.measurement.proxy_counts import ProxyCounts, site_of
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import quantities_of, require_marked_counts
from analyzer.prometheus.fetch import instant_in_pieces
from analyzer.prometheus.label_mapping import Attribution, Exporter
from analyzer.prometheus.promql import selector
from analyzer.prometheus.response import Response, Series, joined
from analyzer.window import TimeWindow

_SEVERAL: Final = "survey_several_series"
_DUPLICATES: Final[Mapping[Exporter, str]] = {
    Exporter.PROXY: "survey_duplicate_scrapes",
    Exporter.CADVISOR: "survey_duplicate_containers",
}
"""What is asked about an exporter where `_SEVERAL` finds a proxy of it."""

_ROUNDS: Final = 3
"""Copies of one part of the mesh may hide those of another, which have other labels."""

_SERIES: Final = 400
"""Series of request counters that are read at each moment."""

_MOMENTS: Final = 6

_SHORTEST_SECONDS: Final = 60
"""Between two moments."""

_LOOKBACK_SECONDS: Final = 300

_ONCE_SECONDS: Final = 360
"""Time that holds a scrape of every job of five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twice:
    """What a server holds more than once.

    Attributes:
        replica_labels: labels beside the known ones that separate copies of a series.
        copied_proxies: proxies that have such copies.
        alike_proxies: proxies with series that look alike and are not understood.
        duplicate_scrapes: proxies that are scraped more than once, by exporter.
    """

    replica_labels: tuple[str, ...] = ()
    copied_proxies: int = 0
    alike_proxies: int = 0
    duplicate_scrapes: Mapping[str, int]


def find_twice(source: Source, seen: Look, scrape_seconds: float) -> Twice:
    """Find what is there twice at the looks, and at other times where counts show it.

    Args:
        source: the server.
        seen: what the looks found.
        scrape_seconds: interval between two samples of a request counter.
    """
    counts = seen.proxy_counts
    found = _Found.at(source, seen)
    twice = Twice(
        replica_labels=seen.label_mapping.replica_labels, duplicate_scrapes=found.duplicates(seen)
    )
    if seen.label_mapping.attribution == Attribution.WORKLOAD:
        return twice
    most = max(found.most("copies"), max(counts.copied, default=0) if counts else 0)
    seconds = max(_SHORTEST_SECONDS, 2 * scrape_seconds)
    for number in range(_ROUNDS):
        copies = Copies()
        for moment in _moments(source, seen, found, counts if number == 0 else None):
            copies = _compared(source, seen, moment, seconds)
            if copies.labels:
                break
        if not copies.labels:
            alike = max(found.most("copies"), 1) if copies.is_doubtful else 0
            return replace(twice, alike_proxies=alike)
        labels = (*seen.label_mapping.replica_labels, *copies.labels)
        seen = replace(seen, label_mapping=replace(seen.label_mapping, replica_labels=labels))
        before, found = found, _Found.at(source, seen)
        twice = replace(
            twice,
            replica_labels=labels,
            copied_proxies=max(most, before.most("alike") - found.most("alike")),
        )
    return twice


def scraped_once(seen: Look, twice: Twice) -> bool:
    """Return whether each proxy has one scrape job, by what all parts of the time show.

    Args:
        seen: what the looks found.
        twice: what a server holds more than once.
    """
    mapping, counts = seen.label_mapping, seen.proxy_counts
    if (
        counts is None
        or mapping.attribution != Attribution.POD
        or "istio_build" not in seen.series_counts
    ):
        return False
    if (
        any(counts.rescraped)
        or twice.replica_labels
        or twice.alike_proxies
        or twice.duplicate_scrapes.get(Exporter.PROXY)
    ):
        return False
    # Other jobs have no istio_build, of which the parts count.
    counted = {group.site for group in counts.of(Exporter.PROXY)}
    return {site_of(one.labels, mapping) for one in seen.samples[Exporter.PROXY]} <= counted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the looks show of proxies that are there twice: the answers to `_DUPLICATES`."""

    answer: Response

    @classmethod
    def at(cls, source: Source, seen: Look) -> _Found:
        several = _counted(source, seen, _SEVERAL)
        shown = {series.labels["exporter"] for series in several.series}
        # These may have restarted, or moved: what decides takes three times as long to answer.
        asked = [name for exporter, name in _DUPLICATES.items() if exporter in shown]
        copies = (one for one in several.series if one.labels["exporter"] == "copies")
        answers = [_counted(source, seen, name) for name in asked]
        return cls(answer=joined([Response(series=tuple(copies)), *answers]))

    def most(self, name: str) -> int:
        """Return the largest number of proxies at a look."""
        return max((int(one.samples.max()) for one in self._of(name)), default=0)

    def duplicates(self, seen: Look) -> dict[str, int]:
        if seen.label_mapping.attribution != Attribution.POD:
            return {}
        sides = (str(Exporter.PROXY), str(Exporter.CADVISOR))
        return {side: number for side in sides if (number := self.most(side))}

    @property
    def moment(self) -> datetime | None:
        """The last look of those at which most proxies have series that look alike."""
        times = [
            (float(number), float(time))
            for one in self._of("alike")
            for number, time in zip(one.samples, one.times, strict=True)
        ]
        return datetime.fromtimestamp(max(times)[1], UTC) if times else None

    def _of(self, name: str) -> list[Series]:
        return [one for one in self.answer.series if one.labels["exporter"] == name]


def _counted(source: Source, seen: Look, name: str) -> Response:
    """Return the numbers of proxies by a query at the looks."""
    promql = seen.promql(name, window_seconds=_ONCE_SECONDS)
    answer = at_all_looks(source, promql, seen.looks)
    require_marked_counts(answer, name, "exporter")
    return answer


def _moments(
    source: Source, seen: Look, found: _Found, counts: ProxyCounts | None
) -> Iterator[datetime]:
    """Yield when series look alike: at a look, or else at the time that counts show."""
    if found.moment is not None:
        yield found.moment
    moment = counts and _moment_of_copies(source, seen, counts)
    if moment:
        yield moment


def _moment_of_copies(source: Source, seen: Look, counts: ProxyCounts) -> datetime | None:
    """Return when proxies had two series of istio_build at once, which no look saw."""
    if not any(counts.copied):
        return None
    part = int(np.argmax(counts.copied))
    end, seconds = counts.begin_of(part + 1), counts.part_seconds
    proxies = _alike_proxies(source, seen, end, seconds)
    if not proxies:
        return None
    lives: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    names = seen.label_mapping.labels_of_pod(Exporter.PROXY)
    for series in raw_samples(source, _named("istio_build", proxies), seconds, end).series:
        proxy = tuple(series.labels.get(name, "") for name in names)
        lives.setdefault(proxy, []).append((series.times.min(), series.times.max()))
    ends = [
        min(one[1], other[1])
        for spans in lives.values()
        for one in spans
        for other in spans
        if one is not other and min(one[1], other[1]) - max(one[0], other[0]) > _LOOKBACK_SECONDS
    ]
    return datetime.fromtimestamp(int(max(ends)), UTC) if ends else None


def _compared(source: Source, seen: Look, moment: datetime, seconds: float) -> Copies:
    """Compare the series of a few proxies at moments that end at the given one."""
    proxies = _alike_proxies(source, seen, moment, _LOOKBACK_SECONDS)
    if not proxies:
        return Copies()
    build, requests = (selector(_named(name, proxies)) for name in ("istio_build", REQUESTS))
    step = timedelta(seconds=round(seconds))
    moments = TimeWindow(start=moment - _MOMENTS * step, end=moment, step_seconds=round(seconds))
    answer = at_looks(source, f"{build} or topk({_SERIES}, {requests})", moments)
    for series in answer.series:
        quantities_of(series)
    return find_copies(answer.series, seen.label_mapping)


def _alike_proxies(
    source: Source, seen: Look, at: datetime, window_seconds: int
) -> list[Mapping[str, str]]:
    """Return the labels of a few proxies that have series that look alike."""
    promql = seen.promql("survey_alike_proxies", window_seconds=window_seconds)
    return [series.labels for series in instant_in_pieces(source, promql, at).series]


def _named(name: str, proxies: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return [{**labels, "__name__": name} for labels in proxies]
