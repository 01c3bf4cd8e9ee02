"""A model says what a proxy uses, and what one more request costs it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.calibration.models import Affine, AffineByDirection, Curve, Power

LINE = Affine(idle_vcpu=0.01, vcpu_per_rps=0.0005)
CONCAVE = Power(idle_vcpu=0.01, vcpu_per_rps_power=0.002, exponent=0.5)
DIRECTED = AffineByDirection(
    idle_vcpu=0.01,
    vcpu_per_inbound_rps=0.0002,
    vcpu_per_outbound_rps=0.0005,
    vcpu_per_gbit_per_second=0.3,
)

IDLES = st.floats(0, 1)
COSTS = st.floats(1e-6, 1e-2)
LINES = st.builds(Affine, idle_vcpu=IDLES, vcpu_per_rps=COSTS)
POWERS = st.builds(Power, idle_vcpu=IDLES, vcpu_per_rps_power=COSTS, exponent=st.floats(0.3, 1))
RATES = st.floats(1, 5000)


def test_a_proxy_at_rest_uses_its_idle_and_a_busy_one_the_same_for_each_request() -> None:
    assert LINE.predict(np.array([0.0, 100.0, 200.0])) == pytest.approx([0.01, 0.06, 0.11])


def test_one_more_request_costs_the_same_at_any_rate_of_a_line() -> None:
    assert LINE.marginal(np.array([0, 100, 5000])) == pytest.approx([0.0005] * 3)


def test_four_times_the_requests_cost_twice_as_much_by_a_square_root() -> None:
    assert CONCAVE.predict(np.array([0.0, 100.0, 400.0])) == pytest.approx([0.01, 0.03, 0.05])


def test_each_direction_and_bytes_have_their_own_cost() -> None:
    loads = np.array([[0, 100, 0, 0], [0, 0, 100, 0], [0, 0, 0, 2]], dtype=float)

    assert DIRECTED.predict(*loads) == pytest.approx([0.01, 0.03, 0.06, 0.61])


@given(model=st.one_of(LINES, POWERS), rate=RATES)
def test_the_marginal_cost_is_the_derivative_of_the_prediction(model: Curve, rate: float) -> None:
    step = 1e-3 * rate

    low, high = model.predict(np.array([rate - step, rate + step]))

    expected = (high - low) / (2 * step)
    # The difference's own error: (step / rate) ** 2, and rounding of the idle.
    assert model.marginal(np.array([rate])) == pytest.approx([expected], rel=1e-5, abs=1e-12)


@given(model=POWERS, ends=st.tuples(RATES, RATES))
def test_the_marginal_costs_add_up_to_what_the_requests_between_two_rates_cost(
    model: Power, ends: tuple[float, float]
) -> None:
    rates = np.geomspace(*ends, 2001)
    middles = np.array([np.sqrt(low * high) for low, high in pairwise(rates)])

    added_up = float((model.marginal(middles) * np.diff(rates)).sum())

    first, last = model.predict(np.array(ends))
    assert added_up == pytest.approx(last - first, rel=1e-4, abs=1e-12)


@given(rate=RATES, idle=IDLES, cost=COSTS)
def test_a_power_of_one_is_a_line(rate: float, idle: float, cost: float) -> None:
    one = Power(idle_vcpu=idle, vcpu_per_rps_power=cost, exponent=1)
    line = Affine(idle_vcpu=idle, vcpu_per_rps=cost)

    rates = np.array([rate])
    assert one.predict(rates) == pytest.approx(line.predict(rates))
    assert one.marginal(rates) == pytest.approx(line.marginal(rates))


@given(model=st.one_of(LINES, POWERS), factor=st.floats(0.01, 100), rate=RATES)
def test_so_many_times_the_cpu_is_so_many_times_the_cpu_at_every_rate(
    model: Curve, factor: float, rate: float
) -> None:
    rates = np.array([0.0, rate])

    scaled = model.scaled(factor)

    assert type(scaled) is type(model)
    assert scaled.predict(rates) == pytest.approx(factor * model.predict(rates))
    assert scaled.marginal(rates[1:]) == pytest.approx(factor * model.marginal(rates[1:]))


@given(share=st.floats(0, 1), rate=RATES, gbit=st.floats(0, 10))
def test_the_marginal_cost_of_a_mix_is_the_derivative_along_the_mix(
    share: float, rate: float, gbit: float
) -> None:
    loads = np.array([[share * rate], [(1 - share) * rate], [gbit]])

    one_more = DIRECTED.predict(*(loads * (1 + 1 / rate)))

    expected = one_more - DIRECTED.predict(*loads)
    assert DIRECTED.marginal(*loads) == pytest.approx(expected, rel=1e-6, abs=1e-12)
