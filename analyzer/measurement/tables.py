"""A snapshot's tables with every row attributed to its pod, for all names of labels."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from analyzer.errors import InsufficientData
from analyzer.measurement.clusters import Clusters
from analyzer.measurement.coarse import Intervals
from analyzer.measurement.frames import TIME
from analyzer.measurement.other_side import INBOUND, OUTBOUND, OWN_WORKLOAD
from analyzer.measurement.pieces import Pieces
from analyzer.measurement.snapshot import Snapshot
from analyzer.prometheus.label_mapping import Attribution, Exporter
from analyzer.prometheus.query import load_query
from analyzer.settings import Setting

_CPU: Final = "proxy_cpu_vcpu"
_RECORDED_CPU: Final = "proxy_recorded_cpu_vcpu"

INSTANCE_TYPE: Final = "label_node_kubernetes_io_instance_type"

UNKNOWN_NAMES: Final = ("", "unknown", "<none>")
"""What Istio writes for an unknown workload, and kube-state-metrics for no creator."""

_ENDS: Final = ("source", "destination")

_NAMED_IN_CLUSTER: Final = ["namespace", "node", "kubernetes_io_hostname"] + [
    f"{end}_workload_namespace" for end in _ENDS
]
"""Columns whose values are names within one cluster."""

_POD: Final = ["cluster", "namespace", "pod"]

_PODS_OF: Final[Mapping[Exporter | None, tuple[str, ...]]] = {
    Exporter.PROXY: (
        "proxy_build",
        INBOUND,
        OUTBOUND,
        "waypoint_requests_rps",
    ),
    Exporter.STATE: ("pod_placement", "proxy_reserved_vcpu"),
    Exporter.CADVISOR: (_CPU, _RECORDED_CPU),
}
"""Tables that show which pods an exporter has."""

NAMED: Final[Mapping[Exporter, str]] = {
    Exporter.PROXY: "proxies",
    Exporter.CADVISOR: "kubelets",
    Exporter.STATE: "kube-state-metrics",
}
"""Exporters, as in "the series of the proxies"."""

_NODE_LABELS: Final = ("node", "kubernetes_io_hostname")


_MOST_KEPT: Final = 200_000
"""Rows of a table that stays in memory as it is written out, for who asks next."""


class Tables:
    """The tables of one snapshot: namespace and pod on every row of a proxy, no cluster column.

    Where a snapshot holds several clusters, namespaces and nodes are written `cluster/name`:
    the same name in two clusters is two things.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._attribution = snapshot.manifest.label_mapping.attribution
        self._files: dict[str, Pieces] = {}
        self._attributed: dict[str, Pieces] = {}
        self._frames: dict[str, pd.DataFrame] = {}
        self._replaced: dict[str, pd.DataFrame] = {}
        self._meant: dict[Exporter | None, Mapping[str, str]] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return the table of one query, which must not be changed.

        A large one is written out each time that it is asked for. `pieces` is for what needs no
        label in each row.
        """
        if name in self._replaced:
            return self._replaced[name]
        if name in self._frames:
            return self._frames[name]
        frame = self._pieces_of_pods(name).frame()
        if len(frame) <= _MOST_KEPT:
            self._frames[name] = frame
        return frame

    def pieces(self, name: str) -> Pieces:
        """Return the table of one query by series, which must not be changed."""
        if name in self._replaced:
            return Pieces.of(name, self._replaced[name])
        return self._pieces_of_pods(name)

    def replaced(self, frames: Mapping[str, pd.DataFrame]) -> "Tables":
        """Return the tables with others in place of some."""
        # What was read, and what is known of the clusters, is of the files and stays.
        other = copy(self)
        other._replace(frames)
        return other

    def _replace(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self._replaced = {**self._replaced, **frames}

    def _pieces_of_pods(self, name: str) -> Pieces:
        if name not in self._attributed:
            self._attributed[name] = self._attribute(name)
        return self._attributed[name]

    def _stored_pieces(self, name: str) -> Pieces:
        """Return the table of one query as it is in the snapshot; its file is read once."""
        if name not in self._files:
            found = self._snapshot.pieces(name)
            # Most have rows of the same times, which are held once.
            alike = (one.times for one in self._files.values() if len(one) == len(found))
            times = next((one for one in alike if np.array_equal(one, found.times)), found.times)
            self._files[name] = replace(found, times=times)
        return self._files[name]

    def _stored(self, name: str) -> pd.DataFrame:
        return self._stored_pieces(name).frame()

    def _attribute(self, name: str) -> Pieces:
        is_recorded = name == _CPU and self._snapshot.manifest.label_mapping.is_recorded
        stored = self._stored_pieces(_RECORDED_CPU if is_recorded else name)
        stored = replace(stored, name=name)
        if self._attribution == Attribution.POD and not self.has_several_clusters:
            return replace(stored, labels=stored.labels.drop(columns="cluster"))
        return Pieces.of(name, self._attributed_frame(name, stored.frame()))

    def _attributed_frame(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table whose rows are attributed one by one."""
        if _is_of_proxies(name):
            if self._attribution == Attribution.ADDRESS:
                frame = self._by_address(_once(name, frame))
            elif self._attribution == Attribution.WORKLOAD:
                frame = self._by_workload(name, frame)
        if name == "mesh_requests_rps" and self._attribution != Attribution.POD:
            source, destination = (frame[f"{end}_workload_namespace"] for end in _ENDS)
            frame = self._within_scope(
                frame, source.where(frame["reporter"] == "source", destination)
            )
        return self._named_apart(self._in_clusters(name, frame))

    def _in_clusters(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table with the cluster of every row, if there are several."""
        exporter = load_query(name).exporter
        if not self.has_several_clusters or exporter == self._reference:
            return frame
        return self._clusters_of_pods.joined(name, frame, self._meanings(exporter))

    def _meanings(self, exporter: Exporter | None) -> Mapping[str, str]:
        """Return what other values of the cluster label mean on an exporter's series."""
        if exporter not in self._meant:
            pods = self._pods_of(exporter) if exporter in _PODS_OF else None
            found = {} if pods is None else self._clusters_of_pods.meanings(pods)
            self._meant[exporter] = found
        return self._meant[exporter]

    def _pods_of(self, exporter: Exporter | None) -> pd.DataFrame:
        frames = [self._stored_pieces(name).labels[_POD] for name in _PODS_OF[exporter]]
        return pd.concat(frames).drop_duplicates()

    @cached_property
    def _reference(self) -> Exporter:
        """The exporter whose series have the cluster label: of the kubelets if they have it."""
        has_any = (self._pods_of(Exporter.CADVISOR)["cluster"] != "").any()
        return Exporter.CADVISOR if has_any else Exporter.PROXY

    @cached_property
    def _clusters_of_pods(self) -> Clusters:
        owners = self._pods_of(self._reference)
        return Clusters(
            names=self.clusters,
            owners=owners[owners["cluster"] != ""],
            nodes=self._nodes,
            is_part=bool(self._snapshot.manifest.scope.cluster),
        )

    def _nodes(self) -> pd.DataFrame:
        """Return the nodes of each cluster, by the kubelets and by pods that only one has."""
        frame = self._stored("proxy_nodes")
        shown = [frame.assign(node=frame[label])[["cluster", "node"]] for label in _NODE_LABELS]
        placed = self._in_clusters("pod_placement", self._stored("pod_placement"))
        nodes = pd.concat([*shown, placed[["cluster", "node"]]]).drop_duplicates()
        return nodes[(nodes["node"] != "") & nodes["cluster"].isin(self.clusters)]

    def intervals_of(self, name: str) -> Intervals:
        """Return the intervals at whose ends a query was asked."""
        manifest = self._snapshot.manifest
        return Intervals(manifest.window, manifest.stride_of(name))

    def first_times(self, name: str) -> pd.Series:
        """Return the first time in the window that each row of a table is about."""
        intervals, times = self.intervals_of(name), self[name][TIME]
        if intervals.stride == 1:
            return times
        points = np.rint(intervals.window.points(times.to_numpy(float))).astype(np.int64)
        steps = points - intervals.firsts(points)
        return times - steps * intervals.window.step_seconds

    def partly_labelled(self) -> tuple[Exporter, ...]:
        """Return the exporters of which some rows lack the cluster label, or have other values."""
        if not self.has_several_clusters:
            return ()
        is_foreign = self._clusters_of_pods.foreign
        others = (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE)
        return tuple(one for one in others if is_foreign(self._pods_of(one)).any())

    def require_clusters(self) -> None:
        """Raise InsufficientData if no row of an exporter can be matched to one cluster."""
        for exporter in self.partly_labelled():
            pods = self._pods_of(exporter)[_POD[1:]].drop_duplicates()
            shared = self.shared_pods(exporter)
            if exporter != Exporter.STATE and len(shared) == len(pods):
                label = self._snapshot.manifest.label_mapping.cluster
                raise InsufficientData(
                    f"The label {label} is missing from the series of {NAMED[exporter]}, or has "
                    f"other values. Pods such as {shared[0]} exist in several clusters, so "
                    f"requests and CPU cannot be matched. Add the label {label} to every scrape "
                    f"job, or set {Setting.CLUSTER_LABEL} to a label that all series have."
                )

    def shared_pods(self, exporter: Exporter) -> tuple[str, ...]:
        """Return the pods, as namespace/pod, whose rows of an exporter may be of several clusters.

        Their names are in several clusters, and the rows have no cluster.
        """
        if not self.has_several_clusters:
            return ()
        meanings = self._meanings(exporter)
        pods = self._clusters_of_pods.unmatched(self._pods_of(exporter), meanings)
        return tuple(sorted(pods["namespace"] + "/" + pods["pod"]))

    def is_attributable(self, name: str) -> bool:
        """Return whether the rows of a table can be attributed to their proxies."""
        by_workload = self._attribution == Attribution.WORKLOAD
        return not (by_workload and _is_of_proxies(name) and name not in OWN_WORKLOAD)

    def has(self, name: str) -> bool:
        """Return whether a table is attributable and was asked for: only then no row means 0."""
        asked = any(record.name == name for record in self._snapshot.manifest.queries)
        return asked and self.is_attributable(name)

    def unattributed_share(self) -> float:
        """Return the share of the requests that sidecars and gateways report without a proxy."""
        whole = known = 0.0
        for name, (namespace, _) in OWN_WORKLOAD.items():
            attributed = self._pieces_of_pods(name)
            is_known = (attributed.labels[["namespace", "pod"]] != "").all(axis=1).to_numpy()
            known += float(attributed.sums()[is_known].sum())
            if self._attribution == Attribution.POD:
                whole += float(self._stored_pieces(name).samples.sum())
                continue
            frame = self._stored(name)
            if self._attribution == Attribution.ADDRESS:
                frame = _once(name, frame)
            frame = self._within_scope(frame, frame[namespace])
            whole += float(frame[name].sum())
        return 1 - known / whole if whole > 0 else 0.0

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        """The clusters of the proxies; none where there is no cluster label."""
        return tuple(sorted({*self._pods_of(self._reference)["cluster"]} - {""}))

    @property
    def has_several_clusters(self) -> bool:
        """Whether names are written with their cluster."""
        return len(self.clusters) > 1

    def _within_scope(self, frame: pd.DataFrame, reporting: pd.Series) -> pd.DataFrame:
        """Keep what proxies in the asked namespaces report: the server could not choose them."""
        if not self._snapshot.manifest.scope.namespaces:
            return frame
        return frame[reporting.isin(self._stored("pod_placement")["namespace"])]

    def _named_apart(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.has_several_clusters:
            for column in frame.columns.intersection(_NAMED_IN_CLUSTER):
                known = ~frame[column].isin(UNKNOWN_NAMES) & (frame["cluster"] != "")
                named = frame[column].mask(known, frame["cluster"] + "/" + frame[column])
                frame = frame.assign(**{column: named})
        return frame.drop(columns="cluster")

    def _by_address(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Attribute each address to the pod that had it at the time.

        An address that two proxies share, as on the host's network, is attributed to neither.
        """
        address = ["cluster", "pod_ip", TIME]
        owners = self._stored("pod_placement")[[*address, "namespace", "pod"]].drop_duplicates()
        owners = owners.drop_duplicates(address, keep=False)
        addressed = frame.drop(columns="namespace").rename(columns={"pod": "pod_ip"})
        return addressed.merge(owners, on=address).drop(columns="pod_ip")

    def _by_workload(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        """Give each pod of a workload an equal part of what its proxies handled together."""
        ends = OWN_WORKLOAD.get(name)
        if ends is None:
            return frame.iloc[:0]
        pods = self._stored("pod_placement")
        pods = pods.assign(workload=workload_of_creator(pods))
        keys = ["cluster", "namespace", "workload", TIME]
        own = frame.drop(columns="pod").assign(namespace=frame[ends[0]], workload=frame[ends[1]])
        spread = own.merge(pods[[*keys, "pod"]].drop_duplicates(), on=keys)
        share = spread.groupby(keys)["pod"].transform("size")
        return spread.assign(**{name: spread[name] / share})[list(frame.columns)]


def _once(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return each address once, without its port: a proxy may be scraped on two ports."""
    address = frame["pod"].str.replace(r":\d+$", "", regex=True).str.strip("[]")
    labels = [*load_query(name).labels, TIME]
    return frame.assign(pod=address).groupby(labels)[name].max().reset_index()


def _is_of_proxies(name: str) -> bool:
    """Whether a table's rows are of single proxies, as they report them."""
    query = load_query(name)
    return query.exporter == Exporter.PROXY and "pod" in query.labels


def workload_of_creator(placement: pd.DataFrame) -> pd.Series:
    """Return the workload behind each pod's creator; a ReplicaSet's is its Deployment.

    A Deployment names its ReplicaSets after itself and the hash of their pod template.
    """
    name = placement["created_by_name"]
    is_set = placement["created_by_kind"] == "ReplicaSet"
    return name.mask(is_set, name.str.replace("-[^-]*$", "", regex=True))
