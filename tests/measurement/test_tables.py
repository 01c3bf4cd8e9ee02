"""A snapshot's tables: no cluster column, and names of two clusters told apart."""

from pathlib import Path

import pytest

from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.tables import Tables
from analyzer.prometheus.label_mapping import CPU_RULES, LabelMapping
from analyzer.prometheus.promql import Scope
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

RECORDED = "proxy_recorded_cpu_vcpu"


# --- by pod ---


def test_a_table_is_what_was_collected_without_the_cluster(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, {CPU: steady(CPU, ("shop", "a"), 0.1)})

    assert list(tables[CPU].columns) == ["namespace", "pod", "container", "time", CPU]
    assert values(tables[CPU], CPU) == {("shop", "a"): [0.1] * 4}
    assert tables[CPU] is tables[CPU]
    assert tables.clusters == ()


def test_a_large_table_is_not_kept_as_it_is_written_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.measurement.tables._MOST_KEPT", 3)
    tables = tables_of(tmp_path, {CPU: steady(CPU, ("shop", "a"), 0.1)})

    assert tables[CPU] is not tables[CPU]
    assert tables[CPU].equals(tables[CPU])
    assert tables.pieces(CPU) is tables.pieces(CPU)


def test_tables_of_the_same_times_hold_them_once(tmp_path: Path) -> None:
    rows = {name: steady(name, ("shop", "a"), 0.1) for name in (CPU, RECORDED)}
    tables = tables_of(tmp_path, rows)

    assert tables.pieces(CPU).times is tables.pieces(RECORDED).times


def test_recorded_cpu_stands_in_for_the_counters(tmp_path: Path) -> None:
    rows = {RECORDED: steady(RECORDED, ("shop", "a"), 0.1)}
    tables = tables_of(tmp_path, rows, LabelMapping(cpu=CPU_RULES[0]))

    assert list(tables[CPU].columns) == ["namespace", "pod", "container", "time", CPU]
    assert values(tables[CPU], CPU) == {("shop", "a"): [0.1] * 4}


# --- several clusters ---


@pytest.fixture
def two_clusters(tmp_path: Path) -> Snapshot:
    rows: dict[str, list[tuple[str | float, ...]]] = {}
    for name in ("north", "south"):
        tables = {
            CPU: ("shop", "a"),
            PLACEMENT: ("shop", "a", "node-1", "10.0.0.7", "", ""),
            "proxy_nodes": ("shop", "a", "", "host-1"),
            "node_allocatable_vcpu": ("node-1",),
            CALLS: ("destination", "unknown", "unknown", "shop", "web"),
        }
        for table, labels in tables.items():
            rows.setdefault(table, []).extend(steady(table, labels, 1.0, cluster=name))
    return make_snapshot(tmp_path / "snap", rows)


def test_names_in_two_clusters_are_two_names(two_clusters: Snapshot) -> None:
    tables = Tables(two_clusters)

    assert tables.clusters == ("north", "south")
    both = {"north/shop", "south/shop"}
    assert set(tables[CPU]["namespace"]) == set(tables[PLACEMENT]["namespace"]) == both
    assert set(tables[PLACEMENT]["node"]) == {"north/node-1", "south/node-1"}
    assert set(tables["node_allocatable_vcpu"]["node"]) == {"north/node-1", "south/node-1"}
    nodes = tables["proxy_nodes"]
    assert set(nodes["kubernetes_io_hostname"]) == {"north/host-1", "south/host-1"}
    assert set(nodes["node"]) == {""}
    assert set(tables[CALLS]["destination_workload_namespace"]) == both
    # Nobody is in no cluster.
    assert set(tables[CALLS]["source_workload_namespace"]) == {"unknown"}


def test_names_in_one_cluster_stay_as_they_are(tmp_path: Path) -> None:
    rows = {CPU: steady(CPU, ("shop", "a"), 0.1, cluster="north")}
    tables = tables_of(tmp_path, rows)

    assert tables.clusters == ("north",)
    assert set(tables[CPU]["namespace"]) == {"shop"}
    assert "cluster" not in tables[CPU]


# --- a part of the mesh ---


@pytest.mark.parametrize(
    ("label_mapping", "namespaces", "callers"),
    [
        (BY_ADDRESS, ("shop",), {"front", "batch"}),
        (BY_WORKLOAD, ("shop",), {"front", "batch"}),
        (BY_ADDRESS, (), {"front", "batch", "other"}),
        # The server was asked for the namespace then, and gave no others.
        (LabelMapping(), ("shop",), {"front", "batch", "other"}),
    ],
    ids=["address", "workload", "whole mesh", "pod"],
)
def test_calls_are_those_that_proxies_in_the_asked_namespaces_report(
    label_mapping: LabelMapping, namespaces: tuple[str, ...], callers: set[str], tmp_path: Path
) -> None:
    calls = [
        *steady(CALLS, ("source", "shop", "front", "away", "api"), 1.0),
        *steady(CALLS, ("destination", "away", "batch", "shop", "web"), 1.0),
        *steady(CALLS, ("source", "away", "other", "shop", "web"), 1.0),
        *steady(CALLS, ("destination", "shop", "other", "away", "api"), 1.0),
    ]
    rows = {CALLS: calls, PLACEMENT: placed("a", "10.0.0.7")}
    tables = tables_of(tmp_path, rows, label_mapping, scope=Scope(namespaces=namespaces))

    assert set(tables[CALLS]["source_workload"]) == callers
