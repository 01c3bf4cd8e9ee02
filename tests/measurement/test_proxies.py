"""Every proxy has a name, a workload, a node and a role, from whatever tells them."""

from pathlib import Path

import pytest

from analyzer.measurement.proxies import proxy_table
from analyzer.measurement.snapshot import Snapshot
from analyzer.units import Role
from tests.measurement.conftest import MIXED
from tests.measurement.snapshots import Rows, make_snapshot, steady
from tests.support import build_mesh

CPU = "proxy_cpu_vcpu"


def placed(pod: str, kind: str, name: str, node: str = "node-1") -> Rows:
    return steady("pod_placement", ("shop", pod, node, kind, name), 1.0)


def one(folder: Path, tables: dict[str, Rows]) -> dict[str, str]:
    """Return the only proxy of a snapshot."""
    (row,) = proxy_table(make_snapshot(folder / "snap", tables)).to_dict("records")
    return {str(name): str(value) for name, value in row.items()}


@pytest.mark.live
def test_every_proxy_of_a_mixed_mesh_is_known_for_what_it_is(mixed_snapshot: Snapshot) -> None:
    found = proxy_table(mixed_snapshot)
    mesh = build_mesh(MIXED)

    columns = ["namespace", "pod", "workload", "node", "role"]
    seen = {tuple(row) for row in found[columns].to_numpy().tolist()}
    assert {role for *_, role in seen} == set(Role)
    assert seen == {
        (
            pod.workload.namespace,
            pod.name,
            pod.workload.name,
            f"node-{pod.node:02d}",
            pod.workload.role,
        )
        for pod in mesh.pods
    }
    assert len(found) == len(mesh.pods)
    assert found[["namespace", "pod"]].to_numpy().tolist() == sorted(
        found[["namespace", "pod"]].to_numpy().tolist()
    )


@pytest.mark.parametrize(
    ("kind", "creator", "workload"),
    [
        ("ReplicaSet", "web-api-6c9f7d", "web-api"),
        ("StatefulSet", "web-api", "web-api"),
        ("DaemonSet", "web-api", "web-api"),
        ("ReplicaSet", "web", "web"),
        ("", "", "web-api-6c9f7d-x2"),
        ("<none>", "<none>", "web-api-6c9f7d-x2"),
    ],
    ids=["deployment", "stateful set", "daemon set", "replica set", "bare", "bare by an old name"],
)
def test_a_workload_is_what_created_the_pod_or_else_the_pod(
    kind: str, creator: str, workload: str, tmp_path: Path
) -> None:
    pod = "web-api-6c9f7d-x2"
    proxy = one(
        tmp_path,
        {CPU: steady(CPU, ("shop", pod), 0.1), "pod_placement": placed(pod, kind, creator)},
    )

    assert (proxy["workload"], proxy["node"]) == (workload, "node-1")


@pytest.mark.parametrize("name", ["inbound_requests_rps", "outbound_requests_rps"])
def test_istios_name_of_a_workload_stands_above_its_creators(name: str, tmp_path: Path) -> None:
    proxy = one(
        tmp_path,
        {
            name: steady(name, ("shop", "a", "canonical"), 1.0),
            "pod_placement": placed("a", "ReplicaSet", "web-6c9f"),
        },
    )

    assert proxy["workload"] == "canonical"


def test_a_workload_istio_does_not_know_is_named_after_its_creator(tmp_path: Path) -> None:
    name = "inbound_requests_rps"
    proxy = one(
        tmp_path,
        {
            name: steady(name, ("shop", "a", "unknown"), 1.0),
            "pod_placement": placed("a", "ReplicaSet", "web-6c9f"),
        },
    )

    assert (proxy["workload"], proxy["role"]) == ("web", Role.SIDECAR)


def test_a_pod_that_moved_is_on_its_last_node(tmp_path: Path) -> None:
    name = "pod_placement"
    # In the order of a snapshot: by label first.
    moved = [
        ("shop", "db-0", "node-1", "StatefulSet", "db", 1, 1.0),
        ("shop", "db-0", "node-9", "StatefulSet", "db", 0, 1.0),
    ]
    proxy = one(tmp_path, {CPU: steady(CPU, ("shop", "db-0"), 0.1), name: moved})

    assert proxy["node"] == "node-1"


def test_without_placement_the_node_is_not_known(tmp_path: Path) -> None:
    proxy = one(tmp_path, {CPU: steady(CPU, ("shop", "a"), 0.1)})

    assert (proxy["workload"], proxy["node"], proxy["role"]) == ("a", "", "unknown")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("inbound_requests_rps", ("shop", "a", "web")),
        ("waypoint_requests_rps", ("shop", "a")),
        ("proxy_tcp_bytes_per_second", ("shop", "a", "source")),
        ("proxy_build", ("shop", "a", "proxy")),
    ],
)
def test_a_proxy_is_known_by_its_own_metrics_too(
    name: str, labels: tuple[str, ...], tmp_path: Path
) -> None:
    assert one(tmp_path, {name: steady(name, labels, 1.0)})["pod"] == "a"


def test_what_belongs_to_no_pod_is_no_proxy(tmp_path: Path) -> None:
    rows = [*steady(CPU, ("shop", ""), 0.1), *steady(CPU, ("", "a"), 0.1)]

    assert proxy_table(make_snapshot(tmp_path / "snap", {CPU: rows})).empty


def test_a_pod_without_a_proxy_is_none(tmp_path: Path) -> None:
    tables = {"pod_placement": placed("a", "ReplicaSet", "web-6c9f")}

    assert proxy_table(make_snapshot(tmp_path / "snap", tables)).empty


def test_tcp_tells_a_sidecar_by_what_it_receives(tmp_path: Path) -> None:
    name = "proxy_tcp_bytes_per_second"
    rows = [
        *steady(name, ("shop", "a", "destination"), 1.0),
        *steady(name, ("shop", "b", "source"), 1.0),
    ]

    found = proxy_table(make_snapshot(tmp_path / "snap", {name: rows}))
    assert found["role"].tolist() == [Role.SIDECAR, Role.GATEWAY]
