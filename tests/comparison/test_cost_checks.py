"""What is not known of a migration is refused, and what differs between its snapshots is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.cost_result import NodesCompared, Versus
from analyzer.comparison.result import Comparison, Difference
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis
from analyzer.projection.scenario import Scenario
from analyzer.units import Refusal, Role
from tests.comparison.costed import SIZES, sized
from tests.comparison.migrations import Migrated
from tests.projection.builders import scenario

ALL, PAY = Migrated(), Migrated(moved=("pay",))


def compared(before: MeshUsage, after: MeshUsage, assumed: Scenario | None = None) -> Comparison:
    found = compare_usage(before, after, assumed or scenario(basis="billed"))
    assert isinstance(found, Comparison)
    return found


def refused(found: Comparison, subject: str) -> list[str]:
    return [item.detail for item in found.refusals if item.subject == subject]


def of(item: Difference, basis: Basis = Basis.USAGE) -> Versus | None:
    """Return the memory of a component on a basis."""
    return (item.bases or {})[basis].memory_gib


def without(usage: MeshUsage, *columns: str) -> MeshUsage:
    return replace(usage, steps=usage.steps.assign(**dict.fromkeys(columns, float("nan"))))


def priced(usage: MeshUsage, vcpu: float, memory_gib: float) -> MeshUsage:
    """Return the mesh with the same prices a hour on every node."""
    nodes = usage.nodes.assign(vcpu_usd_per_hour=vcpu, memory_usd_per_gib_hour=memory_gib)
    return replace(usage, nodes=nodes)


def test_after_without_kube_state_metrics_leaves_usage_and_names_who_lacks_requests() -> None:
    after = without(sized(ALL.after()), "reserved_vcpu", "reserved_memory_bytes")
    after = replace(after, nodes=after.nodes.iloc[:0])

    found = compared(sized(ALL.before()), after)

    assert found.costs.basis == Basis.USAGE
    assert [*found.costs.savings] == [Basis.USAGE]
    assert all([*(item.bases or {})] == [Basis.USAGE] for item in found.components)
    (detail,) = refused(found, "requested and billed")
    assert "ztunnels and waypoints in AFTER" in detail
    assert "BEFORE" not in detail
    assert isinstance(found.nodes, Refusal)
    assert found.nodes in found.refusals
    assert "AFTER has no" in found.nodes.detail


def test_before_without_memory_has_none_of_what_stays_and_none_in_dollars() -> None:
    before = without(sized(PAY.before()), "memory_bytes")
    found = compared(before, sized(PAY.after()), scenario(memory_gib_month_usd=3))
    whole = compared(sized(PAY.before()), sized(PAY.after()), scenario())

    memory = {item.role: of(item) for item in found.components}
    assert memory[Role.SIDECAR] is None
    assert memory[Role.ZTUNNEL] is not None
    assert memory[Role.WAYPOINT] is not None
    assert of(found.total) is None
    assert Basis.USAGE not in found.costs.bases_with_memory
    (detail,) = refused(found, "memory")
    assert "the sidecars in BEFORE" in detail
    # Without memory the dollars are of CPU alone: as if it cost nothing.
    usage = found.costs.savings[Basis.USAGE]
    assert usage.realised_usd_per_year == whole.costs.savings[Basis.USAGE].realised_usd_per_year


def test_memory_that_few_proxies_lack_is_that_of_the_others_and_that_many_lack_is_refused() -> None:
    after = sized(ALL.after())
    rows = after.steps
    ztunnels = rows.index[rows["proxy"].map(after.proxies["role"]) == Role.ZTUNNEL]

    for share, is_known in ((0.05, True), (0.3, False)):
        lacking = ztunnels[: int(share * len(ztunnels))]
        steps = rows.assign(memory_bytes=rows["memory_bytes"].mask(rows.index.isin(lacking)))
        found = compared(sized(ALL.before()), replace(after, steps=steps))
        memory = {item.role: of(item) for item in found.components}[Role.ZTUNNEL]
        assert (memory is not None) == is_known
        assert bool(refused(found, "memory")) != is_known
        if memory is not None:
            assert memory.measured.mid == pytest.approx(4 * 0.03)


def test_each_snapshot_has_the_prices_of_its_own_nodes() -> None:
    before = priced(sized(ALL.before()), 0.03, 0.004)
    same, other = (priced(sized(ALL.after()), vcpu, 0.004) for vcpu in (0.03, 0.06))
    assumed = scenario(prices="opencost", basis="usage")

    first, second = (compared(before, after, assumed) for after in (same, other))

    assert first.costs.prices is not None
    assert second.costs.prices is not None
    assert not first.costs.prices.differ
    assert second.costs.prices.differ
    assert second.costs.prices.before.vcpu_month_usd == pytest.approx(0.03 * 730)
    assert second.costs.prices.after.vcpu_month_usd == pytest.approx(0.06 * 730)
    one, two = (found.costs.savings[Basis.USAGE] for found in (first, second))
    assert one.predicted_usd_per_year == two.predicted_usd_per_year
    vcpu = first.total.measured_vcpu
    more = one.realised_usd_per_year.mid - two.realised_usd_per_year.mid
    assert more == pytest.approx(vcpu * 0.03 * 730 * 12)


def test_a_snapshot_without_prices_refuses_dollars_and_not_cpu() -> None:
    before = priced(sized(ALL.before()), 0.03, 0.004)

    found = compared(before, sized(ALL.after()), scenario(prices="opencost"))

    assert found.costs.prices is None
    assert found.costs.savings == {}
    (detail,) = refused(found, "dollars")
    assert detail.startswith("In AFTER: ")
    usage = (found.total.bases or {})[Basis.USAGE]
    assert usage.usd_per_year is None
    assert usage.vcpu.measured.mid == pytest.approx(found.total.measured_vcpu)


def test_a_range_of_the_price_is_on_both_sides_and_judges_nothing() -> None:
    price = {"low": 11, "mid": 22, "high": 44}
    before, after = sized(ALL.before()), sized(ALL.after())
    exact, wide = (
        compared(before, after, scenario(vcpu_month_usd=usd, basis="reserved"))
        for usd in (22, price)
    )

    for basis in Basis:
        one, two = exact.costs.savings[basis], wide.costs.savings[basis]
        assert one.is_within_at_after == two.is_within_at_after
    realised = wide.costs.savings[Basis.USAGE].realised_usd_per_year
    assert realised.high / realised.mid == pytest.approx(2, rel=0.05)
    reserved = wide.costs.savings[Basis.RESERVED]
    assert reserved.is_within
    assert reserved.difference_usd_per_year.mid == pytest.approx(0, abs=1e-6)


def test_requests_that_are_not_the_charts_are_outside() -> None:
    sizes = {**SIZES, Role.ZTUNNEL: replace(SIZES[Role.ZTUNNEL], reserved_vcpu=0.5)}

    found = compared(sized(ALL.before()), sized(ALL.after(), sizes))

    reserved = found.costs.savings[Basis.RESERVED]
    assert not reserved.is_within
    # 0.3 more on each of 4 nodes.
    assert reserved.difference_usd_per_year.mid == pytest.approx(-4 * 0.3 * 22 * 12)


def test_usage_on_each_basis_is_the_account_of_cpu() -> None:
    for migrated in (ALL, PAY, Migrated(growth=1.7), Migrated(moved=())):
        found = compared(sized(migrated.before()), sized(migrated.after()))
        for item in (*found.components, found.total):
            vcpu = (item.bases or {})[Basis.USAGE].vcpu
            for mine, known in (
                (vcpu.predicted, item.predicted_vcpu),
                (vcpu.predicted_at_after, item.predicted_at_after_vcpu),
            ):
                assert (mine.low, mine.mid, mine.high) == pytest.approx(
                    (known.low, known.mid, known.high)
                )
            assert vcpu.measured.mid == pytest.approx(item.measured_vcpu)


@pytest.mark.parametrize("growth", [0.5, 1.0, 2.0])
def test_at_the_traffic_after_growth_is_no_loss(growth: float) -> None:
    """What each added request would cost in sidecar mode is in the cost before."""
    migrated = Migrated(growth=growth)
    found = compared(sized(migrated.before()), sized(migrated.after()), scenario(basis="usage"))
    saving = found.costs.savings[Basis.USAGE]

    assert saving.is_within_at_after
    added = 2 * (growth - 1) * 1800 + (growth - 1) * 500
    usd = 0.35 * added / 1000 * 22 * 12
    gained = saving.before_at_after_usd_per_year.mid - saving.before_usd_per_year.mid
    assert gained == pytest.approx(usd, rel=0.02)
    assert saving.realised_at_after_usd_per_year.mid == pytest.approx(
        saving.predicted_at_after_usd_per_year.mid, rel=0.02
    )
    # At its own traffic, what has grown is a part of the cost after.
    measured = 22 * 12 * found.total.measured_vcpu
    assert saving.realised_usd_per_year.mid == pytest.approx(
        saving.before_usd_per_year.mid - measured
    )
    assert saving.is_within == (growth == 1.0)


def test_a_shared_waypoint_has_the_requests_and_memory_of_one() -> None:
    apart, together = (
        compared(
            sized(ALL.before()),
            sized(ALL.after()),
            scenario(
                waypoint_placement=placement,
                waypoint_memory_gib_per_replica=0.05,
                waypoint_reserved_vcpu_per_replica=0.25,
            ),
        )
        for placement in ("observed", {"shared": [["shop", "pay", "web"]]})
    )

    for found, count in ((apart, 3), (together, 1)):
        (waypoint,) = [item for item in found.components if item.role == Role.WAYPOINT]
        assert waypoint.predicted_count == count
        vcpu = (waypoint.bases or {})[Basis.RESERVED].vcpu
        assert vcpu.predicted.mid == pytest.approx(0.25 * count)
        assert waypoint.memory_gib_per_proxy is not None
        each = waypoint.memory_gib_per_proxy.predicted.mid
        memory = of(waypoint)
        assert memory is not None
        assert memory.predicted.mid == pytest.approx(each * count)
        # The traffic is equal, whether AFTER has one waypoint or three.
        before, after = waypoint.predicted_vcpu, waypoint.predicted_at_after_vcpu
        assert after.mid == pytest.approx(before.mid, rel=0.01)
        assert waypoint.measured_count == 3


# --- nodes ---


def test_node_hours_are_those_of_the_nodes_that_were_there() -> None:
    before, after = sized(ALL.before()), sized(ALL.after())
    half = after.nodes.assign(present_share=[1.0, 1.0, 0.5, 0.0])

    nodes = compared(before, replace(after, nodes=half)).nodes

    assert isinstance(nodes, NodesCompared)
    assert (nodes.before.node_count, nodes.after.node_count) == (4, 2.5)
    assert nodes.removed_node_count == 1.5
    assert nodes.after.node_hours_per_week == 2.5 * 168
    assert nodes.after.node_hours_per_month == 2.5 * 730
    assert nodes.after.allocatable_vcpu == 2.5 * 4
    assert nodes.after.allocatable_memory_gib == pytest.approx(2.5 * 1e10 / 2**30)


def test_nodes_that_run_no_daemonset_do_not_count() -> None:
    before, after = sized(ALL.before()), sized(ALL.after())
    runs = after.nodes.assign(runs_daemonsets=[True, True, True, False])

    nodes = compared(before, replace(after, nodes=runs)).nodes

    assert isinstance(nodes, NodesCompared)
    assert nodes.after.node_count == 3


def test_a_size_that_one_node_lacks_is_not_known() -> None:
    after = sized(ALL.after())
    sizes = after.nodes.assign(allocatable_vcpu=[4.0, 4.0, 4.0, float("nan")])

    nodes = compared(sized(ALL.before()), replace(after, nodes=sizes)).nodes

    assert isinstance(nodes, NodesCompared)
    assert nodes.after.allocatable_vcpu is None
    assert nodes.after.allocatable_memory_gib is not None


def test_freed_nodes_are_those_of_the_predicted_requests() -> None:
    """Ten sidecars request 1 vCPU each; ambient asks for 4 x 0.3 with istio-cni and 3 x 0.1."""
    sizes = {
        role: replace(size, reserved_vcpu=1.0, reserved_memory_gib=4.0)
        for role, size in SIZES.items()
    }
    found = compared(sized(ALL.before(), sizes), sized(ALL.after()))

    assert isinstance(found.nodes, NodesCompared)
    # 8.5 of 4 vCPU each; memory frees more.
    assert found.nodes.predicted_freed_node_count == 2
    unknown = compared(ALL.before(), sized(ALL.after())).nodes
    assert isinstance(unknown, NodesCompared)
    assert unknown.predicted_freed_node_count is None


def test_istio_cni_is_on_neither_side_and_that_is_said_unless_it_runs_already() -> None:
    before, after = sized(ALL.before()), sized(ALL.after())

    new, old = (
        compared(before, after, scenario(istio_cni_installed=is_installed, basis="billed"))
        for is_installed in (False, True)
    )

    assert len(refused(new, "cost of istio-cni")) == 1
    assert refused(old, "cost of istio-cni") == []
    assert new.costs.savings == old.costs.savings


def test_bytes_between_zones_are_on_neither_side_and_their_prediction_is_named() -> None:
    before, after = sized(ALL.before()), sized(ALL.after())
    carried = before.steps.assign(http_bytes_per_second=2000 * before.steps["proxy_rps"])
    before = replace(before, steps=carried)
    zones = before.nodes.assign(zone=["z1", "z2", "z1", "z2"], provider="aws")
    zoned = replace(before, nodes=zones)

    alone, found = (compared(usage, after) for usage in (before, zoned))

    assert refused(alone, "traffic between zones") == []
    (detail,) = refused(found, "traffic between zones")
    assert "a year" in detail
    assert found.costs.savings == alone.costs.savings
