"""The best evidence decides what a proxy is, and where there is none nobody guesses."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.role_rules import UNKNOWN
from analyzer.measurement.roles import assign_roles, proxy_table
from analyzer.measurement.signs import is_named_after
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.tables import Tables
from analyzer.units import Role
from tests.measurement.conftest import MIXED
from tests.measurement.snapshots import Rows, make_snapshot, steady
from tests.support import build_mesh

NOTHING: dict[str, bool | str] = {
    "namespace": "shop",
    "pod": "web-6c9f",
    **dict.fromkeys(
        ("gateway_class", "managed_by", "tls_mode", "gateway_name", "istio_label", "app_label"), ""
    ),
    **dict.fromkeys(("own_name", "sender"), ""),
    **dict.fromkeys(
        (
            "is_agentgateway",
            "is_ztunnel_build",
            "reports_waypoint",
            "has_application",
            "is_alone",
            "own_inbound",
            "other_inbound",
            "several_inbound",
            "proxied_inbound",
            "receives",
            "sends",
            "receives_tcp",
            "sends_tcp",
        ),
        False,
    ),
    "is_scraped": True,
    "creator": "web",
    "created_by_kind": "ReplicaSet",
    "created_by_name": "web-6c9f",
}
ZTUNNEL_SET = {"created_by_kind": "DaemonSet", "creator": "ztunnel"}
OWN: dict[str, bool | str] = {"own_inbound": True, "receives": True}
OTHERS: dict[str, bool | str] = {"other_inbound": True, "receives": True}
ALONE: dict[str, bool | str] = {"is_alone": True}
BESIDE: dict[str, bool | str] = {"has_application": True}


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
        ({**BESIDE}, Role.SIDECAR, "application container in the pod"),
        (ZTUNNEL_SET, Role.ZTUNNEL, "DaemonSet called ztunnel"),
        (OWN, Role.SIDECAR, "reporter destination"),
        ({"receives_tcp": True}, Role.SIDECAR, "reporter destination"),
        ({"sends": True, **ALONE}, Role.GATEWAY, "reporter source, alone in its pod"),
        ({"sends": True}, UNKNOWN, "none"),
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
        ({"is_ztunnel_build": True, "receives_tcp": True, **ZTUNNEL_SET}, Role.ZTUNNEL),
        ({**ZTUNNEL_SET, "receives_tcp": True, "sends_tcp": True}, Role.ZTUNNEL),
        # A gateway may have a container beside it that is no application, its labels know.
        ({"gateway_class": "istio", **BESIDE}, Role.GATEWAY),
        ({"managed_by": "istio.io-mesh-controller", "sends": True}, Role.WAYPOINT),
        ({"is_agentgateway": True, "sends": True}, Role.WAYPOINT),
        # A client's sidecar only sends, as a gateway does.
        ({**BESIDE, "sends": True}, Role.SIDECAR),
        ({**OWN, "sends": True}, Role.SIDECAR),
        ({"reports_waypoint": True, "sends": True}, Role.WAYPOINT),
        # Its own workload's requests make a sidecar, whatever the pod is called.
        ({**OWN, **BESIDE, "creator": "api-gateway"}, Role.SIDECAR),
        ({**OWN, **ALONE, "creator": "istio-ingressgateway"}, Role.SIDECAR),
        # The east-west gateway of ambient mode is made from the waypoint's template.
        ({"managed_by": "istio.io-eastwest-controller", "reports_waypoint": True}, Role.GATEWAY),
    ],
    ids=[
        "ztunnel build", "ztunnel set", "gateway", "managed waypoint", "agentgateway", "client",
        "sidecar", "waypoint", "application called gateway", "alone and called gateway",
        "east-west",
    ],
)  # fmt: skip
def test_better_evidence_wins(evidence: dict[str, bool | str], role: str) -> None:
    assert decided(**evidence)[0] == role


@pytest.mark.parametrize(
    ("evidence", "roles"),
    [
        ({"tls_mode": "istio", "gateway_class": "istio"}, {Role.SIDECAR, Role.GATEWAY}),
        ({"tls_mode": "istio", "reports_waypoint": True}, {Role.SIDECAR, Role.WAYPOINT}),
        ({"gateway_class": "istio", **OWN}, {Role.GATEWAY, Role.SIDECAR}),
        ({"gateway_class": "istio", **OTHERS, **ALONE}, {Role.GATEWAY, Role.WAYPOINT}),
        ({"reports_waypoint": True, **OWN}, {Role.WAYPOINT, Role.SIDECAR}),
        ({**OTHERS, **BESIDE, "proxied_inbound": True}, {Role.WAYPOINT, Role.SIDECAR}),
        ({"sends": True, **BESIDE, "creator": "edge-gateway"}, {Role.SIDECAR, Role.GATEWAY}),
        ({"receives_tcp": True, **ALONE}, {Role.SIDECAR, Role.WAYPOINT}),
        (OTHERS, {Role.SIDECAR, Role.WAYPOINT}),
        ({"sends": True, **ALONE, "creator": "waypoint"}, {Role.GATEWAY, Role.WAYPOINT}),
    ],
)
def test_signs_that_contradict_each_other_are_both_named(
    evidence: dict[str, bool | str], roles: set[Role]
) -> None:
    role, reason = decided(**evidence)

    assert role == UNKNOWN
    assert {one for one in Role if f"({one})" in reason} == roles


@pytest.mark.parametrize(
    ("evidence", "role"),
    [
        ({**OTHERS, **ALONE}, Role.WAYPOINT),
        ({**OTHERS, **BESIDE, "several_inbound": True}, Role.WAYPOINT),
        ({**OTHERS, "proxied_inbound": True}, Role.WAYPOINT),
        # A label may give a workload another name than its Deployment has.
        ({**OTHERS, **BESIDE}, Role.SIDECAR),
        ({**OTHERS, "created_by_name": ""}, Role.SIDECAR),
        ({**OTHERS, **BESIDE, "creator": "waypoint"}, Role.WAYPOINT),
    ],
    ids=["alone", "several", "of other proxies", "renamed", "nothing else known", "its name"],
)
def test_requests_of_other_workloads_make_a_waypoint(
    evidence: dict[str, bool | str], role: str
) -> None:
    assert decided(**evidence)[0] == role


@pytest.mark.parametrize(
    ("pod", "workload", "is_its"),
    [
        ("web-7c6566694f-8drf8", "web", True),
        ("web-0", "web", True),
        ("ztunnel-x2lk5", "ztunnel", True),
        ("web", "web", True),
        ("backup-28112345-k2x8l", "backup", True),
        ("echo-istio-waypoint-7c6566694f-8drf8", "echo", False),
        ("web-canary-7c6566694f-8drf8", "web", False),
        ("web-canary-x2lk5", "web", False),
        ("website-0", "web", False),
    ],
)
def test_a_pod_is_named_after_its_workload(pod: str, workload: str, *, is_its: bool) -> None:
    assert is_named_after(pod, workload) is is_its


@pytest.mark.parametrize(
    "creator",
    [
        {"created_by_kind": "ReplicaSet", "creator": "ztunnel-dashboard"},
        {"created_by_kind": "DaemonSet", "creator": "agent"},
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
