"""Which label_mapping an installation speaks: read off a few of its series, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analyzer.errors import InsufficientData
from analyzer.prometheus.label_mapping import (
    CPU_COUNTER,
    CPU_RULES,
    Attribution,
    Exporter,
    LabelMapping,
    Names,
)
from analyzer.prometheus.response import Response

__all__ = ["CGROUPS", "NO_CLUSTER", "Sample", "Samples", "detect_label_mapping", "samples_of"]

_PODS: Final = {
    # What came with the series wins over what the scrape put there about its target.
    Exporter.PROXY: ("pod", "pod_name", "kubernetes_pod_name", "exported_pod"),
    Exporter.CADVISOR: ("exported_pod", "pod", "pod_name"),
    Exporter.STATE: ("exported_pod", "pod"),
}
_NAMESPACES: Final = {
    Exporter.PROXY: ("namespace", "kubernetes_namespace", "exported_namespace"),
    Exporter.CADVISOR: ("exported_namespace", "namespace"),
    Exporter.STATE: ("exported_namespace", "namespace"),
}
_CONTAINERS: Final = {
    Exporter.PROXY: ("container",),
    Exporter.CADVISOR: ("exported_container", "container", "container_name"),
    Exporter.STATE: ("exported_container", "container"),
}
_CLUSTERS: Final = ("cluster", "cluster_name")
NO_CLUSTER: Final = "no_cluster_label"
"""A label that nobody has: to group by it is harmless."""


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
"""What `survey_labels` calls CPU of which no container is known."""

Samples = Mapping[str, Sequence[Sample]]


def samples_of(answer: Response) -> Samples:
    """Return the series of `survey_labels`' answer by exporter."""
    found: dict[str, list[Sample]] = {name: [] for name in (*Exporter, CGROUPS)}
    for series in answer.series:
        own = {name: value for name, value in series.labels.items() if name != "exporter"}
        sample = Sample(labels=own, seen_at_seconds=float(series.times.max()))
        found[series.labels["exporter"]].append(sample)
    return found


def detect_label_mapping(samples: Samples, cluster_label: str | None = None) -> LabelMapping:
    """Return what the series call things.

    Args:
        samples: from `samples_of`.
        cluster_label: the label that tells clusters apart, where the user named it.

    Raises:
        InsufficientData: if the user's cluster label is on no series.
    """
    proxies = samples[Exporter.PROXY]
    groups = [samples[exporter] for exporter in Exporter if samples[exporter]]
    if cluster_label and groups and not _cluster([cluster_label], groups):
        raise InsufficientData(
            f"not all series have the label {cluster_label!r} of --cluster-label"
        )
    proxy = _names(Exporter.PROXY, proxies)
    attribution = Attribution.POD
    if proxies and not proxy.pod:
        has_address = all(":" in sample.labels.get("instance", "") for sample in proxies)
        attribution = Attribution.ADDRESS if has_address else Attribution.WORKLOAD
    return LabelMapping(
        proxy=_or_usual(proxy),
        cadvisor=_or_usual(_names(Exporter.CADVISOR, samples[Exporter.CADVISOR])),
        state=_or_usual(_names(Exporter.STATE, samples[Exporter.STATE])),
        cluster=cluster_label or _cluster(_CLUSTERS, groups) or NO_CLUSTER,
        cpu=_cpu(samples[Exporter.CADVISOR]),
        attribution=attribution,
    )


def _cpu(samples: Sequence[Sample]) -> str:
    """Return the metric that holds the CPU: the counter if it is there, else the better rule."""
    names = {sample.labels.get("__name__", "") for sample in samples}
    return next((name for name in (CPU_COUNTER, *CPU_RULES) if name in names), CPU_COUNTER)


def _names(exporter: Exporter, samples: Sequence[Sample]) -> Names:
    return Names(
        namespace=_first(_NAMESPACES[exporter], samples),
        pod=_first(_PODS[exporter], samples),
        container=_first(_CONTAINERS[exporter], samples),
    )


def _first(candidates: Iterable[str], samples: Sequence[Sample]) -> str:
    """Return the first label that any sample has; "" if none has any."""
    return next(
        (name for name in candidates if any(sample.labels.get(name) for sample in samples)), ""
    )


def _cluster(candidates: Iterable[str], groups: Sequence[Sequence[Sample]]) -> str:
    """Return the first label that every exporter's series have.

    A label that only some have would keep the series of one pod from each other.
    """
    return next((name for name in candidates if all(_first([name], group) for group in groups)), "")


def _or_usual(names: Names) -> Names:
    usual = Names()
    return Names(
        namespace=names.namespace or usual.namespace,
        pod=names.pod or usual.pod,
        container=names.container or usual.container,
    )
