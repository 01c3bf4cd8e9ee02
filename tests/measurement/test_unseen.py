"""Time that was not scraped is filled, found, and has a range."""

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.calibration import calibrate_usage
from analyzer.measurement.findings import Bias, Severity
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.units import Role
from tests.measurement.flawed import POINTS, Seen, snapshot_of
from tests.measurement.snapshots import STEP_SECONDS

DARK = range(2, POINTS)
LONG = 24
"""Steps after which a proxy's rates can be compared with its counter."""

PODS = [Seen(pod=f"shop/{name}", cpu=0.2, rps=100.0) for name in "abcd"]


def measured(folder: Path, *proxies: Seen) -> MeshUsage:
    return measure(snapshot_of(folder, proxies))


def without_cpu(count: int) -> list[Seen]:
    """Return four pods; of the first ones the kubelet saw two steps only."""
    return [replace(pod, cpu_points=range(2)) for pod in PODS[:count]] + PODS[count:]


@pytest.mark.parametrize(("count", "severity"), [(1, Severity.WARNING), (2, Severity.SERIOUS)])
def test_cpu_that_was_not_scraped_is_filled_and_found(
    count: int, severity: Severity, tmp_path: Path
) -> None:
    usage = measured(tmp_path, *without_cpu(count))

    share = count * len(DARK) / (4 * POINTS)
    assert usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(0.8)
    assert usage.filled_share(Role.SIDECAR, "cpu_vcpu") == pytest.approx(share)
    assert usage.filled_share(Role.SIDECAR, "proxy_rps") == 0
    (finding,) = (item for item in usage.findings if item.name == "unseen_cpu")
    assert finding.severity is severity
    assert finding.bias is Bias.EITHER
    assert [finding.time_share, finding.cpu_share] == pytest.approx([share, share])
    assert finding.affected == tuple(f"shop/{name}" for name in "abcd"[:count])


def test_the_range_of_a_total_is_that_of_what_was_filled(tmp_path: Path) -> None:
    total = measured(tmp_path, *without_cpu(2)).total(Role.SIDECAR, "cpu_vcpu")

    assert total is not None
    seen = 0.8 - 0.4 * len(DARK) / POINTS
    assert seen < total.low < 0.8 < total.high
    assert total.mid == pytest.approx(0.8)


def test_a_mesh_that_was_seen_all_the_time_is_exact(tmp_path: Path) -> None:
    usage = measured(tmp_path, *PODS)

    total = usage.total(Role.SIDECAR, "cpu_vcpu")
    assert total is not None
    assert total.low == total.mid == total.high
    assert usage.filling.empty
    assert usage.filled is usage.steps


def test_requests_that_were_not_scraped_are_filled_with_their_calls(tmp_path: Path) -> None:
    dark = replace(PODS[0], rps_points=range(2))
    usage = measured(tmp_path, dark, *PODS[1:])

    assert usage.mean_total(Role.SIDECAR, "proxy_rps") == pytest.approx(400)
    assert "unseen_requests" in {item.name for item in usage.findings}


def test_less_than_a_hundredth_is_no_finding(tmp_path: Path) -> None:
    many = [Seen(pod=f"shop/{number}", cpu=0.2) for number in range(40)]
    usage = measured(tmp_path, replace(many[0], cpu_points=[0, 1, 2, 5]), *many[1:])

    assert usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(8.0)
    assert "unseen_cpu" not in {item.name for item in usage.findings}


def test_a_workload_that_was_never_seen_widens_the_range_only(tmp_path: Path) -> None:
    """It may use as much as the workloads that were seen."""
    never = Seen(pod="shop/x", workload="x", cpu=None, rps=100.0)
    usage = measured(tmp_path, *PODS, never)

    total = usage.total(Role.SIDECAR, "cpu_vcpu")
    assert total is not None
    assert (total.low, total.mid) == pytest.approx((0.8, 0.8))
    assert total.high == pytest.approx(1.0)
    assert "requests_without_cpu" in {item.name for item in usage.findings}


def test_the_start_and_end_of_a_proxy_are_not_filled(tmp_path: Path) -> None:
    """Rates need two samples: the kubelet's come a step later, and end a step earlier."""
    short = replace(PODS[0], rps_points=range(1, 5), cpu_points=range(2, 4))
    usage = measured(tmp_path, short, *PODS[1:])

    assert usage.filling.empty
    assert usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(0.6 + 0.2 * 2 / POINTS)


def test_what_was_filled_is_in_the_account_and_not_in_the_fit(tmp_path: Path) -> None:
    usage = measured(tmp_path, *without_cpu(2))

    calibration = calibrate_usage(usage)
    assert calibration.decomposition.measured_vcpu == pytest.approx(0.8)
    assert len(calibration.observations) == 4 * POINTS - 2 * len(DARK)
    (left,) = calibration.exclusions
    assert left.step_count == 2 * len(DARK)
    assert left.mean_vcpu == pytest.approx(0.4 * len(DARK) / POINTS)


def test_cpu_of_lost_scrapes_is_corrected_and_found(tmp_path: Path) -> None:
    """The counter of one pod grows by a quarter more than its rates."""
    rows = {
        "proxy_cpu_counter_seconds": [
            ("", "shop", "a", "istio-proxy", point, 0.25 * STEP_SECONDS * (point + 1))
            for point in range(LONG)
        ]
    }
    pods = [replace(pod, points=range(LONG)) for pod in PODS]
    usage = measure(snapshot_of(tmp_path, pods, rows, points=LONG))

    assert usage.mean_total(Role.SIDECAR, "cpu_vcpu") == pytest.approx(0.85)
    (finding,) = (item for item in usage.findings if item.name == "lost_scrapes")
    assert finding.affected == ("shop/a",)
    assert finding.bias is Bias.NONE


# --- clusters ---


def both(west: range) -> list[Seen]:
    east = [replace(pod, cluster="east") for pod in PODS]
    return [*east, *(replace(pod, cluster="west", points=west) for pod in PODS)]


def test_a_cluster_that_is_dark_at_the_end_has_a_range_from_gone_to_running(
    tmp_path: Path,
) -> None:
    usage = measured(tmp_path, *both(range(4)))

    total = usage.total(Role.SIDECAR, "cpu_vcpu")
    assert total is not None
    assert total.mid == pytest.approx(1.6)
    assert total.low == pytest.approx(0.8 + 0.8 * 4 / POINTS)
    assert total.high > 1.6
    (finding,) = (item for item in usage.findings if item.name == "dark_cluster")
    assert finding.affected == ("west",)


def test_a_cluster_that_was_seen_for_a_short_time_may_have_run_longer(tmp_path: Path) -> None:
    usage = measured(tmp_path, *both(range(2)))

    total = usage.total(Role.SIDECAR, "cpu_vcpu")
    assert total is not None
    assert total.mid == pytest.approx(0.8 + 0.8 * 2 / POINTS)
    assert total.high > 1.55
    assert "dark_cluster" in {item.name for item in usage.findings}


def test_reservations_of_pods_that_nobody_described_are_those_of_their_workload(
    tmp_path: Path,
) -> None:
    given = [("", "shop", name, point, 0.1) for name in "abc" for point in range(POINTS)]
    usage = measure(snapshot_of(tmp_path, PODS, {"proxy_reserved_vcpu": given}))

    total = usage.total(Role.SIDECAR, "reserved_vcpu")
    assert total is not None
    assert (total.low, total.mid, total.high) == pytest.approx((0.4, 0.4, 0.4))
