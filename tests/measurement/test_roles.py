"""The best evidence decides what a proxy is, and where there is none nobody guesses."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.roles import UNKNOWN, assign_roles, proxy_table
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.tables import Tables
from analyzer.units import Role
from tests.measurement.conftest import MIXED
from tests.measurement.snapshots import Rows, make_snapshot, steady
from tests.support import build_mesh

NOTHING: dict[str, bool | str] = {
    "gateway_class": "",
    "managed_by": "",
    "tls_mode": "",
    "is_agentgateway": False,
    "is_ztunnel_build": False,
    "reports_waypoint": False,
    "has_application": False,
    "is_alone": True,
    "reports_inbound": False,
    "reports_outbound": False,
    "created_by_kind": "ReplicaSet",
    "created_by_name": "web-6c9f",
}
ZTUNNEL_SET = {"created_by_kind": "DaemonSet", "created_by_name": "ztunnel"}


def decided(**evidence: bool | str) -> tuple[str, str]:
    """Return role and evidence of one proxy."""
    (row,) = assign_roles(pd.DataFrame([{**NOTHING, **evidence}])).itertuples()
    return str(row.role), str(row.evidence)


@pytest.mark.parametrize(
    ("evidence", "role", "reason"),
    [
        ({"gateway_class": "istio-waypoint"}, Role.WAYPOINT, "label gateway-class-name"),
        (
            {"gateway_class": "istio-agentgateway-waypoint"},
            Role.WAYPOINT,
            "label gateway-class-name",
        ),
        ({"gateway_class": "istio"}, Role.GATEWAY, "label gateway-class-name"),
        ({"managed_by": "istio.io-mesh-controller"}, Role.WAYPOINT, "label managed"),
        ({"managed_by": "istio.io-gateway-controller"}, Role.GATEWAY, "label managed"),
        ({"tls_mode": "istio"}, Role.SIDECAR, "label tlsMode"),
        ({"is_agentgateway": True}, Role.WAYPOINT, "container agentgateway"),
        ({"is_ztunnel_build": True}, Role.ZTUNNEL, "istio_build component ztunnel"),
        ({"reports_waypoint": True}, Role.WAYPOINT, "reporter waypoint"),
        ({"has_application": True}, Role.SIDECAR, "application container in the pod"),
        (ZTUNNEL_SET, Role.ZTUNNEL, "DaemonSet called ztunnel"),
        ({"reports_inbound": True}, Role.SIDECAR, "reporter destination"),
        ({"reports_outbound": True}, Role.GATEWAY, "reporter source, alone in its pod"),
        ({"reports_outbound": True, "is_alone": False}, UNKNOWN, "none"),
        ({"tls_mode": "disabled"}, UNKNOWN, "none"),
        ({}, UNKNOWN, "none"),
    ],
)
def test_each_evidence_decides_alone(
    evidence: dict[str, bool | str], role: str, reason: str
) -> None:
    assert decided(**evidence) == (role, reason)


@pytest.mark.parametrize(
    ("evidence", "role"),
    [
        # A ztunnel reports TCP as destination, as a sidecar does.
        ({"is_ztunnel_build": True, "reports_inbound": True, **ZTUNNEL_SET}, Role.ZTUNNEL),
        ({**ZTUNNEL_SET, "reports_inbound": True, "reports_outbound": True}, Role.ZTUNNEL),
        # A gateway may have a container beside it that is no application, its labels know.
        ({"gateway_class": "istio", "has_application": True, "is_alone": False}, Role.GATEWAY),
        ({"managed_by": "istio.io-mesh-controller", "reports_outbound": True}, Role.WAYPOINT),
        ({"is_agentgateway": True, "reports_outbound": True}, Role.WAYPOINT),
        # A client's sidecar only sends, as a gateway does.
        ({"has_application": True, "reports_outbound": True}, Role.SIDECAR),
        ({"reports_inbound": True, "reports_outbound": True}, Role.SIDECAR),
        ({"reports_waypoint": True, "reports_outbound": True}, Role.WAYPOINT),
    ],
    ids=[
        "ztunnel build", "ztunnel set", "gateway", "managed waypoint", "agentgateway", "client",
        "sidecar", "waypoint",
    ],
)  # fmt: skip
def test_better_evidence_wins(evidence: dict[str, bool | str], role: str) -> None:
    assert decided(**evidence)[0] == role


@pytest.mark.parametrize(
    "creator",
    [
        {"created_by_kind": "ReplicaSet", "created_by_name": "ztunnel-dashboard-6c9f"},
        {"created_by_kind": "DaemonSet", "created_by_name": "agent"},
    ],
)
def test_only_a_daemonset_called_ztunnel_is_one(creator: dict[str, bool | str]) -> None:
    assert decided(**creator)[0] == UNKNOWN


def test_rows_and_their_other_columns_stay_as_they_are() -> None:
    given = pd.DataFrame([{**NOTHING, "pod": "b"}, {**NOTHING, "pod": "a"}])
    found = assign_roles(given)

    pd.testing.assert_frame_equal(found[given.columns], given)


def test_nobody_is_no_row() -> None:
    empty = pd.DataFrame([NOTHING]).iloc[:0]

    assert assign_roles(empty)[["role", "evidence"]].empty


# --- workloads and nodes ---

CPU = "proxy_cpu_vcpu"


def placed(pod: str, kind: str, name: str, node: str = "node-1") -> Rows:
    return steady("pod_placement", ("shop", pod, node, "10.0.0.7", kind, name), 1.0)


def proxies_of(snapshot: Snapshot) -> pd.DataFrame:
    return proxy_table(Tables(snapshot))


def one(folder: Path, tables: dict[str, Rows]) -> dict[str, str]:
    """Return the only proxy of a snapshot."""
    (row,) = proxies_of(make_snapshot(folder / "snap", tables)).to_dict("records")
    return {str(name): str(value) for name, value in row.items()}


@pytest.mark.live
def test_every_proxy_of_a_mixed_mesh_is_known_for_what_it_is(mixed_snapshot: Snapshot) -> None:
    found = proxies_of(mixed_snapshot)
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
            name: steady(name, ("shop", "a", "shop", "canonical"), 1.0),
            "pod_placement": placed("a", "ReplicaSet", "web-6c9f"),
        },
    )

    assert proxy["workload"] == "canonical"


def test_a_workload_istio_does_not_know_is_named_after_its_creator(tmp_path: Path) -> None:
    name = "inbound_requests_rps"
    proxy = one(
        tmp_path,
        {
            name: steady(name, ("shop", "a", "shop", "unknown"), 1.0),
            "pod_placement": placed("a", "ReplicaSet", "web-6c9f"),
        },
    )

    assert (proxy["workload"], proxy["role"]) == ("web", Role.SIDECAR)


def test_a_pod_that_moved_is_on_its_last_node(tmp_path: Path) -> None:
    name = "pod_placement"
    # In the order of a snapshot: by label first.
    moved = [
        ("", "shop", "db-0", "node-1", "10.0.0.7", "StatefulSet", "db", 1, 1.0),
        ("", "shop", "db-0", "node-9", "10.0.0.8", "StatefulSet", "db", 0, 1.0),
    ]
    proxy = one(tmp_path, {CPU: steady(CPU, ("shop", "db-0"), 0.1), name: moved})

    assert proxy["node"] == "node-1"


def test_without_placement_the_node_is_not_known(tmp_path: Path) -> None:
    proxy = one(tmp_path, {CPU: steady(CPU, ("shop", "a"), 0.1)})

    assert (proxy["workload"], proxy["node"], proxy["role"]) == ("a", "", "unknown")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("inbound_requests_rps", ("shop", "a", "shop", "web")),
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

    assert proxies_of(make_snapshot(tmp_path / "snap", {CPU: rows})).empty


def test_a_pod_without_a_proxy_is_none(tmp_path: Path) -> None:
    tables = {"pod_placement": placed("a", "ReplicaSet", "web-6c9f")}

    assert proxies_of(make_snapshot(tmp_path / "snap", tables)).empty


def test_tcp_tells_a_sidecar_by_what_it_receives_and_a_gateway_by_being_alone(
    tmp_path: Path,
) -> None:
    name = "proxy_tcp_bytes_per_second"
    rows = [
        *steady(name, ("shop", "a", "destination"), 1.0),
        *steady(name, ("shop", "b", "source"), 1.0),
    ]
    containers = steady("application_containers", ("shop", "a"), 1.0)

    found = proxies_of(make_snapshot(tmp_path / "snap", {name: rows}))
    # Of a pod whose containers nobody knows it is not known whether it is alone either.
    assert found["role"].tolist() == [Role.SIDECAR, UNKNOWN]
    tables = {name: rows, "application_containers": containers}
    found = proxies_of(make_snapshot(tmp_path / "more", tables))
    # Nor of one on a node whose kubelet is not scraped: it shows no CPU.
    assert found["role"].tolist() == [Role.SIDECAR, UNKNOWN]
    tables[CPU] = steady(CPU, ("shop", "b", "istio-proxy"), 0.1)
    found = proxies_of(make_snapshot(tmp_path / "most", tables))
    assert found["role"].tolist() == [Role.SIDECAR, Role.GATEWAY]


def test_an_agentgateway_is_a_waypoint_by_its_container(tmp_path: Path) -> None:
    proxy = one(tmp_path, {CPU: steady(CPU, ("shop", "a", "agentgateway"), 0.1)})

    assert (proxy["role"], proxy["evidence"]) == (Role.WAYPOINT, "container agentgateway")


@pytest.mark.parametrize(
    ("labels", "role"),
    [
        (("istio-waypoint", "", ""), Role.WAYPOINT),
        (("istio", "", ""), Role.GATEWAY),
        (("", "istio.io-mesh-controller", ""), Role.WAYPOINT),
        (("", "istio.io-gateway-controller", ""), Role.GATEWAY),
        (("", "", "istio"), Role.SIDECAR),
        (("", "", ""), UNKNOWN),
    ],
)
def test_the_labels_of_a_pod_tell_its_role(
    labels: tuple[str, ...], role: str, tmp_path: Path
) -> None:
    name = "pod_labels"
    tables = {CPU: steady(CPU, ("shop", "a"), 0.1), name: steady(name, ("shop", "a", *labels), 1.0)}

    assert one(tmp_path, tables)["role"] == role


@pytest.mark.parametrize(
    ("node", "hostname", "found"),
    [("node-1", "", "node-1"), ("", "node-2", "node-2"), ("node-1", "node-2", "node-1")],
)
def test_the_kubelet_tells_the_node_where_nobody_else_does(
    node: str, hostname: str, found: str, tmp_path: Path
) -> None:
    name = "proxy_nodes"
    nodes = steady(name, ("shop", "a", node, hostname), 1.0)

    assert one(tmp_path, {CPU: steady(CPU, ("shop", "a"), 0.1), name: nodes})["node"] == found
    placement = placed("a", "StatefulSet", "web", "node-9")
    tables = {CPU: steady(CPU, ("shop", "a"), 0.1), name: nodes, "pod_placement": placement}
    assert one(tmp_path / "better", tables)["node"] == "node-9"
