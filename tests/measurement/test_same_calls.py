"""A call that both sides report under two names of its destination is one call."""

import pandas as pd
import pytest

from analyzer.measurement.other_side import DESTINATION, SERVICE, SOURCE
from analyzer.measurement.same_calls import without_same

RPS = "mesh_requests_rps"
WEB, API = ("shop", "web"), ("pay", "api")
UNKNOWN, NOTHING = ("unknown", "unknown"), ("", "")
Row = tuple[str, tuple[str, str], tuple[str, str], tuple[str, str], float]
POINTS = 5


def reports(*rows: Row) -> pd.DataFrame:
    """Return reports: reporter, source, destination, service, requests in every step."""
    columns = ["reporter", *SOURCE, *DESTINATION, *SERVICE, "point", RPS]
    whole = [
        (who, *source, *target, *service, point, rps)
        for who, source, target, service, rps in rows
        for point in range(POINTS)
    ]
    return pd.DataFrame(whole, columns=columns)


def left(*rows: Row) -> dict[tuple[str, str, str], float]:
    """Return what is left of each reporter, caller and destination, in a step."""
    found = without_same(reports(*rows)).reports
    keys = [found["reporter"], found[SOURCE[1]], found[DESTINATION[1]]]
    sums: dict[tuple[str, str, str], float] = {}
    for who, source, target, rps in zip(*keys, found[RPS], strict=True):
        sums[who, source, target] = sums.get((who, source, target), 0.0) + rps / POINTS
    return {key: value for key, value in sums.items() if value > 0}


SERVED: Row = ("destination", WEB, API, API, 30.0)


def test_a_remote_call_counts_at_the_server() -> None:
    assert left(SERVED, ("source", WEB, UNKNOWN, API, 30.3)) == {
        ("destination", "web", "api"): 30.0
    }


def test_the_share_of_such_calls_is_known() -> None:
    found = without_same(
        reports(SERVED, ("destination", API, WEB, WEB, 10.0), ("source", WEB, UNKNOWN, API, 30.0))
    )

    assert found.share == pytest.approx(30 / 40)


def test_a_destination_outside_the_mesh_counts_at_the_client() -> None:
    away: Row = ("source", WEB, UNKNOWN, ("bank", "ledger"), 20.0)

    assert left(SERVED, ("source", WEB, API, API, 30.0), away) == {
        ("destination", "web", "api"): 30.0,
        ("source", "web", "api"): 30.0,
        ("source", "web", "unknown"): 20.0,
    }


def test_a_part_of_a_service_may_be_outside_the_mesh() -> None:
    found = left(SERVED, ("source", WEB, UNKNOWN, API, 60.0))

    assert found["source", "web", "unknown"] == pytest.approx(30)


def test_a_call_that_no_server_received_stays() -> None:
    """Every call of this client that succeeded is known: the others failed on the way."""
    failed: Row = ("source", WEB, UNKNOWN, API, 5.0)

    assert left(SERVED, ("source", WEB, API, API, 30.0), failed)["source", "web", "unknown"] == 5.0


def test_a_caller_that_the_server_does_not_know_is_matched_by_the_service() -> None:
    unnamed: Row = ("destination", UNKNOWN, API, API, 50.0)
    found = left(unnamed, ("source", WEB, UNKNOWN, API, 20.0))

    # The rest has unmeshed callers, and this part has one whose name is lost.
    assert found == pytest.approx(
        {("destination", "unknown", "api"): 30.0, ("destination", "", "api"): 20.0}
    )


def test_without_a_service_an_unknown_caller_is_no_client_of_the_mesh() -> None:
    unnamed: Row = ("destination", UNKNOWN, API, NOTHING, 50.0)
    away: Row = ("source", WEB, UNKNOWN, NOTHING, 20.0)

    assert left(unnamed, away)["source", "web", "unknown"] == 20.0


def test_the_cluster_that_reports_is_no_part_of_the_callers_name() -> None:
    served: Row = ("destination", ("west/shop", "web"), ("west/pay", "api"), API, 30.0)
    sent: Row = ("source", ("east/shop", "web"), ("east/pay", "api"), API, 30.0)

    assert left(served, sent) == {("destination", "web", "api"): 30.0}
