"""A model says what a proxy uses."""

import numpy as np
import pytest

from analyzer.calibration.models import Affine

MODEL = Affine(idle_vcpu=0.01, vcpu_per_rps=0.0005)


def test_a_proxy_at_rest_uses_its_idle_and_a_busy_one_the_same_for_each_request() -> None:
    assert MODEL.predict(np.array([0.0, 100.0, 200.0])) == pytest.approx([0.01, 0.06, 0.11])


def test_one_more_request_costs_the_same_at_any_rate() -> None:
    assert MODEL.marginal(np.array([0.0, 100.0, 5000.0])) == pytest.approx([0.0005] * 3)


def test_the_marginal_cost_is_the_derivative_of_the_prediction() -> None:
    rps = np.linspace(1, 1000, 7)

    rise = (MODEL.predict(rps + 0.5) - MODEL.predict(rps - 0.5)) / 1.0

    assert MODEL.marginal(rps) == pytest.approx(rise)
