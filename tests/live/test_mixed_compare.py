"""A mesh before and after some namespaces moved: requests that no proxy counts are no decline."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import measure
from analyzer.measurement.who_reports import Callee, Caller
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.live.command import run
from tests.support import PrometheusServer, remote_write
from tests.support.attached import Called, attached_series, counted, later

pytestmark = pytest.mark.live

_START = datetime(2025, 4, 7, 10, tzinfo=UTC)
_HOURS = 4.0

_WEB, _CART, _API, _BOOKS, _SINK = (
    "front/web", "shop/cart", "pay/api", "pay/books", "log/sink",
)  # fmt: skip
_EDGES: Mapping[tuple[str, str], float] = {
    ("", _WEB): 200.0,
    ("", _API): 60.0,
    ("", _CART): 35.0,
    (_WEB, _CART): 120.0,
    (_WEB, _API): 70.0,
    (_WEB, _SINK): 30.0,
    (_API, _BOOKS): 90.0,
    (_API, _CART): 40.0,
    (_API, _SINK): 20.0,
    (_API, ""): 10.0,
}
"""Requests per second; the caller "" is the gateway, and the callee "" a host outside the mesh."""

_MOVED = {_API: Callee.WAYPOINT, _BOOKS: Callee.WAYPOINT, _SINK: Callee.AMBIENT}


def _calls(moved: Mapping[str, Callee], factor: float = 1.0) -> tuple[Called, ...]:
    return tuple(_call(edge, moved, factor) for edge in _EDGES)


def _call(edge: tuple[str, str], moved: Mapping[str, Callee], factor: float) -> Called:
    source, destination = edge
    caller = Caller.AMBIENT if source in moved else Caller.SIDECAR
    callee = moved.get(destination, Callee.SIDECAR)
    return Called(
        caller=caller if source else Caller.GATEWAY,
        callee=callee if destination else Callee.OUTSIDE,
        caller_pods=source,
        callee_pods=destination,
        rps=factor * _EDGES[edge],
    )


_UNKNOWN_PASSES = 2 * 20.0 + 10.0
"""Of pay/api: its calls to log/sink pass a ztunnel at each end, those out of the mesh one."""

_PASSES = sum(rps * sum(end in _MOVED for end in edge) for edge, rps in _EDGES.items())

_MESHES = {
    "before": _calls({}),
    "after": _calls(_MOVED),
    "doubled": _calls(_MOVED, 2.0),
    "half a workload": (
        *(replace(call, rps=call.rps / 2) if _CART in call.callee_pods else call
          for call in _calls(_MOVED)),
        *(
            replace(call, rps=call.rps / 2, callee=Callee.AMBIENT)
            for call in _calls(_MOVED)
            if _CART in call.callee_pods
        ),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("mixed-compare")
    with PrometheusServer(folder / "server") as server:
        for number, (name, calls) in enumerate(_MESHES.items()):
            series = attached_series(
                calls, later(_START, number), _HOURS, waves=3, ztunnels=name != "before"
            )
            remote_write.write(f"{server.url}/api/v1/write", series)
        with Connection(Access(url=server.url)) as source:
            for number, name in enumerate(_MESHES):
                start = later(_START, number)
                end = start + timedelta(hours=_HOURS)
                ask = Ask(source=server.url, start=start, end=end)
                collect_snapshot(source, ask, folder / name, now=end)
    return {name: folder / name for name in _MESHES}


def _compared(snapshots: Mapping[str, Path], after: str) -> dict[str, Any]:
    outcome = run("compare", snapshots["before"], snapshots[after], "--format", "json")
    assert outcome.status == 0, outcome.stderr
    return outcome.document


def _component(answer: dict[str, Any], role: str) -> dict[str, Any]:
    (found,) = [item for item in answer["components"] if item["role"] == role]
    return dict(found)


@pytest.mark.parametrize("name", ["before", "after", "doubled"])
def test_each_call_that_a_proxy_reports_counts_once(
    name: str, snapshots: Mapping[str, Path]
) -> None:
    usage = measure(load_snapshot(snapshots[name]))

    rps = usage.calls["rps"].sum() / len(usage.observed_points)
    assert rps == pytest.approx(sum(counted(_MESHES[name]).values()), rel=0.003)


def test_requests_that_no_proxy_counts_are_no_decline(snapshots: Mapping[str, Path]) -> None:
    answer = _compared(snapshots, "after")
    ztunnel = _component(answer, "ztunnel")
    (pay,) = [item for item in answer["namespaces"] if item["namespace"] == "pay"]
    (waypoint,) = [item for item in pay["components"] if item["role"] == "waypoint"]

    assert ztunnel["before_rps"] == pytest.approx(_PASSES, rel=0.003)
    assert ztunnel["after_rps"] == pytest.approx(_PASSES, rel=0.003)
    assert ztunnel["parts_vcpu"]["traffic"] == pytest.approx(0.0, abs=1e-4)
    assert waypoint["before_rps"] == pytest.approx(90.0, rel=0.003)
    assert waypoint["after_rps"] == pytest.approx(90.0, rel=0.003)
    (warning,) = [one for one in answer["warnings"] if one.startswith("[IU502]")]
    assert f"{_UNKNOWN_PASSES / _PASSES:.0%}".replace("%", " %") in warning


def test_traffic_that_doubled_has_doubled_where_it_is_counted(
    snapshots: Mapping[str, Path],
) -> None:
    ztunnel = _component(_compared(snapshots, "doubled"), "ztunnel")

    expected = 2 * _PASSES - _UNKNOWN_PASSES
    assert ztunnel["after_rps"] == pytest.approx(expected, rel=0.003)


def test_a_workload_that_moved_in_part_is_named(snapshots: Mapping[str, Path]) -> None:
    answers = {name: _compared(snapshots, name) for name in ("after", "half a workload")}

    named = {
        name: [one for one in answer["warnings"] if one.startswith("[IU506]")]
        for name, answer in answers.items()
    }
    assert (len(named["after"]), len(named["half a workload"])) == (0, 1)


def test_that_ztunnels_count_no_requests_is_stated(snapshots: Mapping[str, Path]) -> None:
    found = {
        name: {one.name for one in measure(load_snapshot(path)).findings}
        for name, path in snapshots.items()
    }

    assert "ztunnel_requests_unknown" not in found["before"]
    assert "ztunnel_requests_unknown" in found["after"]
