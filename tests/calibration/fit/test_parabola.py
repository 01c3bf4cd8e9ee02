"""Where a parabola through three trials is lowest, and how sure that is."""

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.fit.parabola import vertex

AT = np.array([0.5, 1.0, 2.0])


def losses(lowest: Floats, bends: Floats) -> Floats:
    """Return parts that are parabolas themselves, each with a lowest point of its own."""
    return np.asarray(bends * (AT[:, None] - lowest) ** 2 + 3)


def test_the_lowest_point_of_equal_parabolas_is_theirs() -> None:
    found = vertex(AT, losses(np.full(5, 1.3), np.ones(5)))

    assert found.at == pytest.approx(1.3)
    assert found.standard_error == pytest.approx(0, abs=1e-9)


def test_the_lowest_point_of_a_sum_is_the_mean_by_the_bends() -> None:
    lowest, bends = np.array([0.9, 1.2, 1.8, 1.1]), np.array([1.0, 2.0, 0.5, 4.0])

    found = vertex(AT, losses(lowest, bends))

    assert found.at == pytest.approx(np.average(lowest, weights=bends))
    left = [np.average(np.delete(lowest, i), weights=np.delete(bends, i)) for i in range(4)]
    assert found.standard_error == pytest.approx(np.sqrt(3 * np.var(left)))


def test_without_an_upward_bend_the_best_trial_is_as_good_as_any() -> None:
    found = vertex(AT, losses(np.full(3, 1.3), -np.ones(3)))

    assert found.at == 0.5
    assert found.standard_error == np.inf
