"""The object whose pod template the sidecars of a workload are injected into."""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables
from analyzer.units import Role

OWNERS: Final = "workload_owners"
"""The query for the owners of ReplicaSets and Jobs."""

COLUMNS: Final = ("namespace", "workload", "kind", "name")

_NONE: Final = "<none>"
"""What kube-state-metrics writes where nothing owns an object."""

_OWNED: Final = ("ReplicaSet", "Job", "ReplicationController")
"""Kinds that another object usually makes: without its name, what has the template is not known."""

_CREATOR: Final = ["created_by_kind", "created_by_name"]
_OWNER: Final = ["owner_kind", "owner_name"]
_NODE: Final = "Node"
"""What kube-state-metrics names as the creator of static pods, which have no template."""


def no_owners() -> pd.DataFrame:
    """Return no row of `owners_of`."""
    return pd.DataFrame(columns=COLUMNS, dtype="str")


def owners_of(tables: Tables, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return the owner of each workload with sidecars, sorted: namespace, workload, kind, name.

    A workload has no row where the owner of none of its pods is known, or pods have several.
    """
    sidecars = proxies.loc[proxies["role"] == Role.SIDECAR, [*KEY, "workload"]]
    pods = sidecars.merge(_creators(tables), on=KEY)
    made = pods.merge(_owners_of_creators(tables), how="left", on=["namespace", *_CREATOR])
    owns_itself = made["owner_name"].isna() & ~made["created_by_kind"].isin(_OWNED)
    # Made by hand: nothing else has its template.
    owns_itself |= made["owner_kind"] == _NONE
    for owner, creator in zip(_OWNER, _CREATOR, strict=True):
        made[owner] = made[owner].mask(owns_itself, made[creator])
    known = made.dropna(subset=_OWNER)
    owners = known[["namespace", "workload", *_OWNER]].drop_duplicates()
    single = owners.drop_duplicates(["namespace", "workload"], keep=False)
    named = single.rename(columns={"owner_kind": "kind", "owner_name": "name"})
    return named.sort_values(["namespace", "workload"], ignore_index=True).astype("str")


def _creators(tables: Tables) -> pd.DataFrame:
    """Return the object that created each pod: namespace, pod, created_by_kind, created_by_name."""
    series = tables.pieces("pod_placement")
    rows = series.labels.iloc[np.argsort(series.latest(), kind="stable")]
    is_known = ~rows["created_by_name"].isin(UNKNOWN_NAMES) & (rows["created_by_kind"] != _NODE)
    return rows.loc[is_known, [*KEY, *_CREATOR]].drop_duplicates(KEY, keep="last")


def _owners_of_creators(tables: Tables) -> pd.DataFrame:
    """Return the owner of each ReplicaSet and Job with one owner."""
    rows = tables[OWNERS][["namespace", *_CREATOR, *_OWNER]].drop_duplicates()
    return rows.drop_duplicates(["namespace", *_CREATOR], keep=False)
