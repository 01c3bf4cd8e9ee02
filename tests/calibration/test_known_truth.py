"""On meshes whose truth was chosen, the answer is close to it and says how close.

A small run of `tests/benchmarks/bench_calibration_coverage.py`, which prints the figures of many
more such meshes.
"""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration import RoleCalibration, calibrate_usage
from tests.calibration.meshes import SimulatedMesh, simulate

MESHES = 20

COVERED = 13
"""Fewest of the twenty intervals that must hold the truth. Where each does with probability 0.9,
fewer do with P(Binomial(20, 0.9) < 13) = 4e-4; where each does with 0.6, more often than not."""


@cache
def answers() -> tuple[tuple[SimulatedMesh, RoleCalibration], ...]:
    found = []
    for seed in range(MESHES):
        mesh = simulate(seed)
        answer = calibrate_usage(mesh.usage).sidecar
        assert isinstance(answer, RoleCalibration), answer
        found.append((mesh, answer))
    return tuple(found)


def test_the_slope_of_a_mesh_is_found_within_three_percent() -> None:
    errors = [
        answer.vcpu_per_1000_rps.mid / mesh.vcpu_per_1000_rps - 1 for mesh, answer in answers()
    ]

    assert np.median(np.abs(errors)) < 0.03
    # Noise alone is some 0.4 % by mesh, and 0.1 % of their mean: more would be a bias.
    assert abs(np.mean(errors)) < 0.005


def test_the_idle_of_a_mesh_is_found_within_ten_percent_or_two_thousandths_of_a_vcpu() -> None:
    idles = [
        (mesh.idle_share, answer.idle_vcpu_per_proxy.mid, mesh.idle_vcpu_per_proxy)
        for mesh, answer in answers()
    ]
    much = [abs(found / truth - 1) for share, found, truth in idles if share >= 0.2]
    little = [abs(found - truth) for share, found, truth in idles if share < 0.2]

    assert len(much) >= 10
    assert len(little) >= 3
    assert np.median(much) < 0.10
    assert max(little) < 0.002


def test_the_intervals_hold_the_truth_about_as_often_as_they_should() -> None:
    slopes = [
        answer.vcpu_per_1000_rps.low <= mesh.vcpu_per_1000_rps <= answer.vcpu_per_1000_rps.high
        for mesh, answer in answers()
    ]
    idles = [
        answer.idle_vcpu_per_proxy.low
        <= mesh.idle_vcpu_per_proxy
        <= answer.idle_vcpu_per_proxy.high
        for mesh, answer in answers()
    ]

    assert sum(slopes) >= COVERED
    assert sum(idles) >= COVERED


def test_the_intervals_are_narrow_enough_to_be_useful() -> None:
    for _, answer in answers():
        for shown in (answer.vcpu_per_1000_rps, answer.idle_vcpu_per_proxy):
            assert (shown.high - shown.low) / 2 < 0.15 * shown.mid


def test_the_dashboards_figure_is_off_by_the_idle_it_smears_in() -> None:
    for mesh, answer in answers():
        smeared = mesh.vcpu_per_1000_rps / (1 - mesh.idle_share)

        assert answer.ratio_vcpu_per_1000_rps == pytest.approx(smeared, rel=0.02)
        assert smeared > answer.vcpu_per_1000_rps.mid


def test_the_end_of_the_day_follows_from_its_beginning_within_the_prediction_interval() -> None:
    backtests = [answer.backtest for _, answer in answers() if answer.backtest]
    workloads = np.array([item.workload_count for item in backtests])
    coverage = np.array([item.covered_share for item in backtests])

    assert len(backtests) == MESHES
    assert np.median([item.error_share for item in backtests]) < 0.03
    assert max(abs(item.bias_share) for item in backtests) < 0.03
    # Some 350 workloads: their share has a standard error of 1.6 %.
    assert 0.84 < np.average(coverage, weights=workloads) < 0.98


@pytest.mark.long
def test_a_mesh_that_mostly_idles_is_not_made_out_to_cost_more() -> None:
    errors, covered = [], 0
    for seed in range(MESHES):
        mesh = simulate(seed, mean_rps=(0.5, 10))
        answer = calibrate_usage(mesh.usage).sidecar
        assert isinstance(answer, RoleCalibration), answer
        idle = answer.idle_vcpu_per_proxy
        errors.append(idle.mid / mesh.idle_vcpu_per_proxy - 1)
        covered += idle.low <= mesh.idle_vcpu_per_proxy <= idle.high

    # Lines that noise tilts down belong to proxies that hardly do anything but idle: without them
    # the mean idle comes out some 6 % low, and its interval holds the truth in a quarter of cases.
    assert np.median(np.abs(errors)) < 0.01
    assert covered >= COVERED


@pytest.mark.long
@pytest.mark.parametrize(
    ("workloads", "proxies"), [((1, 4), (4, 12)), ((1, 3), (2, 3)), ((3, 12), (4, 19))]
)
def test_a_small_mesh_knows_that_it_knows_less(
    workloads: tuple[int, int], proxies: tuple[int, int]
) -> None:
    covered = np.zeros(2, dtype=int)
    for seed in range(MESHES):
        mesh = simulate(seed, workloads=workloads, proxies=proxies)
        answer = calibrate_usage(mesh.usage).sidecar
        assert isinstance(answer, RoleCalibration), answer
        slope, idle = answer.vcpu_per_1000_rps, answer.idle_vcpu_per_proxy
        covered += [
            slope.low <= mesh.vcpu_per_1000_rps <= slope.high,
            idle.low <= mesh.idle_vcpu_per_proxy <= idle.high,
        ]

    assert (covered >= COVERED).all()
