"""A model predicts what a proxy uses at any rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.calibration.models import Affine, Curve, Knee, Power

LINE = Affine(idle_vcpu=0.01, vcpu_per_rps=0.0005)
CONCAVE = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.002, exponent=0.5)

BENT = Knee(
    idle_vcpu=0.01,
    vcpu_per_rps=0.0005,
    rise_share=1.0,
    knee_rps=100.0,
    knee_share=0.6,
    mean_share=1.2,
    marginal_share=1.25,
)

IDLES = st.floats(0, 1)
COSTS = st.floats(1e-6, 1e-2)
LINES = st.builds(Affine, idle_vcpu=IDLES, vcpu_per_rps=COSTS)
POWERS = st.builds(Power, idle_vcpu=IDLES, vcpu_per_rps_power=COSTS, exponent=st.floats(0.3, 1))
KNEES = st.builds(
    Knee,
    idle_vcpu=IDLES,
    vcpu_per_rps=COSTS,
    rise_share=st.floats(0.1, 3),
    knee_rps=st.floats(1, 1000),
    knee_share=st.floats(0.2, 0.9),
    mean_share=st.floats(1, 2),
    marginal_share=st.floats(1, 2),
)
RATES = st.floats(1, 5000)


def test_a_proxy_at_rest_uses_its_idle_and_a_busy_one_the_same_for_each_request() -> None:
    assert LINE.predict(np.array([0.0, 100.0, 200.0])) == pytest.approx([0.01, 0.06, 0.11])


def test_four_times_the_requests_cost_twice_as_much_by_a_square_root() -> None:
    assert CONCAVE.predict(np.array([0.0, 100.0, 400.0])) == pytest.approx([0.01, 0.03, 0.05])


@given(rate=RATES, idle=IDLES, cost=COSTS)
def test_a_power_of_one_is_a_line(rate: float, idle: float, cost: float) -> None:
    one = Power(idle_vcpu=idle, vcpu_per_rps_power=cost, exponent=1)
    line = Affine(idle_vcpu=idle, vcpu_per_rps=cost)

    rates = np.array([rate])
    assert one.predict(rates) == pytest.approx(line.predict(rates))


@given(model=st.one_of(LINES, POWERS, KNEES), factor=st.floats(0.01, 100), rate=RATES)
def test_so_many_times_the_cpu_is_so_many_times_the_cpu_at_every_rate(
    model: Curve, factor: float, rate: float
) -> None:
    rates = np.array([0.0, rate])

    scaled = model.scaled(factor)

    assert type(scaled) is type(model)
    assert scaled.predict(rates) == pytest.approx(factor * model.predict(rates))
    assert scaled.elsewhere.predict(rates) == pytest.approx(factor * model.elsewhere.predict(rates))


def test_a_request_beyond_a_knee_that_doubles_costs_twice_as_much() -> None:
    assert BENT.predict(np.array([0.0, 100.0, 200.0])) == pytest.approx([0.01, 0.06, 0.16])


def test_elsewhere_there_is_no_knee_and_the_mean_cost_of_a_request() -> None:
    assert BENT.elsewhere == Affine(idle_vcpu=0.01, vcpu_per_rps=1.2 * 0.0005)
    assert CONCAVE.elsewhere == CONCAVE
    assert (LINE.marginal_share, CONCAVE.marginal_share) == (1, 0.5)
