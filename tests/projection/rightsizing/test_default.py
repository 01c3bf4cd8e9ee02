"""The requests for the whole mesh, and whom they serve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.rightsizing.default import SERVED_SHARE, default_of, is_served
from analyzer.projection.rightsizing.result import Recommendation, Resources


def advice(
    vcpu: float | None,
    gib: float | None = 0.1,
    *,
    count: float = 1.0,
    limit_vcpu: float | None = 2.0,
    limit_gib: float | None = 1.0,
) -> Recommendation:
    """Return a recommendation; None: there is none."""
    recommended = Resources(
        request_vcpu=vcpu,
        limit_vcpu=limit_vcpu,
        request_memory_gib=gib,
        limit_memory_gib=limit_gib,
    )
    return Recommendation(
        namespace="shop",
        workload="w",
        sidecar_count=count,
        used_vcpu=0.01,
        today=Resources(),
        recommended=None if vcpu is None else recommended,
    )


def test_it_is_the_least_that_is_enough_for_three_quarters_of_the_sidecars() -> None:
    items = [advice(0.01), advice(0.02), advice(0.03), advice(0.9)]
    found = default_of(items)

    assert found is not None
    assert found.request_vcpu == 0.03
    assert [is_served(found, item) for item in items] == [True, True, True, False]


def test_workloads_count_by_their_sidecars() -> None:
    found = default_of([advice(0.01), advice(0.02), advice(0.9, count=10)])

    assert found is not None
    assert found.request_vcpu == 0.9


def test_limits_are_the_highest_of_those_that_are_served() -> None:
    found = default_of(
        [
            advice(0.01, limit_vcpu=1.0, limit_gib=0.5, count=3),
            advice(0.02, limit_vcpu=2.0, limit_gib=0.25, count=3),
            advice(0.9, limit_vcpu=9.0, limit_gib=9.0),
        ]
    )

    assert found is not None
    assert (found.request_vcpu, found.limit_vcpu, found.limit_memory_gib) == (0.02, 2.0, 0.5)


def test_one_without_a_limit_leaves_all_without() -> None:
    found = default_of([advice(0.01, limit_vcpu=None), advice(0.01, limit_vcpu=2.0)])

    assert found is not None
    assert found.limit_vcpu is None
    assert found.limit_memory_gib == 1.0


def test_unknown_memory_takes_no_part() -> None:
    items = [advice(0.01, None, count=9), advice(0.01, 0.2)]
    found = default_of(items)

    assert found is not None
    assert found.request_memory_gib == 0.2
    assert all(is_served(found, item) for item in items)


def test_where_no_memory_is_known_the_default_has_none() -> None:
    found = default_of([advice(0.01, None)])

    assert found is not None
    assert found.request_memory_gib is None
    assert not is_served(found, advice(0.01, 0.2))


def test_without_recommendations_there_is_no_default() -> None:
    assert default_of([]) is None
    assert default_of([advice(None)]) is None


def test_a_workload_without_a_recommendation_is_not_served() -> None:
    found = default_of([advice(0.01)])

    assert found is not None
    assert not is_served(found, advice(None))


@given(
    st.lists(st.tuples(st.floats(0.01, 2), st.floats(0.1, 50)), min_size=1, max_size=8),
    st.randoms(),
)
def test_cpu_alone_serves_its_share_with_the_least_request(
    pairs: list[tuple[float, float]], random: object
) -> None:
    items = [advice(vcpu, count=count) for vcpu, count in pairs]
    shuffled = items.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = default_of(items)

    assert found is not None
    assert found == default_of(shuffled)
    assert found.request_vcpu is not None
    total = sum(count for _, count in pairs)
    enough = sum(count for vcpu, count in pairs if vcpu <= found.request_vcpu)
    less = sum(count for vcpu, count in pairs if vcpu < found.request_vcpu)
    assert enough >= SERVED_SHARE * total * (1 - 1e-9)
    assert less <= SERVED_SHARE * total * (1 + 1e-9)
    served = sum(item.sidecar_count for item in items if is_served(found, item))
    assert served == pytest.approx(enough)
