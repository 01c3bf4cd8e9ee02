"""What the snapshot as a whole lacks or was made from, and how finely it was scraped."""

import re
from typing import Final

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.frames import TIME
from analyzer.measurement.metrics import CPU, POD_LABELS
from analyzer.measurement.quality.evidence import SERIOUS_SHARE, Evidence
from analyzer.measurement.tables import INSTANCE_TYPE
from analyzer.prometheus.label_mapping import Attribution
from analyzer.settings import Setting
from analyzer.units import Role
from analyzer.window import MIN_STEP_SECONDS, choose_step_seconds

UNATTRIBUTED_SHARE = 0.01
"""Part of the reported requests from which those that are no proxy's are a finding."""

_REMARK_ON_A_QUERY: Final = "PromQL info"
"""How Prometheus's remarks begin that are on a query and not on its answer."""

THIN_SHARE = 0.25
"""Share of the steps that may hold few samples: those around an outage do."""

MINUTES_PER_DAY = 24 * 60

LONG_MINUTES = 120
"""From here on a time is written in hours."""

SPARSE_SHARE = 0.8
"""Share of the requested time with data below which figures per year are doubtful."""

_THANOS_RESOLUTIONS: Final = (300, 3600)
"""Seconds between downsampled samples (thanos: docs/components/compact.md)."""

_SIZE: Final = re.compile(
    r"-(?:standard|highmem|highcpu|micro|small|medium)(?:-\d+)?$"
    r"|\.(?:nano|micro|small|medium|metal\S*|\d*x?large)$"
    r"|^(?P<kept>Standard_[A-Z]+)\d+(?:-\d+)?"
)
"""What names the size of an instance type by Google, AWS and Azure: types that differ in nothing
else have the same kind of CPU."""


def _retention(evidence: Evidence) -> Finding | None:
    missing = int(evidence.observed_points.min())
    if not missing:
        return None
    window = evidence.manifest.window
    return Finding(
        name="short_retention",
        text="no CPU or no metrics of any proxy are stored before "
        f"{window.time_of(missing - 1):%Y-%m-%d %H:%M} UTC: the first {missing} of "
        f"{window.point_count} steps asked for are missing",
        fix="ask for fewer days; if there was a mesh then, keep samples longer "
        "(--storage.tsdb.retention.time; Thanos: --retention.resolution-raw)",
    )


def _gaps(evidence: Evidence) -> Finding | None:
    points = evidence.observed_points
    missing = int(evidence.manifest.window.point_count - points.min()) - len(points)
    if not missing:
        return None
    return Finding(
        name="gaps",
        text=f"no CPU or no metrics of any proxy in {missing} of "
        f"{evidence.manifest.window.point_count} steps: averages leave them out",
        fix="look at `up` of the kubelet's and the proxies' jobs at that time",
    )


def _remarks(evidence: Evidence) -> Finding | None:
    remarks = evidence.manifest.remarks
    if not remarks:
        return None
    on_queries = all(remark.startswith(_REMARK_ON_A_QUERY) for remark in remarks)
    subject = "queries" if on_queries else "answers, which may be incomplete"
    fix = "see which store of Thanos or VictoriaMetrics is down: both answer without it"
    return Finding(
        name="server_remarks",
        severity=Severity.INFO if on_queries else Severity.WARNING,
        text=f"the server remarked on its {subject}: {' '.join(remarks[0].split())}",
        affected=remarks,
        fix="" if on_queries else fix,
    )


def _recorded(evidence: Evidence) -> Finding | None:
    mapping = evidence.manifest.label_mapping
    if not mapping.is_recorded:
        return None
    return Finding(
        name="recorded_cpu",
        text=f"CPU comes from the recording rule {mapping.cpu}, whose samples are already "
        "averaged: it runs minutes behind the requests",
        fix=f"keep {CPU}",
    )


def _attribution(evidence: Evidence) -> Finding | None:
    attribution = evidence.manifest.label_mapping.attribution
    if attribution == Attribution.POD:
        return None
    by_address = attribution == Attribution.ADDRESS
    lacking = "no pod: each was led back to its pod by its address"
    if not by_address:
        lacking = "neither pod nor address: each pod got its workload's mean"
    return Finding(
        name=f"by_{attribution}",
        severity=Severity.INFO if by_address else Severity.WARNING,
        text=f"the proxies' metrics carry {lacking}",
        fix="keep the labels `namespace` and `pod` when scraping the proxies",
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
        fix="keep the labels `namespace` and `pod` on all proxies' metrics, and let the store "
        "drop no label (VictoriaMetrics: -maxLabelsPerTimeseries)",
    )


def _instance_types(evidence: Evidence) -> Finding | None:
    types = evidence.tables["node_instance_types"]
    known = types[types[INSTANCE_TYPE] != ""].drop_duplicates("node").set_index("node")
    used = set(evidence.proxies.loc[evidence.proxies["role"] == Role.SIDECAR, "node"])
    names = known.loc[known.index.isin(used), INSTANCE_TYPE].unique()
    kinds = sorted({_SIZE.sub(r"\g<kept>", name) for name in names})
    if len(kinds) < 2:  # noqa: PLR2004 - several
        return None
    return Finding(
        name="instance_types",
        text=f"the sidecars run on {len(kinds)} kinds of machine: a vCPU of one does not do the "
        "work of a vCPU of another",
        affected=tuple(kinds),
        fix="compare workloads on the same kind of machine",
    )


def _nodes(evidence: Evidence) -> Finding | None:
    # The kubelet's node labels are asked for only where kube-state-metrics is not there.
    nodes = tuple(sorted(set(evidence.proxies["node"]) - {""}))
    if "proxy_nodes" not in evidence.asked or not nodes:
        return None
    return Finding(
        name="nodes_of_proxies",
        text=f"the nodes counted are the {len(nodes)} on which proxies run: any other would have "
        "a ztunnel too",
        affected=nodes,
        fix=f"install kube-state-metrics, resources nodes, or give {Setting.NODE_COUNT}",
    )


def _pod_labels(evidence: Evidence) -> Finding | None:
    labels = evidence.tables["pod_labels"].filter(regex="^label_")
    if "pod_placement" not in evidence.asked or (labels != "").to_numpy().any():
        return None
    return Finding(
        name="no_pod_labels",
        severity=Severity.INFO,
        text="kube-state-metrics tells no pod labels: roles rest on what the proxies report",
        fix=POD_LABELS,
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
        fix="one job for each proxy is enough (15020 or 15090); deduplicate the HA pair",
    )


def _intervals(evidence: Evidence) -> Finding | None:
    cpu, requests = evidence.manifest.cpu_scrape_seconds, evidence.manifest.request_scrape_seconds
    shortest = choose_step_seconds(max(cpu, requests), None)
    if shortest <= MIN_STEP_SECONDS:
        return None
    text = f"CPU is scraped every {cpu:g} s and requests every {requests:g} s, "
    text += f"so that a step is at least {shortest} s"
    fix = "scrape both every 30 s or faster for steps of 5 minutes"
    if cpu == requests and cpu in _THANOS_RESOLUTIONS:
        # Nothing in an answer tells Thanos's blocks from scrapes that are as slow.
        text += "; or these are samples that Thanos downsampled"
        fix += "; with Thanos, ask for a time of which it keeps raw samples"
    return Finding(name="coarse_scrapes", severity=Severity.INFO, text=text, fix=fix)


def _thinned(evidence: Evidence) -> Finding | None:
    manifest = evidence.manifest
    promised = manifest.window.step_seconds / manifest.request_scrape_seconds
    found = evidence.tables["proxy_build"].groupby(TIME)["proxy_build"].median()
    thin = int((found < promised / 2).sum())
    if thin <= THIN_SHARE * len(found):
        return None
    return Finding(
        name="thinned_samples",
        text=f"{thin} of {len(found)} steps hold fewer than half of the {promised:.0f} samples "
        "that the last scrape interval promises: scrapes were rarer then, or their samples are "
        "downsampled",
        fix=f"with Thanos and --query.auto-downsampling, a {Setting.STEP} below 25 minutes "
        "reads raw samples",
    )


def _short_window(evidence: Evidence) -> Finding | None:
    window = evidence.manifest.window
    minutes = (window.end - window.start).total_seconds() / 60
    if minutes >= MINUTES_PER_DAY:
        return None
    length = f"{minutes:.0f} min" if minutes < LONG_MINUTES else f"{minutes / 60:.3g} h"
    return Finding(
        name="short_window",
        text=f"Only {length} of data, less than a day. Figures per year assume that every day is "
        "like this time.",
        fix="Analyze at least one day, better seven.",
    )


def _sparse_window(evidence: Evidence) -> Finding | None:
    share = len(evidence.observed_points) / evidence.manifest.window.point_count
    if share >= SPARSE_SHARE:
        return None
    return Finding(
        name="sparse_window",
        text=f"Data for only {100 * share:.0f} % of the time requested. Figures per year assume "
        "that the missing time is like the rest.",
        fix="Choose a time that is covered by samples.",
    )


DATA_CHECKS: Final = (
    _short_window,
    _sparse_window,
    _retention,
    _gaps,
    _remarks,
    _recorded,
    _attribution,
    _unattributed,
    _instance_types,
    _pod_labels,
    _nodes,
    _duplicates,
    _intervals,
    _thinned,
)
