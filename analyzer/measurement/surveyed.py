"""Findings that a survey alone shows: `doctor` reports them before anything is measured."""

from collections.abc import Mapping
from typing import Final

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.metrics import CPU, ESSENTIAL
from analyzer.prometheus.label_mapping import Attribution, LabelMapping
from analyzer.units import counted
from analyzer.window import MIN_STEP_SECONDS, choose_step_seconds

FINE_SCRAPE_SECONDS: Final = 30
"""Scrapes at least this frequent allow the shortest step that is chosen by itself."""

_THANOS_RESOLUTIONS: Final = (300, 3600)
"""Seconds between downsampled samples (thanos: docs/components/compact.md)."""

_SIDES: Final = {"proxy": "metrics", "cadvisor": "CPU"}


def missing_metric(recorded: str) -> Finding:
    """Return the finding about an essential metric that the survey did not find.

    Snapshots up to version 0.1 recorded a text in place of the metric's name: it is kept.
    """
    metric = ESSENTIAL.get(recorded)
    if metric is None:
        return Finding(name="missing_metric", text=recorded)
    return Finding(
        name="missing_metric",
        text=f"{recorded} is missing. {metric.lost}",
        affected=(recorded,),
        fix=metric.fix,
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


def duplicate_scrapes(found: Mapping[str, int]) -> Finding | None:
    """Return the finding about proxies that are scraped twice, counted by exporter."""
    if not found:
        return None
    parts = " and ".join(
        f"the {_SIDES[side]} of {counted(count, 'proxy', 'proxies')}"
        for side, count in found.items()
    )
    return Finding(
        name="duplicate_scrapes",
        severity=Severity.INFO,
        text=f"More than one job or server scrapes {parts}. Each proxy is counted once.",
        fix="Scrape each proxy with one job (port 15020 or 15090). Deduplicate an HA pair of "
        "Prometheus servers.",
        bias=Bias.NONE,
    )


def coarse_scrapes(cpu_seconds: float, request_seconds: float) -> Finding | None:
    """Return the finding about scrape intervals that allow no step of five minutes."""
    shortest = choose_step_seconds(max(cpu_seconds, request_seconds), None)
    if shortest <= MIN_STEP_SECONDS:
        return None
    text = f"CPU is scraped every {cpu_seconds:g} s and requests every {request_seconds:g} s. "
    text += f"Rates need intervals of at least {shortest} s."
    fix = f"Scrape both every {FINE_SCRAPE_SECONDS} s or faster for intervals of 5 minutes."
    if cpu_seconds == request_seconds and cpu_seconds in _THANOS_RESOLUTIONS:
        # No answer of the server distinguishes Thanos's blocks from scrapes that are as slow.
        text += " These may be samples that Thanos downsampled."
        fix += " With Thanos, choose a time with raw samples."
    return Finding(
        name="coarse_scrapes", severity=Severity.INFO, text=text, fix=fix, bias=Bias.NONE
    )
