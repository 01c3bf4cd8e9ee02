"""Owners of workloads: never guessed, and none where pods have several."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.owners import OWNERS, owners_of
from analyzer.measurement.tables import Tables
from analyzer.units import Role
from tests.measurement.snapshots import Rows, make_snapshot, steady

_NONE = "<none>"


def proxies_of(*pods: tuple[str, str, str], role: Role = Role.SIDECAR) -> pd.DataFrame:
    frame = pd.DataFrame(pods, columns=["namespace", "workload", "pod"])
    return frame.assign(role=str(role))


def placed(pod: str, kind: str, name: str, *, cluster: str = "", namespace: str = "shop") -> Rows:
    labels = (namespace, pod, "node-1", "10.0.0.1", kind, name)
    return steady("pod_placement", labels, 1.0, points=2, cluster=cluster)


def owned(
    kind: str, name: str, owner: tuple[str, str], *, cluster: str = "", namespace: str = "shop"
) -> Rows:
    return steady(OWNERS, (namespace, kind, name, *owner), 1.0, points=2, cluster=cluster)


def found(
    path: Path, proxies: pd.DataFrame, placement: list[Rows], owners: list[Rows], **more: Rows
) -> list[tuple[str, ...]]:
    tables = {
        "pod_placement": [row for rows in placement for row in rows],
        OWNERS: [row for rows in owners for row in rows],
        **more,
    }
    snapshot = make_snapshot(path / "snapshot", tables, points=2)
    frame = owners_of(Tables(snapshot), proxies)
    assert list(frame.columns) == ["namespace", "workload", "kind", "name"]
    return list(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("created", "owner", "known"),
    [
        (("ReplicaSet", "front-7d9"), ("Deployment", "front"), ("Deployment", "front")),
        # Named by hand: not as its ReplicaSets are.
        (("ReplicaSet", "front-7d9"), ("Rollout", "other"), ("Rollout", "other")),
        (("ReplicaSet", "front-7d9"), (_NONE, _NONE), ("ReplicaSet", "front-7d9")),
        (("Job", "front-28501"), ("CronJob", "front"), ("CronJob", "front")),
        (("Job", "front-28501"), (_NONE, _NONE), ("Job", "front-28501")),
        (("StatefulSet", "front"), None, ("StatefulSet", "front")),
        (("DaemonSet", "front"), None, ("DaemonSet", "front")),
        (("CloneSet", "front"), None, ("CloneSet", "front")),
        # A name is no evidence.
        (("ReplicaSet", "front-7d9"), None, None),
        (("Job", "front-28501"), None, None),
        (("ReplicationController", "front-3"), None, None),
        ((_NONE, _NONE), None, None),
        (("Node", "node-1"), None, None),
    ],
)
def test_an_owner_is_what_kube_state_metrics_has(
    created: tuple[str, str],
    owner: tuple[str, str] | None,
    known: tuple[str, str] | None,
    tmp_path: Path,
) -> None:
    proxies = proxies_of(("shop", "front", "front-a"))
    owners = [owned(*created, owner)] if owner else []

    rows = found(tmp_path, proxies, [placed("front-a", *created)], owners)

    assert rows == ([("shop", "front", *known)] if known else [])


def test_a_workload_of_two_owners_has_none_and_of_two_sets_of_one_has_it(tmp_path: Path) -> None:
    proxies = proxies_of(
        ("shop", "mixed", "mixed-a"),
        ("shop", "mixed", "mixed-b"),
        ("shop", "front", "front-a"),
        ("shop", "front", "front-b"),
        # Of this one kube-state-metrics did not see the ReplicaSet.
        ("shop", "front", "front-c"),
    )
    placement = [
        placed("mixed-a", "ReplicaSet", "mixed-1"),
        placed("mixed-b", "StatefulSet", "mixed"),
        placed("front-a", "ReplicaSet", "front-1"),
        placed("front-b", "ReplicaSet", "front-2"),
        placed("front-c", "ReplicaSet", "front-0"),
    ]
    deployment = ("Deployment", "front")
    owners = [
        owned("ReplicaSet", "mixed-1", ("Deployment", "mixed")),
        owned("ReplicaSet", "front-1", deployment),
        owned("ReplicaSet", "front-2", deployment),
        # The same name in another namespace.
        owned("ReplicaSet", "front-0", ("Rollout", "front"), namespace="bank"),
    ]

    rows = found(tmp_path, proxies, placement, owners)

    assert rows == [("shop", "front", "Deployment", "front")]


def test_a_set_that_changed_its_owner_has_none(tmp_path: Path) -> None:
    proxies = proxies_of(("shop", "front", "front-a"))
    owners = [owned("ReplicaSet", "front-1", (kind, "front")) for kind in ("Deployment", "Rollout")]

    assert not found(tmp_path, proxies, [placed("front-a", "ReplicaSet", "front-1")], owners)


def test_gateways_and_older_snapshots_have_no_row(tmp_path: Path) -> None:
    gateway = proxies_of(("edge", "public", "public-a"), role=Role.GATEWAY)
    placement = [placed("public-a", "DaemonSet", "public", namespace="edge")]

    assert not found(tmp_path, gateway, placement, [])
    snapshot = make_snapshot(tmp_path / "old", {}, points=2)
    assert owners_of(Tables(snapshot), proxies_of(("shop", "front", "a"))).empty


@pytest.mark.parametrize("label", [("east", "west"), ("", "")])
def test_several_clusters_are_apart(label: tuple[str, str], tmp_path: Path) -> None:
    """Without the label on kube-state-metrics, a namespace of one cluster is of that one."""
    proxies = proxies_of(("east/shop", "front", "front-a"), ("west/bank", "teller", "teller-a"))
    cpu = [
        *steady("proxy_cpu_vcpu", ("shop", "front-a"), 0.1, points=2, cluster="east"),
        *steady("proxy_cpu_vcpu", ("bank", "teller-a"), 0.1, points=2, cluster="west"),
    ]
    east, west = label
    placement = [
        placed("front-a", "ReplicaSet", "front-1", cluster=east),
        placed("teller-a", "ReplicaSet", "teller-1", cluster=west, namespace="bank"),
    ]
    owners = [
        owned("ReplicaSet", "front-1", ("Deployment", "front"), cluster=east),
        owned("ReplicaSet", "teller-1", ("Rollout", "teller"), cluster=west, namespace="bank"),
    ]

    rows = found(tmp_path, proxies, placement, owners, proxy_cpu_vcpu=cpu)

    assert rows == [
        ("east/shop", "front", "Deployment", "front"),
        ("west/bank", "teller", "Rollout", "teller"),
    ]


def test_the_same_namespace_in_two_clusters_without_a_label_has_none(tmp_path: Path) -> None:
    proxies = proxies_of(("east/shop", "front", "front-a"), ("west/shop", "front", "front-b"))
    cpu = [
        *steady("proxy_cpu_vcpu", ("shop", "front-a"), 0.1, points=2, cluster="east"),
        *steady("proxy_cpu_vcpu", ("shop", "front-b"), 0.1, points=2, cluster="west"),
    ]
    placement = [placed(pod, "ReplicaSet", "front-1") for pod in ("front-a", "front-b")]
    owners = [owned("ReplicaSet", "front-1", ("Deployment", "front"))]

    assert not found(tmp_path, proxies, placement, owners, proxy_cpu_vcpu=cpu)
