"""Answers that hold a part of what another answer about the same things holds."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzer.data import sample_path
from analyzer.measurement.findings import Bias, Severity
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import measure
from tests.measurement.flawed import POINTS, SCRAPES, Seen, call, found
from tests.measurement.snapshots import Rows

PODS = [f"p-{number}" for number in range(20)]
PROXIES = [Seen(pod=f"shop/{pod}") for pod in PODS]
NAMES = {"unmatched_cpu_requests", "partial_memory", "partial_calls"}


def of_pods(name: str, pods: Sequence[str], namespace: str = "shop") -> dict[str, Rows]:
    return {name: [("", namespace, pod, at, 0.1) for pod in pods for at in range(POINTS)]}


@pytest.mark.parametrize("sample", ["lab", "fleet"])
def test_nothing_is_partial_in_a_sample(sample: str) -> None:
    usage = measure(load_snapshot(sample_path(sample)))

    assert {finding.name for finding in usage.findings} & NAMES == set()


@pytest.mark.parametrize(
    ("rows", "severity"),
    [
        (of_pods("proxy_reserved_vcpu", [f"{pod}-x" for pod in PODS]), Severity.SERIOUS),
        (of_pods("proxy_reserved_vcpu", PODS, "monitoring"), Severity.SERIOUS),
        (
            of_pods("proxy_reserved_vcpu", [*PODS[3:], *(f"{pod}-x" for pod in PODS[:3])]),
            Severity.WARNING,
        ),
    ],
    ids=["other pods", "another namespace", "some pods"],
)
def test_cpu_requests_of_other_names_are_found(
    rows: dict[str, Rows], severity: Severity, tmp_path: Path
) -> None:
    finding = found(tmp_path, PROXIES, rows)["unmatched_cpu_requests"]

    assert finding.severity is severity
    assert finding.bias is Bias.TOO_LOW
    assert set(finding.affected) <= {f"shop/{pod}" for pod in PODS}


@pytest.mark.parametrize(
    "pods",
    [PODS, PODS[5:], [*PODS, "done-1", "done-2", "done-3"], [*PODS[1:], "done-1"], []],
    ids=["all", "some have none", "pods that never ran", "one of each", "none asked"],
)
def test_proxies_without_a_request_and_pods_without_cpu_are_usual(
    pods: list[str], tmp_path: Path
) -> None:
    rows = of_pods("proxy_reserved_vcpu", pods)

    assert found(tmp_path, PROXIES, rows).keys() & NAMES == set()


@pytest.mark.parametrize(
    ("count", "is_found"), [(20, False), (19, False), (16, True), (1, True), (0, False)]
)
def test_memory_of_some_proxies_is_partial(count: int, is_found: object, tmp_path: Path) -> None:
    named = found(tmp_path, PROXIES, of_pods("proxy_memory_bytes", PODS[:count]))

    assert ("partial_memory" in named) is is_found


@pytest.mark.parametrize(("scrapes", "is_found"), [(SCRAPES, True), (SCRAPES / 2, False)])
def test_brief_pods_are_at_the_end_of_no_step_where_memory_is_asked_for(
    scrapes: float, is_found: object, tmp_path: Path
) -> None:
    brief = [Seen(pod=f"shop/brief-{at}", points=[at], scrapes=scrapes) for at in range(1, 5)]
    named = found(tmp_path, [*PROXIES, *brief], of_pods("proxy_memory_bytes", PODS))

    assert ("partial_memory" in named) is is_found


def calls(*rates: float) -> dict[str, Rows]:
    rows = call("destination", ("shop", "web"))["mesh_requests_rps"]
    kept = [(*row[:-1], rate) for row, rate in zip(rows, rates, strict=True) if rate]
    return {"mesh_requests_rps": kept}


@pytest.mark.parametrize(
    ("rates", "steps"),
    [
        ([2000.0] * 6, 0),
        ([2000.0, 0, 2000, 2000, 2000, 2000], 1),
        ([2000.0, 1500, 2000, 2000, 0, 2000], 2),
        ([1000.0, 990, 1010, 1000, 900, 1000], 0),
        # Of most intervals the usual part is not known.
        ([0, 0, 0, 0, 2000.0, 2000], 0),
    ],
    ids=["whole", "one absent", "one half", "noise", "most absent"],
)
def test_calls_that_are_missing_in_few_intervals_are_found(
    rates: list[float], steps: int, tmp_path: Path
) -> None:
    finding = found(tmp_path, PROXIES, calls(*rates)).get("partial_calls")

    assert (finding is not None) == bool(steps)
    if finding is not None:
        assert finding.time_share == pytest.approx(steps / POINTS)
        assert finding.bias is Bias.TOO_LOW
