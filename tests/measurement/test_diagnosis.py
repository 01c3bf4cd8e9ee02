"""Every metric is looked for, and what is missing comes with what would mend it."""

from datetime import UTC, datetime, timedelta

import pytest

from analyzer.measurement.diagnosis import Status, diagnose
from analyzer.measurement.survey import MENDING
from analyzer.prometheus.promql import Scope
from tests.measurement.sources import ALL_METRICS, Surveyed

END = datetime(2024, 5, 14, 12, tzinfo=UTC)
START = END - timedelta(days=1)


def test_a_whole_mesh_can_be_answered() -> None:
    found = diagnose(Surveyed(), Scope(), START, END)

    assert found.can_answer
    assert {check.status for check in found.checks} == {Status.OK}
    assert [check.subject for check in found.checks] == [*MENDING, "scrape intervals"]
    assert found.checks[-1].detail == "CPU 60 s, requests 60 s: steps of 600 s"


@pytest.mark.parametrize("name", MENDING)
def test_what_is_missing_is_told_with_what_mends_it(name: str) -> None:
    counts = {metric: count for metric, count in ALL_METRICS.items() if metric != name}
    found = diagnose(Surveyed(series_counts=counts), Scope(), START, END)

    missing = [check for check in found.checks if check.status is Status.MISSING]
    assert [(check.subject, check.detail) for check in missing] == [(name, MENDING[name])]
    essential = name in {"container_cpu_usage_seconds_total", "istio_requests_total"}
    assert found.can_answer != essential
    assert found.verdict.startswith("Cannot answer: this Prometheus has no") == essential


def test_a_diagnosis_is_json() -> None:
    found = diagnose(Surveyed(total_rps=0.0), Scope(), START, END).to_json()

    assert found["can_answer"] is False
    assert "did not grow" in found["verdict"]
    assert found["checks"][0] == {
        "subject": "container_cpu_usage_seconds_total",
        "status": "ok",
        "detail": "10 series",
    }
