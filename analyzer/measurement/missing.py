"""What the survey counted and the measurement lacks: proxies whose samples gave no rate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.numbers import numbered
from analyzer.measurement.proxy_counts import RATED_SAMPLES, ProxyCounts, ProxyGroup, named
from analyzer.measurement.tables import Tables
from analyzer.prometheus.label_mapping import Attribution, Exporter
from analyzer.window import TimeWindow

UNMEASURED_SHARE = 0.01
"""Share of the counted proxies without a rate from which it is a finding."""

_TABLES: Final = {Exporter.CADVISOR: "proxy_cpu_vcpu", Exporter.PROXY: "proxy_build"}
"""Where each counted proxy has a row in each of its steps."""

_ENOUGH_SAMPLES: Final = 2 * RATED_SAMPLES
"""Samples in a part from which one that a proxy is there for part of has `RATED_SAMPLES`."""

_WHOLE_SHARE: Final = 0.8
"""Share of a part that the window must hold, where no part lies within it."""

_NAMED_JOBS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What one exporter's series hold and the measurement lacks.

    Attributes:
        counted: proxies that the survey counted, of each part and cluster, summed.
        unmeasured: those without a rate that had enough samples for one.
        brief: those without a rate that had fewer.
        sites: the scrape jobs that have the unmeasured ones.
        parts: number of parts that were compared.
    """

    exporter: Exporter
    counted: float
    unmeasured: float
    brief: float
    sites: tuple[str, ...]
    parts: int

    @property
    def share(self) -> float:
        """The unmeasured share of what was counted."""
        return self.unmeasured / self.counted if self.counted else 0.0

    @property
    def brief_share(self) -> float:
        """The share of what was counted that was too brief."""
        return self.brief / self.counted if self.counted else 0.0


def missing_proxies(manifest: Manifest, tables: Tables) -> Iterator[Missing]:
    """Yield what the measurement lacks of each exporter that can be compared."""
    counts = manifest.proxy_counts
    if counts is None:
        return
    parts = _parts_within(manifest.window, counts)
    for exporter in _TABLES:
        is_named = manifest.label_mapping.attribution == Attribution.POD
        if counts.of(exporter) and len(parts) and (is_named or exporter == Exporter.CADVISOR):
            yield _missing(tables, counts, exporter, manifest.window.step_seconds, parts)


def _parts_within(window: TimeWindow, counts: ProxyCounts) -> Sequence[int]:
    """Return the parts of the survey that the window holds, or nearly holds if it holds none."""
    held = {
        part: min(window.end, counts.begin_of(part + 1)) - max(window.start, counts.begin_of(part))
        for part in range(counts.part_count)
    }
    shares = {part: time.total_seconds() / counts.part_seconds for part, time in held.items()}
    whole = [part for part, share in shares.items() if share >= 1]
    return whole or [part for part, share in shares.items() if share >= _WHOLE_SHARE]


def _missing(
    tables: Tables, counts: ProxyCounts, exporter: Exporter, step_seconds: int, parts: Sequence[int]
) -> Missing:
    is_split = tables.has_several_clusters
    measured = _measured(tables, counts, _TABLES[exporter], step_seconds)
    sums = np.zeros(3)
    sites: list[str] = []
    groups: dict[str, list[ProxyGroup]] = {}
    for group in counts.of(exporter):
        groups.setdefault(group.cluster if is_split else "", []).append(group)
    for cluster, members in groups.items():
        rated = np.sum([_rated(counts, one) for one in members], axis=0)[parts]
        seen = np.sum([one.seen for one in members], axis=0)[parts]
        known = measured.get(cluster, np.zeros(counts.part_count))[parts]
        lacking = np.maximum(rated - known, 0)
        sums += [seen.sum(), lacking.sum(), np.maximum(seen - np.maximum(rated, known), 0).sum()]
        if lacking.sum() > UNMEASURED_SHARE * rated.sum():
            sites += _sites(counts, members, lacking, parts)
    return Missing(
        exporter=exporter,
        counted=sums[0],
        unmeasured=sums[1],
        brief=sums[2],
        sites=tuple(sites),
        parts=len(parts),
    )


def _rated(counts: ProxyCounts, group: ProxyGroup) -> Floats:
    """Return the proxies of each part that had samples enough for a rate.

    Where scrapes are so far apart that a part holds few, all of them count.
    """
    is_slow = _ENOUGH_SAMPLES * (group.scrape_seconds or 0) > counts.part_seconds
    return group.seen if is_slow else np.array(group.counts, dtype=float)


def _measured(
    tables: Tables, counts: ProxyCounts, table: str, step_seconds: int
) -> dict[str, Floats]:
    """Return how many proxies have a row in the steps that overlap each part, by cluster."""
    found = tables.pieces(table)
    keys = found.labels[["namespace", "pod"]]
    pod = numbered(keys)
    length, since = counts.part_seconds, found.times - counts.start_seconds
    first, last = (since - step_seconds) // length, -(-since // length) - 1
    is_there = np.zeros((int(pod.max(initial=-1)) + 1, counts.part_count), dtype=bool)
    for number in range(int((last - first).max(initial=0)) + 1):
        part = first + number
        known = (part <= last) & (part >= 0) & (part < counts.part_count)
        is_there[found.spread(pod)[known], part[known]] = True
    cluster = keys["namespace"].str.rpartition("/")[0] if tables.has_several_clusters else ""
    pods = keys.assign(cluster=cluster, pod=pod).drop_duplicates("pod").groupby("cluster")["pod"]
    return {str(name): is_there[numbers].sum(axis=0).astype(float) for name, numbers in pods}


def _sites(
    counts: ProxyCounts, members: Sequence[ProxyGroup], lacking: Floats, parts: Sequence[int]
) -> list[str]:
    """Return the scrape job whose proxies are the missing ones, or the largest of a cluster."""
    gaps = [float(np.abs(_rated(counts, one)[parts] - lacking).sum()) for one in members]
    best = int(np.argmin(gaps))
    if gaps[best] <= lacking.sum() / 2:
        return [named(members[best])]
    largest = sorted(members, key=lambda one: -one.seen.sum())
    return [named(one) for one in largest[:_NAMED_JOBS]]
