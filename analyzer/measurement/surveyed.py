"""Findings that a survey alone shows: `doctor` reports them before anything is measured."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.metrics import CPU, ESSENTIAL
from analyzer.measurement.proxy_counts import ProxyCounts, named
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.settings import Setting
from analyzer.units import counted, enumerated, in_percent
from analyzer.window import INTERVALS_PER_STEP, MIN_STEP_SECONDS, choose_step_seconds

UNEQUAL_SHARE: Final = 0.01
"""Share of the proxies that only one source has samples of, from which it is a finding."""

FINE_SCRAPE_SECONDS: Final = 30
"""Scrapes at least this frequent allow the shortest step that is chosen by itself."""

_THANOS_RESOLUTIONS: Final = (300, 3600)
"""Seconds between downsampled samples (thanos: docs/components/compact.md)."""

_EXPORTED: Final = {
    Exporter.PROXY: "proxy metrics",
    Exporter.CADVISOR: "CPU",
    Exporter.STATE: "kube-state-metrics",
}

_PUT_ASIDE: Final = "exported_"
"""What a scrape puts before a label of the exporter that its target has too."""

_SIDES: Final = {"proxy": "metrics", "cadvisor": "CPU"}


def missing_metric(recorded: str) -> Finding:
    """Return the finding about an essential metric that the survey did not find.

    Snapshots up to version 0.1 recorded a text in place of the metric's name: it is kept.
    """
    metric = ESSENTIAL.get(recorded)
    if metric is None:
        return Finding(name="missing_metric", text=recorded, bias=Bias.NONE)
    return Finding(
        name="missing_metric",
        text=f"{recorded} is missing. {metric.lost}",
        affected=(recorded,),
        fix=metric.fix,
        # What rests on it is absent from the answer, and not zero.
        bias=Bias.NONE,
    )


def recorded_cpu(mapping: LabelMapping) -> Finding | None:
    """Return the finding about CPU that comes from a recording rule."""
    if not mapping.is_recorded:
        return None
    return Finding(
        name="recorded_cpu",
        text=f"CPU comes from the recording rule {mapping.cpu}. Its samples are already averaged, "
        "so CPU is minutes behind the requests.",
        fix=f"Keep {CPU} in Prometheus.",
        bias=Bias.NONE,
    )


def attribution(mapping: LabelMapping) -> Finding | None:
    """Return the finding about proxy metrics that have no pod label."""
    if mapping.attribution == Attribution.POD:
        return None
    by_address = mapping.attribution == Attribution.ADDRESS
    text = "Proxy metrics have no pod label. They were matched to pods by IP."
    if not by_address:
        text = "Proxy metrics have neither a pod label nor an address. Each pod gets the mean of "
        text += "its workload."
    return Finding(
        name=f"by_{mapping.attribution}",
        severity=Severity.INFO if by_address else Severity.WARNING,
        text=text,
        fix="Keep the labels `namespace` and `pod` when scraping the proxies.",
        bias=Bias.NONE,
    )


def mixed_labels(mapping: LabelMapping) -> Finding | None:
    """Return the finding about scrape jobs that name the pod by different labels."""
    named = {_EXPORTED[side]: mapping.names(side).each for side in _EXPORTED}
    mixed = {what: each for what, each in named.items() if len(each) > 1}
    if not mixed:
        return None
    parts = (
        f"The pod of {what} is in {enumerated([f'`{one.pod}`' for one in each])}."
        for what, each in mixed.items()
    )
    return Finding(
        name="mixed_labels",
        severity=Severity.INFO,
        text=f"Scrape jobs use different labels. {' '.join(parts)} Each was read.",
        affected=tuple(mixed),
        fix="Use the same relabelling in all scrape jobs.",
        bias=Bias.NONE,
    )


def overwritten_labels(mapping: LabelMapping) -> Finding | None:
    """Return the finding about proxy metrics whose labels a scrape has replaced by its target's."""
    labels = [one.pod for one in mapping.proxy.each if one.pod.startswith(_PUT_ASIDE)]
    if not labels or mapping.attribution != Attribution.POD:
        return None
    usual = labels[0].removeprefix(_PUT_ASIDE)
    return Finding(
        name="overwritten_labels",
        severity=Severity.INFO,
        text=f"The label `{usual}` of the proxies' metrics names the server that was scraped. "
        f"The proxy is in `{labels[0]}`, which was read.",
        affected=tuple(labels),
        fix="Set honor_labels: true in the job that federates the proxies' metrics.",
        bias=Bias.NONE,
    )


def duplicate_scrapes(found: Mapping[str, int]) -> Finding | None:
    """Return the finding about proxies that are stored twice, counted by exporter."""
    if not found:
        return None
    parts = " and ".join(
        f"the {_SIDES[side]} of {counted(count, 'proxy', 'proxies')}"
        for side, count in found.items()
    )
    return Finding(
        name="duplicate_scrapes",
        severity=Severity.INFO,
        text=f"Several scrape jobs, servers or cgroup paths store {parts}. Each proxy is counted "
        "once.",
        fix="Scrape each proxy with one job (port 15020 or 15090). Deduplicate an HA pair of "
        "Prometheus servers.",
        bias=Bias.NONE,
    )


def copied_series(labels: Sequence[str], proxies: int) -> Finding | None:
    """Return the finding about copies of series that only some labels separate."""
    if not (labels and proxies):
        return None
    names = enumerated(labels)
    return Finding(
        name="copied_series",
        severity=Severity.INFO,
        text=f"Copies of the series of {counted(proxies, 'proxy', 'proxies')} differ only in the "
        f"{'label' if len(labels) == 1 else 'labels'} {names}. Each proxy is counted once.",
        affected=tuple(labels),
        fix=f"Let the server deduplicate by {names} (Thanos: --query.replica-label).",
        bias=Bias.NONE,
    )


def alike_series(proxies: int) -> Finding | None:
    """Return the finding about series that look alike and are not understood."""
    if not proxies:
        return None
    return Finding(
        name="alike_series",
        text=f"Several series of one kind were found for {counted(proxies, 'proxy', 'proxies')}. "
        "Their values are neither equal nor clearly different, so they were added.",
        fix=f"If a label separates copies of them, set {Setting.REPLICA_LABELS}.",
        bias=Bias.TOO_HIGH,
    )


def coarse_scrapes(
    cpu_seconds: float, request_seconds: float, counts: ProxyCounts | None = None
) -> Finding | None:
    """Return the finding about scrape intervals that allow no step of five minutes."""
    shortest = choose_step_seconds(max(cpu_seconds, request_seconds), None)
    if shortest <= MIN_STEP_SECONDS:
        return None
    slowest = counts.slowest(max(cpu_seconds, request_seconds)) if counts else ""
    text = f"CPU is scraped every {cpu_seconds:g} s and requests every {request_seconds:g} s"
    text += f"{slowest}. "
    text += f"Rates need intervals of at least {shortest} s."
    fix = f"Scrape both every {FINE_SCRAPE_SECONDS} s or faster for intervals of 5 minutes."
    if cpu_seconds == request_seconds and cpu_seconds in _THANOS_RESOLUTIONS:
        # No answer of the server distinguishes Thanos's blocks from scrapes that are as slow.
        text += " These may be samples that Thanos downsampled."
        fix += " With Thanos, choose a time with raw samples."
    return Finding(
        name="coarse_scrapes", severity=Severity.INFO, text=text, fix=fix, bias=Bias.NONE
    )


def slow_scrapes(counts: ProxyCounts | None, step_seconds: int) -> Finding | None:
    """Return the finding about scrape jobs that are too slow for the steps, and few."""
    slow = counts.too_slow(step_seconds) if counts else ()
    if not slow or counts is None:
        return None
    whole = sum(float(counts.seen(exporter).sum()) for exporter in {one.exporter for one in slow})
    sites = tuple(sorted({named(one) for one in slow}))
    seconds = max(one.scrape_seconds or 0 for one in slow)
    return Finding(
        name="slow_scrapes",
        severity=Severity.INFO,
        text=f"Some proxies are scraped every {seconds:g} s ({'; '.join(sites[:3])}). An interval "
        f"of {step_seconds} s holds fewer than {INTERVALS_PER_STEP} of their scrapes.",
        affected=sites,
        fix=f"Scrape them as often as the others, or use a longer {Setting.STEP}.",
        time_share=sum(float(one.seen.sum()) for one in slow) / whole if whole else None,
        bias=Bias.TOO_LOW,
    )


def unequal_sources(counts: ProxyCounts | None) -> Finding | None:
    """Return the finding about proxies that have samples of CPU or of metrics, but not of both."""
    if counts is None or not (counts.of(Exporter.CADVISOR) and counts.of(Exporter.PROXY)):
        return None
    cpu, metrics = counts.seen(Exporter.CADVISOR), counts.seen(Exporter.PROXY)
    both = float(np.minimum(cpu, metrics).sum())
    share = 1 - both / float(np.maximum(cpu, metrics).sum())
    if share <= UNEQUAL_SHARE:
        return None
    lacking = "CPU" if cpu.sum() < metrics.sum() else "metrics"
    return Finding(
        name="unequal_sources",
        severity=Severity.of_share(share),
        text=f"Samples of {lacking} are missing for {in_percent(share)} of the proxies, averaged "
        "over the time.",
        fix="Check `up` of the scrape jobs of the kubelets and of the proxies.",
        time_share=share,
        # What is missing is filled with an estimate.
        bias=Bias.EITHER,
    )
