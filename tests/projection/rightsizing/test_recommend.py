"""What is recommended for workloads whose need is known, and why some get nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.recommend import recommend
from analyzer.projection.rightsizing.result import Bursts, Recommendation
from analyzer.units import Reason
from tests.projection.rightsizing.bursts import KINDS, MEBIBYTE, outcome_of, policy
from tests.projection.rightsizing.frames import DAY, Pod, recommended, samples, sized, steadily
from tests.support.examples import examples

VCPU = st.lists(st.floats(0.001, 2.0), min_size=24, max_size=24).map(
    lambda hours: [vcpu for vcpu in hours for _ in range(12)]
)


def request_of(found: Recommendation) -> float:
    assert found.recommended is not None
    assert found.request_vcpu is not None
    assert found.recommended.request_vcpu == found.request_vcpu.mid
    return found.request_vcpu.mid


def reason_of(found: Recommendation) -> Reason:
    assert found.recommended is None
    assert found.request_vcpu is None
    assert found.refusal is not None
    return found.refusal.reason


def test_steady_sidecars_get_their_use_and_headroom() -> None:
    pods = [Pod(cpu_vcpu=steadily(0.04))] * 3
    found = recommended(*pods)

    # 0.04 x 1.15, as nothing shows bursts within five minutes.
    assert request_of(found) == 0.046
    assert found.bursts == Bursts.UNSEEN
    assert found.sidecar_count == 3
    assert found.used_vcpu == pytest.approx(0.04)
    assert found.high_vcpu == pytest.approx(0.04)
    # Billed at today's request, then at the recommended one.
    assert found.saved_vcpu == pytest.approx(3 * (0.1 - 0.046))
    assert (found.exceeded_share, found.memory_exceeded_share) == (0.0, 0.0)


def test_sidecars_that_request_too_little_save_nothing() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.4), reserved_vcpu=0.1))

    # 0.4 x 1.15 is 0.46: billed at use today, and at the request then.
    assert found.saved_vcpu == pytest.approx(0.4 - 0.46)


def test_memory_is_the_highest_of_any_pod_and_headroom() -> None:
    peak = [40 * MEBIBYTE] * (DAY - 1) + [100 * MEBIBYTE]
    found = recommended(
        Pod(cpu_vcpu=steadily(0.01)),
        Pod(cpu_vcpu=steadily(0.01), memory_bytes=peak, limit_memory_bytes=100 * MEBIBYTE),
    )

    assert found.recommended is not None
    assert found.peak_memory_gib == pytest.approx(100 / 1024)
    assert found.recommended.request_memory_gib == 115 / 1024
    # Twice the highest; today's 562 MiB on average are not lowered.
    assert found.recommended.limit_memory_gib == pytest.approx(562 / 1024)


def test_a_memory_limit_of_today_is_raised_where_it_is_close() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.01), limit_memory_bytes=70 * MEBIBYTE))

    assert found.recommended is not None
    assert found.recommended.limit_memory_gib == 128 / 1024


def test_memory_that_was_not_measured_keeps_todays() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.01), memory_bytes=math.nan))

    assert found.recommended is not None
    assert found.peak_memory_gib is None
    assert found.recommended.request_memory_gib == found.today.request_memory_gib == 0.125
    assert found.recommended.limit_memory_gib == found.today.limit_memory_gib == 1.0
    assert found.memory_exceeded_share is None


def test_without_todays_request_there_is_a_recommendation_and_no_saving() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.04), reserved_vcpu=math.nan))

    assert found.today.request_vcpu is None
    assert request_of(found) == 0.046
    assert found.saved_vcpu is None


def test_a_pod_without_a_request_today_is_billed_for_the_recommended_one() -> None:
    found = recommended(
        Pod(cpu_vcpu=steadily(0.04), reserved_vcpu=math.nan), Pod(cpu_vcpu=steadily(0.04))
    )

    assert found.saved_vcpu == pytest.approx((0.1 - 0.046) + (0.04 - 0.046))


def test_a_workload_without_any_request_costs_more_beside_one_that_has_them() -> None:
    found = sized(
        Pod(workload="shop/bare", cpu_vcpu=steadily(0.04), reserved_vcpu=math.nan),
        Pod(workload="shop/front", cpu_vcpu=steadily(0.04)),
    )

    assert {item.workload: item.saved_vcpu for item in found.workloads} == pytest.approx(
        {"front": 0.1 - 0.046, "bare": 0.04 - 0.046}
    )


def test_a_saving_is_of_what_is_billed_and_not_where_that_is_unknown() -> None:
    found = recommended(
        # A fifth of the time the use is billed in both.
        Pod(cpu_vcpu=[0.05] * (DAY * 4 // 5) + [0.3] * (DAY - DAY * 4 // 5), reserved_vcpu=0.2),
        # The CPU of one is not known, so its request is billed; of another one nothing is known.
        Pod(cpu_vcpu=steadily(math.nan), reserved_vcpu=0.2),
        Pod(cpu_vcpu=steadily(math.nan), reserved_vcpu=math.nan),
    )

    # 0.3 x 1.15 is 0.345.
    assert request_of(found) == 0.345
    in_bursts, else_ = (DAY - DAY * 4 // 5) / DAY, (DAY * 4 // 5) / DAY
    mine = in_bursts * (0.3 - 0.345) + else_ * (0.2 - 0.345)
    assert found.saved_vcpu == pytest.approx(mine + 0.2 - 0.345)


def test_todays_request_is_that_of_the_last_step() -> None:
    changed = [0.5] * (DAY // 2) + [0.2] * (DAY // 2)
    found = recommended(Pod(cpu_vcpu=steadily(0.04), reserved_vcpu=changed))

    assert found.today.request_vcpu == 0.2
    assert found.saved_vcpu == pytest.approx(0.35 - 0.046)


@pytest.mark.parametrize(
    ("kept", "limit", "expected"),
    [
        (LimitPolicy.NONE, 2.0, None),
        (LimitPolicy.KEEP, 2.0, 2.0),
        (LimitPolicy.KEEP, math.nan, None),
        (LimitPolicy.KEEP, 0.042, 0.046),
        (LimitPolicy.SET, 2.0, 0.46),
        (LimitPolicy.SET, math.nan, 0.46),
    ],
)
def test_the_cpu_limit_is_none_or_kept_or_set(
    kept: LimitPolicy, limit: float, expected: float | None
) -> None:
    rules = policy(24, cpu_limit=kept)
    found = recommended(Pod(cpu_vcpu=steadily(0.04), limit_vcpu=limit), rules=rules)

    assert found.recommended is not None
    assert found.recommended.limit_vcpu == expected


# Bursts.


def test_steps_of_a_minute_show_bursts_themselves() -> None:
    pod = Pod(cpu_vcpu=steadily(0.04, 1440))
    at_a_minute = recommended(pod, rules=policy(24, step_seconds=60))

    assert at_a_minute.bursts == Bursts.STEPS
    assert request_of(at_a_minute) == 0.044


@pytest.mark.parametrize(
    ("throttled", "expected"),
    [
        # Nothing throttled: the use and a tenth.
        (0.0, 0.044),
        # A fortieth is half of what the percentile leaves out: half way to the limit of 0.2.
        (0.025, 0.135),
    ],
)
def test_counted_periods_show_bursts(throttled: float, expected: float) -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.04), limit_vcpu=0.2, throttled_share=throttled))

    assert found.bursts == Bursts.THROTTLING
    assert request_of(found) == expected


@pytest.mark.parametrize(
    ("limit", "throttled", "expected"),
    [
        # A limit whose periods nothing counts, and no limit: the kernel counts none.
        (0.2, math.nan, Bursts.UNSEEN),
        (math.nan, 0.0, Bursts.UNSEEN),
        # Periods of a limit that is not known: how high bursts are is not, either.
        (math.nan, 0.01, Bursts.UNSEEN),
        (0.2, 0.0, Bursts.THROTTLING),
    ],
)
def test_bursts_are_seen_only_where_periods_are_counted(
    limit: float, throttled: float, expected: Bursts
) -> None:
    pod = Pod(cpu_vcpu=steadily(0.04), limit_vcpu=limit, throttled_share=throttled)

    assert recommended(pod).bursts == expected


# Why there is no recommendation.


def test_less_than_a_day_is_too_short_unless_forced() -> None:
    pods = [Pod(cpu_vcpu=steadily(0.04, 20))] * 2
    refused, forced = recommended(*pods), recommended(*pods, rules=policy(2, is_short=True))

    assert reason_of(refused) == Reason.TOO_FEW_SAMPLES
    assert request_of(forced) == 0.046


def test_a_day_with_a_few_missing_steps_is_a_day() -> None:
    assert request_of(recommended(Pod(cpu_vcpu=steadily(0.04, DAY - 10)))) == 0.046


def test_a_young_workload_gets_nothing_and_its_neighbour_does() -> None:
    young = Pod(workload="shop/new", cpu_vcpu=steadily(0.04, DAY // 2), first=DAY)
    old = Pod(workload="shop/old", cpu_vcpu=steadily(0.04, DAY * 3 // 2))
    found = {item.workload: item for item in sized(young, old).workloads}

    assert reason_of(found["new"]) == Reason.TOO_FEW_SAMPLES
    assert request_of(found["old"]) == 0.046


def test_a_workload_whose_pods_come_and_go_is_as_old_as_the_first() -> None:
    pods = [Pod(cpu_vcpu=steadily(0.04, 2), first=12 * hour) for hour in range(24)]

    assert request_of(recommended(*pods)) == 0.046


def job(*days: int, steps: int = 6) -> list[Pod]:
    """Return the pods of a job that runs once on each of these days, beside a steady workload."""
    return [
        Pod(workload="shop/steady", cpu_vcpu=steadily(0.04, 5 * DAY)),
        *(
            Pod(workload="shop/job", cpu_vcpu=steadily(0.04, steps), first=day * DAY + 24)
            for day in days
        ),
    ]


@pytest.mark.parametrize(
    ("pods", "is_recommended"),
    [
        (job(1), False),
        # Two runs, whose first and last step are a day and more apart.
        (job(1, 3), False),
        (job(1, 3, steps=60), False),
        (job(0, 1, 3), True),
        # Three runs of three samples each are too few samples.
        (job(0, 1, 3, steps=3), False),
        (job(0, 1, 3, steps=4), True),
        # Two long runs are a day together.
        (job(1, 3, steps=150), True),
    ],
)
def test_jobs_need_a_day_of_runs_or_runs_on_three_days(
    pods: list[Pod], *, is_recommended: bool
) -> None:
    (found,) = (item for item in sized(*pods).workloads if item.workload == "job")

    if is_recommended:
        assert request_of(found) == 0.046
    else:
        assert reason_of(found) == Reason.TOO_FEW_SAMPLES


def test_jobs_and_young_workloads_get_other_advice() -> None:
    young = Pod(workload="shop/new", cpu_vcpu=steadily(0.04, 12), first=5 * DAY - 12)
    found = {item.workload: item.refusal for item in sized(*job(1), young).workloads}

    assert found["job"] is not None
    assert found["new"] is not None
    assert "runs" in found["job"].detail
    assert "runs" not in found["new"].detail


def test_cpu_that_was_scraped_for_an_hour_is_no_day() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.04, 12) + steadily(math.nan, DAY - 12)))

    assert reason_of(found) == Reason.TOO_FEW_SAMPLES


def test_a_few_samples_in_a_day_are_too_few() -> None:
    scattered = [0.04 if step % 40 == 0 else math.nan for step in range(DAY + 1)]

    assert reason_of(recommended(Pod(cpu_vcpu=scattered))) == Reason.TOO_FEW_SAMPLES


def test_cpu_that_nothing_measured_is_missing() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(math.nan)))

    assert reason_of(found) == Reason.NO_DATA
    assert (found.used_vcpu, found.high_vcpu, found.bursts, found.saved_vcpu) == (None,) * 4


@pytest.mark.parametrize("throttled", [0.05, 0.4])
def test_throttled_sidecars_do_not_show_what_they_need(throttled: float) -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.2), limit_vcpu=0.2, throttled_share=throttled))

    assert reason_of(found) == Reason.AMBIGUOUS


@pytest.mark.parametrize("throttled", [0.0, 0.01, 0.049])
def test_throttling_without_a_known_limit_gives_no_less_than_no_evidence(throttled: float) -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.04), throttled_share=throttled))

    assert request_of(found) == request_of(recommended(Pod(cpu_vcpu=steadily(0.04)))) == 0.046


def test_much_throttling_is_refused_also_where_the_limit_is_not_known() -> None:
    found = recommended(Pod(cpu_vcpu=steadily(0.04), throttled_share=0.05))

    assert reason_of(found) == Reason.AMBIGUOUS


@pytest.mark.parametrize("vcpu", [0.2, 0.25])
@pytest.mark.parametrize("throttled", [0.01, math.nan])
def test_use_at_the_limit_shows_the_limit_whatever_the_periods_say(
    vcpu: float, throttled: float
) -> None:
    found = recommended(Pod(cpu_vcpu=steadily(vcpu), limit_vcpu=0.2, throttled_share=throttled))

    assert reason_of(found) == Reason.AMBIGUOUS


def test_a_limit_that_was_lowered_after_the_use_is_no_hindrance() -> None:
    limits = [1.0] * (DAY - 1) + [0.2]
    found = recommended(Pod(cpu_vcpu=steadily(0.4), limit_vcpu=limits, throttled_share=0.0))

    assert request_of(found) == 0.44


def test_a_pod_of_many_that_is_throttled_is_no_hindrance() -> None:
    calm = [Pod(cpu_vcpu=steadily(0.04), limit_vcpu=0.2, throttled_share=0.0)] * 30
    throttled = Pod(cpu_vcpu=steadily(0.2), limit_vcpu=0.2, throttled_share=0.9)

    assert request_of(recommended(*calm, throttled)) == 0.044


def test_at_the_hundredth_percentile_only_throttled_sidecars_are_refused() -> None:
    rules = policy(24, percentile=100)
    calm = Pod(cpu_vcpu=steadily(0.04), limit_vcpu=0.2, throttled_share=0.0)
    once = replace(calm, throttled_share=[0.0] * (DAY - 1) + [0.01])

    assert request_of(recommended(calm, rules=rules)) == 0.044
    assert reason_of(recommended(once, rules=rules)) == Reason.AMBIGUOUS


def test_a_workload_killed_for_memory_gets_nothing_and_its_neighbours_do() -> None:
    pods = [Pod(workload=name, cpu_vcpu=steadily(0.04)) for name in ("shop/a", "shop/b", "books/a")]
    found = sized(*pods, killed=[("shop", "a")]).workloads
    refused = {(item.namespace, item.workload) for item in found if item.refusal}

    assert refused == {("shop", "a")}
    assert {reason_of(item) for item in found if item.refusal} == {Reason.AMBIGUOUS}


def test_no_sidecars_give_no_workloads() -> None:
    rows = samples(Pod(cpu_vcpu=steadily(0.04))).iloc[:0]
    found = recommend(rows, np.arange(DAY), policy(24))

    assert (found.workloads, found.default) == ((), None)


# What must hold for any sidecars.


def test_those_that_waste_most_come_first_and_unknown_ones_last() -> None:
    found = sized(
        Pod(workload="shop/little", cpu_vcpu=steadily(0.08)),
        Pod(workload="shop/dark", cpu_vcpu=steadily(math.nan)),
        Pod(workload="shop/much", cpu_vcpu=steadily(0.01)),
        Pod(workload="shop/short", cpu_vcpu=steadily(0.4)),
    )

    assert [item.workload for item in found.workloads] == ["much", "little", "short", "dark"]


@examples(4)
@given(VCPU, st.floats(0, 2), st.floats(0, 2), st.floats(50, 100), st.floats(50, 100))
def test_more_headroom_or_a_higher_percentile_never_lowers_a_request(
    vcpu: list[float], one: float, other: float, first: float, second: float
) -> None:
    pod = Pod(cpu_vcpu=vcpu)
    (less, more), (low, high) = sorted((one, other)), sorted((first, second))

    def request(headroom: float, percentile: float) -> float:
        rules = policy(24, unseen_headroom_share=headroom, percentile=percentile)
        return request_of(recommended(pod, rules=rules))

    assert request(less, low) <= request(more, low)
    assert request(less, low) <= request(less, high)


@examples(4)
@given(first=VCPU, second=VCPU, is_one_workload=st.booleans())
def test_the_order_of_pods_changes_nothing(
    first: list[float], second: list[float], *, is_one_workload: bool
) -> None:
    pods = [
        Pod(workload="shop/a", cpu_vcpu=first),
        Pod(workload="shop/a" if is_one_workload else "shop/b", cpu_vcpu=second),
        Pod(workload="shop/a", cpu_vcpu=steadily(0.03)),
    ]
    found, reversed_ = sized(*pods).workloads, sized(*pods[::-1]).workloads

    for one, other in zip(found, reversed_, strict=True):
        assert (one.recommended, one.request_vcpu) == (other.recommended, other.request_vcpu)
        assert one.saved_vcpu == pytest.approx(other.saved_vcpu, abs=1e-12)


@examples(4)
@given(VCPU)
def test_the_range_is_about_the_request(vcpu: list[float]) -> None:
    found = recommended(Pod(cpu_vcpu=vcpu))

    assert found.request_vcpu is not None
    assert found.request_vcpu.low <= found.request_vcpu.mid <= found.request_vcpu.high


def test_the_backtest_counts_what_the_first_half_would_have_missed() -> None:
    # The first day needs 0.04; a fifth of the second day needs 0.1.
    vcpu = steadily(0.04, DAY) + ([0.1] + [0.04] * 4) * (DAY // 5) + steadily(0.04, DAY % 5)
    memory = [64 * MEBIBYTE] * (2 * DAY - 72) + [100 * MEBIBYTE] * 72
    found = recommended(Pod(cpu_vcpu=vcpu, memory_bytes=memory))

    assert found.exceeded_share == pytest.approx((DAY // 5) / DAY)
    assert found.memory_exceeded_share == pytest.approx(72 / DAY)


def test_the_backtest_does_not_look_into_the_second_half() -> None:
    # The first day needs 0.04 and is not throttled: 0.044. The second day needs more now and then,
    # and its throttled periods would have added half the way to its higher limit.
    busy = ([0.1] + [0.04] * 29) * (DAY // 30) + steadily(0.04, DAY % 30)
    found = recommended(
        Pod(
            cpu_vcpu=steadily(0.04) + busy,
            limit_vcpu=[0.2] * DAY + [0.4] * DAY,
            throttled_share=[0.0] * DAY + [0.025] * DAY,
        )
    )

    assert request_of(found) > 0.1
    assert found.exceeded_share == pytest.approx((DAY // 30) / DAY)


def test_a_throttled_first_half_has_no_recommendation_to_test() -> None:
    # Eight in a hundred steps of the first day are throttled, four in a hundred of both days.
    found = recommended(
        Pod(
            cpu_vcpu=steadily(0.04, 2 * DAY),
            limit_vcpu=0.2,
            throttled_share=[0.06] * 23 + [0.0] * (2 * DAY - 23),
        )
    )

    assert request_of(found) == 0.044
    assert found.exceeded_share is None


def test_a_workload_of_one_half_has_no_backtest() -> None:
    found = sized(
        Pod(workload="shop/gone", cpu_vcpu=steadily(0.04)),
        Pod(workload="shop/kept", cpu_vcpu=steadily(0.04, 2 * DAY)),
    )
    by_name = {item.workload: item for item in found.workloads}

    assert by_name["gone"].recommended is not None
    assert by_name["gone"].exceeded_share is None
    assert by_name["kept"].exceeded_share == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_requests_hold_in_a_mesh_with_known_bursts(kind: str) -> None:
    found = outcome_of(kind, 7)

    assert found.recommended_share == 1
    assert found.exceeded_share <= 0.05
    assert found.memory_exceeded_share == 0
    assert abs(found.saving_error_share) <= 0.03
