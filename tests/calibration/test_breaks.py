"""A change of cost in the middle of the window: when, of what, and which time is fitted."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.calibration.breaks import Change, since_change
from analyzer.calibration.observations import Unusable, observe
from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role
from tests.calibration.attacks import CALM, SHARED, attacked
from tests.calibration.meshes import STEP_SECONDS, Fleet, lawful, usage_of

IDLE, SLOPE, STEPS = 0.02, 0.0004, 288
WAVE = 100 * (1 + 0.5 * np.sin(np.linspace(0, 4 * np.pi, STEPS)))


def changing(
    at: int, *, factor: float = 0.7, rollout: int = 0, workload: str = "front", seed: int = 1
) -> Fleet:
    """Return eight pods that cost `factor` times as much from a step on, one after the other."""
    fleet = lawful(np.tile(WAVE, (8, 1)), workload=workload, idle=IDLE, slope=SLOPE, seed=seed)
    since = at + np.linspace(0, rollout, 8)[:, None]
    factors = np.where(np.arange(STEPS) < since, 1.0, factor)
    return dataclasses.replace(fleet, vcpu=fleet.vcpu * factors)


def change_of(usage: MeshUsage) -> Change | None:
    return since_change(observe(usage, Role.SIDECAR), usage.window)[1]


def found(usage: MeshUsage) -> Change:
    change = change_of(usage)
    assert change is not None
    return change


def finding(answer: Calibration) -> Finding:
    return next(item for item in answer.warnings if item.name == "cost_break")


def sidecar(answer: Calibration) -> RoleCalibration:
    assert isinstance(answer.sidecar, RoleCalibration), answer.sidecar
    return answer.sidecar


def test_an_upgrade_is_found_with_its_time_and_size() -> None:
    usage = usage_of(changing(150), changing(150, workload="back", seed=2))

    change = found(usage)

    at = usage.window.start + timedelta(seconds=150 * STEP_SECONDS)
    assert abs(change.begins[0] - at) <= timedelta(seconds=2 * STEP_SECONDS)
    assert change.factor == pytest.approx(0.7, abs=0.03)
    assert change.affected == ("shop/back", "shop/front")
    assert (change.cpu_share, change.is_cut) == (1, True)


def test_the_fit_is_of_the_time_after_it() -> None:
    answer = calibrate_usage(usage_of(changing(150), changing(150, workload="back", seed=2)))

    cost = sidecar(answer)
    assert cost.vcpu_per_1000_rps.mid == pytest.approx(0.7 * 1000 * SLOPE, rel=0.05)
    assert cost.idle_vcpu_per_proxy.mid == pytest.approx(0.7 * IDLE, rel=0.08)
    warned = finding(answer)
    assert (warned.code, warned.severity) == ("IU310", Severity.WARNING)
    assert "fell by 30 %" in warned.text or "fell by 29 %" in warned.text
    assert "2024-05-14 12:" in warned.text


def test_the_account_adds_up_with_the_time_before_it() -> None:
    usage = usage_of(changing(150))

    answer = calibrate_usage(usage)

    parts = {item.reason: item for item in answer.exclusions}
    early = usage.steps[usage.steps["point"] < 148]["cpu_vcpu"].sum() / STEPS
    assert parts[Unusable.BEFORE_CHANGE].mean_vcpu == pytest.approx(early, rel=0.05)
    account = answer.decomposition
    assert account.measured_vcpu == pytest.approx(usage.steps["cpu_vcpu"].sum() / STEPS)
    assert abs(account.unexplained_vcpu) < 0.01 * account.measured_vcpu
    lines = answer.timeline
    assert lines["measured_vcpu"].sum() / STEPS == pytest.approx(account.measured_vcpu)


def test_a_rollout_is_left_out_from_its_begin_to_its_end() -> None:
    usage = usage_of(changing(120, rollout=12), changing(120, rollout=12, workload="b", seed=2))

    observations, change = since_change(observe(usage, Role.SIDECAR), usage.window)

    assert change is not None
    assert change.ends > change.begins[0]
    assert 130 <= observations.rows["point"].min() <= 146


def test_a_workload_that_did_not_change_keeps_all_of_its_time() -> None:
    usage = usage_of(changing(150), changing(150, factor=1.0, workload="same", seed=2))

    observations, change = since_change(observe(usage, Role.SIDECAR), usage.window)

    assert change is not None
    assert change.affected == ("shop/front",)
    assert observations.rows.groupby("workload")["point"].min().tolist()[1] == 0
    assert observations.rows.groupby("workload")["point"].min().tolist()[0] >= 150


def test_workloads_count_by_the_requests_of_the_whole_window() -> None:
    usage = usage_of(changing(150), changing(150, factor=1.0, workload="same", seed=2))

    observations, _ = since_change(observe(usage, Role.SIDECAR), usage.window)

    rows = observations.rows.groupby("workload")["rps"].agg(["size", "sum"])
    assert (rows["size"] + observations.filled["count"]).tolist() == [8 * STEPS] * 2
    requests = (rows["sum"] + observations.filled["rps"]).tolist()
    assert requests == pytest.approx([8 * WAVE.sum()] * 2)


def test_too_short_a_time_after_it_gives_wider_ranges() -> None:
    fleets = changing(270), changing(270, workload="back", seed=2)

    answer = calibrate_usage(usage_of(*fleets))

    assert Unusable.BEFORE_CHANGE not in {item.reason for item in answer.exclusions}
    cost = sidecar(answer).vcpu_per_1000_rps
    assert cost.low < 0.72 * 1000 * SLOPE < cost.high
    assert "too short" in finding(answer).text
    draws = sidecar(answer).draws
    assert draws is not None
    assert np.quantile(draws[:, 1], 0.05) == pytest.approx(cost.low, rel=0.05)


def test_a_short_window_is_not_searched() -> None:
    fleet = changing(12)

    usage = usage_of(dataclasses.replace(fleet, rps=fleet.rps[:, :30], vcpu=fleet.vcpu[:, :30]))

    assert change_of(usage) is None


@pytest.mark.parametrize("seed", range(4))
def test_the_simulated_upgrade_is_found(seed: int) -> None:
    change = found(attacked("upgrade", seed).usage)

    assert change.factor == pytest.approx(0.7, abs=0.04)
    assert change.cpu_share > 0.95


@pytest.mark.parametrize(
    "name", [CALM, *SHARED, "cron", "SMT", "HPA", "hinge", "handshakes", "least request", "Pareto"]
)
def test_nothing_else_is_taken_for_a_change(name: str) -> None:
    changes = [change_of(attacked(name, seed).usage) for seed in range(3)]

    assert changes == [None, None, None]
