"""Directions that proxies do not report, from tables written by hand."""

from pathlib import Path

import pandas as pd
import pytest

from analyzer.errors import InsufficientData
from analyzer.measurement.sides import Completed, completed, require_callers
from tests.measurement.attributed import placed, tables_of
from tests.measurement.snapshots import Rows, steady

CPU, BUILD, CALLS = "proxy_cpu_vcpu", "proxy_build", "mesh_requests_rps"
IN, OUT = "inbound_requests_rps", "outbound_requests_rps"
COUNTERS, BESIDE = "proxy_request_counters", "application_containers"


def pods(*names: str) -> dict[str, Rows]:
    """Return pods that are scraped, each with an application: "workload-number"."""
    found: dict[str, Rows] = {CPU: [], BUILD: [], BESIDE: [], "pod_placement": []}
    for name in names:
        found[CPU] = [*found[CPU], *steady(CPU, ("shop", name), 0.1)]
        found[BUILD] = [*found[BUILD], *steady(BUILD, ("shop", name, "proxy"), 20.0)]
        found[BESIDE] = [*found[BESIDE], *steady(BESIDE, ("shop", name), 1.0)]
        workload = name.rsplit("-", 1)[0]
        creator = ("ReplicaSet", f"{workload}-6c9f")
        found["pod_placement"] = [*found["pod_placement"], *placed(name, "1", creator=creator)]
    return found


def calls(reporter: str, source: str, target: str, rps: float) -> Rows:
    return steady(CALLS, (reporter, "shop", source, "shop", target), rps)


def of(found: Completed, name: str) -> dict[str, float]:
    """Return the mean of each pod."""
    frame: pd.DataFrame = found.tables[name]
    means = frame.groupby("pod")[name].sum() / 4
    return {str(pod): float(rps) for pod, rps in means.items()}


def received(pod: str, rps: float) -> Rows:
    return steady(IN, ("shop", pod, "shop", pod.rsplit("-", 1)[0]), rps)


def test_what_was_sent_follows_what_the_pods_received(tmp_path: Path) -> None:
    tables = pods("web-1", "web-2", "api-1")
    tables[IN] = [*received("web-1", 30.0), *received("web-2", 10.0), *received("api-1", 80.0)]
    tables[CALLS] = [*calls("destination", "web", "api", 80.0)]

    found = completed(tables_of(tmp_path, tables))
    assert of(found, OUT) == pytest.approx({"web-1": 60.0, "web-2": 20.0})
    assert set(found.added[OUT]["pod"]) == {"web-1", "web-2"}


def test_what_was_received_is_divided_equally(tmp_path: Path) -> None:
    tables = pods("web-1", "api-1", "api-2")
    tables[OUT] = steady(OUT, ("shop", "web-1", "shop", "web"), 50.0)
    tables[CALLS] = [*calls("source", "web", "api", 50.0)]

    assert of(completed(tables_of(tmp_path, tables)), IN) == {"api-1": 25.0, "api-2": 25.0}


def test_a_single_workload_may_be_bypassed(tmp_path: Path) -> None:
    """Its port may be one that goes around the sidecar: others of its namespace report."""
    tables = pods("web-1", "api-1", "cart-1")
    tables[OUT] = steady(OUT, ("shop", "web-1", "shop", "web"), 50.0)
    tables[IN] = received("cart-1", 20.0)
    tables[CALLS] = [
        *calls("source", "web", "api", 30.0),
        *calls("source", "web", "cart", 20.0),
        *calls("destination", "web", "cart", 20.0),
    ]

    assert completed(tables_of(tmp_path, tables)).added == {}


def test_a_pod_that_is_not_scraped_gets_nothing(tmp_path: Path) -> None:
    tables = pods("web-1", "web-2", "api-1")
    tables[BUILD] = [row for row in tables[BUILD] if row[2] != "web-2" or row[-2] in {0, 1}]
    tables[IN] = received("api-1", 80.0)
    tables[CALLS] = [*calls("destination", "web", "api", 80.0)]

    found = completed(tables_of(tmp_path, tables))
    assert of(found, OUT) == pytest.approx({"web-1": 60.0, "web-2": 20.0})


def test_without_a_reporter_each_side_has_half_of_a_sum(tmp_path: Path) -> None:
    tables = pods("web-1", "web-2", "api-1")
    tables[CALLS] = [*calls("", "web", "api", 80.0), *calls("", "unknown", "web", 10.0)]
    growth = (("web-1", 30.0), ("web-2", 20.0), ("api-1", 40.0))
    tables[COUNTERS] = [
        ("", "shop", pod, "", point, 600 * rps * (point + 1))
        for pod, rps in growth
        for point in range(4)
    ]

    found = completed(tables_of(tmp_path, tables))
    assert set(found.tables[CALLS]["reporter"]) == {"source", "destination"}
    assert of(found, IN)["api-1"] == pytest.approx(40)
    last = found.tables[OUT][found.tables[OUT]["time"] == found.tables[OUT]["time"].max()]
    assert dict(zip(last["pod"], last[OUT], strict=True)) == pytest.approx(
        {"web-1": 24.0, "web-2": 16.0}
    )


def test_a_mesh_that_reports_both_sides_is_left_as_it_is(tmp_path: Path) -> None:
    tables = pods("web-1", "api-1")
    tables[IN] = received("api-1", 80.0)
    tables[OUT] = steady(OUT, ("shop", "web-1", "shop", "web"), 80.0)
    tables[CALLS] = [
        *calls("source", "web", "api", 80.0),
        *calls("destination", "web", "api", 80.0),
    ]
    stored = tables_of(tmp_path, tables)

    assert completed(stored).tables is stored


@pytest.mark.parametrize(("reporter", "end"), [("destination", 2), ("source", 4)])
def test_one_side_without_names_of_the_other_gives_no_answer(
    reporter: str, end: int, tmp_path: Path
) -> None:
    labels = [reporter, "shop", "web", "shop", "api"]
    labels[end] = ""
    tables = {**pods("web-1"), CALLS: steady(CALLS, labels, 80.0)}

    with pytest.raises(InsufficientData, match="reporter="):
        require_callers(tables_of(tmp_path, tables))
