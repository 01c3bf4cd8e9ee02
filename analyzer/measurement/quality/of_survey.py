"""Whether what was measured is all that the survey counted, and which scrape jobs are too slow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement import surveyed
from analyzer.measurement.findings import SERIOUS_SHARE, Bias, Finding, Severity
from analyzer.measurement.frames import TIME
from analyzer.measurement.proxy_counts import RATED_SAMPLES, ProxyCounts, ProxyGroup, named
from analyzer.measurement.quality.evidence import Evidence
from analyzer.prometheus.label_mapping import Attribution, Exporter
from analyzer.settings import Setting
from analyzer.units import counted

UNMEASURED_SHARE = 0.01
"""Share of the counted proxies without a rate from which it is a finding."""

_TABLES: Final = {Exporter.CADVISOR: "proxy_cpu_vcpu", Exporter.PROXY: "proxy_build"}
"""Where each counted proxy has a row in each of its steps."""

_WHAT: Final = {Exporter.CADVISOR: "CPU", Exporter.PROXY: "metrics"}

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


def _unmeasured(evidence: Evidence) -> Finding | None:
    missing = max(_compared(evidence), key=lambda one: one.share, default=None)
    if missing is None or missing.share <= UNMEASURED_SHARE:
        return None
    at_a_time = missing.counted / missing.parts
    lacking = max(1, round(missing.unmeasured / missing.parts))
    return Finding(
        name="proxies_not_measured",
        severity=Severity.SERIOUS if missing.share >= SERIOUS_SHARE else Severity.WARNING,
        text=f"{_WHAT[missing.exporter]} samples of {lacking:,} of "
        f"{counted(max(lacking, round(at_a_time)), 'proxy', 'proxies')} give no rate "
        f"({'; '.join(missing.sites)}). The scrapes are too far apart, or labels differ.",
        affected=missing.sites,
        fix=f"Scrape these proxies as often as the others, or use a longer {Setting.STEP}.",
        time_share=missing.share,
        bias=Bias.TOO_LOW,
    )


def _brief(evidence: Evidence) -> Finding | None:
    missing = max(_compared(evidence), key=lambda one: one.brief_share, default=None)
    if missing is None or missing.brief_share <= UNMEASURED_SHARE:
        return None
    number = counted(max(1, round(missing.brief)), "proxy", "proxies")
    return Finding(
        name="brief_proxies",
        severity=Severity.INFO,
        text=f"{_WHAT[missing.exporter]} samples of {number} are fewer than {RATED_SAMPLES}. Such "
        "proxies lived too short for a rate, and no total includes them.",
        fix="Scrape more often.",
        bias=Bias.TOO_LOW,
    )


def _slow(evidence: Evidence) -> Finding | None:
    manifest = evidence.manifest
    return surveyed.slow_scrapes(manifest.proxy_counts, manifest.window.step_seconds)


def _copied(evidence: Evidence) -> Finding | None:
    manifest = evidence.manifest
    return surveyed.copied_series(manifest.label_mapping.replica_labels, manifest.copied_proxies)


def _alike(evidence: Evidence) -> Finding | None:
    return surveyed.alike_series(evidence.manifest.alike_proxies)


def _compared(evidence: Evidence) -> Iterator[Missing]:
    """Yield what the measurement lacks of each exporter that can be compared."""
    manifest = evidence.manifest
    counts = manifest.proxy_counts
    if counts is None:
        return
    parts = _parts_within(evidence, counts)
    for exporter, table in _TABLES.items():
        is_named = manifest.label_mapping.attribution == Attribution.POD
        if counts.of(exporter) and len(parts) and (is_named or exporter == Exporter.CADVISOR):
            yield _missing(evidence, counts, exporter, table, parts)


def _parts_within(evidence: Evidence, counts: ProxyCounts) -> Sequence[int]:
    """Return the parts of the survey that the window holds, or nearly holds if it holds none."""
    window = evidence.manifest.window
    held = {
        part: min(window.end, counts.begin_of(part + 1)) - max(window.start, counts.begin_of(part))
        for part in range(counts.part_count)
    }
    shares = {part: time.total_seconds() / counts.part_seconds for part, time in held.items()}
    whole = [part for part, share in shares.items() if share >= 1]
    return whole or [part for part, share in shares.items() if share >= _WHOLE_SHARE]


def _missing(
    evidence: Evidence,
    counts: ProxyCounts,
    exporter: Exporter,
    table: str,
    parts: Sequence[int],
) -> Missing:
    clusters = evidence.tables.clusters
    measured = _measured(evidence, counts, table)
    sums = np.zeros(3)
    sites: list[str] = []
    groups: dict[str, list[ProxyGroup]] = {}
    for group in counts.of(exporter):
        groups.setdefault(group.cluster if len(clusters) > 1 else "", []).append(group)
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


def _measured(evidence: Evidence, counts: ProxyCounts, table: str) -> dict[str, Floats]:
    """Return how many proxies have a row in the steps that overlap each part, by cluster."""
    rows = evidence.tables[table][["namespace", "pod", TIME]]
    step, length = evidence.manifest.window.step_seconds, counts.part_seconds
    since = rows[TIME] - counts.start_seconds
    first, last = (since - step) // length, -(-since // length) - 1
    pieces = [
        rows.assign(part=first + number)[first + number <= last]
        for number in range(int((last - first).max() if len(rows) else 0) + 1)
    ]
    pods = pd.concat(pieces)[["namespace", "pod", "part"]].drop_duplicates()
    is_split = len(evidence.tables.clusters) > 1
    pods["cluster"] = pods["namespace"].str.rpartition("/")[0] if is_split else ""
    sizes = pods.groupby(["cluster", "part"]).size()
    whole = range(counts.part_count)
    return {
        cluster: sizes[cluster].reindex(whole, fill_value=0).to_numpy(float)
        for cluster in sizes.index.unique("cluster")
    }


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


SURVEY_CHECKS: Final = (_unmeasured, _brief, _slow, _copied, _alike)
