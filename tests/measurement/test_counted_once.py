"""Whose report of a call counts, and what no report shows."""

from collections.abc import Sequence

import pandas as pd
import pytest

from analyzer.measurement.counted_once import Attached, count_calls_once
from analyzer.measurement.who_reports import REPORTS, Callee, Caller, is_counted

WEB, CART, OTHER = ("front", "web"), ("shop", "cart"), ("front", "other")
EGRESS, OUTSIDE = ("edge", "egress"), ("unknown", "unknown")
COLUMNS = [
    "reporter",
    "source_workload_namespace",
    "source_workload",
    "destination_workload_namespace",
    "destination_workload",
    "point",
    "mesh_requests_rps",
]
STEPS = 6

End = tuple[str, str]
Row = tuple[str, End, End, int, float]


def steady(
    reporter: str, source: End, target: End, rps: float, points: Sequence[int] = range(STEPS)
) -> list[Row]:
    return [(reporter, source, target, point, rps) for point in points]


def counted(
    rows: Sequence[Row],
    *,
    is_ambient: bool = True,
    gateways: Sequence[End] = (),
    sidecars: Sequence[tuple[End, int]] = (),
) -> dict[str, float]:
    """Return requests per second by whose report counts, as means over the steps."""
    frame = pd.DataFrame(
        [(who, *source, *target, point, rps) for who, source, target, point, rps in rows],
        columns=COLUMNS,
    )
    mesh = Attached(
        namespaces=frozenset({"front", "shop"}),
        is_whole=True,
        is_ambient=is_ambient,
        gateways=pd.DataFrame(gateways, columns=["namespace", "workload"]),
        sidecars=pd.DataFrame(
            [(*end, point) for end, point in sidecars], columns=["namespace", "workload", "point"]
        ),
    )
    sums = count_calls_once(frame, mesh).groupby("reporter")["rps"].sum() / STEPS
    return {str(reporter): rps for reporter, rps in sums.items() if rps > 0}


@pytest.mark.parametrize("ends", REPORTS, ids=" to ".join)
def test_no_more_than_one_report_of_a_call_counts(ends: tuple[Caller, Callee]) -> None:
    count = sum(report.counts for report in REPORTS[ends])

    assert count == (1 if REPORTS[ends] else 0)
    assert is_counted(*ends) == bool(count)


def test_a_waypoint_that_reports_some_clients_does_not_hide_the_others() -> None:
    found = counted(
        [
            *steady("waypoint", ("calm", "client"), CART, 50.0),
            *steady("source", WEB, CART, 70.0),
            *steady("source", ("edge", "ingress"), CART, 60.0),
        ]
    )

    assert found == pytest.approx({"waypoint": 50.0, "source": 130.0})


def test_a_waypoint_to_a_host_outside_the_mesh_does_not_hide_the_calls_of_sidecars() -> None:
    found = counted(
        [
            *steady("waypoint", ("calm", "client"), OUTSIDE, 5.0),
            *steady("source", WEB, OUTSIDE, 7.0),
        ]
    )

    assert found == pytest.approx({"waypoint": 5.0, "source": 7.0})


@pytest.mark.parametrize(
    ("handled", "expected"),
    [
        (40.0, {"waypoint": 40.0}),
        (38.0, {"waypoint": 38.0}),
        (20.0, {"waypoint": 20.0, "source": 40.0}),
    ],
)
def test_a_client_sent_through_a_waypoint_counts_there(
    handled: float, expected: dict[str, float]
) -> None:
    """Unless the waypoint reports another number: those are the client's pods without sidecars."""
    rows = [*steady("source", WEB, CART, 40.0), *steady("waypoint", WEB, CART, handled)]

    assert counted(rows) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("passed_on", "expected"),
    [(44.0, 44.0), (60.0, 60.0), (11.0, 44.0)],
    ids=["all", "more", "part"],
)
def test_a_call_that_a_gateway_passes_on_is_one(passed_on: float, expected: float) -> None:
    rows = [*steady("source", WEB, EGRESS, 44.0), *steady("source", EGRESS, OUTSIDE, passed_on)]

    assert counted(rows, gateways=[EGRESS]) == pytest.approx({"source": expected})
    assert counted(rows) == pytest.approx({"source": 44.0 + passed_on})


def test_a_server_that_lost_its_sidecars_counts_at_its_clients_from_then_on() -> None:
    rows = [
        *steady("source", WEB, CART, 40.0),
        *steady("destination", WEB, CART, 40.0, range(3)),
        # It moves in the middle of this step.
        *steady("destination", WEB, CART, 10.0, [3]),
    ]

    assert counted(rows) == pytest.approx({"destination": 130 / STEPS, "source": 110 / STEPS})


def test_a_server_whose_sidecars_are_there_without_requests_has_not_moved() -> None:
    rows = [*steady("source", WEB, CART, 1.0), *steady("destination", WEB, CART, 1.0, range(5))]

    found = counted(rows, sidecars=[(CART, point) for point in range(STEPS)])
    assert found == pytest.approx({"destination": 5 / STEPS})


@pytest.mark.parametrize(
    ("others", "is_ambient", "expected"),
    [
        (20.0, True, 90.0),
        (0.0, True, 60.0),
        (20.0, False, 60.0),
    ],
    ids=["all clients in the same way", "clients that differ", "no ambient"],
)
def test_pods_of_a_server_without_sidecars_take_the_same_part_of_each_clients_calls(
    others: float,
    is_ambient: bool,  # noqa: FBT001 - a parameter of a test
    expected: float,
) -> None:
    rows = [
        *steady("source", WEB, CART, 60.0),
        *steady("destination", WEB, CART, 40.0),
        *steady("source", OTHER, CART, 10.0 + others),
        *steady("destination", OTHER, CART, 20.0),
    ]

    assert sum(counted(rows, is_ambient=is_ambient).values()) == pytest.approx(expected)
