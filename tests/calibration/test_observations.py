"""Only whole, known steps are fitted, and the others are counted."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analyzer.calibration.observations import Observations, Unusable, observe
from analyzer.units import Role
from tests.calibration.asking import observed
from tests.calibration.meshes import Fleet, lawful, ramp, usage_of

PROXIES, STEPS = 4, 10


def fleet() -> Fleet:
    """Return proxies that are there all the time, each of a CPU of its own."""
    vcpu = np.repeat(np.arange(1.0, PROXIES + 1)[:, None], STEPS, axis=1)
    return Fleet(rps=ramp(PROXIES, STEPS), vcpu=vcpu, seen=np.ones((PROXIES, STEPS), bool))


def excluded(observations: Observations) -> dict[Unusable, tuple[int, float]]:
    """Return the number and the CPU of the steps left out, by reason."""
    return {
        item.reason: (item.step_count, round(item.mean_vcpu, 12))
        for item in observations.exclusions
    }


def test_proxies_known_all_the_time_are_used_all_the_time() -> None:
    observations = observed(fleet())

    assert len(observations.rows) == PROXIES * STEPS
    assert observations.exclusions == ()
    assert observations.point_count == STEPS
    assert observations.measured_vcpu == pytest.approx(1 + 2 + 3 + 4)
    assert observations.measured_rps == pytest.approx(PROXIES * 55)


def test_columns_are_not_copied_where_every_sample_is_fitted() -> None:
    usage = usage_of(fleet())

    rows = observe(usage, Role.SIDECAR).rows

    for name in ("proxy", "point", "cpu_vcpu", "inbound_rps"):
        assert np.shares_memory(rows[name].to_numpy(), usage.steps[name].to_numpy())


def test_a_column_with_one_value_stays_one_value_where_samples_are_left_out() -> None:
    usage, mesh = usage_of(fleet()), fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    usage = usage_of(mesh)
    unknown = np.broadcast_to(np.nan, len(usage.steps))
    steps = {**usage.steps, "tcp_bytes_per_second": unknown}
    usage = dataclasses.replace(usage, steps=pd.DataFrame(steps, copy=False))

    rows = observe(usage, Role.SIDECAR).rows

    assert len(rows) == PROXIES * STEPS - 4
    assert rows["tcp_bytes_per_second"].to_numpy().strides == (0,)
    assert rows["tcp_bytes_per_second"].isna().all()


def test_samples_are_in_the_order_of_workloads_whatever_that_of_the_proxies() -> None:
    usage = usage_of(*(lawful(ramp(2, STEPS), workload=name) for name in ("b", "a", "c")))
    names = usage.proxies["workload"].map({"a": "z", "b": "m", "c": "k"})
    usage = dataclasses.replace(usage, proxies=usage.proxies.assign(workload=names))

    observations = observe(usage, Role.SIDECAR)

    owners = usage.proxies["workload"].to_numpy()[observations.rows["proxy"]]
    assert observations.workloads["workload"].tolist() == ["k", "m", "z"]
    assert owners.tolist() == [name for name in "kmz" for _ in range(2 * STEPS)]
    assert observations.rows["point"].tolist() == list(range(STEPS)) * 6


def test_the_first_and_last_step_of_a_proxy_that_came_and_went_are_left_out_and_counted() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    mesh.seen[3, 8:] = False

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.CUT: (2, 2 * 4 / STEPS)}
    assert observations.rows.loc[observations.rows["proxy"] == 3, "point"].tolist() == [4, 5, 6]


def test_a_proxy_that_only_started_loses_one_step() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[2, :5] = False

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.CUT: (1, 3 / STEPS)}


def test_a_proxy_seen_in_a_single_step_is_left_out() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[0] = np.arange(STEPS) == 4

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.CUT: (1, 1 / STEPS)}
    assert 0 not in set(observations.rows["proxy"])


def test_a_hole_in_a_proxys_life_is_not_an_end() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[1, 4:6] = False

    assert observed(mesh).exclusions == ()


def test_steps_without_scraped_metrics_are_left_out_with_their_cpu() -> None:
    mesh = fleet()
    mesh.rps[1, 3:6] = np.nan

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.NOT_SCRAPED: (3, 3 * 2 / STEPS)}


def test_steps_without_cpu_are_left_out_and_are_not_zeros() -> None:
    mesh = fleet()
    mesh.vcpu[0, 2:4] = np.nan

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.NO_CPU: (2, 0)}
    assert observations.measured_vcpu == pytest.approx(2 + 3 + 4 + 8 / STEPS)


def test_a_step_is_left_out_for_one_reason_only() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    mesh.vcpu[3, 3] = mesh.rps[3, 3] = np.nan

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.NO_CPU: (1, 0)}


def test_a_window_that_prometheus_joined_late_cuts_no_proxy() -> None:
    mesh = fleet()
    mesh.vcpu[:, :2] = np.nan

    observations = observed(mesh)

    assert excluded(observations) == {Unusable.NO_CPU: (2 * PROXIES, 0)}
    assert observations.point_count == STEPS - 2


def test_steps_in_which_no_cpu_is_known_take_part_in_no_average() -> None:
    mesh = fleet()
    mesh.vcpu[:, 5:] = np.nan

    observations = observed(mesh)

    assert observations.measured_vcpu == pytest.approx(10)
    assert observations.measured_rps == pytest.approx(PROXIES * mesh.rps[0, :5].mean())


def test_used_and_left_out_cpu_add_up_to_the_measured() -> None:
    mesh = fleet()
    assert mesh.seen is not None
    mesh.seen[3, :3] = False
    mesh.rps[1, 3:6] = np.nan
    mesh.vcpu[0, 2:4] = np.nan

    observations = observed(mesh)

    used = observations.rows["cpu_vcpu"].sum() / observations.point_count
    left_out = sum(item.mean_vcpu for item in observations.exclusions)
    assert len(observations.exclusions) == 3
    assert used + left_out == pytest.approx(observations.measured_vcpu, rel=1e-12)


# --- what the kubelet and the counters say ---


def test_a_step_is_throttled_above_a_twentieth_of_its_periods_and_not_up_to_it() -> None:
    share = np.zeros((PROXIES, STEPS))
    share[1, 2], share[1, 3], share[1, 4] = 0.05, 0.051, np.nan

    observations = observed(dataclasses.replace(fleet(), throttled_share=share))

    assert excluded(observations) == {Unusable.THROTTLED: (1, 2 / STEPS)}


def test_a_step_is_at_its_limit_above_nine_tenths_of_it_and_not_up_to_it() -> None:
    # The proxies use 1, 2, 3 and 4 vCPU.
    limit = np.array([[1.2], [2 / 0.9], [3 / 0.91], [np.nan]])

    observations = observed(dataclasses.replace(fleet(), limit_vcpu=limit + np.zeros(STEPS)))

    assert excluded(observations) == {Unusable.AT_LIMIT: (STEPS, 3)}


def test_the_step_in_which_counters_begin_anew_for_once_is_left_out() -> None:
    resets = np.zeros((PROXIES, STEPS))
    resets[2, 4] = 3

    observations = observed(dataclasses.replace(fleet(), resets=resets))

    assert excluded(observations) == {Unusable.RESTARTED: (1, 3 / STEPS)}


def test_a_single_restart_in_a_short_life_is_one() -> None:
    resets = np.zeros((2, 5))
    resets[0, 2] = 1

    observations = observed(Fleet(rps=ramp(2, 5), vcpu=np.ones((2, 5)), resets=resets))

    assert excluded(observations) == {Unusable.RESTARTED: (1, 1 / 5)}


def test_counters_that_begin_anew_all_the_time_are_evicted_and_not_restarted() -> None:
    resets = np.zeros((2, 40))
    resets[0, 3:8] = 1
    resets[1, 3:7] = 1
    rps = ramp(2, 40)

    observations = observed(Fleet(rps=rps, vcpu=np.ones((2, 40)), resets=resets))

    # One in eight steps is more than a tenth; one in ten is not.
    assert excluded(observations) == {Unusable.RESTARTED: (4, 4 / 40)}
    assert (observations.rows["proxy"] == 0).sum() == 40


def test_what_is_not_known_of_throttling_limits_and_restarts_leaves_nothing_out() -> None:
    unknown = dataclasses.replace(fleet(), throttled_share=np.nan, resets=np.nan, limit_vcpu=np.nan)

    assert observed(unknown).exclusions == ()


def test_the_reasons_are_tried_in_a_fixed_order() -> None:
    every = dataclasses.replace(
        fleet(), throttled_share=1.0, limit_vcpu=0.1, resets=np.eye(PROXIES, STEPS, 3)
    )

    # The first steps of the window are nobody's start.
    assert excluded(observed(every)) == {
        Unusable.RESTARTED: (PROXIES, 1.0),
        Unusable.THROTTLED: (PROXIES * (STEPS - 1), 9.0),
    }


# --- what is handed on ---


def test_bytes_are_those_of_http_and_tcp_where_they_are_known() -> None:
    http, tcp = np.full((PROXIES, STEPS), 1e9), np.full((PROXIES, STEPS), 0.25e9)
    tcp[1] = np.nan

    rows = observed(
        dataclasses.replace(fleet(), http_bytes_per_second=http, tcp_bytes_per_second=tcp)
    ).rows

    # 1 GB is 8 Gbit.
    assert rows.groupby("proxy")["gbit_per_second"].first().tolist() == [10, 8, 10, 10]


def test_bytes_of_tcp_alone_are_all_there_are_only_where_no_request_passed() -> None:
    rps = ramp(2, STEPS)
    rps[1] = 0

    rows = observed(
        Fleet(rps=rps, vcpu=1 + rps, http_bytes_per_second=np.nan, tcp_bytes_per_second=0.25e9)
    ).rows

    assert rows.loc[rows["proxy"] == 0, "gbit_per_second"].isna().all()
    assert (rows.loc[rows["proxy"] == 1, "gbit_per_second"] == 2).all()


def test_rows_are_sorted_by_workload_though_the_proxies_were_not() -> None:
    later, sooner = lawful(ramp(2, 5), workload="b"), lawful(ramp(3, 5), workload="a")

    observations = observed(later, sooner, dataclasses.replace(later, namespace="bank"))

    assert observations.workloads.to_numpy().tolist() == [
        ["bank", "b"],
        ["shop", "a"],
        ["shop", "b"],
    ]
    rows = observations.rows
    assert rows["workload"].tolist() == [0] * 10 + [1] * 15 + [2] * 10
    assert rows["proxy"].tolist() == np.repeat([5, 6, 2, 3, 4, 0, 1], 5).tolist()
    assert rows["point"].tolist() == list(range(5)) * 7


def test_a_workload_without_a_usable_step_is_not_among_the_workloads() -> None:
    gone = lawful(np.full((2, 5), np.nan), workload="a")

    observations = observed(gone, lawful(ramp(2, 5), workload="b"))

    assert observations.workloads["workload"].tolist() == ["b"]
    assert set(observations.rows["workload"]) == {0}


def test_requests_without_cpu_in_a_step_of_the_others_are_counted() -> None:
    mesh = fleet()
    mesh.vcpu[0, 3] = np.nan

    assert observed(mesh).measured_rps == pytest.approx(PROXIES * 55)


def test_each_role_has_its_own_steps() -> None:
    rps = ramp(1, STEPS)
    usage = usage_of(fleet(), Fleet(rps=rps, vcpu=rps, workload="waypoint", role=Role.WAYPOINT))

    observations = observe(usage, Role.WAYPOINT)

    assert observations.workloads.to_numpy().tolist() == [["shop", "waypoint"]]
    assert observations.measured_vcpu == pytest.approx(55)
    assert observe(usage, Role.ZTUNNEL).rows.empty
    assert observe(usage, Role.ZTUNNEL).measured_vcpu == 0
