"""What must hold of every projection, whatever the mesh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.modes import ModeNeeds, evaluate
from analyzer.projection.needs import Case
from tests.projection.builders import Call, Proxy, case, exactly, footprint, load, mesh, scenario
from tests.projection.fits import calibration
from tests.support.examples import examples

AMBIENT = ["ambient-l4", "ambient-waypoint", "ambient-waypoint-all"]
rates = st.lists(st.floats(0, 20_000), min_size=1, max_size=5)


def totals(
    passes_rps: list[float], waypoint_rps: list[float], *, replicas: int = 1
) -> dict[tuple[str, Basis], float]:
    """Return the CPU of every ambient mode on every basis, at best estimates."""
    has_http = [rate > 0 for rate in waypoint_rps]
    carried = load(passes_rps=passes_rps, waypoint_rps=waypoint_rps, has_http=has_http)
    parameters = exactly(
        scenario(waypoint_replicas=replicas),
        waypoint_idle_vcpu=0.0125,
        waypoint_vcpu_per_1000_rps=0.375,
    )
    modes = evaluate(case(carried, parameters))
    return {(name, basis): float(modes[name].vcpu(basis)[0]) for name in AMBIENT for basis in Basis}


def projected(rps: float, **changes: object) -> Projection:
    proxy = Proxy(proxy_rps=(rps, rps), cpu_vcpu=(0.01 + 0.0003 * rps,) * 2, reserved_vcpu=0.1)
    call = Call(source="shop/front", destination="shop/front", rps=(rps / 2, rps / 2))
    return project_usage(mesh(proxy, calls=[call]), calibration(), scenario(**changes))


@examples(2)
@given(rates, rates, st.floats(1, 5), st.floats(0, 5_000))
def test_more_traffic_never_costs_less(
    passes_rps: list[float], waypoint_rps: list[float], factor: float, more: float
) -> None:
    before = totals(passes_rps, waypoint_rps)
    after = totals(
        [rate * factor + more for rate in passes_rps],
        [rate * factor + more for rate in waypoint_rps],
    )

    for key, value in before.items():
        assert after[key] >= value - 1e-9


@examples(2)
@given(rates, rates, st.integers(1, 6), st.integers(1, 6))
def test_more_replicas_never_cost_less(
    passes_rps: list[float], waypoint_rps: list[float], first: int, second: int
) -> None:
    few, many = sorted([first, second])
    before = totals(passes_rps, waypoint_rps, replicas=few)
    after = totals(passes_rps, waypoint_rps, replicas=many)

    for key, value in before.items():
        assert after[key] >= value - 1e-9


@examples(2)
@given(rates, rates)
def test_waypoints_everywhere_cost_at_least_what_fewer_do(
    passes_rps: list[float], waypoint_rps: list[float]
) -> None:
    found = totals(passes_rps, waypoint_rps)

    for basis in Basis:
        none, some, everywhere = (found[name, basis] for name in AMBIENT)
        assert none <= some + 1e-12
        assert some <= everywhere + 1e-12


@examples(2)
@given(rates, rates)
def test_the_bill_is_at_least_what_is_used_and_what_is_reserved(
    passes_rps: list[float], waypoint_rps: list[float]
) -> None:
    found = totals(passes_rps, waypoint_rps)

    for name in AMBIENT:
        larger = max(found[name, Basis.USAGE], found[name, Basis.RESERVED])
        assert found[name, Basis.BILLED] >= larger - 1e-9


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
@examples(2)
def test_without_traffic_only_idle_is_used(nodes: int, namespaces: int, replicas: int) -> None:
    found = totals([0.0] * nodes, [0.0] * namespaces, replicas=replicas)

    assert found["ambient-l4", Basis.USAGE] == pytest.approx(nodes * 0.003)
    assert found["ambient-waypoint", Basis.USAGE] == pytest.approx(nodes * 0.003)
    assert found["ambient-waypoint-all", Basis.USAGE] == pytest.approx(
        nodes * 0.003 + namespaces * replicas * 0.0125
    )


@examples(4)
@given(st.floats(1, 10_000), st.floats(0.1, 10))
def test_dollars_scale_with_the_price_and_percentages_do_not(rps: float, factor: float) -> None:
    usual, scaled = projected(rps), projected(rps, vcpu_month_usd=22 * factor)

    for before, after in zip(usual.modes, scaled.modes, strict=True):
        for basis, footprint_before in before.bases.items():
            ends, expected = after.bases[basis].usd_per_year, footprint_before.usd_per_year
            assert (ends.low, ends.mid, ends.high) == pytest.approx(
                (expected.low * factor, expected.mid * factor, expected.high * factor)
            )
    for saving_before, saving_after in zip(usual.savings, scaled.savings, strict=True):
        assert saving_after.percent.mid == pytest.approx(saving_before.percent.mid)
        assert saving_after.probability_cheaper == saving_before.probability_cheaper


@examples(4)
@given(st.floats(0, 50_000))
def test_every_range_holds_its_best_estimate_and_no_need_is_negative(rps: float) -> None:
    projection = projected(rps)

    for mode in projection.modes:
        for found in mode.bases.values():
            assert 0 <= found.vcpu.low <= found.vcpu.mid <= found.vcpu.high
            assert found.usd_per_year.low >= 0
    for saving in projection.savings:
        assert 0 <= saving.probability_cheaper <= 1
        assert saving.percent.high <= 100


@examples(2)
@given(rates, st.floats(0.05, 1), st.floats(0.05, 1), st.integers(0, 3), st.integers(0, 3))
def test_more_spare_replicas_and_a_lower_target_never_need_fewer(
    waypoint_rps: list[float], first: float, second: float, spare: int, more: int
) -> None:
    def found(target: float, spares: int) -> ModeNeeds:
        assumed = exactly(
            scenario(waypoint_target_utilisation_share=target, waypoint_spare_replicas=spares),
            waypoint_idle_vcpu=0.0125,
            waypoint_vcpu_per_1000_rps=0.375,
        )
        has_http = [True] * len(waypoint_rps)
        mesh = load(waypoint_rps=waypoint_rps, has_http=has_http)
        return evaluate(case(mesh, assumed))["ambient-waypoint"]

    low, high = sorted([first, second])
    fewer, rather_more = found(high, spare), found(low, spare + more)

    assert rather_more.needs[1].count >= fewer.needs[1].count + more
    for basis in Basis:
        assert rather_more.vcpu(basis)[0] >= fewer.vcpu(basis)[0] - 1e-9


@examples(2)
@given(rates, rates, st.floats(1e-3, 1e3))
def test_requests_in_another_unit_at_a_cost_in_that_unit_cost_the_same(
    passes_rps: list[float], waypoint_rps: list[float], factor: float
) -> None:
    def found(unit: float) -> dict[tuple[str, Basis], float]:
        """Return every mode with rates in units of this many requests/s."""
        assumed = exactly(
            scenario(ztunnel_vcpu_per_1000_rps=0.06 * unit),
            waypoint_idle_vcpu=0.0125,
            waypoint_vcpu_per_1000_rps=0.375 * unit,
        )
        mesh = load(
            sidecars=footprint(1.0, reserved_vcpu=1, billed_vcpu=1),
            passes_rps=[rate / unit for rate in passes_rps],
            waypoint_rps=[rate / unit for rate in waypoint_rps],
            has_http=[True] * len(waypoint_rps),
        )
        modes = evaluate(Case(load=mesh, parameters=assumed))
        return {
            (name, basis): float(mode.vcpu(basis)[0])
            for name, mode in modes.items()
            for basis in Basis
        }

    assert found(factor) == pytest.approx(found(1.0), rel=1e-9)
