"""Kills for memory, native sidecars and requests of applications, from a snapshot."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.proxy_pods import (
    KILL,
    NATIVE,
    PODS,
    REQUESTS,
    application_requests_of,
    memory_kills_of,
    native_sidecars_of,
)
from analyzer.measurement.tables import Tables
from tests.measurement.snapshots import Rows, make_snapshot
from tests.measurement.test_owners import proxies_of

_POINTS = 4


def rows_of(pod: str, fact: str, values: dict[int, float]) -> Rows:
    return [("", "shop", pod, fact, point, value) for point, value in values.items()]


def tables_of(path: Path, *rows: Rows, **more: Rows) -> Tables:
    table = [row for part in rows for row in part]
    return Tables(make_snapshot(path / "snapshot", {PODS: table, **more}, points=_POINTS))


def lives_of(**lives: dict[int, float]) -> Rows:
    return [
        ("", "shop", pod.replace("_", "-"), "node-1", "10.0.0.1", "ReplicaSet", "x", point, 1.0)
        for pod, points in lives.items()
        for point in points
    ]


def amounts_of(**amounts: dict[int, float]) -> Rows:
    return [
        ("", "shop", pod, point, value)
        for pod, values in amounts.items()
        for point, value in values.items()
    ]


ALL = dict.fromkeys(range(_POINTS), 1.0)


@pytest.mark.parametrize(
    ("lives", "kills", "counts"),
    [
        # The reason appears.
        (ALL, {2: 1.0, 3: 1.0}, True),
        (ALL, {3: 1.0}, True),
        # It was there before the window.
        (ALL, ALL, False),
        (ALL, dict.fromkeys(range(_POINTS), 7.0), False),
        # And again in it.
        (ALL, {0: 7.0, 1: 7.0, 2: 8.0, 3: 8.0}, True),
        # It came with a pod that began in the window.
        ({2: 1.0, 3: 1.0}, {2: 1.0, 3: 1.0}, True),
        (ALL, {}, False),
    ],
)
def test_a_kill_is_dated_by_its_first_sight_and_by_restarts(
    lives: dict[int, float], kills: dict[int, float], *, counts: bool, tmp_path: Path
) -> None:
    tables = tables_of(
        tmp_path,
        rows_of("front-a", KILL, kills),
        pod_placement=lives_of(front_a=lives, other=ALL),
    )

    found = memory_kills_of(tables, proxies_of(("shop", "front", "front-a")))

    assert list(found.columns) == ["namespace", "workload", "pod"]
    assert found["pod"].tolist() == (["front-a"] if counts else [])


def test_a_sidecar_without_a_request_is_neither_native_nor_not(tmp_path: Path) -> None:
    tables = tables_of(
        tmp_path,
        rows_of("a", NATIVE, {0: 0.1}),
        rows_of("c", KILL, ALL),
        proxy_reserved_vcpu=amounts_of(a={0: 0.1}, b={0: 0.1}),
    )
    proxies = proxies_of(*(("shop", "front", pod) for pod in "abc"))
    proxies.index = pd.Index([3, 5, 7])

    found = native_sidecars_of(tables, proxies)

    assert found.index.tolist() == [3, 5, 7]
    assert found.isna().tolist() == [False, False, True]
    assert found[[3, 5]].tolist() == [True, False]


def test_a_request_in_an_older_snapshot_does_not_show_of_what(tmp_path: Path) -> None:
    tables = Tables(
        make_snapshot(tmp_path / "old", {"proxy_reserved_vcpu": amounts_of(a={0: 0.1})})
    )

    assert pd.isna(native_sidecars_of(tables, proxies_of(("shop", "front", "a")))[0])


def test_requests_are_a_mean_over_pods_and_steps(tmp_path: Path) -> None:
    tables = tables_of(
        tmp_path, **{REQUESTS: amounts_of(a=ALL, b={2: 0.5, 3: 0.5}), "proxy_reserved_vcpu": []}
    )
    proxies = proxies_of(("shop", "front", "a"), ("shop", "front", "b"), ("shop", "back", "c"))

    (row,) = application_requests_of(tables, proxies).to_dict("records")

    assert (row["namespace"], row["workload"]) == ("shop", "front")
    assert row["application_reserved_vcpu"] == pytest.approx((4 * 1.0 + 2 * 0.5) / 6)


def test_an_older_snapshot_shows_nothing(tmp_path: Path) -> None:
    tables = Tables(make_snapshot(tmp_path / "old", {}))
    proxies = proxies_of(("shop", "front", "a"))

    assert memory_kills_of(tables, proxies).empty
    requests = application_requests_of(tables, proxies)
    assert requests.empty
    assert requests.columns[-1] == "application_reserved_vcpu"
    assert pd.isna(native_sidecars_of(tables, proxies)[0])
