"""Labels and directions that the proxies' request counters lack, and what replaces them."""

from typing import Final

import pandas as pd

from analyzer.arrays import Bools
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.other_side import OUTBOUND
from analyzer.measurement.quality.evidence import Evidence
from analyzer.measurement.same_calls import without_cluster
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import NAMED
from analyzer.prometheus.label_mapping import Exporter
from analyzer.units import counted, enumerated, in_percent

LEAST_SHARE: Final = 0.01
"""Share of the calls from which dropped labels and remote destinations are a finding."""

_MEASURED: Final = {
    Exporter.PROXY: "requests",
    Exporter.CADVISOR: "CPU",
    Exporter.STATE: "CPU and memory requests or limits",
}
"""What is lost where an exporter's rows cannot be matched."""


def _of_pods(evidence: Evidence, pods: pd.DataFrame) -> Bools:
    """Return the observed steps of some pods."""
    keys = pd.MultiIndex.from_frame(evidence.proxies[KEY])
    chosen = evidence.proxies.index[keys.isin(pd.MultiIndex.from_frame(pods))]
    return evidence.steps["proxy"].isin(chosen).to_numpy() & evidence.is_observed


def _one_sided(evidence: Evidence) -> Finding | None:
    """Return the finding about directions that only the other side reports."""
    added = {
        name: pods[~pd.MultiIndex.from_frame(pods).isin(_unlabelled(evidence))]
        for name, pods in evidence.sides.added.items()
    }
    names = [name for name, pods in added.items() if len(pods)]
    if not names:
        return None
    flags = _of_pods(evidence, pd.concat([added[name] for name in names]))
    if not flags.any():
        return None
    proxies = evidence.pods(evidence.steps.loc[flags, "proxy"])
    reporter = "source" if names == [OUTBOUND] else "destination"
    which, others = ("sent", "receivers") if names == [OUTBOUND] else ("received", "callers")
    kept = 'reporter="source" and reporter="destination"'
    if len(names) > 1:
        missing = "requests in one direction"
        others = "other side"
    else:
        missing = f'the requests that they {which} (reporter="{reporter}")'
        kept = f'reporter="{reporter}"'
    return evidence.about_values(
        "one_sided_requests",
        f"{counted(len(proxies), 'proxy lacks', 'proxies lack')} {missing}. What the {others} "
        f"{'reports' if len(names) > 1 else 'report'} takes its place, divided among the pods of "
        "each workload. Traffic with workloads outside the mesh is missing.",
        flags,
        affected=proxies,
        bias=Bias.TOO_LOW,
        fix=f"Keep the series of istio_requests_total with {kept}.",
    )


def _unlabelled(evidence: Evidence) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(evidence.sides.unlabelled)


def _without_reporter(evidence: Evidence) -> Finding | None:
    """Return the finding about counters without the label that separates the two directions."""
    flags = _of_pods(evidence, evidence.sides.unlabelled)
    if not flags.any():
        return None
    proxies = evidence.pods(evidence.steps.loc[flags, "proxy"])
    return evidence.about_values(
        "no_reporter",
        f"Request counters of {counted(len(proxies), 'proxy', 'proxies')} lack the label reporter. "
        "A call between two of them is in one sum twice, so half of the sum counts as sent and "
        "half as received. Pods of a workload are separated by the growth of their counters.",
        flags,
        affected=proxies,
        bias=Bias.EITHER,
        fix="Keep the label reporter of istio_requests_total.",
    )


def _dropped(evidence: Evidence) -> Finding | None:
    """Return the finding about reports of servers that lack the workload of an end."""
    share = evidence.lacking_share
    if share < LEAST_SHARE:
        return None
    return Finding(
        name="dropped_workload_labels",
        severity=Severity.WARNING,
        text=f"{in_percent(share)} of the requests that proxies receive lack the labels of their "
        "workloads. The destination comes from the pod. Which callers are gateways or outside the "
        "mesh is estimated, so the traffic of each waypoint is uncertain.",
        fix="Keep the labels source_workload, destination_workload and their namespaces on "
        "istio_requests_total.",
        rps_share=min(share, 1.0),
        bias=Bias.NONE,
    )


def _remote(evidence: Evidence) -> Finding | None:
    """Return the finding about calls that clients report under another destination."""
    share = evidence.remote_share
    # Where labels were dropped, the names differ for that reason.
    if share < LEAST_SHARE or evidence.lacking_share >= LEAST_SHARE:
        return None
    return Finding(
        name="remote_destinations",
        severity=Severity.INFO,
        text=f"Clients do not name the workload that receives {in_percent(share)} of the calls. "
        "The servers of the same services report these calls too, in another cluster or network. "
        "Each call is counted once, at the server.",
        rps_share=min(share, 1.0),
        bias=Bias.NONE,
    )


def _partial_clusters(evidence: Evidence) -> Finding | None:
    """Return the finding about exporters without the cluster label, or with other values."""
    exporters = [NAMED[one] for one in evidence.tables.partly_labelled()]
    if not exporters:
        return None
    label = evidence.manifest.label_mapping.cluster
    return Finding(
        name="cluster_label_partial",
        severity=Severity.INFO,
        text=f"The label {label} is missing from the series of {enumerated(exporters)}, or has "
        "other values there. They are matched to clusters by their pods.",
        affected=tuple(sorted(exporters)),
        fix=f"Add the label {label} to every scrape job of a cluster, with the same value.",
        bias=Bias.NONE,
    )


def _shared_pods(evidence: Evidence) -> Finding | None:
    """Return the finding about pods whose rows cannot be matched to one cluster."""
    tables = evidence.tables
    shared = {one: tables.shared_pods(one) for one in tables.partly_labelled()}
    shared = {exporter: pods for exporter, pods in shared.items() if pods}
    if not shared:
        return None
    pods = sorted(set().union(*shared.values()))
    lost = enumerated([_MEASURED[exporter] for exporter in shared])
    names = without_cluster(evidence.proxies["namespace"]) + "/" + evidence.proxies["pod"]
    chosen = evidence.proxies.index[names.isin(pods)]
    flags = evidence.steps["proxy"].isin(chosen).to_numpy() & evidence.is_observed
    return evidence.about_values(
        "pods_in_several_clusters",
        f"{counted(len(pods), 'pod name exists', 'pod names exist')} in several clusters, and "
        f"series of {enumerated([NAMED[one] for one in shared])} do not show which. Without a "
        f"cluster, these pods have no {lost}.",
        flags,
        affected=tuple(pods),
        bias=Bias.NONE if [*shared] == [Exporter.STATE] else Bias.EITHER,
        fix=f"Add the label {evidence.manifest.label_mapping.cluster} to these series.",
    )


LABEL_CHECKS: Final = (
    _one_sided,
    _without_reporter,
    _dropped,
    _remote,
    _partial_clusters,
    _shared_pods,
)
