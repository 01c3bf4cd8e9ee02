"""Stores that hold everything twice, or several clusters at once."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from tests.support.completing import completed
from tests.support.dialect import Dialect
from tests.support.dialects_operator import (
    KUBE_PROMETHEUS_JOBS,
    kube_prometheus,
    monitored_pod,
    state_labels,
)
from tests.support.labels import Labels
from tests.support.layout import node_ip
from tests.support.mesh import Mesh
from tests.support.sampling import changed, scaled
from tests.support.scraping import Exposed, Job, delayed, labelled, scrape, with_series
from tests.support.series import Series
from tests.support.truth import Truth

CLUSTERS = {"north": 1.0, "south": 0.5}
"""Two clusters and the share of the mesh's CPU and traffic that each has."""

# No multiple of any scrape interval, so that samples never coincide.
_OTHER_JOB_MS = 7_430
_OTHER_REPLICA_MS = 11_317
_OTHER_CADVISOR_MS = 4_219
_OTHER_STATE_MS = 17_051


def _two_ports(mesh: Mesh) -> Mesh:
    def envoy_port(exposed: Exposed) -> Labels | None:
        if exposed.own.workload.role == "ztunnel":
            return None
        return monitored_pod(exposed.own, "envoy-stats", port=15090)

    other = Job(target=envoy_port, delay_ms=_OTHER_JOB_MS)
    jobs = [*KUBE_PROMETHEUS_JOBS["envoy"], other]
    return scrape(completed(mesh), {**KUBE_PROMETHEUS_JOBS, "envoy": jobs})


TWO_PORTS = Dialect(name="two-jobs-of-one-envoy", tell=_two_ports)
"""A job of port 15020 and another of 15090, both with pod labels: every request counted twice.

Rests on what scraping adds for pod attribution. A ztunnel has no port 15090 and is there once.
"""


def _two_cadvisors(mesh: Mesh) -> Mesh:
    def cadvisor(exposed: Exposed) -> Labels:
        return {"job": "cadvisor", "instance": f"{node_ip(exposed.own.node)}:8080"}

    other = Job(target=cadvisor, honor_labels=True, delay_ms=_OTHER_CADVISOR_MS)
    jobs = [*KUBE_PROMETHEUS_JOBS["cadvisor"], other]
    return scrape(completed(mesh), {**KUBE_PROMETHEUS_JOBS, "cadvisor": jobs})


TWO_CADVISORS = Dialect(name="two-cadvisors", tell=_two_cadvisors)
"""The kubelet's cAdvisor and one of a DaemonSet, relabelled alike: all CPU counted twice.

Rests on the traps of peers: two scrape jobs, whose names differ per installation.
"""


def _two_states(mesh: Mesh) -> Mesh:
    def other(_: Exposed) -> Labels:
        return {**state_labels("10.0.1.4:8080"), "pod": "kube-state-metrics-other"}

    job = Job(target=other, honor_labels=True, delay_ms=_OTHER_STATE_MS)
    jobs = [*KUBE_PROMETHEUS_JOBS["state"], job]
    return scrape(completed(mesh), {**KUBE_PROMETHEUS_JOBS, "state": jobs})


TWO_STATES = Dialect(name="two-kube-state-metrics", tell=_two_states)
"""Two kube-state-metrics that both tell of everything: reservations counted twice.

Rests on kube-prometheus's own rules, which take a maximum before they sum.
"""


def _pair(mesh: Mesh) -> Mesh:
    told = kube_prometheus(mesh)

    def both() -> Iterator[Series]:
        for series in told.series:
            for replica, delay_ms in enumerate((0, _OTHER_REPLICA_MS)):
                name = f"prometheus-kube-prometheus-stack-prometheus-{replica}"
                external = {
                    "prometheus": "monitoring/kube-prometheus-stack-prometheus",
                    "prometheus_replica": name,
                }
                scraped = delayed(told, series, delay_ms)
                yield labelled(scraped, {**external, **dict(series.labels)})

    return with_series(told, both())


PAIR = Dialect(name="pair-of-prometheus", tell=_pair)
"""A pair of Prometheus behind one store that does not deduplicate: everything twice.

Rests on the operator's external labels and on the statistical trap of pairs. The second one
scrapes 11.3 s later.
"""


def _of_clusters(mesh: Mesh, *, label: str) -> Mesh:
    told = kube_prometheus(mesh)

    def found() -> Iterator[Series]:
        for cluster, share in CLUSTERS.items():
            for series in told.series:
                labels = {label: cluster, **dict(series.labels)}
                yield labelled(_shared(series, share), labels)

    truths = [cluster_truth(mesh.truth, cluster) for cluster in CLUSTERS]
    whole = replace(
        mesh.truth,
        workloads=tuple(workload for truth in truths for workload in truth.workloads),
        node_count=sum(truth.node_count for truth in truths),
    )
    return replace(with_series(told, found()), truth=whole, pods=mesh.pods * len(truths))


def _shared(series: Series, share: float) -> Series:
    if not series.name.endswith(("_total", "_sum")):
        return series
    part = scaled(series, share)
    # Requests and bytes are whole numbers.
    return changed(part, np.floor) if series.name.startswith("istio_") else part


def cluster_truth(truth: Truth, cluster: str) -> Truth:
    """Return what is true of one of the CLUSTERS, given the truth of the mesh they tell.

    The law has the same slope; what proxies use, idle or not, is a share.
    """
    share = CLUSTERS[cluster]
    workloads = tuple(
        replace(
            workload,
            idle_vcpu=workload.idle_vcpu * share,
            vcpu=workload.vcpu * share,
            inbound_rps=workload.inbound_rps * share,
            outbound_rps=workload.outbound_rps * share,
            unmeshed_outbound_rps=workload.unmeshed_outbound_rps * share,
            tcp_bytes_per_second=workload.tcp_bytes_per_second * share,
            open_tcp_connections=workload.open_tcp_connections * share,
        )
        for workload in truth.workloads
    )
    return replace(truth, workloads=workloads)


_TWO_LIMITS = (
    "nothing, but pods have their names in both clusters: without the cluster's label as part of "
    "every key, two pods become one"
)

TWO_CLUSTERS = Dialect(
    name="two-clusters", tell=partial(_of_clusters, label="cluster"), limits=_TWO_LIMITS
)
"""Two clusters in one store: the same namespaces, pods and nodes in both, separated by `cluster`.

Rests on kube-prometheus's rules, which group by `cluster`. The second cluster has half the CPU and
half the requests, so that mixing them up shows; the truth is that of both together.
"""

TWO_CLUSTERS_NAMED = Dialect(
    name="two-clusters-by-cluster-name",
    tell=partial(_of_clusters, label="cluster_name"),
    limits=_TWO_LIMITS,
)
"""The same, separated by `cluster_name`, a matter of taste as any external label."""
