"""The sidecars with other requests: the same use, another bill."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from analyzer.projection.rightsizing.applied import RightsizedLoad, requests_of, rightsized
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.projection.sidecars import with_billed
from tests.projection.rightsizing.bursts import MEBIBYTE, policy
from tests.projection.rightsizing.frames import Pod, samples, sized, steadily

STEPS = 4
REQUESTS = pd.DataFrame(
    [{"mid": 0.05, "low": 0.04, "high": 0.3, "bytes": 70 * MEBIBYTE}],
    index=pd.MultiIndex.from_tuples([("shop", "front")], names=["namespace", "workload"]),
)


def applied(*pods: Pod, requests: pd.DataFrame = REQUESTS) -> RightsizedLoad:
    rows = samples(*pods).assign(node="a", proxy_rps=0.0)
    return rightsized(rows, with_billed(rows), requests, STEPS)


def test_requests_replace_todays_and_bills_follow() -> None:
    found = applied(Pod(cpu_vcpu=[0.02, 0.02, 0.02, 0.25]))

    assert found.sidecars.vcpu == pytest.approx(0.31 / 4)
    assert found.sidecars.reserved_vcpu == pytest.approx(0.05)
    assert found.sidecars.billed_vcpu == pytest.approx((3 * 0.05 + 0.25) / 4)
    assert found.sidecars.reserved_memory_gib == pytest.approx(70 / 1024)
    assert found.sidecars.billed_memory_gib == pytest.approx(70 / 1024)


def test_the_ends_of_a_recommendation_are_the_ends_of_the_bill() -> None:
    (place,) = applied(Pod(cpu_vcpu=[0.02, 0.02, 0.02, 0.25])).placement.to_dict("records")

    assert place["reserved_vcpu_low"] == pytest.approx(0.04)
    assert place["reserved_vcpu_high"] == pytest.approx(0.3)
    assert place["billed_vcpu_low"] == pytest.approx((3 * 0.04 + 0.25) / 4)
    assert place["billed_vcpu_high"] == pytest.approx(0.3)
    assert place["usage_vcpu_low"] == place["usage_vcpu"] == place["usage_vcpu_high"]


def test_a_workload_without_a_recommendation_keeps_todays() -> None:
    found = applied(
        Pod(cpu_vcpu=steadily(0.02, STEPS)),
        Pod(workload="shop/back", cpu_vcpu=steadily(0.02, STEPS), reserved_vcpu=0.2),
        Pod(workload="books/front", cpu_vcpu=steadily(0.02, STEPS), reserved_vcpu=0.4),
    )

    assert found.sidecars.reserved_vcpu == pytest.approx(0.05 + 0.2 + 0.4)


@pytest.mark.parametrize("unknown", ["reserved_vcpu", "reserved_memory_bytes"])
def test_a_pod_that_requests_nothing_today_gets_the_recommended_request(unknown: str) -> None:
    known = Pod(cpu_vcpu=steadily(0.02, STEPS))
    is_cpu = unknown == "reserved_vcpu"
    dark = replace(known, reserved_vcpu=math.nan)
    if not is_cpu:
        dark = replace(known, reserved_memory_bytes=math.nan)
    found = applied(known, dark).sidecars

    assert found.reserved_vcpu == found.billed_vcpu == pytest.approx(2 * 0.05)
    assert found.reserved_memory_gib == found.billed_memory_gib == pytest.approx(2 * 70 / 1024)


def test_pods_and_workloads_without_a_request_are_billed_for_what_patches_set() -> None:
    # Two workloads: one pod requests 0.1 today, another one and the second workload nothing.
    names = pd.MultiIndex.from_tuples([("a", "w"), ("b", "w")], names=["namespace", "workload"])
    requests = pd.DataFrame(
        {"mid": [0.03, 0.065], "low": 0.01, "high": 0.1, "bytes": math.nan}, index=names
    )
    found = applied(
        Pod(workload="a/w", cpu_vcpu=steadily(0.02, STEPS)),
        Pod(workload="a/w", cpu_vcpu=steadily(0.02, STEPS), reserved_vcpu=math.nan),
        Pod(workload="b/w", cpu_vcpu=steadily(0.05, STEPS), reserved_vcpu=math.nan),
        requests=requests,
    ).sidecars

    assert found.reserved_vcpu == found.billed_vcpu == pytest.approx(0.03 + 0.03 + 0.065)


def test_where_no_request_is_known_today_none_is_set() -> None:
    found = applied(
        Pod(cpu_vcpu=steadily(0.02, STEPS), reserved_vcpu=math.nan),
        Pod(workload="a/b", cpu_vcpu=steadily(0.02, STEPS), reserved_vcpu=math.nan),
    ).sidecars

    assert (found.reserved_vcpu, found.billed_vcpu) == (None, None)
    assert found.reserved_memory_gib == pytest.approx((70 + 128) / 1024)


def test_a_bill_that_is_not_known_today_stays_unknown() -> None:
    known = Pod(cpu_vcpu=steadily(0.02, STEPS))
    found = applied(known, Pod(cpu_vcpu=steadily(math.nan, STEPS), reserved_vcpu=math.nan)).sidecars

    assert found.reserved_vcpu == pytest.approx(2 * 0.05)
    assert found.billed_vcpu == pytest.approx(0.05)


def test_the_sums_add_up_to_the_footprint() -> None:
    found = applied(
        Pod(cpu_vcpu=[0.02, 0.02, 0.02, 0.25]), Pod(workload="a/b", cpu_vcpu=[0.3, math.nan])
    )
    sums, footprint = found.tally, found.sidecars

    assert sums.step_count == STEPS
    assert sums.reserved_vcpu / STEPS == pytest.approx(footprint.reserved_vcpu)
    assert (sums.billed_by_use_vcpu + sums.billed_by_reservation_vcpu) / STEPS == pytest.approx(
        footprint.billed_vcpu
    )
    assert (sums.billed_by_use_gib + sums.billed_by_reservation_gib) / STEPS == pytest.approx(
        footprint.billed_memory_gib
    )


def test_growth_is_not_taken_for_a_floor() -> None:
    rows = samples(Pod(cpu_vcpu=steadily(0.02, STEPS))).assign(node="a", proxy_rps=0.0)
    grown = with_billed(rows.assign(cpu_vcpu=0.06))
    sums = rightsized(rows, grown, REQUESTS, STEPS).tally

    assert sums.added_vcpu == pytest.approx(4 * 0.04)
    assert sums.floored_vcpu == pytest.approx(0.0, abs=1e-12)


def test_requests_are_those_of_workloads_that_have_a_recommendation() -> None:
    found = requests_of(
        sized(
            Pod(workload="shop/front", cpu_vcpu=steadily(0.04)),
            Pod(workload="shop/dark", cpu_vcpu=steadily(math.nan)),
            Pod(workload="books/bare", cpu_vcpu=steadily(0.04), memory_bytes=math.nan),
        )
    )

    assert found is not None
    assert set(found.index) == {("shop", "front"), ("books", "bare")}
    rows = dict(zip(found.index, found.to_dict("records"), strict=True))
    front, bare = rows["shop", "front"], rows["books", "bare"]
    assert (front["low"], front["mid"], front["high"]) == (0.046, 0.046, 0.046)
    assert front["bytes"] == pytest.approx(74 * MEBIBYTE)
    # Memory that was not measured keeps today's request.
    assert bare["bytes"] == pytest.approx(128 * MEBIBYTE)


def test_without_recommendations_there_are_no_requests() -> None:
    assert requests_of(Rightsizing(policy=policy())) is None
    assert requests_of(sized(Pod(cpu_vcpu=steadily(math.nan)))) is None
