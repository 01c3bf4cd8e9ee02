"""Asking for the proxies of each part of a time: exact counts only where cheap ones may not be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.errors import QueryRejected, QueryTooHeavy
from analyzer.measurement.looks import points_of
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.proxy_counts import (
    RATED_SAMPLES,
    SHORTEST_SECONDS,
    Key,
    ProxyCounts,
    ProxyGroup,
    grid,
    is_thinned,
    site_of,
)
from analyzer.prometheus.coarse import THINNED_SHARE, thinned
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import counts_of, mark_of, marks_of
from analyzer.prometheus.label_mapping import Exporter, LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Series
from analyzer.window import TimeWindow

_SCRAPE_SECONDS: Final = 60
"""Assumed for the load, before the true interval is known."""

_SEVERAL: Final = "4"
"""The label `samples` of proxies with several series; else it is how often one was scraped."""

_SAMPLES: Final = frozenset({"1", "2", str(RATED_SAMPLES), _SEVERAL})

_COUNTS: Final = "survey_proxy_counts"
_REQUEST_COUNTS: Final = "survey_request_counts"
_RESCRAPED: Final = "survey_rescraped_proxies"
_COPIED: Final = "survey_copied_proxies"
_SHARED: Final[Mapping[Exporter, str]] = {
    Exporter.CADVISOR: "survey_shared_containers",
    Exporter.PROXY: "survey_shared_proxies",
}
"""The queries in which a proxy that several jobs scrape counts for one of them."""

Asked = Callable[[str], Iterator[tuple[Series, Floats]]]
"""Yields the series of a query, and their numbers in each part."""


def count_proxies(
    source: Source,
    scope: Scope,
    mapping: LabelMapping,
    parts: TimeWindow,
    *,
    series_counts: Mapping[str, int],
) -> ProxyCounts | None:
    """Return the proxies of each part; None if the server does not answer such a query.

    Args:
        source: the server.
        scope: the namespaces and the cluster asked for.
        mapping: what the server calls labels.
        parts: as `parts_of` returns them.
        series_counts: series of each metric that were seen, to estimate the load.
    """
    build = series_counts.get("istio_build", 0)
    load = (series_counts.get(CPU, 0) + build) * parts.step_seconds / _SCRAPE_SECONDS
    if is_thinned(parts.step_seconds):
        load *= THINNED_SHARE

    def asked(name: str) -> Iterator[tuple[Series, Floats]]:
        query = load_query(name)
        if is_thinned(parts.step_seconds):
            query = replace(query, template=thinned(query.template))
        promql = query.render(scope, mapping, window_seconds=parts.step_seconds)
        for series in points_of(source, promql, parts, load).series:
            yield series, _by_part(parts, series.times, counts_of(series))

    counted = _Counted(mapping=mapping, asked=asked, none=np.zeros(parts.point_count))
    try:
        return counted.proxies(parts, has_builds=bool(build or REQUESTS in series_counts))
    except QueryTooHeavy:
        shorter = parts.step_seconds // 2 // 300 * 300
        if shorter < SHORTEST_SECONDS:
            return None
        finer = grid(parts.start, parts.end, shorter)
        return count_proxies(source, scope, mapping, finer, series_counts=series_counts)
    except QueryRejected:
        # It served before these counts were asked for, so it is asked the rest.
        return None


@dataclass(kw_only=True)
class _Counted:
    """What the answers so far have counted; arrays have the shape (parts,).

    Attributes:
        none: zero for each part.
        found: the rated and the brief proxies of each scrape job.
        clusters: the cluster label of each job, "" without one.
        several: proxies with several series in one job.
    """

    mapping: LabelMapping
    asked: Asked
    none: Floats
    found: dict[Key, list[Floats]] = field(default_factory=dict)
    clusters: dict[Key, str] = field(default_factory=dict)
    several: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.several = self.none.copy()

    def proxies(self, parts: TimeWindow, *, has_builds: bool) -> ProxyCounts:
        """Ask, and return the proxies; raises as `points_of`."""
        self._add(_COUNTS)
        if not has_builds and not self._of(Exporter.PROXY):
            self._add(_REQUEST_COUNTS)
        if self._may_share(Exporter.CADVISOR):
            self._replace(Exporter.CADVISOR)
        rescraped, copied = self.none, self.none
        if self.several.any() or self._may_share(Exporter.PROXY):
            rescraped = self._sum(_RESCRAPED)
        if self.several.any() or rescraped.any():
            self._replace(Exporter.PROXY)
        if rescraped.any():
            # Several series of one scrape are several of all scrapes too.
            copied = self._sum(_COPIED)
        groups = (
            ProxyGroup(
                exporter=key[0],
                cluster=key[1],
                job=key[2],
                counts=_whole(rated),
                brief_counts=_whole(brief),
            )
            for key, (rated, brief) in sorted(self.found.items())
        )
        return ProxyCounts(
            start_seconds=int(parts.start.timestamp()),
            part_seconds=parts.step_seconds,
            groups=tuple(groups),
            copied=_whole(copied),
            rescraped=_whole(rescraped),
        )

    def _add(self, name: str) -> None:
        """Ask a query for the proxies of each job."""
        for series, row in self.asked(name):
            exporter = mark_of(series, "exporter", marks_of(name, "exporter"))
            samples = mark_of(series, "samples", _SAMPLES)
            key = (exporter, *site_of(series.labels, self.mapping))
            self.clusters[key] = series.labels.get(self.mapping.cluster, "")
            both = self.found.setdefault(key, [self.none.copy(), self.none.copy()])
            both[samples not in {str(RATED_SAMPLES), _SEVERAL}] += row
            if samples == _SEVERAL:
                self.several += row

    def _replace(self, exporter: Exporter) -> None:
        """Ask for the proxies of an exporter again, each for one of its jobs."""
        for key in self._of(exporter):
            del self.found[key]
        self._add(_SHARED[exporter])

    def _sum(self, name: str) -> Floats:
        """Ask a query for one number of each part."""
        whole = self.none.copy()
        for series, row in self.asked(name):
            mark_of(series, "exporter", marks_of(name, "exporter"))
            whole += row
        return whole

    def _may_share(self, exporter: Exporter) -> bool:
        """Return whether a part has several jobs of one cluster: they may have the same proxies."""
        jobs: Counter[tuple[str, int]] = Counter()
        for key in self._of(exporter):
            present = np.flatnonzero(np.sum(self.found[key], axis=0))
            jobs.update((self.clusters[key], part) for part in present.tolist())
        return any(count > 1 for count in jobs.values())

    def _of(self, exporter: Exporter) -> list[Key]:
        return [key for key in self.found if key[0] == exporter]


def _by_part(parts: TimeWindow, times: Floats, samples: Floats) -> Floats:
    """Return one number for each part; 0 where a series has none."""
    row = np.zeros(parts.point_count)
    numbers = np.rint((times - parts.start.timestamp()) / parts.step_seconds).astype(int) - 1
    inside = (numbers >= 0) & (numbers < parts.point_count)
    np.add.at(row, numbers[inside], samples[inside])
    return row


def _whole(numbers: Floats) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)
