"""Whether what was measured is all that the survey counted, and which scrape jobs are too slow."""

from typing import Final

from analyzer.measurement import surveyed
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.missing import UNMEASURED_SHARE
from analyzer.measurement.proxy_counts import RATED_SAMPLES
from analyzer.measurement.quality.evidence import Evidence
from analyzer.prometheus.label_mapping import Exporter
from analyzer.settings import Setting
from analyzer.units import counted

_WHAT: Final = {Exporter.CADVISOR: "CPU", Exporter.PROXY: "metrics"}


def _unmeasured(evidence: Evidence) -> Finding | None:
    missing = max(evidence.missing, key=lambda one: one.share, default=None)
    if missing is None or missing.share <= UNMEASURED_SHARE:
        return None
    at_a_time = missing.counted / missing.parts
    lacking = max(1, round(missing.unmeasured / missing.parts))
    return Finding(
        name="proxies_not_measured",
        severity=Severity.of_share(missing.share),
        text=f"{_WHAT[missing.exporter]} samples of {lacking:,} of "
        f"{counted(max(lacking, round(at_a_time)), 'proxy', 'proxies')} give no rate "
        f"({'; '.join(missing.sites)}). The scrapes are too far apart, or labels differ.",
        affected=missing.sites,
        fix=f"Scrape these proxies as often as the others, or use a longer {Setting.STEP}.",
        time_share=missing.share,
        bias=Bias.TOO_LOW,
    )


def _brief(evidence: Evidence) -> Finding | None:
    missing = max(evidence.missing, key=lambda one: one.brief_share, default=None)
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


def _mixed(evidence: Evidence) -> Finding | None:
    return surveyed.mixed_labels(evidence.manifest.label_mapping)


def _overwritten(evidence: Evidence) -> Finding | None:
    return surveyed.overwritten_labels(evidence.manifest.label_mapping)


SURVEY_CHECKS: Final = (_unmeasured, _brief, _slow, _copied, _alike, _mixed, _overwritten)
