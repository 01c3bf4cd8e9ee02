"""Totals are the truth, what is not known is not zero, and gaps are not idleness."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.errors import InsufficientData
from analyzer.measurement.ranges import Ranges
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.prometheus.promql import Scope
from analyzer.units import Reason, Role
from tests.measurement.snapshots import Rows, make_snapshot, steady
from tests.projection.builders import Proxy, mesh, shop_mesh
from tests.support import FilledMesh, Truth

CPU, IN, OUT = "proxy_cpu_vcpu", "inbound_requests_rps", "outbound_requests_rps"
BUILD, CALLS = "proxy_build", "mesh_requests_rps"
RESERVED, MEMORY = "proxy_reserved_vcpu", "proxy_memory_bytes"

POD = ("shop", "a")
WEB = (*POD, "shop", "web")
INTO_WEB = ("destination", "unknown", "unknown", "shop", "web")


def measured(folder: Path, tables: dict[str, Rows], points: int = 4) -> MeshUsage:
    return measure(make_snapshot(folder / "snap", tables, points=points))


def without(rows: Rows, *missing: int) -> Rows:
    """Return the rows of all points but some."""
    return [row for row in rows if row[-2] not in missing]


# --- a real mesh ---


@pytest.fixture(scope="module")
def usage(mixed_snapshot: Snapshot) -> MeshUsage:
    return measure(mixed_snapshot)


@pytest.fixture(scope="module")
def truth(mixed_mesh: FilledMesh) -> Truth:
    return mixed_mesh.truth


@pytest.mark.live
def test_a_mesh_is_the_same_where_no_table_stays_in_memory(
    usage: MeshUsage, mixed_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.measurement.tables._MOST_KEPT", 0)

    again = measure(mixed_snapshot)

    for name in ("steps", "proxies", "calls", "nodes", "filling"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(usage, name))
    assert again.findings == usage.findings


@pytest.mark.live
@pytest.mark.parametrize(
    ("column", "true"),
    [
        ("cpu_vcpu", "sidecar_vcpu"),
        ("proxy_rps", "proxy_rps"),
        ("memory_bytes", "sidecar_memory_bytes"),
        ("reserved_vcpu", "sidecar_reserved_vcpu"),
        ("reserved_memory_bytes", "sidecar_reserved_memory_bytes"),
    ],
)
def test_the_totals_of_sidecars_are_the_truth_within_a_percent(
    column: str, true: str, usage: MeshUsage, truth: Truth
) -> None:
    assert usage.mean_total(Role.SIDECAR, column) == pytest.approx(getattr(truth, true), rel=0.01)


@pytest.mark.live
@pytest.mark.parametrize("role", Role)
def test_the_totals_of_each_role_are_the_truth_within_a_percent(
    role: Role, usage: MeshUsage, truth: Truth
) -> None:
    for column, true in {
        "cpu_vcpu": truth.role_sum(role.value, lambda w: w.vcpu),
        "proxy_rps": truth.role_sum(role.value, lambda w: w.proxy_rps),
        "tcp_bytes_per_second": truth.role_sum(role.value, lambda w: w.tcp_bytes_per_second),
    }.items():
        assert usage.mean_total(role, column) == pytest.approx(true, rel=0.01), column


@pytest.mark.live
@pytest.mark.parametrize("role", Role)
def test_proxies_are_counted_by_role(role: Role, usage: MeshUsage, truth: Truth) -> None:
    assert usage.count(role) == truth.pod_count(role.value)


@pytest.mark.live
def test_calls_are_the_truth_within_a_percent(usage: MeshUsage, truth: Truth) -> None:
    rps = usage.calls["rps"].sum() / len(usage.observed_points)

    assert rps == pytest.approx(truth.mesh_rps, rel=0.01)


@pytest.mark.live
def test_nodes_and_their_size_are_known(usage: MeshUsage, truth: Truth) -> None:
    assert usage.nodes["node"].tolist() == [f"node-{n:02d}" for n in range(truth.node_count)]
    assert set(usage.nodes["allocatable_vcpu"]) == {truth.node_vcpu}
    assert set(usage.nodes["allocatable_memory_bytes"]) == {truth.node_memory_bytes}


@pytest.mark.live
def test_a_mesh_without_gaps_refuses_and_warns_of_nothing(usage: MeshUsage) -> None:
    assert usage.observed_points.tolist() == list(range(18))
    assert usage.refusals == ()
    assert usage.warnings == ()


# --- zero and unknown ---


def column(usage: MeshUsage, name: str) -> list[float]:
    """Return a column of the only proxy, point by point."""
    assert set(usage.steps["proxy"]) == {0}
    values: list[float] = usage.steps.set_index("point")[name].sort_index().to_list()
    return values


def test_a_counter_that_a_scraped_proxy_does_not_show_is_zero(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        {
            CPU: steady(CPU, POD, 0.1),
            IN: steady(IN, WEB, 3.0),
            OUT: without(steady(OUT, WEB, 2), 0),
        },
    )

    assert column(usage, "outbound_rps") == [0.0, 2.0, 2.0, 2.0]
    assert column(usage, "proxy_rps") == [3.0, 5.0, 5.0, 5.0]
    assert column(usage, "tcp_bytes_per_second") == [0.0] * 4


def test_a_proxy_known_to_be_scraped_by_its_build_alone_had_no_request(tmp_path: Path) -> None:
    usage = measured(
        tmp_path, {CPU: steady(CPU, POD, 0.1), BUILD: steady(BUILD, (*POD, "proxy"), 10.0)}
    )

    assert column(usage, "proxy_rps") == [0.0] * 4


def test_what_was_not_scraped_is_not_known(tmp_path: Path) -> None:
    """Another proxy keeps the steps in the tables; this one's requests stay unknown."""
    other = ("shop", "b")
    usage = measured(
        tmp_path,
        {
            CPU: [*steady(CPU, POD, 0.1), *steady(CPU, other, 0.1)],
            IN: [*without(steady(IN, WEB, 3.0), 1), *steady(IN, (*other, "shop", "web"), 1.0)],
        },
    )

    first = usage.steps[usage.steps["proxy"] == 0].set_index("point")
    np.testing.assert_array_equal(first["proxy_rps"], [3.0, np.nan, 3.0, 3.0])
    assert first["cpu_vcpu"].tolist() == [0.1] * 4
    assert first["memory_bytes"].isna().all()


def test_cpu_that_was_not_scraped_is_not_known(tmp_path: Path) -> None:
    other = ("shop", "b")
    usage = measured(
        tmp_path,
        {
            CPU: [*without(steady(CPU, POD, 0.1), 1), *steady(CPU, other, 0.1)],
            IN: [*steady(IN, WEB, 3.0), *steady(IN, (*other, "shop", "web"), 1.0)],
        },
    )

    first = usage.steps[usage.steps["proxy"] == 0].set_index("point")
    np.testing.assert_array_equal(first["cpu_vcpu"], [0.1, np.nan, 0.1, 0.1])


def test_a_total_of_what_nobody_knows_is_none(tmp_path: Path) -> None:
    usage = measured(tmp_path, {CPU: steady(CPU, POD, 0.1), IN: steady(IN, WEB, 3.0)})

    assert usage.mean_total(Role.SIDECAR, "memory_bytes") is None
    assert usage.mean_total(Role.GATEWAY, "cpu_vcpu") is None
    assert usage.count(Role.GATEWAY) == 0


def test_a_reservation_lasts_as_long_as_its_pod(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        {
            CPU: steady(CPU, POD, 0.1),
            IN: steady(IN, WEB, 3.0),
            RESERVED: without(steady(RESERVED, POD, 0.2), 0, 2),
        },
    )

    assert column(usage, "reserved_vcpu") == [0.2] * 4
    assert usage.mean_total(Role.SIDECAR, "reserved_vcpu") == pytest.approx(0.2)


# --- gaps ---


USUAL: dict[str, Rows] = {
    CPU: steady(CPU, POD, 0.1),
    IN: steady(IN, WEB, 3.0),
    CALLS: steady(CALLS, INTO_WEB, 3.0),
    MEMORY: steady(MEMORY, POD, 100.0),
}


def totals(usage: MeshUsage) -> list[float]:
    """Return mean CPU, requests, memory and calls of the only proxy."""
    found = [
        usage.mean_total(Role.SIDECAR, name) or 0.0
        for name in ("cpu_vcpu", "proxy_rps", "memory_bytes")
    ]
    return [*found, usage.calls["rps"].sum() / len(usage.observed_points)]


def test_a_gap_shrinks_the_divisor_of_every_mean(tmp_path: Path) -> None:
    usage = measured(tmp_path, {name: without(rows, 1, 2) for name, rows in USUAL.items()})

    assert usage.observed_points.tolist() == [0, 3]
    assert sorted(usage.steps["point"]) == sorted(usage.calls["point"]) == [0, 3]
    assert totals(usage) == pytest.approx([0.1, 3.0, 100.0, 3.0])
    (gaps,) = (finding.text for finding in usage.findings if finding.name == "gaps")
    assert "2 of 4 intervals" in gaps


@pytest.mark.parametrize(
    ("dark", "finding"), [((CPU, MEMORY), "unseen_cpu"), ((IN, CALLS), "unseen_requests")]
)
def test_a_gap_of_one_source_is_filled(dark: tuple[str, ...], finding: str, tmp_path: Path) -> None:
    usage = measured(tmp_path, {**USUAL, **{name: without(USUAL[name], 1, 2) for name in dark}})

    assert usage.observed_points.tolist() == [0, 1, 2, 3]
    assert totals(usage) == pytest.approx([0.1, 3.0, 100.0, 3.0])
    assert finding in {found.name for found in usage.findings}


@pytest.mark.parametrize("dark", [CPU, IN])
def test_where_most_of_one_source_is_missing_the_rest_is_not_guessed(
    dark: str, tmp_path: Path
) -> None:
    usage = measured(tmp_path, {**USUAL, dark: without(USUAL[dark], 1, 2, 3)})

    assert usage.observed_points.tolist() == [0]


def test_a_proxy_that_lived_half_the_time_counts_half(tmp_path: Path) -> None:
    late = ("shop", "b")
    usage = measured(
        tmp_path,
        {
            CPU: [*steady(CPU, POD, 0.1), *without(steady(CPU, late, 0.2), 0, 1)],
            IN: [*steady(IN, WEB, 3.0), *without(steady(IN, (*late, "shop", "web"), 1.0), 0, 1)],
        },
    )

    assert usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(0.1 + 0.2 / 2)
    assert usage.warnings == ()


@pytest.mark.parametrize(
    ("tables", "lacking"),
    [
        ({}, "CPU"),
        ({IN: steady(IN, WEB, 3.0)}, "CPU"),
        ({CPU: steady(CPU, POD, 0.1)}, "metrics"),
        (
            {CPU: steady(CPU, POD, 0.1, points=2), IN: without(steady(IN, WEB, 3.0), 0, 1)},
            "interval with CPU and metrics",
        ),
    ],
    ids=["nothing", "no CPU", "no requests", "never both"],
)
def test_half_of_the_question_is_insufficient(
    tables: dict[str, Rows], lacking: str, tmp_path: Path
) -> None:
    with pytest.raises(InsufficientData, match=rf"snap has no {lacking} of any istio-proxy"):
        measured(tmp_path, tables)


# --- who is counted ---


def test_a_proxy_of_unknown_role_is_refused_by_name_and_counted_nowhere(tmp_path: Path) -> None:
    lone = ("shop", "b")
    usage = measured(
        tmp_path,
        {CPU: [*steady(CPU, POD, 0.1), *steady(CPU, lone, 9.0)], IN: steady(IN, WEB, 3.0)},
    )

    (refusal,) = usage.refusals
    assert (refusal.subject, refusal.reason) == ("role of shop/b", Reason.AMBIGUOUS)
    assert [usage.mean_total(role, "cpu_vcpu") for role in Role] == [0.1, None, None, None]


def test_rows_of_no_proxy_do_not_count(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        {
            CPU: [*steady(CPU, POD, 0.1), *steady(CPU, ("shop", ""), 9.0)],
            IN: steady(IN, WEB, 3.0),
            RESERVED: [*steady(RESERVED, POD, 0.2), *steady(RESERVED, ("shop", "gone"), 9.0)],
        },
    )

    assert usage.steps["cpu_vcpu"].tolist() == [0.1] * 4
    assert usage.steps["reserved_vcpu"].tolist() == [0.2] * 4


def test_rows_of_a_role_carry_their_workload(tmp_path: Path) -> None:
    usage = measured(tmp_path, {CPU: steady(CPU, POD, 0.1), IN: steady(IN, WEB, 3.0)})

    rows = usage.of_role(Role.SIDECAR)
    assert set(zip(rows["namespace"], rows["workload"], rows["node"], strict=True)) == {
        ("shop", "web", "")
    }
    pd.testing.assert_frame_equal(rows[usage.steps.columns], usage.steps)


@pytest.mark.parametrize(("namespaces", "calls"), [((), 2), (("shop",), 1)])
def test_calls_out_of_a_part_of_the_mesh_count_only_in_the_whole(
    namespaces: tuple[str, ...], calls: int, tmp_path: Path
) -> None:
    away = ("source", "shop", "web", "away", "service")
    tables = {
        CPU: steady(CPU, POD, 0.1),
        IN: steady(IN, WEB, 3.0),
        CALLS: [*steady(CALLS, INTO_WEB, 3.0), *steady(CALLS, away, 1.0)],
    }
    snapshot = make_snapshot(tmp_path / "snap", tables, scope=Scope(namespaces=namespaces))

    usage = measure(snapshot)
    assert len(usage.calls) == 4 * calls


def test_workloads_are_told_by_their_means_the_most_cpu_first() -> None:
    table = shop_mesh().workload_means(Role.SIDECAR)

    assert table["workload"].tolist() == ["front", "back", "db"]
    assert table["cpu_vcpu"].tolist() == pytest.approx([0.3, 0.1, 0.04])
    assert table["proxy_rps"].tolist() == pytest.approx([200, 50, 20])
    assert table["proxy_count"].tolist() == [1, 1, 1]


def test_what_no_step_of_a_workload_knows_is_missing() -> None:
    unknown = mesh(Proxy(memory_bytes=math.nan)).workload_means(Role.SIDECAR)

    assert unknown["memory_bytes"].isna().all()


@pytest.mark.parametrize(("last_scrapes", "count"), [(10.0, 2), (4.0, 1)])
def test_a_proxy_that_was_scraped_in_all_of_its_last_step_counts_at_its_end(
    last_scrapes: float, count: int, tmp_path: Path
) -> None:
    """One pod is there all the time, and one in 6 of 11 steps."""
    life = range(2, 8)
    brief = ("shop", "b")

    def of_both(name: str, rest: tuple[str, ...], value: float) -> Rows:
        always = steady(name, (*POD, *rest), value, points=11)
        second = steady(name, (*brief, *rest), value, points=11)
        return [*always, *(row for row in second if row[-2] in life)]

    scrapes = of_both(BUILD, ("proxy",), 10.0)
    tables: dict[str, Rows] = {
        CPU: of_both(CPU, (), 0.1),
        IN: of_both(IN, ("shop", "web"), 5.0),
        BUILD: [*scrapes[:-1], (*scrapes[-1][:-1], last_scrapes)],
    }

    assert measured(tmp_path, tables, points=11).count(Role.SIDECAR) == count


def test_what_a_range_has_of_the_step_before_a_last_one_counts_there_only(tmp_path: Path) -> None:
    """Ranges are 11 scrapes long. One pod ends with 6 of them: 5 minutes after its last step."""
    ended = 5
    rate_of_range = 0.1 * 6 / 11

    def of_both(name: str, rest: tuple[str, ...], value: float, last: float) -> Rows:
        always = steady(name, (*POD, *rest), value, points=11)
        second = steady(name, ("shop", "b", *rest), value, points=ended + 1)
        return [*always, *second[:-1], (*second[ended][:-1], last)]

    tables = {
        CPU: of_both(CPU, (), 0.1, rate_of_range),
        IN: of_both(IN, ("shop", "web"), 10.0, 100 * rate_of_range),
        BUILD: of_both(BUILD, ("proxy",), 11.0, 6.0),
    }
    ranges = Ranges(cpu_seconds=660, request_seconds=660)
    usage = measure(make_snapshot(tmp_path / "snap", tables, points=11, ranges=ranges))

    rows = usage.of_role(Role.SIDECAR).set_index(["proxy", "point"])
    assert rows.loc[(1, ended), "cpu_vcpu"] == pytest.approx(0.1 * 0.5)
    assert rows.loc[(1, ended), "proxy_rps"] == pytest.approx(10 * 0.5)
    assert rows.loc[(1, ended - 1), "cpu_vcpu"] == pytest.approx(0.1)
