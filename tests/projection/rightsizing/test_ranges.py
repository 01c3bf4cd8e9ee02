"""How far another window may be: against plain loops, and against laws of which this is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analyzer.projection.rightsizing.busiest import Pods
from analyzer.projection.rightsizing.ranges import ends_of

STEP_SECONDS = 300
BLOCK = 24
"""Steps in a block of two hours."""
SHARE = 0.95


def ends(values: np.ndarray, share: float = SHARE) -> tuple[float, float]:
    """Return the shares for pods of one workload, shape (steps, pods)."""
    count = values.shape[1]
    point, proxy = np.divmod(np.arange(values.size), count)
    pods = Pods.of(np.zeros(values.size, np.int64), proxy, values.ravel())
    low, high = ends_of(pods, values.ravel(), point, share, STEP_SECONDS)
    assert list(low.of_pods) == list(high.of_pods) == [share]
    return float(low.of_steps[0]), float(high.of_steps[0])


def half_by_hand(values: np.ndarray) -> float:
    """Return half of the range of a share, one pod and one block at a time."""
    steps, count = values.shape
    exceeds = np.empty_like(values)
    for pod in range(count):
        exceeds[:, pod] = values[:, pod] > np.percentile(values[:, pod], 100 * SHARE)
    of_pods, blocks = 0.0, steps // BLOCK
    together = 0.0
    for block in range(blocks):
        rows = slice(block * BLOCK, (block + 1) * BLOCK)
        for pod in range(count):
            of_pods += (exceeds[rows, pod] - exceeds[:, pod].mean()).sum() ** 2 / count
        together += (exceeds[rows] - exceeds.mean()).sum() ** 2
    enlarged = blocks / (blocks - 1)
    variance = (of_pods / steps**2 + together / values.size**2) / 2 * enlarged
    return 1.645 * math.sqrt(2 * min(variance, SHARE * (1 - SHARE)))


def test_it_is_what_plain_loops_give() -> None:
    rng = np.random.default_rng(1)
    values = rng.lognormal(0.0, 0.3, (240, 4)) * rng.lognormal(0.0, 0.1, (240, 1))
    half = half_by_hand(values)

    assert 0.01 < half < 0.05
    assert ends(values) == pytest.approx((SHARE - half, SHARE + half), rel=1e-9)


def test_bursts_that_last_make_it_wider_than_those_of_single_steps() -> None:
    rng = np.random.default_rng(2)
    single = rng.permutation(np.repeat((5.0, 1.0), (30, 570))) + rng.random(600) / 100
    lasting = np.ones(600) + rng.random(600) / 100
    for start in (0, 300):
        lasting[start : start + 15] = 5.0 + rng.random(15)
    narrow, wide = ends(single[:, None]), ends(lasting[:, None])

    assert wide[0] < narrow[0] < SHARE < narrow[1]
    assert wide[1] == 1.0


def test_a_pod_that_never_changes_has_no_range() -> None:
    assert ends(np.full((288, 3), 0.2)) == (SHARE, SHARE)


@pytest.mark.parametrize("busy_steps", [20, 12], ids=["the percentile is high", "it is low"])
def test_jobs_of_one_step_vary_from_pod_to_pod(busy_steps: int) -> None:
    # The last ones of 300 need more, so another window may have many of them, or none.
    values = np.r_[np.full(300 - busy_steps, 0.1), np.full(busy_steps, 0.9)]
    workload, proxy = np.zeros(300, np.int64), np.arange(300)
    pods = Pods.of(workload, proxy, values)
    low, high = ends_of(pods, values, proxy, SHARE, STEP_SECONDS)

    assert pods.busiest(low.of_steps, low.of_pods)[0] == 0.1
    assert pods.busiest(high.of_steps, high.of_pods)[0] == 0.9


@pytest.mark.parametrize("busy_steps", [36, 24], ids=["the percentile is high", "it is low"])
def test_a_pod_that_rests_and_works_may_have_either(busy_steps: int) -> None:
    values = np.r_[np.full(576 - busy_steps, 0.1), np.full(busy_steps, 0.9)]
    low, high = ends(values[:, None])
    ordered = np.sort(values)

    assert np.percentile(ordered, 100 * low) == pytest.approx(0.1)
    assert np.percentile(ordered, 100 * high) == pytest.approx(0.9)


def test_a_window_of_one_block_permits_all_that_one_step_does() -> None:
    values, zeros = np.linspace(0.0, 1.0, BLOCK), np.zeros(BLOCK, np.int64)
    pods = Pods.of(zeros, zeros, values)
    low, high = ends_of(pods, values, np.arange(BLOCK), SHARE, STEP_SECONDS)

    assert low.of_steps[0] == pytest.approx(SHARE - 1.645 * math.sqrt(2 * SHARE * 0.05))
    assert high.of_steps[0] == 1.0


def test_unknown_samples_change_nothing() -> None:
    rng = np.random.default_rng(3)
    values = rng.random((288, 2))
    point, proxy = np.divmod(np.arange(values.size), 2)
    workload = np.zeros(values.size, np.int64)
    holes = np.where(rng.random(values.size) < 0.3, np.nan, values.ravel())
    known = ~np.isnan(holes)
    with_holes = ends_of(Pods.of(workload, proxy, holes), holes, point, SHARE, STEP_SECONDS)
    without = ends_of(
        Pods.of(workload[known], proxy[known], holes[known]),
        holes[known],
        point[known],
        SHARE,
        STEP_SECONDS,
    )

    assert [end.of_steps[0] for end in with_holes] == [end.of_steps[0] for end in without]
