"""What the snapshot as a whole lacks or was made from, and how finely it was scraped."""

import re
from typing import Final

import pandas as pd

from analyzer.measurement import surveyed
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.metrics import START_WITH_POD_LABELS
from analyzer.measurement.quality.evidence import Evidence
from analyzer.measurement.tables import INSTANCE_TYPE
from analyzer.settings import Setting
from analyzer.units import Role, counted, in_percent

UNATTRIBUTED_SHARE = 0.01
"""Share of the reported requests without a proxy from which they are a finding."""

_REMARK_ON_A_QUERY: Final = "PromQL info"
"""How Prometheus's remarks begin that are on a query and not on its answer."""

THIN_SHARE = 0.25
"""Share of the steps that may hold few samples: those around an outage do."""

_SIZE: Final = re.compile(
    r"-(?:standard|highmem|highcpu|micro|small|medium)(?:-\d+)?$"
    r"|\.(?:nano|micro|small|medium|metal\S*|\d*x?large)$"
    r"|^(?P<kept>Standard_[A-Z]+)\d+(?:-\d+)?"
)
"""What names the size of an instance type by Google, AWS and Azure: types that differ only in
size have the same kind of CPU."""


def _remarks(evidence: Evidence) -> Finding | None:
    remarks = evidence.manifest.remarks
    if not remarks:
        return None
    on_queries = all(remark.startswith(_REMARK_ON_A_QUERY) for remark in remarks)
    problem = "The server commented on the queries"
    if not on_queries:
        problem = "The server's answers may be incomplete. Its first warning"
    return Finding(
        name="server_remarks",
        severity=Severity.INFO if on_queries else Severity.WARNING,
        text=f'{problem}: "{" ".join(remarks[0].split())}".',
        affected=remarks,
        fix=""
        if on_queries
        else "Check whether a store of Thanos or VictoriaMetrics was down: both then answer with "
        "part of the data.",
        bias=Bias.NONE if on_queries else Bias.TOO_LOW,
    )


def _recorded(evidence: Evidence) -> Finding | None:
    return surveyed.recorded_cpu(evidence.manifest.label_mapping)


def _attribution(evidence: Evidence) -> Finding | None:
    return surveyed.attribution(evidence.manifest.label_mapping)


def _unattributed(evidence: Evidence) -> Finding | None:
    share = evidence.tables.unattributed_share()
    if share < UNATTRIBUTED_SHARE:
        return None
    return Finding(
        name="unattributed_requests",
        severity=Severity.of_share(share),
        text=f"{in_percent(share)} of the requests that proxies report cannot be matched to a "
        "proxy. No total includes them.",
        fix="Keep the labels `namespace` and `pod` on the metrics of all proxies. Check that the "
        "store drops no label (VictoriaMetrics: -maxLabelsPerTimeseries).",
        bias=Bias.TOO_LOW,
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
        text=f"Sidecars run on {len(kinds)} kinds of machine. A vCPU does not do the same work on "
        "each of them.",
        affected=tuple(kinds),
        fix="Compare workloads on the same kind of machine.",
        bias=Bias.NONE,
    )


def _nodes(evidence: Evidence) -> Finding | None:
    # The kubelet's node labels are asked for only where kube-state-metrics is not there.
    nodes = tuple(sorted(set(evidence.proxies["node"]) - {""}))
    if "pod_placement" in evidence.asked or "proxy_nodes" not in evidence.asked or not nodes:
        return None
    return Finding(
        name="nodes_of_proxies",
        text=f"Proxies were seen on {counted(len(nodes), 'node')}, and other nodes are unknown. "
        "Each other node would run a ztunnel too.",
        affected=nodes,
        fix=f"Install kube-state-metrics with the nodes resource, or set {Setting.NODE_COUNT}.",
        # Of nodes, and so of ztunnels.
        bias=Bias.TOO_LOW,
    )


def _pod_labels(evidence: Evidence) -> Finding | None:
    labels = evidence.tables["pod_labels"].filter(regex="^label_")
    if "pod_placement" not in evidence.asked or (labels != "").to_numpy().any():
        return None
    if len(evidence.tables["proxy_pod_labels"]):
        return None
    return Finding(
        name="no_pod_labels",
        severity=Severity.INFO,
        text="kube-state-metrics exports no pod labels. Roles are derived from what the proxies "
        "report.",
        fix=START_WITH_POD_LABELS,
        bias=Bias.NONE,
    )


def _duplicates(evidence: Evidence) -> Finding | None:
    return surveyed.duplicate_scrapes(evidence.manifest.duplicate_scrapes)


def _intervals(evidence: Evidence) -> Finding | None:
    manifest = evidence.manifest
    return surveyed.coarse_scrapes(
        manifest.cpu_scrape_seconds, manifest.request_scrape_seconds, manifest.proxy_counts
    )


def _thinned(evidence: Evidence) -> Finding | None:
    manifest = evidence.manifest
    promised = manifest.window.step_seconds / manifest.request_scrape_seconds
    scrapes = evidence.tables.pieces("proxy_build")
    found = pd.Series(scrapes.samples).groupby(scrapes.times).median()
    thin = int((found < promised / 2).sum())
    if thin <= THIN_SHARE * len(found):
        return None
    return Finding(
        name="thinned_samples",
        text=f"{thin} of {len(found)} intervals hold fewer than half of the {promised:.0f} samples "
        "that the latest scrape interval gives. Scrapes were less frequent then, or the samples "
        "are downsampled.",
        fix=f"With Thanos and --query.auto-downsampling, a {Setting.STEP} below 25 minutes "
        "reads raw samples.",
        time_share=thin / len(found),
        bias=Bias.EITHER,
    )


DATA_CHECKS: Final = (
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
