"""The requests for the whole mesh, and whom they serve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection.rightsizing.default import SERVED_SHARE, default_of, is_served, is_wasteful
from analyzer.projection.rightsizing.result import Recommendation, Resources


def advice(
    vcpu: float | None,
    gib: float | None = 0.1,
    *,
    count: float = 1.0,
    limit_vcpu: float | None = 2.0,
    limit_gib: float | None = 1.0,
    owner: str = "",
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
        kind="Deployment" if owner else "",
        owner=owner,
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


def test_cpu_and_memory_serve_their_share_together() -> None:
    items = [advice(0.01, 0.3), advice(0.02, 0.1), advice(0.03, 0.1), advice(0.9, 0.1)]
    found = default_of(items)

    # CPU alone would be 0.03 and memory 0.1, which serve two of four.
    assert found is not None
    assert (found.request_vcpu, found.request_memory_gib) == (0.03, 0.3)
    assert sum(is_served(found, item) for item in items) == 3


@pytest.mark.parametrize("owner", ["w", ""])
def test_of_all_that_serve_enough_the_least_cpu_wins(owner: str) -> None:
    items = [
        advice(0.02, 0.5, owner=owner),
        advice(0.02, 0.1, count=2),
        advice(0.05, 0.1, owner=owner),
    ]
    found = default_of(items)

    assert found is not None
    assert (found.request_vcpu, found.request_memory_gib) == (0.02, 0.5)


@pytest.mark.parametrize(
    ("vcpu", "gib", "expected"),
    [(0.05, 0.1, False), (0.049, 0.1, True), (0.1, 0.049, True), (None, None, False)],
)
def test_what_is_more_than_twice_over_requested_is_wasteful(
    vcpu: float | None, gib: float | None, *, expected: bool
) -> None:
    assert is_wasteful(Resources(request_vcpu=0.1, request_memory_gib=0.1), advice(vcpu, gib)) is (
        expected
    )


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.booleans()),
        min_size=1,
        max_size=7,
    )
)
def test_no_pair_that_serves_enough_costs_less_cpu(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    items = [
        advice(vcpu / 100, gib / 10, count=count, owner="w" if owned else "")
        for vcpu, gib, count, owned in rows
    ]

    def cost(default: Resources) -> float:
        whole = 0.0
        for item in items:
            is_patched = bool(item.owner) and not is_served(default, item)
            requested = item.recommended if is_patched else default
            assert requested is not None
            whole += item.sidecar_count * (requested.request_vcpu or 0.0)
        return whole

    def serves(default: Resources) -> bool:
        served = sum(item.sidecar_count for item in items if is_served(default, item))
        total = sum(item.sidecar_count for item in items)
        return bool(served >= SERVED_SHARE * total - 1e-9)

    found = default_of(items)
    assert found is not None
    assert serves(found)
    pairs = [
        Resources(request_vcpu=vcpu / 100, request_memory_gib=gib / 10)
        for vcpu, _, _, _ in rows
        for _, gib, _, _ in rows
    ]
    least = min(cost(pair) for pair in pairs if serves(pair))
    assert cost(found) == pytest.approx(least)


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
