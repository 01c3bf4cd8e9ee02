"""Every combination of caller and callee in a mesh of several modes: each call counts once."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.measurement.who_reports import REPORTS, Callee, Caller
from analyzer.projection.demand import mesh_load
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.live.chosen import asked_for
from tests.support import PrometheusServer, remote_write
from tests.support.attached import Called, End, attached_series, counted, later

pytestmark = [pytest.mark.live, pytest.mark.few(3)]

_START = datetime(2025, 3, 3, 10, tzinfo=UTC)
_HOURS = 1.0
_EXACT = 1e-3
"""Counters are whole numbers: a rate of 10 over five minutes is right to 0.03 %."""

_AT_A_MOVE = 5e-3
"""Prometheus extends the rate of a series that begins or ends within a step."""

_CELLS = tuple(
    Called(caller=caller, callee=callee, rps=20.0 + 3 * number)
    for number, (caller, callee) in enumerate(REPORTS)
)


_STAYED = Called(
    caller=Caller.SIDECAR, callee=Callee.SIDECAR, caller_pods="bank/teller",
    callee_pods="bank/ledger", rps=11.0,
)  # fmt: skip
"""Beside each combination, so that no mesh is without requests."""


def _between(caller: Caller, callee: Callee, rps: float, *, part: int | None = None) -> Called:
    """Return calls between two workloads that are attached in several ways; by half of the time."""
    begin, end = (0.0, 1.0) if part is None else (0.5 * part, 0.5 * part + 0.5)
    return Called(
        caller=caller, callee=callee, rps=rps, begin=begin, end=end,
        caller_pods="" if caller == Caller.GATEWAY else "mix/web", callee_pods="mix/cart",
    )  # fmt: skip


_SHAPES: Mapping[str, tuple[Called, ...]] = {
    "a server that moves midway": (
        _between(Caller.SIDECAR, Callee.SIDECAR, 40.0, part=0),
        _between(Caller.SIDECAR, Callee.WAYPOINT, 40.0, part=1),
        _between(Caller.GATEWAY, Callee.SIDECAR, 30.0, part=0),
        _between(Caller.GATEWAY, Callee.WAYPOINT, 30.0, part=1),
    ),
    "a client that moves midway": (
        _between(Caller.SIDECAR, Callee.WAYPOINT, 40.0, part=0),
        _between(Caller.AMBIENT, Callee.WAYPOINT, 40.0, part=1),
    ),
    "new pods of a server without sidecars": (
        _between(Caller.SIDECAR, Callee.SIDECAR, 40.0),
        _between(Caller.SIDECAR, Callee.AMBIENT, 20.0),
        _between(Caller.GATEWAY, Callee.SIDECAR, 30.0),
        _between(Caller.GATEWAY, Callee.AMBIENT, 15.0),
    ),
    "new pods of a client without sidecars": (
        _between(Caller.SIDECAR, Callee.WAYPOINT, 40.0),
        _between(Caller.AMBIENT, Callee.WAYPOINT, 60.0),
    ),
}
"""Of workloads that are attached in more than one way."""

_ONE_PAIR: Mapping[str, tuple[Called, ...]] = {
    f"{one.caller} to {one.callee}": (one, _STAYED) for one in _CELLS
}
_SCENES: Mapping[str, tuple[Called, ...]] = {
    **_ONE_PAIR,
    **{name: (*calls, _STAYED) for name, calls in _SHAPES.items()},
    "all together": (*_CELLS, _STAYED),
}


def _usages(folder: Path, scenes: Mapping[str, tuple[Called, ...]]) -> Iterator[MeshUsage]:
    """Store meshes in a server, each on days of its own, and measure each."""
    with PrometheusServer(folder / "server") as server:
        for number, calls in enumerate(scenes.values()):
            series = attached_series(calls, later(_START, number), _HOURS)
            remote_write.write(f"{server.url}/api/v1/write", series)
        with Connection(Access(url=server.url)) as source:
            for number in range(len(scenes)):
                start = later(_START, number)
                end = start + timedelta(hours=_HOURS)
                ask = Ask(source=server.url, start=start, end=end)
                yield measure(collect_snapshot(source, ask, folder / f"{number}", now=end))


@pytest.fixture(scope="module")
def usages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, MeshUsage]:
    folder, wanted = tmp_path_factory.mktemp("mixed"), asked_for(request, "name")
    scenes = {name: calls for name, calls in _SCENES.items() if name in wanted}
    return dict(zip(scenes, _usages(folder, scenes), strict=True))


def _calls(usage: MeshUsage) -> dict[tuple[End, End], float]:
    sums = usage.calls.groupby(
        [
            "source_workload_namespace",
            "source_workload",
            "destination_workload_namespace",
            "destination_workload",
        ]
    )["rps"].sum()
    points = len(usage.observed_points)
    ends = sums.index.to_frame(index=False).itertuples(index=False, name=None)
    return {
        ((one[0], one[1]), (one[2], one[3])): rps / points
        for one, rps in zip(ends, sums, strict=True)
        if rps > 0
    }


def test_the_table_has_every_combination() -> None:
    local = [one for one in Caller if "cluster" not in one and one != Caller.GATEWAY_TO_WAYPOINT]

    assert {(caller, callee) for caller in local for callee in Callee} <= {*REPORTS}


@pytest.mark.parametrize("name", _SCENES)
def test_each_call_counts_once(name: str, usages: Mapping[str, MeshUsage]) -> None:
    expected = counted(_SCENES[name])

    rps = mesh_load(usages[name]).mesh_rps
    assert rps == pytest.approx(
        sum(expected.values()), rel=_AT_A_MOVE if name in _SHAPES else _EXACT
    )


@pytest.mark.parametrize("name", [name for name in _ONE_PAIR if "cluster" not in name])
def test_each_call_counts_between_its_ends(name: str, usages: Mapping[str, MeshUsage]) -> None:
    assert _calls(usages[name]) == pytest.approx(counted(_SCENES[name]), rel=_EXACT)
