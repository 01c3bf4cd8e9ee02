"""How finely and how often the proxies were scraped, and what is left of it."""

from __future__ import annotations

from typing import Final

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.frames import TIME
from analyzer.measurement.quality.evidence import Evidence
from analyzer.window import MIN_STEP_SECONDS, choose_step_seconds

__all__ = ["SCRAPE_CHECKS"]

THIN_SHARE = 0.25
"""Share of the steps that may hold few samples: those around an outage do."""

_THANOS_RESOLUTIONS: Final = (300, 3600)
"""Seconds between downsampled samples (thanos: docs/components/compact.md)."""


def _duplicates(evidence: Evidence) -> Finding | None:
    found = evidence.manifest.duplicate_scrapes
    if not found:
        return None
    sides = {"proxy": "metrics", "cadvisor": "CPU"}
    parts = " and ".join(f"the {sides[side]} of {count} proxies" for side, count in found.items())
    return Finding(
        name="duplicate_scrapes",
        severity=Severity.INFO,
        text=f"{parts} are scraped more than once: each was counted once",
        mending="one job for each proxy is enough (15020 or 15090); deduplicate the HA pair",
    )


def _intervals(evidence: Evidence) -> Finding | None:
    cpu, requests = evidence.manifest.cpu_scrape_seconds, evidence.manifest.request_scrape_seconds
    shortest = choose_step_seconds(max(cpu, requests), None)
    if shortest <= MIN_STEP_SECONDS:
        return None
    text = (
        f"CPU is scraped every {cpu:g} s and requests every {requests:g} s, so that a step is at "
        f"least {shortest} s"
    )
    mending = "scrape both every 30 s or faster for steps of 5 minutes"
    if cpu == requests and cpu in _THANOS_RESOLUTIONS:
        # Nothing in an answer tells Thanos's blocks from scrapes that are as slow.
        text += "; or these are samples that Thanos downsampled"
        mending += "; with Thanos, ask for a time of which it keeps raw samples"
    return Finding(name="coarse_scrapes", severity=Severity.INFO, text=text, mending=mending)


def _thinned(evidence: Evidence) -> Finding | None:
    manifest = evidence.manifest
    promised = manifest.window.step_seconds / manifest.request_scrape_seconds
    found = evidence.tables["proxy_build"].groupby(TIME)["proxy_build"].median()
    thin = int((found < promised / 2).sum())
    if thin <= THIN_SHARE * len(found):
        return None
    return Finding(
        name="thinned_samples",
        severity=Severity.WARNING,
        text=f"{thin} of {len(found)} steps hold fewer than half of the {promised:.0f} samples "
        "that the last scrape interval promises: scrapes were rarer then, or their samples are "
        "downsampled",
        mending="with Thanos and --query.auto-downsampling, a --step below 25 minutes reads raw "
        "samples",
    )


SCRAPE_CHECKS: Final = (_duplicates, _intervals, _thinned)
