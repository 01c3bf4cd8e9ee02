"""What the snapshot as a whole lacks, or was made from."""

from __future__ import annotations

import re
from typing import Final

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.metrics import POD_LABELS
from analyzer.measurement.quality.evidence import SERIOUS_SHARE, Evidence
from analyzer.prometheus.label_mapping import Attribution
from analyzer.units import Role

__all__ = ["DATA_CHECKS"]

UNATTRIBUTED_SHARE = 0.01
"""Part of the reported requests from which those that are no proxy's are told."""

_REMARK_ON_A_QUERY: Final = "PromQL info"
"""How Prometheus's remarks begin that are on a query and not on its answer."""

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
        severity=Severity.WARNING,
        text="no CPU or no metrics of any proxy are stored before "
        f"{window.time_of(missing - 1):%Y-%m-%d %H:%M} UTC: the first {missing} of "
        f"{window.point_count} steps asked for are missing",
        mending="ask for fewer days; if there was a mesh then, keep samples longer "
        "(--storage.tsdb.retention.time; Thanos: --retention.resolution-raw)",
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
    if all(remark.startswith(_REMARK_ON_A_QUERY) for remark in remarks):
        severity, told, mending = Severity.INFO, "queries", ""
    else:
        severity, told = Severity.WARNING, "answers, which may be incomplete"
        mending = "see which store of Thanos or VictoriaMetrics is down: both answer without it"
    return Finding(
        name="server_remarks",
        severity=severity,
        text=f"the server remarked on its {told}: {' '.join(remarks[0].split())}",
        affected=remarks,
        mending=mending,
    )


def _recorded(evidence: Evidence) -> Finding | None:
    label_mapping = evidence.manifest.label_mapping
    if not label_mapping.is_recorded:
        return None
    return Finding(
        name="recorded_cpu",
        severity=Severity.WARNING,
        text=f"CPU comes from the recording rule {label_mapping.cpu}, whose samples are already "
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
    attribution = evidence.manifest.label_mapping.attribution
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
    kinds = sorted(
        {_SIZE.sub(r"\g<kept>", kind) for kind in known[known.index.isin(used)].unique()}
    )
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


def _nodes(evidence: Evidence) -> Finding | None:
    # The kubelet's node labels are asked for only where kube-state-metrics is not there.
    asked = {query.name for query in evidence.manifest.queries}
    nodes = tuple(sorted(set(evidence.proxies["node"]) - {""}))
    if "proxy_nodes" not in asked or not nodes:
        return None
    return Finding(
        name="nodes_of_proxies",
        severity=Severity.WARNING,
        text=f"the nodes counted are the {len(nodes)} on which proxies run: any other would have "
        "a ztunnel too",
        affected=nodes,
        mending="install kube-state-metrics, resources nodes, or give --nodes",
    )


def _pod_labels(evidence: Evidence) -> Finding | None:
    asked = {query.name for query in evidence.manifest.queries}
    told = evidence.tables["pod_labels"].filter(regex="^label_")
    if "pod_placement" not in asked or (told != "").to_numpy().any():
        return None
    return Finding(
        name="no_pod_labels",
        severity=Severity.INFO,
        text="kube-state-metrics tells no pod labels: roles rest on what the proxies report",
        mending=POD_LABELS,
    )


DATA_CHECKS: Final = (
    _retention,
    _gaps,
    _remarks,
    _recorded,
    _attribution,
    _unattributed,
    _instance_types,
    _pod_labels,
    _nodes,
)
