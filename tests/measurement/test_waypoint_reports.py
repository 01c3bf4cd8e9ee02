"""Old waypoints' requests are theirs, and a call through a waypoint counts once."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from analyzer.measurement.counted_once import Attached, count_calls_once
from analyzer.measurement.roles import proxy_table
from analyzer.measurement.tables import Tables
from analyzer.measurement.usage import measure
from analyzer.measurement.waypoint_reports import counted_at_one_side, with_waypoints_apart
from analyzer.units import Role
from tests.measurement.snapshots import Rows, make_snapshot, steady

CLIENT, SERVER = ("shop", "front"), ("shop", "cart")
WAYPOINT = ("shop", "l7")
PROXIES = pd.DataFrame(
    [(*CLIENT, Role.SIDECAR), (*SERVER, Role.SIDECAR), (*WAYPOINT, Role.WAYPOINT)],
    columns=["namespace", "workload", "role"],
)

Report = tuple[str, tuple[str, str], tuple[str, str], float]


def calls_of(*reports: Report) -> float:
    """Return how many calls some reports are."""
    columns = [
        "reporter", "source_workload_namespace", "source_workload",
        "destination_workload_namespace", "destination_workload", "point", "mesh_requests_rps",
    ]  # fmt: skip
    rows = [(reporter, *source, *to, 0, rps) for reporter, source, to, rps in reports]
    once = counted_at_one_side(pd.DataFrame(rows, columns=columns), PROXIES)
    found = count_calls_once(once, Attached(namespaces=frozenset({"shop"}), is_whole=True))
    return float(found["rps"].sum())


@pytest.mark.parametrize(
    "reports",
    [
        [("source", CLIENT, SERVER, 9.0), ("waypoint", CLIENT, SERVER, 9.0)],
        [
            ("source", CLIENT, SERVER, 9.0),
            ("waypoint", CLIENT, SERVER, 9.0),
            ("destination", CLIENT, SERVER, 9.0),
        ],
        [
            ("source", CLIENT, WAYPOINT, 9.0),
            ("waypoint", CLIENT, SERVER, 9.0),
            ("destination", WAYPOINT, SERVER, 9.0),
        ],
        # A third of the calls go to the workload directly.
        [
            ("source", CLIENT, SERVER, 9.0),
            ("waypoint", CLIENT, SERVER, 6.0),
            ("destination", CLIENT, SERVER, 3.0),
            ("destination", WAYPOINT, SERVER, 6.0),
        ],
        [("source", CLIENT, SERVER, 9.0), ("destination", CLIENT, SERVER, 9.0)],
    ],
    ids=["no sidecar behind", "same ends", "the waypoint as an end", "some past it", "without one"],
)
def test_a_call_that_three_proxies_report_counts_once(
    reports: Sequence[Report], request: pytest.FixtureRequest
) -> None:
    expected = 6.0 if "some past it" in request.node.name else 9.0

    assert calls_of(*reports) == pytest.approx(expected)


def old_mesh(*, behind: bool) -> dict[str, Rows]:
    """Return an old waypoint that sends 8 requests per second to a workload.

    `behind`: the workload has a sidecar, which reports them and 2 more, all from the client.
    """
    total = 10.0 if behind else 0.0
    tables: dict[str, Rows] = {
        "proxy_cpu_vcpu": [
            *steady("proxy_cpu_vcpu", ("shop", "l7-0"), 0.5),
            *steady("proxy_cpu_vcpu", ("shop", "cart-0"), 0.1),
        ],
        "application_containers": steady("application_containers", ("shop", "cart-0"), 1.0),
        "proxy_build": [
            *steady("proxy_build", ("shop", "l7-0", "proxy"), 10.0),
            *steady("proxy_build", ("shop", "cart-0", "proxy"), 10.0),
        ],
        "inbound_requests_rps": [
            *steady("inbound_requests_rps", ("shop", "l7-0", *SERVER), 8.0),
            *(steady("inbound_requests_rps", ("shop", "cart-0", *SERVER), total) if behind else ()),
        ],
        "proxy_request_counters": steady(
            "proxy_request_counters", ("shop", "l7-0", "destination"), 5000.0
        ),
        "mesh_requests_rps": steady(
            "mesh_requests_rps", ("destination", *CLIENT, *SERVER), 8.0 + total
        ),
    }
    return tables


def test_an_old_waypoints_requests_are_those_of_a_waypoint(tmp_path: Path) -> None:
    tables = Tables(make_snapshot(tmp_path / "snap", old_mesh(behind=True)))
    apart = with_waypoints_apart(tables, proxy_table(tables))

    assert set(apart["waypoint_requests_rps"]["pod"]) == {"l7-0"}
    assert set(apart["waypoint_requests_rps"]["waypoint_requests_rps"]) == {8.0}
    assert set(apart["inbound_requests_rps"]["pod"]) == {"cart-0"}
    assert set(apart["proxy_request_counters"]["reporter"]) == {"waypoint"}
    calls = apart["mesh_requests_rps"].groupby("reporter")["mesh_requests_rps"].sum() / 4
    assert calls.to_dict() == pytest.approx({"waypoint": 8.0, "destination": 10.0})
    # What is stored stays as it is.
    assert set(tables["inbound_requests_rps"]["pod"]) == {"cart-0", "l7-0"}


@pytest.mark.parametrize(("behind", "calls"), [(True, 10.0), (False, 8.0)])
def test_a_mesh_with_an_old_waypoint_counts_its_calls_once(
    behind: bool,  # noqa: FBT001 - a parameter of a test
    calls: float,
    tmp_path: Path,
) -> None:
    usage = measure(make_snapshot(tmp_path / "snap", old_mesh(behind=behind)))

    assert usage.calls["rps"].sum() / len(usage.observed_points) == pytest.approx(calls)
    assert usage.mean_total(Role.WAYPOINT, "proxy_rps") == pytest.approx(8.0)
    assert usage.mean_total(Role.SIDECAR, "inbound_rps") == pytest.approx(10.0 if behind else 0.0)


def test_tables_without_an_old_waypoint_stay_as_they_are(tmp_path: Path) -> None:
    name = "waypoint_requests_rps"
    rows = {name: steady(name, ("shop", "l7-0"), 1.0)}
    tables = Tables(make_snapshot(tmp_path / "snap", rows))

    assert with_waypoints_apart(tables, proxy_table(tables)) is tables
