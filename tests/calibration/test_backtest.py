"""The end of the window, predicted from its beginning, and by how much that is off."""

import dataclasses

import numpy as np
import pytest

from analyzer.calibration.backtest import TRAINING_SHARE, backtest
from analyzer.calibration.observations import Observations, observe
from analyzer.calibration.result import Backtest
from analyzer.calibration.shapes import AFFINE, knee, power
from analyzer.units import Role
from tests.calibration.asking import answered, observed
from tests.calibration.meshes import Fleet, lawful, simulate

CYCLES = np.tile(np.tile(np.linspace(10, 100, 10), 10), (4, 1))
"""A hundred steps of ten cycles, so that the last thirty are like the first seventy."""


def backtested(*fleets: Fleet) -> Backtest:
    result = backtest(AFFINE, observed(*fleets))
    assert result is not None
    return result


def test_a_law_without_noise_foretells_itself() -> None:
    result = backtested(lawful(CYCLES))

    assert (result.bias_share, result.error_share) == pytest.approx((0, 0), abs=1e-9)
    assert result.workload_count == 1


@pytest.mark.parametrize("change", [0.5, 1.5])
def test_the_bias_is_positive_where_the_prediction_was_too_high(change: float) -> None:
    fleet = lawful(CYCLES, seed=1)
    fleet.vcpu[:] = 0.02 + 0.0004 * CYCLES
    fleet.vcpu[:, 70:] *= change

    result = backtested(fleet)

    assert result.bias_share == pytest.approx(1 / change - 1)
    assert result.error_share == pytest.approx(abs(1 / change - 1))


def test_of_many_samples_the_workloads_with_the_most_cpu_are_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleets = [
        lawful(size * CYCLES, workload=name) for name, size in zip("abc", (1, 9, 3), strict=True)
    ]
    each = CYCLES.size
    monkeypatch.setattr("analyzer.calibration.backtest.MOST_ROWS", 2 * each)
    weights = np.ones(3 * each)

    result = backtest(AFFINE, observed(*fleets), weights)

    assert result is not None
    assert result.workloads["workload"].tolist() == ["b", "c"]
    assert result.bias_share == pytest.approx(0, abs=1e-9)


def test_errors_of_opposite_sign_cancel_in_the_bias_and_add_in_the_error() -> None:
    up, down = lawful(CYCLES, workload="up"), lawful(CYCLES, workload="down")
    up.vcpu[:, 70:] *= 1.2
    down.vcpu[:, 70:] *= 0.8

    result = backtested(up, down)

    assert result.bias_share == pytest.approx(0, abs=1e-6)
    assert result.error_share == pytest.approx(0.2)
    assert result.workload_count == 2


def test_what_changed_after_seven_tenths_of_the_window_is_not_known_before() -> None:
    before, after = lawful(CYCLES), lawful(CYCLES)
    before.vcpu[:, 69] *= 2
    after.vcpu[:, 70] *= 2

    # One step of seventy, among which it counts little; and one of thirty, which is predicted.
    assert TRAINING_SHARE == 0.7
    assert abs(backtested(before).bias_share) < 0.005
    assert backtested(after).bias_share < -0.01


def test_the_steps_are_those_that_were_seen() -> None:
    fleet = lawful(np.tile(CYCLES, (1, 2)))
    seen = np.zeros(fleet.rps.shape, dtype=bool)
    seen[:, 150:] = True
    changed = lawful(fleet.rps)
    changed.vcpu[:, 185:] *= 0.5

    # Of the last fifty, the first of each proxy is cut: the first seven tenths end at step 185.
    result = backtested(dataclasses.replace(changed, seen=seen))
    assert result.bias_share == pytest.approx(1, abs=0.01)


def test_a_workload_that_is_not_seen_in_both_parts_is_not_predicted() -> None:
    young = lawful(CYCLES, workload="young")
    seen = np.tile(np.arange(100) >= 72, (4, 1))

    result = backtested(lawful(CYCLES), dataclasses.replace(young, seen=seen))

    assert result.workload_count == 1


def test_a_workload_without_requests_is_predicted_to_idle_on() -> None:
    asleep = lawful(np.zeros((4, 100)), workload="asleep")
    asleep.vcpu[:, 70:] *= 2

    result = backtested(asleep)

    assert result.bias_share == pytest.approx(-0.5)


def test_a_window_too_short_to_be_split_has_none() -> None:
    assert answered(lawful(CYCLES[:2, :8])).backtest is None


def test_the_wrong_shape_is_found_out_where_the_load_grows() -> None:
    rps = np.tile(np.linspace(10, 1000, 100), (4, 1))
    fleet = Fleet(rps=rps, vcpu=0.005 + 0.0016 * rps**0.75)
    seen = observed(fleet)

    right, wrong = backtest(power(0.75), seen), backtest(AFFINE, seen)

    assert right is not None
    assert wrong is not None
    assert abs(right.bias_share) < 1e-6
    assert wrong.bias_share > 0.03


def test_a_knee_is_where_it_was_when_the_load_grows() -> None:
    rps = np.tile(np.linspace(10, 1000, 100), (4, 1))
    fleet = Fleet(rps=rps, vcpu=0.005 + 0.001 * (rps + np.maximum(rps - 300, 0)))

    result = backtest(knee(0.3, 1.0), observed(fleet))

    assert result is not None
    assert abs(result.bias_share) < 1e-6


def test_the_prediction_intervals_hold_the_truth_about_as_often_as_they_should() -> None:
    found = [backtest(AFFINE, observed_of(seed)) for seed in range(12)]
    results = [item for item in found if item]

    assert len(results) == 12
    workloads = sum(item.workload_count for item in results)
    covered = sum(item.covered_share * item.workload_count for item in results)
    # Some 200 workloads: 2.1 % is the standard error of the share.
    assert workloads > 150
    assert 0.83 < covered / workloads < 0.97


def observed_of(seed: int) -> Observations:
    return observe(simulate(seed).usage, Role.SIDECAR)


def test_each_workload_has_its_prediction_and_its_measurement() -> None:
    table = backtested(lawful(CYCLES)).workloads

    assert list(table) == [
        "namespace",
        "workload",
        "measured_vcpu",
        "predicted_vcpu",
        "predicted_low_vcpu",
        "predicted_high_vcpu",
    ]
    assert len(table) == 1
    assert table["measured_vcpu"][0] == pytest.approx(table["predicted_vcpu"][0])
    assert table["predicted_low_vcpu"][0] <= table["predicted_vcpu"][0]
    assert table["predicted_vcpu"][0] <= table["predicted_high_vcpu"][0]


def test_the_table_adds_up_to_the_bias() -> None:
    fleet = lawful(CYCLES, seed=1)
    fleet.vcpu[:] = 0.02 + 0.0004 * CYCLES
    fleet.vcpu[:, 70:] *= 1.5
    result = backtested(fleet)
    total = result.workloads[["measured_vcpu", "predicted_vcpu"]].sum()

    assert total["predicted_vcpu"] / total["measured_vcpu"] - 1 == pytest.approx(result.bias_share)
    assert total["measured_vcpu"] == pytest.approx(fleet.vcpu[:, 70:].sum(axis=0).mean())
