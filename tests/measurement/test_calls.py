"""Calls are those that proxies handled: without impossible steps, and with unseen ones."""

import pandas as pd
import pytest

from analyzer.measurement.calls import corrected
from analyzer.units import Role

FRONT, WEB = ("shop", "front"), ("shop", "web")
OUTSIDE = ("unknown", "unknown")
COLUMNS = [
    "reporter",
    "source_workload_namespace",
    "source_workload",
    "destination_workload_namespace",
    "destination_workload",
    "point",
    "mesh_requests_rps",
]
PROXIES = pd.DataFrame(
    [
        ("shop", "web-1", "web", Role.SIDECAR),
        ("shop", "front-1", "front", Role.SIDECAR),
        ("shop", "way-1", "way", Role.WAYPOINT),
    ],
    columns=["namespace", "pod", "workload", "role"],
)
Pair = tuple[tuple[str, str], tuple[str, str]]


def reports(*rows: tuple[str, tuple[str, str], tuple[str, str], int, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(who, *source, *target, point, rps) for who, source, target, point, rps in rows],
        columns=COLUMNS,
    )


def steps(column: str, proxy: int, *values: float) -> pd.DataFrame:
    """Return the step table of one proxy."""
    rows = pd.DataFrame({"proxy": proxy, "point": range(len(values)), column: values})
    return rows.reindex(
        columns=["proxy", "point", "inbound_rps", "outbound_rps", "proxy_rps"]
    ).fillna(0.0)


def rates(found: pd.DataFrame, reporter: str, point: int) -> dict[str, float]:
    """Return calls by their source, as one side reports them in a step."""
    rows = found[(found["reporter"] == reporter) & (found["point"] == point)]
    return dict(zip(rows["source_workload"], rows["mesh_requests_rps"], strict=True))


USUAL = (("destination", FRONT, WEB, 0, 30.0), ("destination", OUTSIDE, WEB, 0, 10.0))


def test_an_impossible_step_is_scaled_to_what_the_workload_handled() -> None:
    found = corrected(
        reports(
            *USUAL, ("destination", FRONT, WEB, 1, 7990.0), ("destination", OUTSIDE, WEB, 1, 10.0)
        ),
        steps("inbound_rps", 0, 40.0, 8000.0),
        steps("inbound_rps", 0, 40.0, 40.0),
        PROXIES,
    )

    assert rates(found, "destination", 0) == {"front": 30.0, "unknown": 10.0}
    assert sum(rates(found, "destination", 1).values()) == pytest.approx(40)


def test_a_dark_step_is_divided_as_the_known_ones_are() -> None:
    found = corrected(
        reports(*USUAL),
        steps("inbound_rps", 0, 40.0, 0.0),
        steps("inbound_rps", 0, 40.0, 60.0),
        PROXIES,
    )

    assert rates(found, "destination", 1) == pytest.approx({"front": 45.0, "unknown": 15.0})


def test_what_the_callers_report_in_a_dark_step_is_preferred() -> None:
    found = corrected(
        reports(*USUAL, ("source", FRONT, WEB, 1, 70.0)),
        steps("inbound_rps", 0, 40.0, 0.0),
        steps("inbound_rps", 0, 40.0, 80.0),
        PROXIES,
    )

    assert rates(found, "destination", 1) == pytest.approx({"front": 70.0, "unknown": 10.0})
    assert rates(found, "source", 1) == {"front": 70.0}


def test_calls_out_of_the_mesh_follow_their_source() -> None:
    found = corrected(
        reports(("source", FRONT, OUTSIDE, 0, 5.0), ("source", FRONT, OUTSIDE, 1, 9000.0)),
        steps("outbound_rps", 1, 5.0, 9000.0),
        steps("outbound_rps", 1, 5.0, 6.0),
        PROXIES,
    )

    assert rates(found, "source", 1) == pytest.approx({"front": 6.0})


def test_a_waypoint_is_in_the_namespace_of_its_calls() -> None:
    away = ("away", "store")
    found = corrected(
        reports(("waypoint", FRONT, WEB, 0, 9000.0), ("waypoint", FRONT, away, 0, 50.0)),
        steps("proxy_rps", 2, 9000.0),
        steps("proxy_rps", 2, 40.0),
        PROXIES,
    )

    rows = found.set_index("destination_workload")["mesh_requests_rps"]
    assert rows.to_dict() == pytest.approx({"web": 40.0, "store": 50.0})


def test_where_nothing_was_changed_reports_stay() -> None:
    usual = reports(*USUAL, ("gateway", FRONT, WEB, 0, 1.0))
    same = steps("inbound_rps", 0, 40.0)

    found = corrected(usual, same, same, PROXIES)
    pd.testing.assert_frame_equal(
        found.sort_values(COLUMNS, ignore_index=True),
        usual.sort_values(COLUMNS, ignore_index=True),
    )
