"""Meshes that are hard to fit are as described, and their intervals hold, or a warning shows.

A small run of `tests/benchmarks/bench_ranges.py`, which prints the figures of many more meshes.
"""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from tests.calibration.attacks import ATTACKS, CALM, SHARED, attacked
from tests.calibration.attacks.day import Day, persistent
from tests.calibration.meshes import SimulatedMesh

SEEDS = range(8)

LEAST_CALM = 4
"""Of eight intervals of 90 %: P(Binomial(8, 0.9) < 4) is 4e-4."""


@cache
def answers(kind: str) -> tuple[tuple[SimulatedMesh, Calibration], ...]:
    meshes = [attacked(kind, seed) for seed in SEEDS]
    return tuple((mesh, calibrate_usage(mesh.usage)) for mesh in meshes)


def covered(kind: str) -> tuple[int, int]:
    """Return how many intervals of slope and idle hold the truth."""
    slopes = idles = 0
    for mesh, calibration in answers(kind):
        answer = calibration.sidecar
        assert isinstance(answer, RoleCalibration), answer
        slope, idle = answer.vcpu_per_1000_rps, answer.idle_vcpu_per_proxy
        slopes += slope.low <= mesh.vcpu_per_1000_rps <= slope.high
        idles += idle.low <= mesh.idle_vcpu_per_proxy <= idle.high
    return slopes, idles


# --- the meshes ---


@pytest.mark.parametrize("kind", [CALM, *SHARED, *ATTACKS])
def test_a_kind_of_trouble_is_drawn_from_its_seed_and_has_a_truth(kind: str) -> None:
    mesh, again, other = attacked(kind, 0), attacked(kind, 0), attacked(kind, 1)

    assert mesh.usage.steps.equals(again.usage.steps)
    assert mesh.vcpu_per_1000_rps == again.vcpu_per_1000_rps != other.vcpu_per_1000_rps
    assert 0.01 < mesh.vcpu_per_1000_rps < 3
    assert 0.001 < mesh.idle_vcpu_per_proxy < 0.1
    assert 0 < mesh.idle_share < 1
    assert (mesh.usage.steps["cpu_vcpu"] > 0).all()


@pytest.mark.parametrize("kind", ["log-normal", "Pareto", "workload shock 5 %", "SMT", "retries"])
def test_what_is_true_is_what_is_paid_on_average(kind: str) -> None:
    explained, measured = [], []
    for seed in range(8):
        mesh = attacked(kind, seed)
        steps = mesh.usage.steps
        traffic = mesh.vcpu_per_1000_rps / 1000 * steps["proxy_rps"].sum()
        explained.append(traffic + mesh.idle_vcpu_per_proxy * len(steps))
        measured.append(steps["cpu_vcpu"].sum())

    assert sum(measured) == pytest.approx(sum(explained), rel=0.03)


@pytest.mark.parametrize(("kind", "least", "most"), [("xDS flat", 0.05, 0.2), ("cron", 0.02, 0.05)])
def test_cpu_that_no_request_causes_is_not_in_the_truth(
    kind: str, least: float, most: float
) -> None:
    shares = []
    for seed in range(5):
        mesh = attacked(kind, seed)
        steps = mesh.usage.steps
        traffic = mesh.vcpu_per_1000_rps / 1000 * steps["proxy_rps"].sum()
        law = traffic + mesh.idle_vcpu_per_proxy * len(steps)
        shares.append(1 - law / steps["cpu_vcpu"].sum())

    assert least < np.mean(shares) < most


@pytest.mark.parametrize(("rho", "rows"), [(0.9, 200), (0.95, 200)])
def test_shocks_last_as_long_as_they_are_meant_to(rho: float, rows: int) -> None:
    noise = persistent(np.random.default_rng(0), rows, rho)

    assert noise.std() == pytest.approx(1, rel=0.05)
    pairs = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())
    assert pairs[0, 1] == pytest.approx(rho, abs=0.02)


def test_pods_that_come_and_go_keep_about_the_same_rate() -> None:
    steps = attacked("HPA", 0).usage.steps
    everywhere = attacked(CALM, 0).usage.steps

    assert len(steps) < 0.95 * len(everywhere)
    rates = steps.groupby("proxy")["proxy_rps"]
    constant = everywhere.groupby("proxy")["proxy_rps"]
    varied, before = (group.std() / group.mean() for group in (rates, constant))
    assert varied.median() < 0.7 * before.median()


def test_faster_nodes_get_more_requests() -> None:
    usage = attacked("least request, typed", 0).usage

    speeds = usage.nodes.set_index("node")["instance_type"]
    kind = usage.proxies["node"].map(speeds)
    rps = (
        usage.steps.groupby("proxy")["proxy_rps"].mean().groupby([usage.proxies["workload"], kind])
    )
    means = rps.mean().unstack()
    assert (means["fast"] > 1.3 * means["slow"]).mean() > 0.8


def test_a_day_has_several_workloads_of_several_pods() -> None:
    days = [Day.drawn(seed) for seed in range(10)]

    assert min(len(day.workloads) for day in days) >= 5
    assert min(len(work.rps) for day in days for work in day.workloads) >= 3


# --- what is found of them ---


def test_on_calm_meshes_the_intervals_hold_without_a_warning() -> None:
    assert min(covered(CALM)) >= LEAST_CALM
    assert [calibration.warnings for _, calibration in answers(CALM)] == [()] * len(SEEDS)


@pytest.mark.parametrize(("kind", "name"), [("power", "curved_cost"), ("hinge", "cost_knee")])
def test_a_law_that_is_not_straight_is_named_and_its_intervals_hold(kind: str, name: str) -> None:
    assert min(covered(kind)) >= LEAST_CALM
    named = [name in {item.name for item in found.warnings} for _, found in answers(kind)]
    # P(Binomial(8, 0.9) < 5) is 5e-3.
    assert sum(named) >= 5
