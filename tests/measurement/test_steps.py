"""What each proxy carried, held and went through, step by step: unknown is never zero."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.measurement.counted_once import Attached, count_calls_once
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.units import Role
from tests.measurement.attributed import BY_ADDRESS, BY_WORKLOAD, placed
from tests.measurement.snapshots import Rows, make_snapshot, steady

CPU, IN, BUILD = "proxy_cpu_vcpu", "inbound_requests_rps", "proxy_build"
TCP, HTTP = "proxy_tcp_bytes_per_second", "proxy_http_bytes_per_second"
OPEN = "proxy_open_connections"
CONNECTIONS, CLUSTERS = "proxy_new_connections_per_second", "proxy_configured_clusters"
THROTTLED, RESETS = "proxy_throttled_share", "proxy_resets"

POD, OTHER = ("shop", "a"), ("shop", "b")
NAN = float("nan")

USUAL: dict[str, Rows] = {
    CPU: [*steady(CPU, POD, 0.1), *steady(CPU, OTHER, 0.1)],
    BUILD: [*steady(BUILD, (*POD, "proxy"), 10.0), *steady(BUILD, (*OTHER, "proxy"), 10.0)],
}
"""Two proxies that are scraped and carry nothing; the second keeps every step in the tables."""


def at(rows: Rows, *points: int) -> Rows:
    """Return the rows of some points."""
    return [row for row in rows if row[-2] in points]


def measured(
    folder: Path, *tables: Mapping[str, Rows], label_mapping: LabelMapping | None = None
) -> MeshUsage:
    """Measure the usual two proxies, with these tables in place of theirs or beside them."""
    rows: dict[str, Rows] = {}
    for named in (USUAL, *tables):
        rows.update(named)
    return measure(make_snapshot(folder / "snap", rows, label_mapping=label_mapping))


def first(usage: MeshUsage, column: str) -> list[float]:
    """Return a column of the first proxy, point by point."""
    rows = usage.steps[usage.steps["proxy"] == 0].set_index("point")[column]
    values: list[float] = rows.sort_index().to_list()
    return values


# --- events ---


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("proxy_configuration_updates_per_second", "configuration_updates_per_second"),
        ("proxy_accepted_connections_per_second", "accepted_connections_per_second"),
    ],
)
def test_events_are_known_where_the_counter_is(query: str, column: str, tmp_path: Path) -> None:
    """An Envoy has these counters from its start, so a missing one is not zero."""
    usage = measured(tmp_path / "snap", {query: at(steady(query, POD, 0.5), 0, 2)})

    np.testing.assert_array_equal(first(usage, column), [0.5, NAN, 0.5, NAN])
    assert usage.steps.loc[usage.steps["proxy"] == 1, column].isna().all()
    assert measured(tmp_path / "not asked").steps[column].isna().all()


def test_a_scraped_proxy_without_failures_has_none(tmp_path: Path) -> None:
    query = "proxy_failed_requests_rps"
    usage = measured(tmp_path / "snap", {query: at(steady(query, POD, 0.5), 1)})

    assert first(usage, "failed_rps") == [0.0, 0.5, 0.0, 0.0]
    assert measured(tmp_path / "not asked").steps["failed_rps"].isna().all()


# --- counters beside the traffic that moves them ---

CARRIED = pytest.mark.parametrize(
    ("query", "column", "traffic"),
    [
        (HTTP, "http_bytes_per_second", {IN: (*POD, "shop", "web")}),
        (CONNECTIONS, "new_connections_per_second", {TCP: (*POD, "destination")}),
        (OPEN, "open_connections", {TCP: (*POD, "destination")}),
    ],
    ids=["HTTP bytes", "new TCP connections", "open TCP connections"],
)


@CARRIED
def test_what_a_proxy_counts_is_its_own(
    query: str, column: str, traffic: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    moved = {name: steady(name, labels, 9.0) for name, labels in traffic.items()}
    counted = {query: [*steady(query, POD, 500.0), *steady(query, OTHER, 7.0)]}
    usage = measured(tmp_path, moved, counted)

    assert first(usage, column) == [500.0] * 4
    assert usage.steps.loc[usage.steps["proxy"] == 1, column].tolist() == [7.0] * 4


@CARRIED
def test_a_counter_that_nothing_moved_is_zero(
    query: str, column: str, traffic: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    moved = {name: at(steady(name, labels, 9.0), 1) for name, labels in traffic.items()}
    usage = measured(tmp_path, moved, {query: at(steady(query, POD, 500.0), 1)})

    assert first(usage, column) == [0.0, 500.0, 0.0, 0.0]


@CARRIED
def test_a_counter_missing_beside_its_traffic_is_not_known(
    query: str, column: str, traffic: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    """Telemetry may switch it off for one workload, or in the middle of the window."""
    moved = {name: steady(name, labels, 9.0) for name, labels in traffic.items()}
    usage = measured(tmp_path, moved, {query: at(steady(query, POD, 500.0), 1, 3)})

    np.testing.assert_array_equal(first(usage, column), [NAN, 500.0, NAN, 500.0])


@CARRIED
def test_a_counter_of_a_proxy_that_was_not_scraped_is_not_known(
    query: str, column: str, traffic: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    builds = {BUILD: [*at(steady(BUILD, (*POD, "proxy"), 10.0), 0), *USUAL[BUILD][4:]]}
    moved = {name: at(steady(name, labels, 9.0), 3) for name, labels in traffic.items()}
    usage = measured(tmp_path, builds, moved, {query: at(steady(query, POD, 500.0), 3)})

    np.testing.assert_array_equal(first(usage, column), [0.0, NAN, NAN, 500.0])


@CARRIED
def test_a_counter_that_this_prometheus_does_not_keep_is_not_known(
    query: str, column: str, traffic: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    """A snapshot collected before there was the query says the same."""
    moved = {name: steady(name, labels, 9.0) for name, labels in traffic.items()}

    assert measured(tmp_path, moved).steps[column].isna().all()
    asked = measured(tmp_path / "asked", {query: []}).steps[column]
    assert asked.tolist() == [0.0] * 8


# --- accepted TCP connections ---


def test_bytes_of_accepted_connections_are_what_a_destination_reports(tmp_path: Path) -> None:
    sent = at(steady(TCP, (*POD, "source"), 7.0), 0, 1)
    received = at(steady(TCP, (*POD, "destination"), 2.0), 1, 2)
    usage = measured(tmp_path, {TCP: [*sent, *received]})

    assert first(usage, "inbound_tcp_bytes_per_second") == [0.0, 2.0, 2.0, 0.0]
    assert first(usage, "tcp_bytes_per_second") == [7.0, 9.0, 2.0, 0.0]


def test_bytes_of_accepted_connections_are_known_where_all_bytes_are(tmp_path: Path) -> None:
    builds = {BUILD: [*at(steady(BUILD, (*POD, "proxy"), 10.0), 0), *USUAL[BUILD][4:]]}
    usage = measured(tmp_path, builds, {TCP: at(steady(TCP, (*POD, "destination"), 2.0), 3)})

    np.testing.assert_array_equal(
        first(usage, "inbound_tcp_bytes_per_second"), [0.0, NAN, NAN, 2.0]
    )


def test_without_the_reporter_no_side_is_known(tmp_path: Path) -> None:
    usage = measured(tmp_path, {TCP: at(steady(TCP, (*POD, ""), 2.0), 1)})

    np.testing.assert_array_equal(
        first(usage, "inbound_tcp_bytes_per_second"), [0.0, NAN, 0.0, 0.0]
    )
    assert first(usage, "tcp_bytes_per_second") == [0.0, 2.0, 0.0, 0.0]


def test_open_connections_are_a_level_which_no_correction_changes(tmp_path: Path) -> None:
    """The last step of a life has few scrapes, so rates in it are corrected."""
    lives = {
        name: [*at(steady(name, POD, value), 0, 1), *steady(name, OTHER, value)]
        for name, value in ((CPU, 0.1), (OPEN, 40.0), (CONNECTIONS, 8.0))
    }
    usage = measured(tmp_path, lives, {TCP: at(steady(TCP, (*POD, "destination"), 9.0), 0, 1)})

    assert first(usage, "open_connections")[:2] == [40.0, 40.0]
    assert "open_connections" not in set(usage.filling["column"])


# --- configuration, throttling, restarts ---


def test_the_size_of_a_configuration_is_what_was_told_and_never_zero(tmp_path: Path) -> None:
    usage = measured(tmp_path, {CLUSTERS: at(steady(CLUSTERS, POD, 90.0), 0, 2)})

    np.testing.assert_array_equal(first(usage, "configured_clusters"), [90.0, NAN, 90.0, NAN])
    assert measured(tmp_path / "not asked").steps["configured_clusters"].isna().all()


def test_a_proxy_whose_cpu_is_known_and_that_is_not_listed_was_not_throttled(
    tmp_path: Path,
) -> None:
    usage = measured(
        tmp_path,
        {
            CPU: [*at(steady(CPU, POD, 0.1), 0, 1, 2), *steady(CPU, OTHER, 0.1)],
            THROTTLED: at(steady(THROTTLED, POD, 0.25), 1),
        },
    )

    np.testing.assert_array_equal(first(usage, "throttled_share"), [0.0, 0.25, 0.0, NAN])


def test_throttling_is_not_known_where_periods_are_not_kept(tmp_path: Path) -> None:
    assert measured(tmp_path).steps["throttled_share"].isna().all()


def test_a_scraped_proxy_that_is_not_listed_did_not_begin_anew(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        {
            BUILD: [*at(steady(BUILD, (*POD, "proxy"), 10.0), 0, 1, 2), *USUAL[BUILD][4:]],
            RESETS: at(steady(RESETS, POD, 2.0), 1),
        },
    )

    np.testing.assert_array_equal(first(usage, "resets"), [0.0, 2.0, 0.0, NAN])
    assert measured(tmp_path / "not asked").steps["resets"].isna().all()


# --- ztunnels ---


def test_a_ztunnel_has_tcp_of_both_its_sides(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        {
            BUILD: [*steady(BUILD, (*POD, "ztunnel"), 10.0), *USUAL[BUILD][4:]],
            TCP: [
                *steady(TCP, (*POD, "source"), 3e6),
                *steady(TCP, (*POD, "destination"), 2e6),
            ],
            CONNECTIONS: steady(CONNECTIONS, POD, 40.0),
            OPEN: steady(OPEN, POD, 600.0),
            HTTP: [],
            CLUSTERS: steady(CLUSTERS, OTHER, 90.0),
        },
    )

    rows = usage.of_role(Role.ZTUNNEL)
    assert rows["tcp_bytes_per_second"].tolist() == [5e6] * 4
    assert rows["inbound_tcp_bytes_per_second"].tolist() == [2e6] * 4
    assert rows["new_connections_per_second"].tolist() == [40.0] * 4
    assert rows["open_connections"].tolist() == [600.0] * 4
    assert rows["http_bytes_per_second"].tolist() == [0.0] * 4
    assert rows["configured_clusters"].isna().all()


# --- whose they are ---

TOLD: dict[str, tuple[str, float]] = {
    HTTP: ("http_bytes_per_second", 500.0),
    CONNECTIONS: ("new_connections_per_second", 4.0),
    OPEN: ("open_connections", 12.0),
    CLUSTERS: ("configured_clusters", 90.0),
    RESETS: ("resets", 1.0),
}


def test_an_address_leads_each_back_to_its_pod(tmp_path: Path) -> None:
    """A proxy that is scraped on two ports says the same twice."""
    ports = ("10.0.0.7:15020", "10.0.0.7:15090")
    told = {
        name: [row for port in ports for row in steady(name, ("", port), value)]
        for name, (_, value) in TOLD.items()
    }
    rows = {
        CPU: steady(CPU, POD, 0.1),
        BUILD: steady(BUILD, ("", ports[0], "proxy"), 10.0),
        "pod_placement": placed("a", "10.0.0.7"),
        **told,
    }
    usage = measured(tmp_path, rows, label_mapping=BY_ADDRESS)

    assert len(usage.proxies) == 1
    found = {column: usage.steps[column].tolist() for column, _ in TOLD.values()}
    assert found == {column: [value] * 4 for column, value in TOLD.values()}


def test_what_no_label_leads_back_is_not_known(tmp_path: Path) -> None:
    """What the kubelet tells needs no leading back."""
    rows = {
        IN: steady(IN, ("", "", "shop", "web"), 3.0),
        BUILD: [],
        "pod_placement": placed("a", "10.0.0.7", creator=("StatefulSet", "web")),
        THROTTLED: at(steady(THROTTLED, POD, 0.25), 1),
        **{name: steady(name, ("", ""), value) for name, (_, value) in TOLD.items()},
    }
    usage = measured(tmp_path, rows, label_mapping=BY_WORKLOAD)

    assert first(usage, "proxy_rps") == [3.0] * 4
    columns = [column for column, _ in TOLD.values()]
    assert usage.steps[columns].isna().all(axis=None)
    assert first(usage, "throttled_share") == [0.0, 0.25, 0.0, 0.0]


def test_the_same_pod_in_two_clusters_is_two(tmp_path: Path) -> None:
    share = {"north": 1.0, "south": 0.5}
    rows: dict[str, list[tuple[str | float, ...]]] = {}
    for cluster, part in share.items():
        for name, labels, value in (
            (CPU, POD, 0.1),
            (BUILD, (*POD, "proxy"), 10.0),
            *((name, POD, value * part) for name, (_, value) in TOLD.items()),
        ):
            rows.setdefault(name, []).extend(steady(name, labels, value, cluster=cluster))
    usage = measured(tmp_path, dict(rows))

    assert usage.proxies["namespace"].tolist() == ["north/shop", "south/shop"]
    means = usage.steps.groupby("proxy")[[column for column, _ in TOLD.values()]].mean()
    expected = {column: [value, value / 2] for column, value in TOLD.values()}
    pd.testing.assert_frame_equal(
        means, pd.DataFrame(expected), check_names=False, check_column_type=False
    )


# --- calls ---

FRONT, BACK = ("shop", "front"), ("shop", "back")
AWAY = ("away", "service")
OUTSIDE = ("unknown", "unknown")
MESHED = frozenset({"shop"})

End = tuple[str, str]
COLUMNS = [
    "source_workload_namespace",
    "source_workload",
    "destination_workload_namespace",
    "destination_workload",
]


def counted(
    *reports: tuple[str, End, End, float], whole_mesh: bool = True
) -> dict[tuple[End, End], float]:
    """Return requests per second by the two ends, from (reporter, source, destination, rps)."""
    frame = pd.DataFrame(
        [(who, *source, *target, 0, rps) for who, source, target, rps in reports],
        columns=["reporter", *COLUMNS, "point", "mesh_requests_rps"],
    )
    calls = count_calls_once(frame, Attached(namespaces=MESHED, is_whole=whole_mesh))
    assert list(calls.columns) == [*COLUMNS, "reporter", "point", "rps"]
    rows = calls.to_dict("records")
    assert len({tuple(row[name] for name in COLUMNS) for row in rows}) == len(rows)
    return {
        ((row[COLUMNS[0]], row[COLUMNS[1]]), (row[COLUMNS[2]], row[COLUMNS[3]])): row["rps"]
        for row in rows
    }


@pytest.mark.parametrize("reporter", ["destination", "waypoint"])
def test_a_call_that_both_ends_report_counts_as_its_destination_says(reporter: str) -> None:
    found = counted(("source", FRONT, BACK, 11.0), (reporter, FRONT, BACK, 10.0))

    assert found == {(FRONT, BACK): 10.0}


@pytest.mark.parametrize("target", [OUTSIDE, AWAY])
def test_a_call_to_where_no_proxy_reports_counts_as_its_source_says(target: End) -> None:
    found = counted(("source", FRONT, target, 5.0), ("destination", FRONT, BACK, 10.0))

    assert found == {(FRONT, target): 5.0, (FRONT, BACK): 10.0}


def test_a_caller_outside_the_mesh_counts_at_the_destination() -> None:
    assert counted(("destination", OUTSIDE, BACK, 7.0)) == {(OUTSIDE, BACK): 7.0}


def test_a_destination_that_reports_some_callers_is_in_the_mesh_for_all() -> None:
    found = counted(("destination", OUTSIDE, BACK, 7.0), ("source", FRONT, BACK, 3.0))

    assert found == {(OUTSIDE, BACK): 7.0}


def test_of_a_part_of_the_mesh_calls_to_the_rest_are_left_out() -> None:
    reports = (
        ("destination", FRONT, BACK, 10.0),
        ("source", FRONT, AWAY, 5.0),
        ("source", FRONT, OUTSIDE, 2.0),
        ("source", FRONT, ("shop", "unmeshed"), 1.0),
    )

    found = counted(*reports, whole_mesh=False)
    # A proxy in `away` would report it, out of sight; nobody would report the other two.
    assert found == {(FRONT, BACK): 10.0, (FRONT, OUTSIDE): 2.0, (FRONT, ("shop", "unmeshed")): 1.0}
    assert (FRONT, AWAY) in counted(*reports)


def test_no_reports_are_no_calls() -> None:
    assert counted() == {}


def test_reports_are_summed_within_a_point_and_kept_apart_between_points() -> None:
    rows = [
        ("destination", *FRONT, *BACK, point, rps) for point, rps in ((0, 1.0), (0, 2.0), (1, 4.0))
    ]
    frame = pd.DataFrame(rows, columns=["reporter", *COLUMNS, "point", "mesh_requests_rps"])

    calls = count_calls_once(frame, Attached(namespaces=MESHED, is_whole=True))
    assert calls[["point", "rps"]].to_numpy().tolist() == [[0, 3.0], [1, 4.0]]
