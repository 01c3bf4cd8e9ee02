"""Istio's own benchmark of 2020, on which a straight line looks good and is wrong.

istio/tools, perf/benchmark/graph_plotter/example_plot/benchmark.csv (2020-08-12, Apache-2.0): CPU
of the server's sidecar at a fixed rate, telemetry v2, 16 connections, mTLS, 1 KB.
"""

from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.calibration.models import Power
from tests.calibration.meshes import Fleet, usage_of

QPS = np.array([10, 100, 500, 1000, 2000, 3000])
VCPU = np.array([9.6, 45.4, 170, 284, 463, 657]) / 1000


@cache
def answered() -> tuple[Calibration, RoleCalibration]:
    """Return what is made of sidecars that go through the benchmark's rates for four days.

    Their rate wavers by 3 %, their CPU by 5 %.
    """
    rng = np.random.default_rng(2020)
    level = np.tile(np.arange(len(QPS)), (12, 96))
    waver = np.exp(0.03 * rng.normal(size=level.shape))
    vcpu = VCPU[level] * waver**0.75 * (1 + 0.05 * rng.normal(size=level.shape))
    answer = calibrate_usage(usage_of(Fleet(rps=QPS[level] * waver, vcpu=vcpu)))
    assert isinstance(answer.sidecar, RoleCalibration), answer.sidecar
    return answer, answer.sidecar


def test_the_benchmark_costs_four_times_as_much_per_request_at_10_as_at_3000() -> None:
    each = VCPU / QPS * 1000

    assert each[0] == pytest.approx(0.96)
    assert each[-1] == pytest.approx(0.22, abs=0.005)


def test_a_straight_line_explains_97_percent_of_its_variance_and_idles_far_too_high() -> None:
    slope, idle = np.polyfit(QPS, VCPU, 1)
    left = VCPU - idle - slope * QPS

    assert 1 - left.var() / VCPU.var() > 0.97
    # At 10 requests/s the sidecar uses 9.6 thousandths of a vCPU, its idle among them.
    assert idle == pytest.approx(4 * VCPU[0], rel=0.01)


def test_a_concave_model_is_chosen_and_it_is_the_power_law_of_the_benchmark() -> None:
    _, sidecar = answered()

    assert isinstance(sidecar.curve, Power)
    # 1.64 thousandths x qps ** 0.745, fitted to the same six points on logarithmic axes.
    assert sidecar.curve.exponent == pytest.approx(0.745, abs=0.06)
    assert sidecar.curve.predict(QPS.astype(float)) == pytest.approx(VCPU, rel=0.12)


def test_the_marginal_cost_is_that_of_the_rates_the_requests_meet() -> None:
    _, sidecar = answered()
    slope = sidecar.vcpu_per_1000_rps.mid

    # From 2000 to 3000 requests/s, where three quarters of them are, 194 thousandths more.
    assert slope == pytest.approx(0.19, abs=0.02)
    assert sidecar.operating_rps == pytest.approx((QPS**2).sum() / QPS.sum(), rel=0.02)


def test_the_idle_of_a_straight_line_is_in_the_finding() -> None:
    answer, sidecar = answered()

    assert sidecar.straight_line_idle_vcpu_per_proxy is not None
    assert sidecar.straight_line_idle_vcpu_per_proxy > 1.5 * sidecar.idle_vcpu_per_proxy.mid
    straight = f"{sidecar.straight_line_idle_vcpu_per_proxy:.3g} vCPU"
    (finding,) = [item for item in answer.warnings if item.name == "curved_cost"]
    assert straight in finding.text
