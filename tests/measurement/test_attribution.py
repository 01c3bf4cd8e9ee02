"""Series that do not name their pod are led back to it, by address or by workload."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.tables import workload_of_creator
from analyzer.measurement.usage import measure
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.units import Role
from tests.measurement.attributed import (
    BY_ADDRESS,
    BY_WORKLOAD,
    CALLS,
    CPU,
    PLACEMENT,
    placed,
    tables_of,
    values,
)
from tests.measurement.snapshots import make_snapshot, steady

IN, OUT, BUILD = "inbound_requests_rps", "outbound_requests_rps", "proxy_build"
TCP = "proxy_tcp_bytes_per_second"


# --- by address ---


def test_an_address_leads_back_to_its_pod(tmp_path: Path) -> None:
    tables = tables_of(
        tmp_path,
        {
            IN: [
                *steady(IN, ("", "10.0.0.7:15090", "shop", "web"), 3.0),
                *steady(IN, ("", "[fd00::8]:15090", "shop", "web"), 5.0),
                *steady(IN, ("", "10.0.0.99:15090", "shop", "web"), 9.0),
            ],
            PLACEMENT: [*placed("a", "10.0.0.7"), *placed("b", "fd00::8")],
        },
        BY_ADDRESS,
    )

    frame = tables[IN]
    assert values(frame, IN) == {("shop", "a"): [3.0] * 4, ("shop", "b"): [5.0] * 4}
    assert set(frame["destination_workload"]) == {"web"}
    assert set(frame.columns) == {
        "namespace", "pod", "destination_workload_namespace", "destination_workload", "time", IN,
    }  # fmt: skip


def test_a_proxy_on_two_ports_says_the_same_twice(tmp_path: Path) -> None:
    rows = [
        *steady(IN, ("", "10.0.0.7:15020", "shop", "web"), 3.0),
        *steady(IN, ("", "10.0.0.7:15090", "shop", "web"), 3.1),
        *steady(IN, ("", "10.0.0.7:15090", "shop", "other"), 1.0),
    ]
    tables = tables_of(tmp_path, {IN: rows, PLACEMENT: placed("a", "10.0.0.7")}, BY_ADDRESS)

    assert values(tables[IN], IN, "destination_workload") == {
        ("web",): [3.1] * 4, ("other",): [1.0] * 4,
    }  # fmt: skip


def test_an_address_that_two_proxies_share_is_no_ones(tmp_path: Path) -> None:
    """Pods on the host's network have the address of their node."""
    rows = [
        *steady(TCP, ("", "10.1.0.1:15020", "source"), 7.0),
        *steady(TCP, ("", "10.0.0.7:15020", "source"), 2.0),
    ]
    owners = [
        *placed("ztunnel-x", "10.1.0.1", namespace="istio-system"),
        *placed("gateway-y", "10.1.0.1", namespace="edge", points=(0, 1, 2)),
        *placed("a", "10.0.0.7"),
    ]
    tables = tables_of(tmp_path, {TCP: rows, PLACEMENT: owners}, BY_ADDRESS)

    # Once the gateway is gone, the address is the ztunnel's.
    assert values(tables[TCP], TCP) == {
        ("shop", "a"): [2.0] * 4, ("istio-system", "ztunnel-x"): [7.0],
    }  # fmt: skip


def test_a_pod_that_is_told_of_twice_keeps_its_address(tmp_path: Path) -> None:
    rows = steady(BUILD, ("", "10.0.0.7:15020", "proxy"), 10.0)
    twice = [*placed("a", "10.0.0.7"), *placed("a", "10.0.0.7", creator=("", ""))]
    tables = tables_of(tmp_path, {BUILD: rows, PLACEMENT: twice}, BY_ADDRESS)

    assert values(tables[BUILD], BUILD) == {("shop", "a"): [10.0] * 4}


def test_an_address_belongs_to_whoever_had_it_at_the_time(tmp_path: Path) -> None:
    rows = steady(IN, ("", "10.0.0.7:15090", "shop", "web"), 3.0)
    owners = [
        *placed("old", "10.0.0.7", points=(0, 1)),
        *placed("new", "10.0.0.7", points=(3,)),
    ]
    tables = tables_of(tmp_path, {IN: rows, PLACEMENT: owners}, BY_ADDRESS)

    assert values(tables[IN], IN) == {("shop", "old"): [3.0, 3.0], ("shop", "new"): [3.0]}


def test_the_same_address_in_two_clusters_is_two(tmp_path: Path) -> None:
    labels = ("", "10.0.0.7:15090", "shop", "web")
    both = {"north": 3.0, "south": 5.0}
    tables = tables_of(
        tmp_path,
        {
            CPU: [row for name in both for row in steady(CPU, ("shop", "a"), 0.1, cluster=name)],
            IN: [row for name in both for row in steady(IN, labels, both[name], cluster=name)],
            PLACEMENT: [row for name in both for row in placed("a", "10.0.0.7", cluster=name)],
        },
        BY_ADDRESS,
    )

    assert values(tables[IN], IN) == {
        ("north/shop", "a"): [3.0] * 4, ("south/shop", "a"): [5.0] * 4,
    }  # fmt: skip


def test_what_the_kubelet_tells_needs_no_address(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, {CPU: steady(CPU, ("shop", "a"), 0.1)}, BY_ADDRESS)

    assert values(tables[CPU], CPU) == {("shop", "a"): [0.1] * 4}


# --- by workload ---


def test_the_pods_of_a_workload_share_its_requests_alike(tmp_path: Path) -> None:
    tables = tables_of(
        tmp_path,
        {
            IN: [
                *steady(IN, ("", "", "shop", "web"), 12.0),
                *steady(IN, ("", "", "shop", "db"), 5.0),
                *steady(IN, ("", "", "shop", "gone"), 9.0),
            ],
            OUT: steady(OUT, ("", "", "shop", "web"), 6.0),
            PLACEMENT: [
                *placed("web-6c9f-a", "10.0.0.1"),
                *placed("web-6c9f-b", "10.0.0.2"),
                # Of the next ReplicaSet, and only for half the time.
                *placed(
                    "web-77aa-c", "10.0.0.3", creator=("ReplicaSet", "web-77aa"), points=(2, 3)
                ),
                *placed("db-0", "10.0.0.4", creator=("StatefulSet", "db")),
                *placed("web-6c9f-a", "10.0.9.9", namespace="other"),
            ],
        },
        BY_WORKLOAD,
    )

    assert values(tables[IN], IN) == {
        ("shop", "web-6c9f-a"): [6.0, 6.0, 4.0, 4.0],
        ("shop", "web-6c9f-b"): [6.0, 6.0, 4.0, 4.0],
        ("shop", "web-77aa-c"): [4.0, 4.0],
        ("shop", "db-0"): [5.0] * 4,
    }
    assert values(tables[OUT], OUT)["shop", "web-77aa-c"] == [2.0, 2.0]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        (BUILD, ("", "", "proxy")),
        (TCP, ("", "", "source")),
        ("waypoint_requests_rps", ("", "")),
    ],
)
def test_what_names_no_workload_of_its_own_is_nobodys(
    name: str, labels: tuple[str, ...], tmp_path: Path
) -> None:
    rows = {name: steady(name, labels, 1.0), PLACEMENT: placed("a", "10.0.0.7")}

    tables = tables_of(tmp_path, rows, BY_WORKLOAD)
    assert tables[name].empty
    assert not tables.is_attributable(name)
    for known in (IN, OUT, CPU, CALLS):
        assert tables.is_attributable(known)
    assert tables_of(tmp_path / "by address", rows, BY_ADDRESS).is_attributable(name)


def test_what_no_series_can_be_led_back_to_is_not_known(tmp_path: Path) -> None:
    """Requests of a workload are shared by its pods; whose TCP it was nobody knows."""
    tables = {
        CPU: steady(CPU, ("shop", "a"), 0.1),
        IN: steady(IN, ("", "", "shop", "web"), 3.0),
        PLACEMENT: placed("a", "10.0.0.7", creator=("StatefulSet", "web")),
    }
    usage = measure(make_snapshot(tmp_path / "snap", tables, label_mapping=BY_WORKLOAD))

    assert usage.steps["proxy_rps"].tolist() == [3.0] * 4
    assert usage.steps["tcp_bytes_per_second"].isna().all()
    assert usage.mean_total(Role.SIDECAR, "tcp_bytes_per_second") is None


def test_the_workload_of_a_replica_set_is_its_deployment() -> None:
    creators = pd.DataFrame(
        [
            ("ReplicaSet", "web-api-6c9f"),
            ("ReplicaSet", "web"),
            ("StatefulSet", "web-api"),
            ("", ""),
        ],
        columns=["created_by_kind", "created_by_name"],
    )

    assert workload_of_creator(creators).tolist() == ["web-api", "web", "web-api", ""]


# --- requests of nobody ---


def test_requests_that_are_no_proxys_are_weighed(tmp_path: Path) -> None:
    placement = placed("a", "10.0.0.7", creator=("StatefulSet", "web"))
    by_pod = {
        IN: [
            *steady(IN, ("shop", "a", "shop", "web"), 6.0),
            *steady(IN, ("", "", "shop", "web"), 2.0),
        ],
        OUT: steady(OUT, ("shop", "", "shop", "web"), 2.0),
    }
    by_address = {
        IN: [
            *steady(IN, ("", "10.0.0.7:15020", "shop", "web"), 6.0),
            *steady(IN, ("", "10.0.0.7:15090", "shop", "web"), 6.0),
            *steady(IN, ("", "10.0.0.9:15090", "shop", "web"), 4.0),
        ],
        PLACEMENT: placement,
    }
    by_workload = {
        IN: steady(IN, ("", "", "shop", "web"), 6.0),
        # Some stores drop labels.
        OUT: steady(OUT, ("", "", "", ""), 4.0),
        PLACEMENT: placement,
    }

    for number, (tables, label_mapping) in enumerate(
        [(by_pod, LabelMapping()), (by_address, BY_ADDRESS), (by_workload, BY_WORKLOAD)]
    ):
        found = tables_of(tmp_path / str(number), tables, label_mapping)
        assert found.unattributed_share() == pytest.approx(0.4)


@pytest.mark.parametrize("label_mapping", [LabelMapping(), BY_ADDRESS, BY_WORKLOAD])
def test_where_there_are_no_requests_none_are_nobodys(
    label_mapping: LabelMapping, tmp_path: Path
) -> None:
    assert tables_of(tmp_path, {}, label_mapping).unattributed_share() == 0


def test_requests_of_other_namespaces_are_not_nobodys(tmp_path: Path) -> None:
    tables = {
        IN: [
            *steady(IN, ("", "10.0.0.7:15090", "shop", "web"), 6.0),
            *steady(IN, ("", "10.0.0.9:15090", "away", "api"), 4.0),
        ],
        PLACEMENT: placed("a", "10.0.0.7"),
    }
    scope = Scope(namespaces=("shop",))

    assert tables_of(tmp_path, tables, BY_ADDRESS, scope=scope).unattributed_share() == 0
