"""A call is counted once, whoever reports it."""

import pandas as pd
import pytest

from analyzer.measurement.calls import count_calls_once

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
    calls = count_calls_once(frame, meshed_namespaces=MESHED, whole_mesh=whole_mesh)
    assert list(calls.columns) == [*COLUMNS, "point", "rps"]
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

    calls = count_calls_once(frame, meshed_namespaces=MESHED, whole_mesh=True)
    assert calls[["point", "rps"]].to_numpy().tolist() == [[0, 3.0], [1, 4.0]]
