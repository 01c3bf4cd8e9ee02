"""A level that moves and stays is found in noise that lasts; noise and pulses are not."""

import numpy as np
import pytest

from analyzer.calibration.fit.level_shift import find_shift, ramp, stays
from tests.calibration.attacks.day import persistent
from tests.calibration.meshes import Floats

STEPS, LENGTHS, MARGIN = 288, (0, 12), 12
NOISE = 25.0
"""Gain that noise alone hardly reaches."""


def noise(rows: int, *, rho: float = 0.95, size: float = 0.05, seed: int = 1) -> Floats:
    return size * persistent(np.random.default_rng(seed), rows, rho, STEPS)


@pytest.mark.parametrize(
    ("begin", "length", "size"), [(100, 0, 0.05), (40, 0, 0.05), (150, 12, 0.02)]
)
def test_a_move_is_found_with_its_time_and_size(begin: int, length: int, size: float) -> None:
    found = find_shift(noise(6, size=size) - 0.35 * ramp(STEPS, begin, length), LENGTHS, MARGIN)

    assert (found.gain > NOISE).all()
    assert np.abs(found.begin - begin).max() <= 6
    assert found.size == pytest.approx(-0.35, abs=0.12)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9, 0.95])
def test_noise_that_lasts_is_not_a_move(rho: float) -> None:
    found = find_shift(noise(200, rho=rho), LENGTHS, MARGIN)

    assert (found.gain < NOISE).all()


def test_each_series_has_its_own_move() -> None:
    rows = noise(2, rho=0.5)
    rows[1] += 0.3 * ramp(STEPS, 200, 0)

    found = find_shift(rows, LENGTHS, MARGIN)

    assert (found.gain > NOISE).tolist() == [False, True]
    assert found.begin[1] == pytest.approx(200, abs=1)


def test_a_ramp_is_over_after_its_length() -> None:
    assert ramp(8, 3, 0).tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert ramp(8, 3, 3).tolist() == [0, 0, 0, 0.25, 0.5, 0.75, 1, 1]


def test_a_pulse_does_not_stay() -> None:
    step, pulse = ramp(STEPS, 100, 0), ramp(STEPS, 100, 0) - ramp(STEPS, 120, 0)

    assert stays(step, 100, 0, 1.0, 0.5)
    assert not stays(pulse, 100, 0, 1.0, 0.5)
    assert not stays(step, 100, 0, -1.0, 0.5)
