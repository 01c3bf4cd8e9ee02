"""Predicted against measured on meshes of which the truth is known in both modes."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.compare import _or_why_not, compare_usage
from analyzer.comparison.result import Cause, Compared, Comparison, Difference
from analyzer.projection.scenario import Scenario
from analyzer.units import Provenance, Reason, Refusal, Role
from tests.comparison.migrations import NODES, Costs, Migrated
from tests.projection import fits
from tests.projection.builders import scenario
from tests.support.examples import examples


def compared(migrated: Migrated, assumed: Scenario | None = None) -> Comparison:
    """Compare the two meshes of a migration."""
    found = compare_usage(migrated.before(), migrated.after(), assumed or scenario())
    assert isinstance(found, Comparison)
    return found


def component(comparison: Comparison, role: str) -> Compared:
    """Return the comparison of one role's proxies."""
    (found,) = [item for item in comparison.components if item.role == role]
    return found


def named(comparison: Comparison) -> tuple[str, Cause]:
    """Return the role and the cause of the largest part."""
    assert comparison.largest is not None
    return comparison.largest[0].role, comparison.largest[1]


def everything(comparison: Comparison) -> list[Difference]:
    """Return all that was compared, in all and by namespace."""
    parts = [part for item in comparison.namespaces for part in item.components]
    return [*comparison.components, comparison.total, *parts]


def test_a_migration_that_costs_what_was_predicted_has_no_part_worth_naming() -> None:
    found = compared(Migrated())

    assert found.largest is None
    assert found.total.measured_vcpu == pytest.approx(found.total.predicted_vcpu.mid, rel=0.01)
    for item in found.components:
        assert item.is_within
        assert item.is_within_at_after
        assert item.bias_percent is not None
        assert item.bias_percent.low < 0 < item.bias_percent.high


def test_nodes_that_replaced_each_other_count_as_one() -> None:
    migrated = Migrated()
    before = migrated.before()
    halves = [
        before.nodes.assign(node=before.nodes["node"] + suffix, present_share=0.5)
        for suffix in ("", "-successor")
    ]
    replaced = replace(before, nodes=pd.concat(halves, ignore_index=True))
    found = compare_usage(replaced, migrated.after(), scenario())

    assert isinstance(found, Comparison)
    ztunnel, usual = component(found, "ztunnel"), component(compared(migrated), "ztunnel")
    assert ztunnel.predicted_count == usual.predicted_count == len(NODES)
    assert ztunnel.predicted_vcpu.mid == pytest.approx(usual.predicted_vcpu.mid)


def test_a_planted_waypoint_error_of_30_percent_is_named_with_its_size() -> None:
    dear = Costs()
    dear = replace(
        dear,
        waypoint_idle_vcpu=1.3 * dear.waypoint_idle_vcpu,
        waypoint_vcpu_per_1000_rps=1.3 * dear.waypoint_vcpu_per_1000_rps,
    )
    migrated = Migrated(costs=dear)

    # The sources of the default differ by more than that.
    ratio = {"low": 1.1, "mid": 1.15, "high": 1.2}
    found = compared(migrated, scenario(waypoint_to_sidecar_ratio=ratio))

    waypoint = component(found, "waypoint")
    rps = sum(migrated.waypoint_rps(name) for name in ("shop", "pay", "web"))
    assert component(compared(migrated), "waypoint").is_within
    assert named(found) == ("waypoint", Cause.UNIT_COST)
    assert waypoint.predicted_vcpu.mid * 1.3 == pytest.approx(waypoint.measured_vcpu, rel=0.01)
    assert waypoint.bias_percent is not None
    assert waypoint.bias_percent.mid == pytest.approx(100 * (1 / 1.3 - 1), abs=1)
    assert not waypoint.is_within
    # 0.3 of 0.4025 vCPU for each 1000 requests/s.
    expected = 0.3 * 1.15 * 0.35 * rps / 1000
    assert waypoint.parts_vcpu[Cause.UNIT_COST] == pytest.approx(expected, rel=0.05)
    assert waypoint.predicted_cost is not None
    assert waypoint.measured_cost is not None
    for cost, factor in ((waypoint.predicted_cost, 1.0), (waypoint.measured_cost, 1.3)):
        assert cost.vcpu_per_1000_rps is not None
        assert cost.vcpu_per_1000_rps.mid == pytest.approx(factor * 0.4025, rel=0.02)


@pytest.mark.parametrize("growth", [0.5, 1.6])
def test_a_planted_change_of_the_traffic_is_put_down_to_traffic(growth: float) -> None:
    migrated = Migrated(growth=growth)

    found = compared(migrated)

    waypoint = component(found, "waypoint")
    rps = sum(migrated.waypoint_rps(name) for name in ("shop", "pay", "web"))
    assert named(found) == ("waypoint", Cause.TRAFFIC)
    assert waypoint.parts_vcpu[Cause.TRAFFIC] == pytest.approx(
        (growth - 1) * 0.4025 * rps / 1000, rel=0.02
    )
    assert waypoint.predicted_at_after_vcpu.mid == pytest.approx(waypoint.measured_vcpu, rel=0.01)
    assert waypoint.before_rps == pytest.approx(rps)
    assert waypoint.after_rps == pytest.approx(growth * rps)


def test_a_planted_doubling_of_the_replicas_is_put_down_to_their_number() -> None:
    """At an idle that is dear enough for it to matter."""
    costs = Costs(waypoint_idle_vcpu=0.2)
    assumed = scenario(waypoint_replicas=2)
    before = compared(
        Migrated(costs=costs, replicas=dict.fromkeys(("shop", "pay", "web"), 2)), assumed
    )
    doubled = compared(
        Migrated(costs=costs, replicas=dict.fromkeys(("shop", "pay", "web"), 4)), assumed
    )

    one, two = (component(found, "waypoint") for found in (before, doubled))
    assert one.parts_vcpu[Cause.COUNT] == pytest.approx(0)
    assert (two.predicted_count, two.measured_count) == (6, 12)
    # Six more, each at the idle that was predicted; that idle was wrong is another part.
    assert two.parts_vcpu[Cause.COUNT] == pytest.approx(6 * 0.0115, rel=0.03)
    assert two.parts_vcpu[Cause.IDLE] == pytest.approx(12 * (0.2 - 0.0115), rel=0.05)


def test_replicas_that_cost_what_was_predicted_are_named() -> None:
    found = compared(Migrated(replicas=dict.fromkeys(("shop", "pay", "web"), 8)))

    assert named(found) == ("waypoint", Cause.COUNT)
    assert component(found, "waypoint").parts_vcpu[Cause.COUNT] == pytest.approx(
        21 * 0.0115, rel=0.03
    )


def test_a_planted_idle_of_ztunnels_is_put_down_to_idle() -> None:
    found = compared(Migrated(costs=Costs(ztunnel_idle_vcpu=0.1)))

    ztunnel = component(found, "ztunnel")
    assert named(found) == ("ztunnel", Cause.IDLE)
    assert ztunnel.parts_vcpu[Cause.IDLE] == pytest.approx(len(NODES) * 0.097, rel=0.02)
    assert ztunnel.measured_cost is not None
    assert ztunnel.measured_cost.idle_vcpu_per_proxy.mid == pytest.approx(0.1, rel=0.02)


def test_a_planted_cost_of_a_pass_through_ztunnels_is_put_down_to_it() -> None:
    migrated = Migrated(costs=Costs(ztunnel_vcpu_per_1000_rps=0.21))

    found = compared(migrated)

    assert named(found) == ("ztunnel", Cause.UNIT_COST)
    assert component(found, "ztunnel").parts_vcpu[Cause.UNIT_COST] == pytest.approx(
        0.105 * migrated.passes_rps() / 1000, rel=0.05
    )


@examples(3)
@given(
    waypoint=st.floats(0.1, 2.0),
    idle=st.floats(0.0, 0.3),
    growth=st.floats(0.2, 4.0),
    replicas=st.integers(1, 6),
    moved=st.sampled_from([("shop",), ("pay", "web"), ("shop", "pay", "web")]),
    steady=st.booleans(),
)
def test_the_parts_add_up_to_the_difference_whatever_happened(
    *,
    waypoint: float,
    idle: float,
    growth: float,
    replicas: int,
    moved: tuple[str, ...],
    steady: bool,
) -> None:
    migrated = Migrated(
        moved=moved,
        costs=Costs(waypoint_vcpu_per_1000_rps=waypoint, ztunnel_idle_vcpu=idle),
        growth=growth,
        replicas=dict.fromkeys(moved, replicas),
        steady=steady,
    )
    found = compared(migrated)

    for item in everything(found):
        assert sum(item.parts_vcpu.values()) == pytest.approx(item.difference_vcpu, abs=1e-12)
    total = found.total
    assert sum(item.measured_vcpu for item in found.components) == pytest.approx(
        total.measured_vcpu
    )
    for cause, part in total.parts_vcpu.items():
        parts = [item.parts_vcpu.get(cause, 0.0) for item in found.components]
        assert sum(parts) == pytest.approx(part, abs=1e-9)


def test_traffic_that_never_changes_leaves_idle_and_slope_unsaid() -> None:
    found = compared(Migrated(steady=True, costs=Costs(waypoint_vcpu_per_1000_rps=0.8)))

    waypoint = component(found, "waypoint")
    assert isinstance(found.waypoint, Refusal)
    assert "less than 5 %" in found.waypoint.detail
    assert Cause.UNIT_COST not in waypoint.parts_vcpu
    assert (waypoint.predicted_cost, waypoint.measured_cost) == (None, None)
    assert named(found) == ("waypoint", Cause.UNEXPLAINED)
    assert found.waypoint in found.refusals


def test_the_cost_of_waypoints_and_ztunnels_is_measured_in_after() -> None:
    found = compared(Migrated())

    for fit, idle in ((found.waypoint, 0.0115), (found.ztunnel, 0.003 * 0.35 / 0.26)):
        assert isinstance(fit, RoleCalibration)
        assert fit.provenance == Provenance.MEASURED
        assert fit.idle_vcpu_per_proxy.mid == pytest.approx(idle, rel=0.3)


def test_a_waypoint_that_was_predicted_and_is_not_there_is_missing() -> None:
    found = compared(Migrated(replicas={"web": 0}))

    (web,) = [item for item in found.namespaces if item.namespace == "web"]
    (waypoint,) = web.components
    assert (waypoint.predicted_count, waypoint.measured_count) == (1, 0)
    assert waypoint.parts_vcpu[Cause.COUNT] == pytest.approx(-waypoint.predicted_vcpu.mid)
    assert waypoint.bias_percent is None


def test_without_any_waypoint_the_bias_is_refused() -> None:
    found = compared(Migrated(replicas=dict.fromkeys(("shop", "pay", "web"), 0)))

    (refusal,) = [item for item in found.refusals if item.subject == "bias of the waypoints"]
    assert "vCPU were predicted" in refusal.detail
    assert named(found) == ("waypoint", Cause.COUNT)


def test_the_scenario_is_what_the_prediction_assumed() -> None:
    found = compared(
        Migrated(costs=Costs(ztunnel_idle_vcpu=0.1)), scenario(ztunnel_idle_vcpu_per_node=0.1)
    )

    assert abs(component(found, "ztunnel").parts_vcpu[Cause.IDLE]) < 0.005


def test_why_a_role_was_not_measured_does_not_depend_on_how_its_source_is_worded() -> None:
    why = Refusal(subject="a waypoint", reason=Reason.NO_TRAFFIC, detail="not measured: asleep")
    derived = replace(
        fits.fit(), provenance=Provenance.DERIVED, source="a stated ratio", not_measured=why
    )

    found = _or_why_not(Role.WAYPOINT, derived)

    assert isinstance(found, Refusal)
    assert found.detail == why.detail
    assert _or_why_not(Role.WAYPOINT, fits.fit()) == fits.fit()
