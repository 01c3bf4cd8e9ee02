"""Few big pods or many idle ones: the dashboard's ratio differs, what a request costs does not."""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from tests.calibration.meshes import Floats, lawful, usage_of

IDLE, SLOPE = 0.01, 0.0004
TOTAL_RPS = 4000.0
WAVE = 1 + 0.6 * np.sin(np.linspace(0, 2 * np.pi, 96, endpoint=False))

FEW_BIG = ([1000.0] * 4, 1)
"""Mean rate of one pod of each workload, and how many pods each has."""
MANY_IDLE = ([20.0] * 4, 50)


@cache
def fleet(kind: str) -> Calibration:
    rates, pods = FEW_BIG if kind == "few big" else MANY_IDLE
    return calibrate_usage(
        usage_of(
            *(
                lawful(
                    rps * np.tile(WAVE, (pods, 1)),
                    workload=f"w{number}",
                    idle=IDLE,
                    slope=SLOPE,
                    seed=number,
                )
                for number, rps in enumerate(rates)
            )
        )
    )


def answer(kind: str) -> RoleCalibration:
    answered = fleet(kind).sidecar
    assert isinstance(answered, RoleCalibration), answered
    return answered


def loads(kind: str) -> Floats:
    rates, pods = FEW_BIG if kind == "few big" else MANY_IDLE
    return np.repeat(np.array(rates), pods)


def test_both_fleets_pass_the_same_requests() -> None:
    assert loads("few big").sum() == loads("many idle").sum() == TOTAL_RPS


@pytest.mark.parametrize("kind", ["few big", "many idle"])
def test_the_same_slope_is_found_in_both(kind: str) -> None:
    slope = answer(kind).vcpu_per_1000_rps

    assert slope.mid == pytest.approx(1000 * SLOPE, rel=0.02)
    assert slope.low <= 1000 * SLOPE <= slope.high


@pytest.mark.parametrize("kind", ["few big", "many idle"])
def test_the_idle_total_is_that_of_the_pods_each_has(kind: str) -> None:
    idle = fleet(kind).decomposition.idle_vcpu
    truth = len(loads(kind)) * IDLE

    # Four pods at a thousand requests a second hide an idle of a fortieth of their CPU.
    assert idle.low <= truth <= idle.high
    if kind == "many idle":
        assert idle.mid == pytest.approx(truth, rel=0.02)


def test_many_idle_pods_idle_fifty_times_as_much_in_all() -> None:
    assert (
        fleet("many idle").decomposition.idle_vcpu.low
        > 20 * fleet("few big").decomposition.idle_vcpu.mid
    )


@pytest.mark.parametrize("kind", ["few big", "many idle"])
def test_the_dashboards_ratio_is_the_slope_and_the_idle_smeared_over_the_requests(
    kind: str,
) -> None:
    predicted = 1000 * (SLOPE + len(loads(kind)) * IDLE / TOTAL_RPS)

    assert answer(kind).ratio_vcpu_per_1000_rps == pytest.approx(predicted, rel=0.02)


def test_the_dashboards_ratio_would_have_them_differ_by_more_than_a_factor_of_two() -> None:
    few, many = (answer(kind).ratio_vcpu_per_1000_rps for kind in ("few big", "many idle"))

    assert few is not None
    assert many is not None
    assert many > 2 * few
