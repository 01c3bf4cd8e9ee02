"""Which cluster a row is of, where not every exporter's series have the same cluster label.

A pod is known by its CPU, or by its own metrics where only they have the label. A row without the
label, or with another value of it, is of the cluster that has a pod of its name. Where several
clusters have one, what the row measures belongs to none of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

_POD: Final = ["namespace", "pod"]

_AGREEING: Final = 0.9
"""Share of the pods of a value that must be of one cluster for it to mean that cluster."""

_DESCRIBING: Final = ("pod_placement", "pod_labels")
"""Tables of what pods of one name have in common: the creator and the labels of its template."""

_OF_ONE_POD: Final = ("node", "pod_ip")
"""Their columns in which such pods differ."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clusters:
    """The clusters of a snapshot, and the pods and nodes of each.

    Attributes:
        names: the values of the label; none where there is no label.
        owners: the pods of each: columns cluster, namespace, pod.
        nodes: the nodes of each, as far as kubelets show them: columns cluster, node.
        is_part: whether only one of the clusters was asked for.
    """

    names: tuple[str, ...]
    owners: pd.DataFrame
    nodes: Callable[[], pd.DataFrame]
    is_part: bool = False

    def foreign(self, frame: pd.DataFrame) -> pd.Series:
        """Return which rows have no cluster that is known."""
        return ~frame["cluster"].isin(self.names)

    def shared(self) -> pd.DataFrame:
        """Return the pods whose names are in several clusters: namespace, pod."""
        twice = self.owners[self.owners.duplicated(_POD, keep=False)]
        return twice[_POD].drop_duplicates()

    def unmatched(self, pods: pd.DataFrame, meanings: Mapping[str, str]) -> pd.DataFrame:
        """Return those of an exporter's pods whose rows show no cluster and may be of several."""
        rest = pods[self.foreign(pods) & ~pods["cluster"].isin(meanings)]
        return rest[_POD].drop_duplicates().merge(self.shared(), on=_POD)

    def joined(self, name: str, frame: pd.DataFrame, meanings: Mapping[str, str]) -> pd.DataFrame:
        """Return a table with the cluster of each row; "" where none is found.

        `meanings` are what other values of the label mean on the series of this exporter.
        """
        is_foreign = self.foreign(frame)
        if not is_foreign.any():
            return frame
        meant = frame["cluster"].map(lambda label: meanings.get(label, ""))
        frame = frame.assign(cluster=frame["cluster"].mask(is_foreign, meant))
        named, rest = frame[frame["cluster"] != ""], frame[frame["cluster"] == ""]
        if "pod" in frame:
            found = self._of_pods(name, rest)
        elif "node" in frame:
            found = self._of_nodes(rest)
        elif "namespace" in frame:
            found = self._of_namespaces(rest)
        else:
            found = rest
        return pd.concat([named, found[list(frame.columns)]], ignore_index=True)

    def _single(self) -> pd.DataFrame:
        return self.owners.drop_duplicates(_POD, keep=False)

    def meanings(self, known: pd.DataFrame) -> Mapping[str, str]:
        """Return which cluster another value of the label means, by pods that only one has.

        `known` are the pods of one exporter: cluster, namespace, pod.
        """
        rows = known[self.foreign(known) & (known["cluster"] != "")].drop_duplicates()
        both = rows.merge(self._single(), on=_POD, suffixes=("", "_of_pod"))
        votes = both.groupby(["cluster", "cluster_of_pod"]).size().rename("count").reset_index()
        votes["share"] = votes["count"] / votes.groupby("cluster")["count"].transform("sum")
        clear = votes[votes["share"] >= _AGREEING]
        return dict(zip(clear["cluster"], clear["cluster_of_pod"], strict=True))

    def _of_pods(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        bare = rows.drop(columns="cluster")
        if name not in _DESCRIBING:
            return bare.merge(self._single(), on=_POD)
        found = bare.merge(self.owners, on=_POD)
        is_shared = found.set_index(_POD).index.isin(self.shared().set_index(_POD).index)
        hidden = {
            column: found[column].mask(is_shared, "") for column in _OF_ONE_POD if column in found
        }
        return found.assign(**hidden).drop_duplicates()

    def _of_namespaces(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows about objects in a namespace that pods of only one cluster have."""
        owners = self.owners[["cluster", "namespace"]].drop_duplicates()
        single = owners.drop_duplicates("namespace", keep=False)
        return rows.drop(columns="cluster").merge(single, on="namespace")

    def _of_nodes(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows of nodes, once for each cluster that has a node of this name."""
        found = rows.drop(columns="cluster").merge(self.nodes(), on="node", how="left")
        found = found.fillna({"cluster": ""})
        return found[found["cluster"] != ""] if self.is_part else found
