"""The effect of a load on many series is found, and not in noise that lasts or is shared."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.fit.whitening import effect, whitened
from tests.calibration.attacks.day import persistent

UNITS, TIMES = 8, 288


def design_of(seed: int) -> Floats:
    """Return a constant, a wave of each unit's own, and its positive part half a wave later."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 1, (UNITS, 1)) + np.linspace(0, 2 * np.pi, TIMES)
    columns = [np.ones((UNITS, TIMES)), np.sin(phase), np.maximum(np.cos(phase), 0)]
    return np.stack(columns, axis=2)


def noise_of(seed: int, *, shared: float, rho: float) -> Floats:
    rng = np.random.default_rng(seed)
    own, common = persistent(rng, UNITS, 0.6, TIMES), persistent(rng, 1, rho, TIMES)
    return np.asarray(np.sqrt(1 - shared) * own + np.sqrt(shared) * common)


def known() -> Floats:
    return np.ones((UNITS, TIMES))


@pytest.mark.parametrize("seed", range(5))
def test_a_common_effect_is_found_with_its_size(seed: int) -> None:
    design = design_of(seed)
    target = 3 + 2 * design[..., 1] + 1.5 * design[..., 2]
    target = target + noise_of(seed, shared=0.0, rho=0.9)

    series = whitened(target, design, known())
    errors, _ = effect(series, 2)

    assert errors > 5
    scale = series.design[:, :, 0].mean() / (1 - series.persistence.mean())
    assert scale == pytest.approx(1.0, rel=0.6)


def test_the_size_of_an_effect_is_that_of_its_column() -> None:
    design = design_of(0)
    target = design @ np.array([1.0, -2.0, 0.7]) + 1e-6 * noise_of(0, shared=0.0, rho=0.9)

    assert effect(whitened(target, design, known()), 2)[1] == pytest.approx(0.7, rel=1e-3)


@pytest.mark.parametrize(("shared", "rho"), [(0.0, 0.9), (0.8, 0.95), (0.8, 0.0)])
def test_noise_that_lasts_or_is_shared_is_not_taken_for_an_effect(
    shared: float, rho: float
) -> None:
    sizes = [
        abs(
            effect(whitened(noise_of(seed, shared=shared, rho=rho), design_of(seed), known()), 2)[0]
        )
        for seed in range(60)
    ]

    # Of 60 draws from Student's t with 23 degrees of freedom, 3 are beyond 2.07. A single slow
    # series for all units has few independent parts, so it may have one that is far out.
    assert np.mean(np.array(sizes) > 5.0) <= 1 / len(sizes)
    assert np.mean(np.array(sizes) > 2.07) < 0.2


def test_noise_is_as_independent_afterwards_as_it_was_persistent() -> None:
    series = whitened(noise_of(1, shared=0.0, rho=0.9), design_of(1), known())

    pairs = np.corrcoef(series.residuals[:, 1:].ravel(), series.residuals[:, :-1].ravel())
    assert abs(pairs[0, 1]) < 0.1
    assert series.persistence.mean() == pytest.approx(0.6, abs=0.1)
    assert series.residuals.std() == pytest.approx(1.0, rel=0.02)


def test_times_that_are_not_known_do_not_count() -> None:
    design, is_known = design_of(0), known()
    is_known[:, 100:110] = 0
    design = design * is_known[..., None]
    target = (2 * design[..., 1] + noise_of(0, shared=0.0, rho=0.9)) * is_known

    series = whitened(target, design, is_known)

    assert (series.residuals[:, 99:110] == 0).all()
    assert series.is_known.sum() == UNITS * (TIMES - 1 - 11)


def test_a_load_that_others_explain_has_no_effect() -> None:
    design = design_of(0)
    design[..., 2] = 4 * design[..., 1]
    target = design[..., 1] + noise_of(0, shared=0.0, rho=0.9)

    assert abs(effect(whitened(target, design, known()), 2)[0]) < 5
    design[..., 2] = 0
    assert effect(whitened(target, design, known()), 2) == (0.0, 0.0)
