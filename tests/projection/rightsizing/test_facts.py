"""What is known of each workload, one figure at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyzer.projection.rightsizing.facts import Samples, exceeded_shares, facts_of
from tests.projection.rightsizing.bursts import MEBIBYTE, policy
from tests.projection.rightsizing.frames import Pod, samples

STEPS = 24
HOURS = STEPS / 12


def seen(*pods: Pod) -> Samples:
    return Samples.of(samples(*pods), np.arange(STEPS, dtype=np.int64))


def facts(*pods: Pod) -> dict[str, Any]:
    """Return the facts about the only workload."""
    (found,) = facts_of(seen(*pods), policy(HOURS), STEPS).to_dict("records")
    return {str(name): value for name, value in found.items()}


def test_counts_and_hours_are_of_the_time_that_a_workload_was_there() -> None:
    found = facts(
        Pod(cpu_vcpu=[0.1] * 12, first=2), Pod(cpu_vcpu=[0.3] * 3 + [math.nan] * 3, first=14)
    )

    assert found["sidecar_count"] == 18 / STEPS
    assert found["known_steps"] == 15
    # From step 2 to step 16, of five minutes each: in both hours of the window.
    assert found["span_hours"] == pytest.approx(15 / 12)
    assert found["hours"] == 2
    assert found["used_vcpu"] == pytest.approx((12 * 0.1 + 3 * 0.3) / 15)


def test_halves_are_of_the_window_and_not_of_the_workload() -> None:
    memory = [10 * MEBIBYTE] * 4 + [30 * MEBIBYTE] * 8
    found = facts(Pod(cpu_vcpu=[0.1] * 4 + [0.5] * 8, memory_bytes=memory, first=8))

    assert found["early_vcpu"] == pytest.approx(0.1)
    assert found["early_memory_bytes"] == 10 * MEBIBYTE
    assert found["peak_memory_bytes"] == 30 * MEBIBYTE
    assert found["high_vcpu"] == pytest.approx(0.5)


def test_halves_are_of_the_steps_that_were_observed() -> None:
    points = np.array([0, 1, 2, 3, 100, 101], np.int64)
    rows = samples(Pod(cpu_vcpu=[0.1] * 6)).assign(point=points)

    assert list(Samples.of(rows, points).is_late) == [False] * 3 + [True] * 3


def test_today_is_the_last_step_in_which_each_amount_is_known() -> None:
    found = facts(
        Pod(
            cpu_vcpu=[0.1] * 3,
            reserved_vcpu=[0.5, 0.2, math.nan],
            limit_vcpu=[2.0, math.nan, math.nan],
        ),
        Pod(cpu_vcpu=[0.1] * 3, reserved_vcpu=[0.5, 0.1, math.nan]),
    )

    # Pods before and after a change: the mean of both.
    assert found["reserved_vcpu"] == 0.15
    assert found["limit_vcpu"] == 2.0
    assert found["reserved_memory_bytes"] == 128 * MEBIBYTE


def test_limits_and_throttling_of_the_first_half_are_its_own() -> None:
    found = facts(
        Pod(
            cpu_vcpu=[0.1] * STEPS,
            throttled_share=[0.01] * 12 + [0.04] * 12,
            limit_vcpu=[0.5] * 11 + [0.6] + [2.0] * 12,
        )
    )

    assert (found["early_throttled_share"], found["early_limit_vcpu"]) == (0.01, 0.6)
    assert (found["throttled_share"], found["limit_vcpu"]) == (0.04, 2.0)


def test_a_workload_of_the_second_half_has_no_early_limit() -> None:
    found = facts(Pod(cpu_vcpu=[0.1] * 12, first=12, throttled_share=0.01, limit_vcpu=0.5))

    assert math.isnan(found["early_throttled_share"])
    assert math.isnan(found["early_limit_vcpu"])
    assert found["limit_vcpu"] == 0.5


def test_the_numbers_of_workloads_follow_their_names() -> None:
    names = ("b/one", "a/two", "a/one")
    found = seen(*(Pod(workload=name, cpu_vcpu=[0.1]) for name in names))

    assert list(found.names) == [("a", "one"), ("a", "two"), ("b", "one")]
    assert list(found.workload) == [2, 1, 0]


def test_a_share_is_exceeded_in_the_second_half_only() -> None:
    found = seen(
        Pod(workload="a/one", cpu_vcpu=[0.9] * 12 + [0.1] * 9 + [0.9] * 3),
        Pod(workload="a/two", cpu_vcpu=[0.9] * 12),
        Pod(workload="a/three", cpu_vcpu=[0.1] * 12 + [0.2] * 6 + [math.nan] * 6),
    )
    limits = pd.Series({0: 0.5, 1: 0.1, 2: 0.5})
    shares = exceeded_shares(found, found.vcpu, limits)

    # By name: one, three, two; the last has no second half.
    assert dict(shares) == {0: 0.25, 1: 1.0}


def test_runs_are_counted_by_the_days_that_they_start_on() -> None:
    steps = 4 * 288
    # Days 0 and 2, twice on day 0, and one that goes on past midnight from day 2 to day 3.
    runs = [Pod(cpu_vcpu=[0.1] * 20, first=first) for first in (10, 100, 3 * 288 - 10)]
    rows = samples(*runs)
    found = facts_of(
        Samples.of(rows, np.arange(steps, dtype=np.int64)), policy(steps / 12), steps
    ).iloc[0]

    assert found["run_days"] == 2
    # Hours 0 to 2, 8 to 9, and 71 to 72.
    assert found["hours"] == 3 + 2 + 2
    assert found["span_hours"] == pytest.approx((3 * 288 + 10 - 10) / 12)
    assert found["comes_and_goes"]


@pytest.mark.parametrize(
    ("first", "count", "expected"), [(0, 24, False), (12, 12, False), (0, 12, True)]
)
def test_a_workload_that_is_still_there_does_not_come_and_go(
    first: int, count: int, *, expected: bool
) -> None:
    found = facts(Pod(cpu_vcpu=[0.1] * count, first=first))

    assert bool(found["comes_and_goes"]) is expected


def test_steps_that_are_longer_than_an_hour_count_for_all_of_it() -> None:
    points = np.arange(24, dtype=np.int64)
    found = facts_of(
        Samples.of(samples(Pod(cpu_vcpu=[0.1] * 24)), points), policy(48, step_seconds=7200), 24
    ).iloc[0]

    assert (found["hours"], found["span_hours"], found["run_days"]) == (48, 48, 1)
