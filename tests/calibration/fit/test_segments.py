"""Whatever is done to segments at once is what a loop over them does."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.arrays import Floats
from analyzer.calibration.fit.segments import (
    BLOCK_ROWS,
    MIN_CLUSTERS,
    Segments,
    clusters_of,
    seen_at,
)

RUNS = st.lists(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=9),
    min_size=1,
    max_size=12,
)


def segmented(runs: list[list[float]]) -> tuple[Floats, Segments]:
    """Return all values in a row, and where each run of them begins."""
    code = np.repeat(np.arange(len(runs)), [len(run) for run in runs])
    return np.concatenate(runs), Segments.of(code)


def test_a_run_ends_where_any_code_changes() -> None:
    workload = np.array([0, 0, 0, 0, 1, 1, 1])
    proxy = np.array([3, 3, 5, 5, 5, 5, 6])

    assert Segments.of(workload).starts.tolist() == [0, 4]
    assert Segments.of(workload, proxy).starts.tolist() == [0, 2, 4, 6]
    assert Segments.of(workload, proxy).lengths.tolist() == [2, 2, 2, 1]


def test_a_code_that_comes_back_later_is_another_run() -> None:
    assert Segments.of(np.array([7, 7, 2, 7])).starts.tolist() == [0, 2, 3]


def test_no_rows_are_no_runs() -> None:
    nothing = Segments.of(np.zeros(0, dtype=np.int64))

    assert len(nothing) == 0
    assert nothing.lengths.tolist() == []


@given(RUNS)
def test_lengths_are_those_of_the_runs(runs: list[list[float]]) -> None:
    _, segments = segmented(runs)

    assert len(segments) == len(runs)
    assert segments.lengths.tolist() == [len(run) for run in runs]


@pytest.mark.parametrize(
    ("method", "plain"),
    [
        (Segments.sum, np.sum),
        (Segments.lowest, np.min),
        (Segments.highest, np.max),
        (Segments.median, np.median),
    ],
)
@given(runs=RUNS)
def test_each_run_has_its_own_figure(
    method: Callable[[Segments, Floats], Floats],
    plain: Callable[[list[float]], float],
    runs: list[list[float]],
) -> None:
    values, segments = segmented(runs)

    assert method(segments, values) == pytest.approx([plain(run) for run in runs], abs=1e-6)


@given(RUNS)
def test_taking_the_median_leaves_the_values_in_their_order(runs: list[list[float]]) -> None:
    values, segments = segmented(runs)
    before = values.tolist()

    segments.median(values)

    assert values.tolist() == before


def test_several_rows_of_values_are_added_up_each_on_its_own() -> None:
    segments = Segments.of(np.array([0, 0, 1]))

    assert segments.sum(np.array([[1, 2, 4], [10, 20, 40]])).tolist() == [[3, 4], [30, 40]]


def test_truths_are_counted() -> None:
    segments = Segments.of(np.array([0, 0, 0, 1]))

    assert segments.sum(np.array([True, False, True, False])).tolist() == [2, 0]


@given(RUNS)
def test_spreading_gives_each_row_what_its_run_has(runs: list[list[float]]) -> None:
    values, segments = segmented(runs)

    spread = segments.spread(segments.highest(values))

    assert spread.tolist() == [max(run) for run in runs for _ in run]


@given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=6))
def test_inner_runs_are_found_in_their_outer_one(counts: list[list[int]]) -> None:
    outer = np.repeat(np.arange(len(counts)), [sum(inner) for inner in counts])
    inner = np.repeat(np.arange(sum(map(len, counts))), np.concatenate(counts))

    inside = Segments.of(inner).within(Segments.of(outer))

    assert inside.lengths.tolist() == [len(inner) for inner in counts]
    assert inside.row_count == sum(map(len, counts))


@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 12))
def test_blocks_are_all_runs_in_order_and_none_is_cut(lengths: list[int], row_count: int) -> None:
    segments = Segments.of(np.repeat(np.arange(len(lengths)), lengths))

    blocks = list(segments.blocks(row_count))

    runs, rows = np.arange(len(lengths)), np.arange(sum(lengths))
    assert [run for part, _, _ in blocks for run in runs[part]] == runs.tolist()
    assert [row for _, part, _ in blocks for row in rows[part]] == rows.tolist()
    assert [size for _, _, inside in blocks for size in inside.lengths] == lengths
    assert [inside.row_count for _, _, inside in blocks] == [
        part.stop - part.start for _, part, _ in blocks
    ]
    # Only the last run of a block may be beyond it.
    assert all(inside.starts[-1] < row_count for _, _, inside in blocks)


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=9))
def test_a_part_has_the_chosen_runs_without_gaps(runs: list[tuple[int, bool]]) -> None:
    chosen = np.array([is_chosen for _, is_chosen in runs], dtype=bool)
    segments = Segments.of(np.repeat(np.arange(len(runs)), [length for length, _ in runs]))

    part = segments.part(chosen)

    assert part.lengths.tolist() == [length for length, is_chosen in runs if is_chosen]
    assert part.row_count == chosen.repeat(segments.lengths).sum()


def test_a_time_is_seen_if_any_member_of_the_group_has_it() -> None:
    groups = Segments.of(np.array([0, 0, 0, 1]))

    seen = seen_at(groups, np.array([0, 2, 2, 1]))

    assert seen.tolist() == [[True, False, True], [False, True, False]]


@pytest.mark.parametrize(("members", "blocks"), [(1, 8), (3, 3), (4, 2), (8, 1), (20, 1)])
def test_members_times_blocks_are_at_least_the_least_number(members: int, blocks: int) -> None:
    member, time = (index.ravel() for index in np.indices((members, 24)))
    groups, runs = Segments.of(np.zeros(len(member), dtype=np.int64)), Segments.of(member)

    clusters = clusters_of(groups, runs, time)

    assert clusters.lengths.tolist() == [24 // blocks] * members * blocks
    assert len(clusters) >= MIN_CLUSTERS


def test_groups_of_any_size_have_the_clusters_that_each_has_alone() -> None:
    members, times = [1, 40, 2], np.arange(BLOCK_ROWS // 30)
    sizes = [count * len(times) for count in members]
    member = np.repeat(np.arange(sum(members)), len(times))
    time, group = np.tile(times, sum(members)), np.repeat(np.arange(len(members)), sizes)

    together = clusters_of(Segments.of(group), Segments.of(member), time)

    alone = [
        clusters_of(Segments.of(group[mine]), Segments.of(member[mine]), time[mine]).lengths
        for mine in (group == number for number in range(len(members)))
    ]
    assert together.row_count > BLOCK_ROWS
    assert together.lengths.tolist() == np.concatenate(alone).tolist()


def test_no_rows_have_no_clusters() -> None:
    empty = np.zeros(0, dtype=np.int64)

    assert len(clusters_of(Segments.of(empty), Segments.of(empty), empty)) == 0


def test_the_largest_runs_are_those_that_have_place() -> None:
    runs = Segments.of(np.repeat(np.arange(4), [3, 1, 2, 4]))
    amounts = np.array([5.0, 9.0, 7.0, 1.0])

    assert runs.largest(amounts, 10).all()
    assert runs.largest(amounts, 6).tolist() == [True, True, True, False]
    assert runs.largest(amounts, 3).tolist() == [False, True, True, False]
    # One of them is always taken.
    assert runs.largest(amounts, 0).tolist() == [False, True, False, False]
