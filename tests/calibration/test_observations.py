"""Only whole, known steps speak for what a proxy costs, and nothing is lost count of."""

import numpy as np
import pytest

from analyzer.calibration.observations import Observations, observe
from analyzer.units import Role
from tests.calibration.meshes import Fleet, ramp, usage_of

PROXIES, STEPS = 4, 10
CUT = "the proxy started or ended in it"
UNKNOWN_CPU = "no CPU sample"
UNSCRAPED = "its metrics were not scraped"


def fleet() -> Fleet:
    """Return proxies that are there all the time, each of a CPU of its own."""
    vcpu = np.repeat(np.arange(1.0, PROXIES + 1)[:, None], STEPS, axis=1)
    return Fleet(rps=ramp(PROXIES, STEPS), vcpu=vcpu, seen=np.ones((PROXIES, STEPS), bool))


def excluded(observations: Observations) -> dict[str, tuple[int, float]]:
    """Return the number and the CPU of the steps left out, by reason."""
    return {
        item.reason: (item.step_count, round(item.mean_vcpu, 12))
        for item in observations.exclusions
    }


def test_proxies_known_all_the_time_are_used_all_the_time() -> None:
    observations = observe(usage_of(fleet()), Role.SIDECAR)

    assert len(observations.rows) == PROXIES * STEPS
    assert observations.exclusions == ()
    assert observations.point_count == STEPS
    assert observations.measured_vcpu == pytest.approx(1 + 2 + 3 + 4)
    assert observations.measured_rps == pytest.approx(PROXIES * 55)


def test_the_first_and_last_step_of_a_proxy_that_came_and_went_are_left_out_and_counted() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    mesh.seen[3, 8:] = False

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {CUT: (2, 2 * 4 / STEPS)}
    assert observations.rows.loc[observations.rows["proxy"] == 3, "point"].tolist() == [4, 5, 6]


def test_a_proxy_that_only_started_loses_one_step() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[2, :5] = False

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {CUT: (1, 3 / STEPS)}


def test_a_proxy_seen_in_a_single_step_is_left_out() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[0] = np.arange(STEPS) == 4

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {CUT: (1, 1 / STEPS)}
    assert 0 not in set(observations.rows["proxy"])


def test_a_hole_in_a_proxys_life_is_not_an_end() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[1, 4:6] = False

    assert observe(usage_of(mesh), Role.SIDECAR).exclusions == ()


def test_steps_without_scraped_metrics_are_left_out_with_their_cpu() -> None:
    mesh = fleet()
    mesh.rps[1, 3:6] = np.nan

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {UNSCRAPED: (3, 3 * 2 / STEPS)}


def test_steps_without_cpu_are_left_out_and_are_not_zeros() -> None:
    mesh = fleet()
    mesh.vcpu[0, 2:4] = np.nan

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {UNKNOWN_CPU: (2, 0)}
    assert observations.measured_vcpu == pytest.approx(2 + 3 + 4 + 8 / STEPS)


def test_a_step_is_left_out_for_one_reason_only() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    mesh.vcpu[3, 3] = mesh.rps[3, 3] = np.nan

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {UNKNOWN_CPU: (1, 0)}


def test_a_window_that_prometheus_joined_late_cuts_nobody() -> None:
    mesh = fleet()
    mesh.vcpu[:, :2] = np.nan

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert excluded(observations) == {UNKNOWN_CPU: (2 * PROXIES, 0)}
    assert observations.point_count == STEPS - 2


def test_steps_in_which_no_cpu_is_known_take_part_in_no_average() -> None:
    mesh = fleet()
    mesh.vcpu[:, 5:] = np.nan

    observations = observe(usage_of(mesh), Role.SIDECAR)

    assert observations.measured_vcpu == pytest.approx(10)
    assert observations.measured_rps == pytest.approx(PROXIES * mesh.rps[0, :5].mean())


def test_used_and_left_out_cpu_add_up_to_the_measured() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    mesh.rps[1, 3:6] = np.nan
    mesh.vcpu[0, 2:4] = np.nan

    observations = observe(usage_of(mesh), Role.SIDECAR)

    used = observations.rows["cpu_vcpu"].sum() / observations.point_count
    left_out = sum(item.mean_vcpu for item in observations.exclusions)
    assert len(observations.exclusions) == 3
    assert used + left_out == pytest.approx(observations.measured_vcpu, rel=1e-12)


def test_each_role_has_its_own_steps() -> None:
    rps = ramp(1, STEPS)
    usage = usage_of(fleet(), Fleet(rps=rps, vcpu=rps, workload="waypoint", role=Role.WAYPOINT))

    observations = observe(usage, Role.WAYPOINT)

    assert set(observations.rows["workload"]) == {"waypoint"}
    assert observations.measured_vcpu == pytest.approx(55)
    assert observe(usage, Role.ZTUNNEL).rows.empty
    assert observe(usage, Role.ZTUNNEL).measured_vcpu == 0
