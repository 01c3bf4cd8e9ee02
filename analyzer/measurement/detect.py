"""What an installation calls its labels: read from a few of its series, never guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.metrics import CPU
from analyzer.measurement.naming import has_pod, node_label, usual_names
from analyzer.prometheus.expected import mark_of, marks_of
from analyzer.prometheus.label_mapping import (
    CLUSTER_LABELS,
    CPU_RULES,
    Attribution,
    Exporter,
    LabelMapping,
)
from analyzer.prometheus.response import Response
from analyzer.settings import Setting

_LABEL: Final = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")

NO_CLUSTER: Final = "no_cluster_label"
"""A label that no series has: to group by it is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series of an exporter.

    Attributes:
        labels: all of them, its name as `__name__`.
        seen_at_seconds: the last time it was looked for and there, seconds since the epoch.
    """

    labels: Mapping[str, str]
    seen_at_seconds: float


CGROUPS: Final = "cgroups"
"""What `survey_cgroups` calls CPU series without a container name."""

NODES: Final = "nodes"
"""What `survey_labels` calls a series of kube-state-metrics about a node."""

Samples = Mapping[str, Sequence[Sample]]


def samples_of(answer: Response) -> Samples:
    """Return the series that `survey_labels` and `survey_cgroups` find, by exporter.

    Raises PrometheusError if one has no exporter, or is of no metric that was asked for.
    """
    found: dict[str, list[Sample]] = {name: [] for name in (*Exporter, CGROUPS, NODES)}
    known = marks_of("survey_labels", "exporter") | marks_of("survey_cgroups", "exporter")
    for series in answer.series:
        exporter = mark_of(series, "exporter", known)
        if exporter == Exporter.CADVISOR:
            mark_of(series, "__name__", (CPU, *CPU_RULES))
        own = {name: value for name, value in series.labels.items() if name != "exporter"}
        sample = Sample(labels=own, seen_at_seconds=float(series.times.max()))
        found[exporter].append(sample)
    return found


def detect_label_mapping(samples: Samples, cluster_label: str | None = None) -> LabelMapping:
    """Return what the series call their labels.

    Raises:
        InsufficientData: if a series lacks the cluster label that the user named.
    """
    proxies, state = samples[Exporter.PROXY], samples[Exporter.STATE]
    # The counter if it is there, else the better rule. Of several only the one that is read counts.
    kept = {sample.labels["__name__"] for sample in samples[Exporter.CADVISOR]}
    cpu = next((name for name in (CPU, *CPU_RULES) if name in kept), CPU)
    cadvisor = [one for one in samples[Exporter.CADVISOR] if one.labels["__name__"] == cpu]
    exporters = (proxies, cadvisor, state)
    cluster = _cluster_label(exporters, cluster_label)
    attribution = Attribution.POD
    if proxies and not has_pod(Exporter.PROXY, labels_of(proxies)):
        has_address = all(":" in sample.labels.get("instance", "") for sample in proxies)
        attribution = Attribution.ADDRESS if has_address else Attribution.WORKLOAD
    return LabelMapping(
        proxy=usual_names(Exporter.PROXY, labels_of(proxies)),
        cadvisor=usual_names(Exporter.CADVISOR, labels_of(cadvisor)),
        state=usual_names(Exporter.STATE, labels_of(state)),
        node=node_label(labels_of(samples.get(NODES, ()))),
        cluster=cluster,
        state_cluster=_state_cluster(cluster, cadvisor or proxies, state),
        cpu=cpu,
        attribution=attribution,
    )


def labels_of(samples: Iterable[Sample]) -> list[Mapping[str, str]]:
    """Return the labels of series."""
    return [sample.labels for sample in samples]


def _separates(label: str, exporters: Iterable[Sequence[Sample]]) -> bool:
    """Return whether a label separates clusters, whoever made it.

    Every series has it, or the same clusters have it on the series of all exporters: a label on
    only some of them would separate the CPU of a pod from its requests.
    """
    values = [{one.labels.get(label, "") for one in samples} for samples in exporters if samples]
    named = set().union(*values)
    return named != {""} and ("" not in named or all(one == named for one in values))


def _cluster_label(exporters: Sequence[Sequence[Sample]], asked: str | None) -> str:
    """Return the label that separates clusters, the asked one or one that is found.

    All series of the kubelets or of the proxies must have it. Other rows are matched by their pods.
    """
    proxies, cadvisor, _ = exporters
    for name in (asked,) if asked else CLUSTER_LABELS:
        if _separates(name, exporters):
            return name
    for name in (asked,) if asked else CLUSTER_LABELS:
        values = [{one.labels.get(name, "") for one in part} for part in (cadvisor, proxies)]
        whole = [found for found in values if found and "" not in found]
        # A single value need not be a cluster's, and nothing has to be separated.
        if any(asked or len(found) > 1 for found in whole):
            return name
    if asked:
        raise InsufficientData(
            f"Some series of {CPU} and of istio_requests_total lack the label {asked!r}. Set "
            f"{Setting.CLUSTER_LABEL} to a label that all series of one of them have."
        )
    return NO_CLUSTER


def _state_cluster(cluster: str, pods: Sequence[Sample], state: Sequence[Sample]) -> str | None:
    """Return what kube-state-metrics calls the cluster label; None where it is the same."""
    named, found = ({one.labels.get(cluster, "") for one in samples} for samples in (pods, state))
    if cluster == NO_CLUSTER or not found or found & named - {""}:
        return None
    if "" not in found:
        return cluster
    shared: set[str] = set.intersection(*(set(one.labels) for one in state))
    return min((name for name in shared if "cluster" in name), default="")


def checked_label(name: str, setting: Setting) -> str:
    """Return a label that the user named; UsageError if no label can have the name."""
    if not _LABEL.fullmatch(name):
        raise UsageError(f"{setting} {name!r} is not the name of a label. Check its spelling.")
    return name
