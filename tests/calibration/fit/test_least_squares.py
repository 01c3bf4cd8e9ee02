"""Least squares, many at once and none below its floor: what scipy and numpy find one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.least_squares import (
    Moments,
    correlations,
    moments_of,
    r_squared,
    solve,
    unit_diagonal,
)
from analyzer.calibration.fit.segments import Segments
from tests.calibration.problems import Frame, Joined, drawn, joined

SEEDS = st.integers(0, 10_000)
BATCHES = st.lists(SEEDS, min_size=1, max_size=4, unique=True)


def small(seed: int) -> Frame:
    return drawn(seed, rows=(8, 40), clusters=(4, 6))


def moments(every: Joined) -> Moments:
    problem = every.problem
    return moments_of(problem.design, problem.target, every.weights, problem.segments)


def solved(every: Joined) -> tuple[Floats, Bools]:
    return solve(moments(every), every.problem.active, every.problem.floored)


def weighed(frame: Frame) -> tuple[Floats, Floats]:
    """Return a frame whose plain least squares are the weighted ones of this."""
    root = np.sqrt(frame.weights)
    return frame.design * root[:, None], frame.target * root


def bounded(frame: Frame, floored: list[int]) -> Floats:
    """Return the best fit with no negative coefficient in these columns, by scipy.

    A column that may go below zero is one up and one down, of which neither may.
    """
    design, target = weighed(frame)
    width = design.shape[1]
    size = np.sqrt((design**2).sum(axis=0))
    unfloored = [column for column in range(width) if column not in floored]
    both_ways = np.column_stack([design / size, -(design / size)[:, unfloored]])
    found, _ = optimize.nnls(both_ways, target)
    found[unfloored] -= found[width:]
    return np.asarray(found[:width] / size)


# --- the moments ---


@given(seeds=BATCHES)
def test_the_moments_are_the_textbooks_products(seeds: list[int]) -> None:
    frames = [small(seed) for seed in seeds]

    sums = moments(joined(frames))

    for number, frame in enumerate(frames):
        design, target = weighed(frame)
        width = design.shape[1]
        assert sums.gram[number, :width, :width] == pytest.approx(design.T @ design)
        assert sums.cross[number, :width] == pytest.approx(design.T @ target, abs=1e-9)
        assert sums.square[number] == pytest.approx(target @ target)


@given(seed=SEEDS, scale=st.floats(-3, 3))
def test_the_loss_of_any_coefficients_is_their_weighted_sum_of_squares(
    seed: int, scale: float
) -> None:
    frame = small(seed)
    coefficients = scale / frame.design.mean(axis=0)

    loss = moments(joined([frame])).loss(coefficients[None, :])

    residuals = frame.target - frame.design @ coefficients
    assert loss == pytest.approx([(frame.weights * residuals**2).sum()])


@given(seed=SEEDS)
def test_the_moments_of_parts_add_up_and_can_be_taken_away(seed: int) -> None:
    every = joined([small(seed), small(seed + 1)])
    problem = every.problem
    whole = moments(every)

    parts = moments_of(problem.design, problem.target, every.weights, every.clusters)
    summed = parts.summed(every.clusters.within(problem.segments))
    nothing = whole.without(summed)

    for name in ("gram", "cross", "square"):
        total = getattr(whole, name)
        assert getattr(summed, name) == pytest.approx(total, rel=1e-9, abs=1e-9)
        assert getattr(nothing, name) == pytest.approx(0 * total, abs=1e-9 * np.abs(total).max())


# --- solving ---


@given(seeds=BATCHES)
def test_without_floors_the_fit_is_that_of_numpy(seeds: list[int]) -> None:
    frames = [small(seed) for seed in seeds]

    coefficients, free = solved(joined(frames))

    for number, frame in enumerate(frames):
        expected = np.linalg.lstsq(*weighed(frame))[0]
        assert coefficients[number, : len(expected)] == pytest.approx(expected, rel=1e-6)
        assert free[number].tolist() == [True] * len(expected) + [False] * (
            free.shape[1] - len(expected)
        )


@settings(max_examples=150)
@given(seeds=BATCHES, mask=st.lists(st.booleans(), min_size=2, max_size=2))
def test_with_floors_the_fit_is_scipys_non_negative_one(seeds: list[int], mask: list[bool]) -> None:
    floored = [0, *(column for column, chosen in enumerate(mask, start=1) if chosen)]
    frames = [drawn(seed, rows=(8, 40), clusters=(4, 6), columns=(3, 3)) for seed in seeds]

    coefficients, free = solved(joined(frames, floored=floored))

    for number, frame in enumerate(frames):
        size = np.sqrt((frame.design**2).mean(axis=0))
        expected = bounded(frame, floored)
        assert coefficients[number] * size == pytest.approx(expected * size, rel=1e-6, abs=1e-6)
        assert free[number].tolist() == [
            column not in floored or bool(expected[column] > 0) for column in range(3)
        ]


@pytest.mark.parametrize("seed", range(20))
def test_all_columns_floored_is_scipys_nnls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    design = rng.uniform(0, 1, (30, 5))
    truth = np.array([-0.5, 1, *rng.normal(0, 1, 3)])
    target = design @ truth + rng.normal(0, 0.1, 30)
    frame = Frame(
        design=design, target=target, weights=np.ones(30), clusters=np.zeros(30, dtype=np.int64)
    )

    coefficients, free = solved(joined([frame], floored=range(5)))

    expected, _ = optimize.nnls(design, target)
    assert coefficients[0] == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert free[0].tolist() == (expected > 0).tolist()


def test_a_column_left_out_has_no_coefficient_and_the_others_fit_without_it() -> None:
    frame = drawn(3, columns=(3, 3))
    every = joined([frame])
    active = np.array([[True, False, True]])

    coefficients, free = solve(moments(every), active)

    design, target = weighed(frame)
    expected = np.linalg.lstsq(design[:, [0, 2]], target)[0]
    assert coefficients[0, 1] == 0
    assert coefficients[0, [0, 2]] == pytest.approx(expected)
    assert free.tolist() == active.tolist()


def test_a_column_of_zeros_has_no_coefficient_and_the_others_fit_without_it() -> None:
    frame = drawn(3, columns=(2, 2))
    with_zeros = Frame(
        design=np.column_stack([frame.design, np.zeros(len(frame.target))]),
        target=frame.target,
        weights=frame.weights,
        clusters=frame.clusters,
    )

    coefficients, _ = solved(joined([with_zeros]))

    assert coefficients[0, :2] == pytest.approx(np.linalg.lstsq(*weighed(frame))[0])
    assert coefficients[0, 2] == 0


def test_collinear_columns_share_their_effect() -> None:
    column = np.linspace(1, 3, 20)
    twice = Frame(
        design=np.column_stack([column, column]),
        target=6 * column,
        weights=np.ones(20),
        clusters=np.zeros(20, dtype=np.int64),
    )

    for floored in ([], [0, 1]):
        coefficients, _ = solved(joined([twice], floored=floored))

        assert coefficients[0] == pytest.approx([3, 3], rel=1e-6)


@pytest.mark.parametrize("size", [1e-4, 1e5])
def test_one_problem_that_cannot_be_divided_leaves_its_neighbours_alone(size: float) -> None:
    good = drawn(1, columns=(2, 2))
    doubled = good.design[:, 1] * size
    bad = Frame(
        design=np.column_stack([doubled, 3 * doubled]),
        target=good.target,
        weights=good.weights,
        clusters=good.clusters,
    )

    coefficients, _ = solved(joined([good, bad]))

    assert coefficients[0] == pytest.approx(np.linalg.lstsq(*weighed(good))[0], rel=1e-9)
    root = np.sqrt(bad.weights)
    best = np.linalg.lstsq(bad.design * root[:, None], bad.target * root)[0]
    assert bad.design @ coefficients[1] == pytest.approx(bad.design @ best, rel=1e-6)


# --- its parts ---


def test_a_gram_matrix_is_brought_to_unit_diagonal_by_the_factors_returned() -> None:
    gram = np.array([[4.0, 3.0], [3.0, 100.0]])

    scaled, scale = unit_diagonal(gram[None], np.array([[True, True]]))

    assert scale[0] == pytest.approx([0.5, 0.1])
    assert scaled[0] == pytest.approx(np.array([[1, 0.15], [0.15, 1]]))


def test_what_takes_no_part_is_the_identitys_in_a_gram_matrix() -> None:
    gram = np.array([[4.0, 2.0], [2.0, 9.0]])

    scaled, scale = unit_diagonal(gram[None], np.array([[True, False]]))

    assert scaled[0].tolist() == [[1, 0], [0, 1]]
    assert scale[0].tolist() == [0.5, 0]


@given(seeds=BATCHES)
def test_residuals_are_what_each_segments_coefficients_leave(seeds: list[int]) -> None:
    frames = [small(seed) for seed in seeds]
    problem = joined(frames).problem
    coefficients = np.random.default_rng(0).normal(size=problem.active.shape)
    coefficients[~problem.active] = 0

    left = problem.residuals(coefficients)

    expected = [
        frame.target - frame.design @ own[: frame.design.shape[1]]
        for frame, own in zip(frames, coefficients, strict=True)
    ]
    assert left == pytest.approx(np.concatenate(expected), abs=1e-9)


@given(seed=SEEDS)
def test_correlations_of_each_segment_are_numpys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, lengths = rng.normal(5, 1, (3, 30)), [12, 18]
    columns[1] += columns[0]

    found = correlations(columns, Segments.of(np.repeat([0, 1], lengths)))

    assert found[0] == pytest.approx(np.corrcoef(columns[:, :12]))
    assert found[1] == pytest.approx(np.corrcoef(columns[:, 12:]))


def test_a_column_that_does_not_vary_is_taken_to_follow_every_other() -> None:
    columns = np.array([np.arange(6.0), np.full(6, 3.0)])

    assert correlations(columns, Segments.of(np.zeros(6, dtype=np.int64))).tolist() == [
        [[1, 1], [1, 1]]
    ]


def test_the_share_of_the_variance_that_is_explained() -> None:
    target = np.array([1.0, 2.0, 3.0, 6.0])

    assert r_squared(target, np.zeros(4)) == 1
    assert r_squared(target, target - target.mean()) == 0
    assert r_squared(np.ones(4), np.zeros(4)) is None
