"""Factors of kinds, which multiply the lines of all segments."""

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.fit.group_factors import PARTS, Cells, Factors, Rows, fit_factors, lines

TRUTH = np.array([1.0, 1.5, 0.8])


def drawn(
    seed: int,
    *,
    factors: Floats = TRUTH,
    noise: float = 0.1,
    of_member: float = 0.0,
    slower_gets_less: float = 1.0,
) -> Rows:
    """Draw ten segments of twelve members with forty rows each; kinds are dealt in turn."""
    rng = np.random.default_rng(seed)
    segment, member, _ = (part.ravel() for part in np.indices((10, 12, 40)))
    kind = (member + segment) % len(factors)
    x = rng.uniform(20, 200, segment.size) / factors[kind] ** slower_gets_less
    intercept, slope = rng.uniform(5, 20, 10)[segment], rng.uniform(0.1, 1, 10)[segment]
    of_each = np.exp(of_member * rng.normal(size=(10, 12)))[segment, member]
    y = factors[kind] * (intercept + slope * x) * of_each
    y *= 1 + noise * rng.normal(size=y.size)
    return Rows(
        x=x,
        y=y,
        weights=1 / (intercept + slope * x) ** 2,
        segment=segment,
        kind=kind,
        member=segment * 12 + member,
    )


def fitted(rows: Rows) -> Factors:
    return fit_factors(Cells.of(rows, int(rows.kind.max()) + 1))


def normalised(rows: Rows, factors: Floats = TRUTH) -> Floats:
    """Return the factors whose mean over x is 1."""
    return np.asarray(factors / np.average(factors[rows.kind], weights=rows.x))


@pytest.mark.parametrize("share", [0.0, 1.0, 2.0])
def test_without_noise_the_factors_are_exact(share: float) -> None:
    rows = drawn(0, noise=0.0, slower_gets_less=share)

    assert fitted(rows).factors == pytest.approx(normalised(rows), rel=1e-6)


def test_lines_are_the_means_over_the_kinds() -> None:
    rows = drawn(1, noise=0.0)
    found = lines(Cells.of(rows, 3), normalised(rows))

    for number in range(10):
        here = rows.segment == number
        kinds = TRUTH[rows.kind[here]]
        line = np.polyfit(rows.x[here], rows.y[here] / kinds, 1)
        assert found[number, 0] == pytest.approx(line[1] * kinds.mean(), rel=1e-6)
        mean = np.average(kinds, weights=rows.x[here])
        assert found[number, 1] == pytest.approx(line[0] * mean, rel=1e-6)


def test_variances_hold_what_members_have_of_their_own() -> None:
    errors, variances = [], []
    for seed in range(40):
        rows = drawn(seed, of_member=0.05)
        found = fitted(rows)
        errors.append(found.factors - normalised(rows))
        variances.append(found.variances)

    assert np.std(errors, axis=0) == pytest.approx(np.sqrt(np.mean(variances, axis=0)), rel=0.35)


def test_kinds_that_are_alike_differ_by_chance_as_often_as_it_is_said() -> None:
    alike = np.ones(3)
    chances = [fitted(drawn(seed, factors=alike, of_member=0.1)).chance for seed in range(200)]

    assert np.mean(np.array(chances) < 0.1) == pytest.approx(0.1, abs=0.06)
    assert min(chances) > 1e-5
    assert fitted(drawn(0, of_member=0.1)).chance < 1e-5


def test_a_kind_in_segments_of_its_own_is_not_known() -> None:
    rows = drawn(2)
    apart = rows._replace(kind=np.where(rows.segment == 0, 3, rows.kind))
    found = fitted(apart)

    assert found.is_known.tolist() == [True, True, True, False]
    assert found.factors[1] / found.factors[0] == pytest.approx(1.5, rel=0.03)


def test_few_members_are_parts_of_their_own() -> None:
    rows = drawn(3)
    few = Rows._make(part[rows.member < 9] for part in rows)

    assert len(fitted(few).without_each) == 9
    assert len(fitted(rows).without_each) == PARTS
