"""What to do: by hand for each kind of mesh, and by properties over random ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.decision import Action, Decision, Verdict, Why
from analyzer.units import Interval
from tests.projection.builders import Proxy, as_published, called, mesh, steady
from tests.projection.fits import calibration, fit
from tests.projection.randomly import Drawn, projections
from tests.support.examples import examples


def decided(usage: MeshUsage, **changes: object) -> Decision:
    return project_usage(usage, calibration(), as_published(**changes)).decision


def verdicts(decision: Decision) -> dict[str, tuple[Verdict, Why]]:
    return {item.namespace: (item.verdict, item.why) for item in decision.by_namespace}


def test_what_surely_saves_with_its_waypoint_moves() -> None:
    usage = mesh(steady("busy", 0.8, 1000), steady("tcp", 0.1), calls=[called("busy", 300)])
    found = decided(usage)

    assert (found.action, found.why) == (Action.MOVE, Why.SAVES)
    assert found.namespaces == ("busy", "tcp")
    assert found.check_first == ("busy",)
    assert found.outcome is not None
    assert found.without_waypoints is not None
    assert found.outcome.namespace_count == 2
    assert found.outcome.usd_per_year.low > 0
    assert found.without_waypoints.usd_per_year.mid > found.outcome.usd_per_year.mid


def test_a_namespace_whose_ztunnel_traffic_costs_more_than_its_sidecars_stays() -> None:
    usage = mesh(steady("busy", 0.8, 1000), steady("bulk", 0.01, gbit=1))
    found = decided(usage)

    assert found.namespaces == ("busy",)
    assert verdicts(found)["bulk"] == (Verdict.STAY, Why.ZTUNNEL_COSTS_MORE)


def test_a_namespace_whose_waypoint_costs_more_moves_only_without() -> None:
    usage = mesh(steady("busy", 0.8, 1000), steady("quiet", 0.008, 2), calls=[called("quiet", 2)])
    found = decided(usage)

    assert found.action == Action.MOVE
    assert found.namespaces == ("busy",)
    expected = (Verdict.MOVE_WITHOUT_WAYPOINT, Why.WAYPOINT_COSTS_MORE)
    assert verdicts(found)["quiet"] == expected
    assert found.check_first == ("quiet",)


def test_where_the_scenario_settles_who_needs_a_waypoint_there_is_nothing_to_check() -> None:
    usage = mesh(steady("busy", 0.8, 1000), steady("quiet", 0.008, 2), calls=[called("quiet", 2)])
    found = decided(usage, waypoint_placement=["quiet"])

    assert found.check_first == ()
    assert verdicts(found)["quiet"] == (Verdict.STAY, Why.WAYPOINT_COSTS_MORE)


def test_where_only_l4_saves_the_need_for_waypoints_decides() -> None:
    usage = mesh(steady("quiet", 0.012, 2), calls=[called("quiet", 2)])
    found = decided(usage, ztunnel_idle_vcpu_per_node=0.001)

    assert (found.action, found.why) == (Action.CANNOT_TELL, Why.WAYPOINT_DECIDES)
    assert (found.namespaces, found.outcome) == ((), None)
    assert found.check_first == ("quiet",)
    assert found.without_waypoints is not None
    assert found.without_waypoints.usd_per_year.low > 0


def test_few_sidecars_on_many_nodes_stay() -> None:
    usage = mesh(steady("shop", 0.005), nodes=[f"node-{number}" for number in range(20)])
    found = decided(usage)

    assert (found.action, found.why) == (Action.STAY, Why.TOO_LITTLE)
    assert verdicts(found) == {"shop": (Verdict.STAY, Why.TOO_LITTLE)}


def test_sidecars_that_cost_less_than_ztunnels_for_their_traffic_stay() -> None:
    found = decided(mesh(steady("bulk", 0.001, gbit=1)))

    assert (found.action, found.why) == (Action.STAY, Why.ZTUNNEL_COSTS_MORE)


def test_a_range_with_both_signs_decides_nothing_and_the_widest_assumption_is_named() -> None:
    found = decided(mesh(steady("shop", 0.004)))

    assert (found.action, found.why) == (Action.CANNOT_TELL, Why.RANGE_HAS_BOTH_SIGNS)
    assert found.decisive == "ztunnel_idle_vcpu_per_node"
    # Its own saving is sure; that it pays for the ztunnels is not.
    assert verdicts(found) == {"shop": (Verdict.CANNOT_TELL, Why.ZTUNNELS_DECIDE)}
    assert found.at_best is not None
    assert found.at_best.usd_per_year.low < 0 < found.at_best.usd_per_year.high


def test_a_namespace_without_measured_cpu_is_not_decided_on() -> None:
    usage = mesh(steady("busy", 0.8, 1000), steady("dark", math.nan, 1000))
    found = decided(usage)

    assert found.namespaces == ("busy",)
    assert verdicts(found)["dark"] == (Verdict.CANNOT_TELL, Why.CPU_UNKNOWN)


def test_where_all_that_is_known_loses_what_was_not_measured_decides() -> None:
    found = decided(mesh(steady("bulk", 0.001, gbit=1), steady("dark", math.nan, 1000)))

    assert (found.action, found.why) == (Action.CANNOT_TELL, Why.CPU_UNKNOWN)
    assert verdicts(found)["bulk"] == (Verdict.STAY, Why.ZTUNNEL_COSTS_MORE)


def test_where_what_was_not_measured_would_tip_the_sum_nothing_is_decided() -> None:
    """0.3 vCPU of requests do not pay for four ztunnels with istio-cni; 0.5 would."""
    requests = Proxy(cpu_vcpu=(0.0001, 0.0001), proxy_rps=(1, 1), reserved_vcpu=0.1)
    dark = Proxy(workload="dark/w", cpu_vcpu=(math.nan,) * 2, proxy_rps=(1, 1), reserved_vcpu=0.1)
    usage = mesh(*[requests] * 3, *[dark] * 2, nodes=list("abcd"))
    found = decided(usage, basis="billed", ztunnel_reserved_vcpu_per_node=0)

    assert (found.action, found.why) == (Action.CANNOT_TELL, Why.CPU_UNKNOWN)
    assert found.at_best is None


@pytest.mark.parametrize("vcpu", [0.008, 0.012])
def test_waypoints_that_the_scenario_places_may_be_what_costs_more(vcpu: float) -> None:
    usage = mesh(steady("quiet", vcpu, 2), calls=[called("quiet", 2)])
    found = decided(usage, waypoint_placement="all", ztunnel_idle_vcpu_per_node=0.001)

    assert found.action == Action.STAY if vcpu < 0.01 else Action.CANNOT_TELL
    if found.action == Action.STAY:
        assert found.why == Why.WAYPOINT_COSTS_MORE
        assert verdicts(found) == {"quiet": (Verdict.STAY, Why.WAYPOINT_COSTS_MORE)}


def test_only_those_that_may_save_count_where_the_ranges_cannot_tell() -> None:
    found = decided(mesh(steady("shop", 0.004), steady("bulk", 0.001, gbit=1)))

    assert found.why == Why.RANGE_HAS_BOTH_SIGNS
    assert found.at_best is not None
    assert found.at_best.namespace_count == 1
    assert found.at_best.usd_per_year.mid == pytest.approx((0.004 - 0.003) * 264)


def test_without_nodes_there_is_no_decision() -> None:
    found = decided(mesh(Proxy(node=""), nodes=()))

    assert (found.action, found.why) == (Action.CANNOT_TELL, Why.AMBIENT_UNKNOWN)
    assert found.by_namespace == ()


def test_the_decision_is_on_the_bill_unless_the_scenario_has_another_basis() -> None:
    """0.004 vCPU used decides nothing; requests of 0.1 vCPU against 0.05 of a ztunnel do."""
    usage = mesh(
        Proxy(workload="shop/w", cpu_vcpu=(0.004, 0.004), proxy_rps=(0, 0), reserved_vcpu=0.1)
    )
    changes = {"ztunnel_reserved_vcpu_per_node": 0.05, "istio_cni_installed": True}
    used, billed = (decided(usage, basis=basis, **changes) for basis in ("usage", "billed"))

    assert used.action == Action.CANNOT_TELL
    assert (billed.action, billed.basis) == (Action.MOVE, Basis.BILLED)
    assert billed.outcome is not None
    assert billed.outcome.usd_per_year.mid == pytest.approx((0.1 - 0.05) * 22 * 12)
    assert billed.outcome.percent.mid == pytest.approx(50)


def test_a_wide_slope_may_leave_a_namespace_undecided() -> None:
    wide = fit(slope=Interval(low=0.01, mid=0.7, high=0.9))
    usage = mesh(steady("busy", 0.8, 1000), calls=[called("busy", 1000)])
    found = project_usage(usage, calibration(sidecar=wide, waypoint=wide), as_published()).decision

    assert found.why == Why.WAYPOINT_DECIDES
    assert verdicts(found)["busy"] == (Verdict.MOVE_WITHOUT_WAYPOINT, Why.WAYPOINT_DECIDES)


def _has_saving(projection: Projection, mode: str) -> Interval:
    return next(item.usd_per_year for item in projection.savings if item.mode == mode)


@examples(4)
@given(projections())
def test_no_decision_contradicts_a_range_or_the_modes(drawn: Drawn) -> None:
    projection = drawn.projection
    found = projection.decision
    moving = found.with_verdict(Verdict.MOVE)

    assert set(found.namespaces) == {item.namespace for item in moving}
    assert (found.action == Action.MOVE) == bool(moving)
    for item in found.by_namespace:
        with_waypoint, l4 = item.saving_usd_per_year, item.saving_l4_usd_per_year
        assert item.verdict != Verdict.MOVE or with_waypoint.low > 0
        assert item.verdict != Verdict.MOVE_WITHOUT_WAYPOINT or l4.low > 0
        assert item.verdict != Verdict.MOVE_WITHOUT_WAYPOINT or with_waypoint.low <= 0 or not moving
        assert item.why != Why.ZTUNNEL_COSTS_MORE or l4.high <= 0
        assert item.why != Why.WAYPOINT_COSTS_MORE or (l4.high > 0 and with_waypoint.high <= 0)
        assert item.why != Why.RANGE_HAS_BOTH_SIGNS or with_waypoint.low <= 0
        assert item.why != Why.WAYPOINT_DECIDES or with_waypoint.low <= 0 < with_waypoint.high
        assert item.why != Why.ZTUNNELS_DECIDE or l4.low > 0
        assert item.why != Why.WAYPOINT_COSTS_MORE or item.needs_waypoint
    if found.action == Action.MOVE:
        assert found.outcome is not None
        assert found.outcome.usd_per_year.low > 0
        assert found.outcome.percent.high <= 100 + 1e-9
    if found.action == Action.STAY:
        assert _saving(projection, "ambient-waypoint").high <= 0
        if found.why != Why.WAYPOINT_COSTS_MORE:
            assert _saving(projection, "ambient-l4").high <= 0
    if found.why == Why.RANGE_HAS_BOTH_SIGNS:
        assert found.at_best is not None
        assert found.at_best.usd_per_year.low <= 0 < found.at_best.usd_per_year.high
    _is_of_the_same_money(projection)


def _is_of_the_same_money(projection: Projection) -> None:
    found = projection.decision
    if found.sidecar_usd_per_year:
        sidecar = projection.modes[0].usd_per_year
        assert found.sidecar_usd_per_year.mid == pytest.approx(sidecar.mid)
    if found.outcome and found.outcome.namespace_count == len(found.by_namespace):
        whole, moved = _saving(projection, "ambient-waypoint"), found.outcome.usd_per_year
        assert moved.mid == pytest.approx(whole.mid)
        assert moved.low == pytest.approx(whole.low, abs=1e-6)
        assert moved.high == pytest.approx(whole.high, abs=1e-6)


def _saving(projection: Projection, mode: str) -> Interval:
    return next(item.usd_per_year for item in projection.savings if item.mode == mode)
