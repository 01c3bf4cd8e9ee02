"""What the snapshot as a whole lacks, or was made from."""

from __future__ import annotations

from typing import Final

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.quality.evidence import SERIOUS_SHARE, Evidence
from analyzer.prometheus.dialect import Attribution
from analyzer.prometheus.window import MIN_STEP_SECONDS
from analyzer.units import Role

__all__ = ["DATA_CHECKS"]

UNATTRIBUTED_SHARE = 0.01
"""Part of the reported requests from which those that are no proxy's are told."""


def _retention(evidence: Evidence) -> Finding | None:
    missing = int(evidence.observed_points.min())
    if not missing:
        return None
    window = evidence.manifest.window
    return Finding(
        name="short_retention",
        severity=Severity.WARNING,
        text=f"nothing is stored before {window.time_of(missing - 1):%Y-%m-%d %H:%M} UTC: the "
        f"first {missing} of {window.point_count} steps asked for are missing",
        mending="keep samples longer (--storage.tsdb.retention.time), or ask for fewer days",
    )


def _gaps(evidence: Evidence) -> Finding | None:
    points = evidence.observed_points
    missing = int(evidence.manifest.window.point_count - points.min()) - len(points)
    if not missing:
        return None
    return Finding(
        name="gaps",
        severity=Severity.WARNING,
        text=f"no CPU or no metrics of any proxy in {missing} of "
        f"{evidence.manifest.window.point_count} steps: averages leave them out",
        mending="look at `up` of the kubelet's and the proxies' jobs at that time",
    )


def _remarks(evidence: Evidence) -> Finding | None:
    remarks = evidence.manifest.remarks
    if not remarks:
        return None
    return Finding(
        name="server_remarks",
        severity=Severity.WARNING,
        text=f"the server remarked on its own answers, which may be incomplete: {remarks[0]}",
        affected=remarks,
        mending="with Thanos, see which store is down: partial responses are on by default",
    )


def _recorded(evidence: Evidence) -> Finding | None:
    dialect = evidence.manifest.dialect
    if not dialect.is_recorded:
        return None
    return Finding(
        name="recorded_cpu",
        severity=Severity.WARNING,
        text=f"CPU comes from the recording rule {dialect.cpu}, whose samples are already "
        "averaged: it runs minutes behind the requests",
        mending="keep container_cpu_usage_seconds_total",
    )


def _attribution(evidence: Evidence) -> Finding | None:
    told: Final = {
        Attribution.ADDRESS: (
            Severity.INFO,
            "the proxies' metrics carry no pod: each was led back to its pod by its address",
        ),
        Attribution.WORKLOAD: (
            Severity.WARNING,
            "the proxies' metrics carry neither pod nor address: each pod got its workload's mean",
        ),
    }
    attribution = evidence.manifest.dialect.attribution
    if attribution not in told:
        return None
    severity, text = told[attribution]
    return Finding(
        name=f"by_{attribution}",
        severity=severity,
        text=text,
        mending="keep the labels `namespace` and `pod` when scraping the proxies",
    )


def _unattributed(evidence: Evidence) -> Finding | None:
    share = evidence.tables.unattributed_share()
    if share < UNATTRIBUTED_SHARE:
        return None
    return Finding(
        name="unattributed_requests",
        severity=Severity.SERIOUS if share >= SERIOUS_SHARE else Severity.WARNING,
        text=f"{share:.0%} of the requests that proxies report could not be led back to a proxy: "
        "they are counted nowhere",
        mending="keep the labels `namespace` and `pod` on all proxies' metrics, and let the store "
        "drop no label (VictoriaMetrics: -maxLabelsPerTimeseries)",
    )


def _instance_types(evidence: Evidence) -> Finding | None:
    types = evidence.tables["node_instance_types"]
    label = "label_node_kubernetes_io_instance_type"
    known = types[types[label] != ""].drop_duplicates("node").set_index("node")[label]
    used = set(evidence.proxies.loc[evidence.proxies["role"] == Role.SIDECAR, "node"])
    kinds = sorted(set(known[known.index.isin(used)]))
    if len(kinds) < 2:  # noqa: PLR2004 - several
        return None
    return Finding(
        name="instance_types",
        severity=Severity.WARNING,
        text=f"the sidecars run on {len(kinds)} kinds of machine: a vCPU of one does not do the "
        "work of a vCPU of another",
        affected=tuple(kinds),
        mending="compare workloads on the same kind of machine",
    )


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
    manifest = evidence.manifest
    step_seconds = manifest.window.step_seconds
    if step_seconds <= MIN_STEP_SECONDS:
        return None
    cpu, requests = manifest.cpu_scrape_seconds, manifest.request_scrape_seconds
    return Finding(
        name="coarse_scrapes",
        severity=Severity.INFO,
        text=f"CPU is scraped every {cpu:g} s and requests every {requests:g} s, so that a step "
        f"is {step_seconds} s",
        mending="scrape both every 30 s or faster for steps of 5 minutes",
    )


def _pod_labels(evidence: Evidence) -> Finding | None:
    asked = {query.name for query in evidence.manifest.queries}
    if "pod_placement" not in asked or len(evidence.tables["pod_labels"]):
        return None
    return Finding(
        name="no_pod_labels",
        severity=Severity.INFO,
        text="kube-state-metrics tells no pod labels: roles rest on what the proxies report",
        mending="--metric-labels-allowlist=pods=[app,security.istio.io/tlsMode,"
        "gateway.networking.k8s.io/gateway-class-name,gateway.istio.io/managed]",
    )


DATA_CHECKS: Final = (
    _retention,
    _gaps,
    _remarks,
    _recorded,
    _attribution,
    _unattributed,
    _instance_types,
    _duplicates,
    _intervals,
    _pod_labels,
)
