"""Rates that no proxy can have are unknown; rates that it can have stay, however high."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from analyzer.measurement.findings import Bias, Severity
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.units import Role
from tests.measurement.snapshots import STEP_SECONDS, Rows, make_snapshot, steady

CPU, IN, OUT = "proxy_cpu_vcpu", "inbound_requests_rps", "outbound_requests_rps"
WAYPOINT, TCP, MEMORY = "waypoint_requests_rps", "proxy_tcp_bytes_per_second", "proxy_memory_bytes"
CALLS, COUNTER, REQUESTS = (
    "mesh_requests_rps",
    "proxy_cpu_counter_seconds",
    "proxy_request_counters",
)
LIMIT, MEMORY_LIMIT = "proxy_limit_vcpu", "proxy_limit_memory_bytes"
NODE, PLACE = "node_allocatable_vcpu", "pod_placement"

POINTS, BAD = 24, 11
PODS = [("shop", name) for name in ("a", "b", "c")]
A = PODS[0]
INTO_WEB = ("source", "shop", "front", "shop", "web")

VCPU, RPS = 0.05, 100.0


def changed(rows: Rows, values: Mapping[int, float]) -> Rows:
    """Return the rows of one series with other values at some points."""
    return [(*row[:-1], values.get(int(row[-2]), row[-1])) for row in rows]


def web(name: str, value: float, values: Mapping[int, float], *more: str) -> Rows:
    """Return a table of three pods of one workload; the first has other values at some points."""
    first, *rest = (steady(name, (*pod, *more), value, points=POINTS) for pod in PODS)
    return [*changed(first, values), *(row for rows in rest for row in rows)]


def measured(folder: Path, **tables: Rows) -> MeshUsage:
    """Return three pods that are always the same, but for these tables."""
    usual = {
        CPU: web(CPU, VCPU, {}),
        IN: web(IN, RPS, {}, "shop", "web"),
        "proxy_build": web("proxy_build", 10.0, {}, "proxy"),
    }
    return measure(make_snapshot(folder / "snap", {**usual, **tables}, points=POINTS))


def totals(usage: MeshUsage) -> tuple[float, float]:
    cpu, rps = (usage.mean_total(Role.SIDECAR, name) for name in ("cpu_vcpu", "proxy_rps"))
    return cpu or 0.0, rps or 0.0


def unknown(usage: MeshUsage, column: str) -> list[tuple[int, int]]:
    rows = usage.steps[usage.steps[column].isna()]
    return list(zip(rows["proxy"], rows["point"], strict=True))


RIGHT = pytest.approx((3 * VCPU, 3 * RPS))


# --- CPU ---


@pytest.mark.parametrize("vcpu", [4.0, 60.0, 5e6], ids=["small", "whole life", "absurd"])
def test_cpu_far_above_the_proxys_own_without_more_requests_is_unknown(
    vcpu: float, tmp_path: Path
) -> None:
    usage = measured(tmp_path, **{CPU: web(CPU, VCPU, {BAD: vcpu})})

    assert unknown(usage, "cpu_vcpu") == [(0, BAD)]
    assert totals(usage) == RIGHT
    (finding,) = (item for item in usage.findings if item.name == "impossible_cpu")
    assert finding.affected == ("shop/a",)
    assert finding.severity is Severity.WARNING
    assert finding.time_share == pytest.approx(1 / (3 * POINTS))
    assert finding.cpu_share == pytest.approx(1 / (3 * POINTS))
    assert finding.bias is Bias.NONE


def test_a_burst_of_cpu_with_its_requests_stays(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        **{
            CPU: web(CPU, VCPU, {BAD: 2.0}),
            IN: web(IN, RPS, {BAD: 5000.0}, "shop", "web"),
        },
    )

    assert unknown(usage, "cpu_vcpu") == unknown(usage, "proxy_rps") == []
    assert not any("impossible" in finding.name for finding in usage.findings)


def test_bursts_at_the_border_of_two_steps_stay(tmp_path: Path) -> None:
    """Requests are in the one, their CPU is in the other, and the callers see both."""
    calls = changed(steady(CALLS, INTO_WEB, 2.0, points=POINTS), {BAD - 1: 2000.0, BAD: 3000.0})
    usage = measured(
        tmp_path,
        **{
            CPU: web(CPU, 0.01, {BAD: 2.0}),
            IN: web(IN, 1.0, {BAD - 1: 5000.0}, "shop", "web"),
            CALLS: calls,
        },
    )

    assert unknown(usage, "cpu_vcpu") == unknown(usage, "proxy_rps") == []


@pytest.mark.parametrize(("vcpu", "is_unknown"), [(0.12, False), (0.13, True)])
def test_no_proxy_exceeds_its_limit_but_for_old_samples(
    vcpu: float, tmp_path: Path, *, is_unknown: bool
) -> None:
    usage = measured(tmp_path, **{CPU: web(CPU, VCPU, {BAD: vcpu}), LIMIT: web(LIMIT, 0.1, {})})

    assert unknown(usage, "cpu_vcpu") == ([(0, BAD)] if is_unknown else [])


@pytest.mark.parametrize(("node", "is_unknown"), [("large", False), ("small", True), ("", False)])
def test_no_proxy_exceeds_its_node(node: str, tmp_path: Path, *, is_unknown: bool) -> None:
    """Where the node is not known, the largest of the cluster counts. All pods burst alike."""
    placed = [
        ("", *pod, node, "10.0.0.1", "ReplicaSet", "web-1", point, 1.0)
        for pod in PODS
        for point in range(POINTS)
    ]
    sizes = [*steady(NODE, ("small",), 4.0, points=24), *steady(NODE, ("large",), 64.0, points=24)]
    busy = dict.fromkeys(range(POINTS), 5.5)
    usage = measured(
        tmp_path,
        **{CPU: web(CPU, VCPU, busy), PLACE: placed if node else [], NODE: sizes},
    )

    assert bool(unknown(usage, "cpu_vcpu")) is is_unknown


def counter(name: str, rate: float, *more: str) -> Rows:
    """Return the counters of three pods at the end of each step, as if nothing was wrong."""
    rows: list[tuple[str | float, ...]] = []
    for pod in PODS:
        for *labels, point, _ in steady(name, (*pod, *more), 1.0, points=POINTS):
            rows.append((*labels, point, rate * STEP_SECONDS * (int(point) + 1)))
    return rows


def test_a_fall_that_a_counter_shows_makes_its_step_unknown(tmp_path: Path) -> None:
    """A young counter adds little, which a proxy could use: only the counter shows it."""
    usage = measured(
        tmp_path,
        **{CPU: web(CPU, VCPU, {BAD: 0.45}), COUNTER: counter(COUNTER, VCPU, "istio-proxy")},
    )

    assert unknown(usage, "cpu_vcpu") == [(0, BAD)]
    assert totals(usage) == RIGHT


@pytest.mark.parametrize(("before", "steps"), [(0.06, [BAD]), (0.3, [BAD - 1, BAD])])
def test_the_step_before_a_fall_is_unknown_too_if_the_counter_jumped_there(
    before: float, steps: Sequence[int], tmp_path: Path
) -> None:
    usage = measured(
        tmp_path,
        **{
            CPU: web(CPU, VCPU, {BAD - 1: before, BAD: 0.45}),
            COUNTER: counter(COUNTER, VCPU, "istio-proxy"),
        },
    )

    assert unknown(usage, "cpu_vcpu") == [(0, step) for step in steps]


def test_an_impossible_step_takes_no_part_in_a_fit(tmp_path: Path) -> None:
    usage = measured(tmp_path, **{CPU: web(CPU, VCPU, {BAD: 60.0})})

    assert usage.steps["cpu_vcpu"].max() == VCPU
    assert usage.filled["cpu_vcpu"].max() == pytest.approx(VCPU)


# --- requests ---


def test_requests_that_the_callers_do_not_report_are_unknown(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        **{
            IN: web(IN, RPS, {BAD: 16_000.0}, "shop", "web"),
            CALLS: steady(CALLS, INTO_WEB, 3 * RPS, points=POINTS),
        },
    )

    assert unknown(usage, "proxy_rps") == [(0, BAD)]
    assert totals(usage) == RIGHT
    (finding,) = (item for item in usage.findings if item.name == "impossible_requests")
    assert finding.affected == ("shop/a",)


def test_requests_that_the_callers_report_stay(tmp_path: Path) -> None:
    calls = changed(steady(CALLS, INTO_WEB, 3 * RPS, points=POINTS), {BAD: 2 * RPS + 2000.0})
    usage = measured(tmp_path, **{IN: web(IN, RPS, {BAD: 2000.0}, "shop", "web"), CALLS: calls})

    assert unknown(usage, "proxy_rps") == []


@pytest.mark.parametrize(("vcpu", "is_unknown"), [(VCPU, True), (0.5, False)])
def test_without_another_side_the_cpu_decides(
    vcpu: float, tmp_path: Path, *, is_unknown: bool
) -> None:
    usage = measured(
        tmp_path,
        **{
            CPU: web(CPU, VCPU, {BAD: vcpu}),
            IN: web(IN, RPS, {BAD: 3000.0}, "shop", "web"),
        },
    )

    assert bool(unknown(usage, "proxy_rps")) is is_unknown


def test_more_requests_than_any_node_can_serve_are_unknown(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        **{
            CPU: web(CPU, VCPU, {BAD: 2.0}),
            IN: web(IN, RPS, {BAD: 5.7e6}, "shop", "web"),
            CALLS: changed(steady(CALLS, INTO_WEB, 3 * RPS, points=POINTS), {BAD: 5.7e6}),
            NODE: steady(NODE, ("n",), 8.0, points=POINTS),
        },
    )

    assert unknown(usage, "proxy_rps") == [(0, BAD)]


def test_a_fall_of_one_request_counter_makes_all_rates_of_its_step_unknown(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        **{
            IN: web(IN, RPS, {BAD: RPS + 20}, "shop", "web"),
            TCP: web(TCP, 5.0, {}, "destination"),
            REQUESTS: counter(REQUESTS, RPS, "destination"),
            "proxy_resets": [("", *A, BAD, 1.0)],
        },
    )

    for column in ("proxy_rps", "inbound_rps", "tcp_bytes_per_second"):
        assert unknown(usage, column) == [(0, BAD)]
    assert totals(usage) == RIGHT


def test_a_jump_of_a_waypoint_ends_neither_in_its_requests_nor_in_its_peak(tmp_path: Path) -> None:
    """Waypoint replicas are sized from the busiest interval of the calls."""
    call = ("waypoint", "shop", "front", "shop", "web")
    waypoint = ("shop", "waypoint-1")
    usage = measured(
        tmp_path,
        **{
            CPU: [*web(CPU, VCPU, {}), *steady(CPU, waypoint, 0.2, points=POINTS)],
            WAYPOINT: changed(steady(WAYPOINT, waypoint, 400.0, points=POINTS), {BAD: 2e5}),
            CALLS: changed(steady(CALLS, call, 400.0, points=POINTS), {BAD: 2e5}),
        },
    )

    assert usage.mean_total(Role.WAYPOINT, "proxy_rps") == pytest.approx(400)
    assert usage.calls["rps"].max() == pytest.approx(400)


# --- bytes and memory ---


def test_more_bytes_than_a_network_card_carries_are_unknown(tmp_path: Path) -> None:
    usage = measured(tmp_path, **{TCP: web(TCP, 5.0, {BAD: 1e12}, "destination")})

    assert unknown(usage, "tcp_bytes_per_second") == [(0, BAD)]


def test_memory_above_its_limit_is_unknown(tmp_path: Path) -> None:
    usage = measured(
        tmp_path,
        **{MEMORY: web(MEMORY, 5e7, {BAD: 1e15}), MEMORY_LIMIT: web(MEMORY_LIMIT, 1e9, {})},
    )

    assert unknown(usage, "memory_bytes") == [(0, BAD)]
    assert usage.mean_total(Role.SIDECAR, "memory_bytes") == pytest.approx(3 * 5e7 - 5e7 / POINTS)
    assert "impossible_memory" in {finding.name for finding in usage.findings}
