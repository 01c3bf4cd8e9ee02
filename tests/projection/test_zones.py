"""Bytes that cross zones because of waypoints: to the cent, and what must always hold."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analyzer.data import assumptions, providers
from analyzer.measurement.node_zones import _provider_of
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis, Spread, TrafficDistribution
from analyzer.projection.demand import mesh_load
from analyzer.projection.needs import Case
from analyzer.projection.scenario import ZONE_PRICE, default_scenario
from analyzer.projection.scenario_file import as_toml
from analyzer.projection.waypoints import transfer_of_waypoints
from analyzer.projection.zones import UNKNOWN_PROVIDER, crossings, placements, with_price
from analyzer.units import Interval
from tests.projection.builders import Call, Node, Proxy, exactly, mesh, scenario
from tests.projection.zoned import (
    CALL_BYTES,
    RPS,
    SECONDS,
    choice,
    projected,
    spread_mesh,
    transfer,
)

GB_ONCE = RPS * CALL_BYTES * SECONDS / 1e9
"""What the calls of `spread_mesh` have in a month: 5.4 TB."""

PER_YEAR = GB_ONCE * 0.02 * 12


def extra_of(flows: np.ndarray, placed: np.ndarray, *, prefers_close: bool) -> np.ndarray:
    _, to_waypoint, to_pods, direct = crossings(flows, placed, prefers_close=prefers_close)
    return np.asarray(to_waypoint + to_pods - direct)


def added_usd(usage: MeshUsage, replicas: int, distribution: TrafficDistribution) -> float:
    """Return what so many replicas add in a year, at the best estimates."""
    parameters = exactly(scenario(), waypoint_idle_vcpu=0.01, waypoint_vcpu_per_1000_rps=0.3)
    case = Case(load=mesh_load(usage), parameters=parameters)
    found = transfer_of_waypoints(
        case, Spread.ALL, replicas=np.full(1, float(replicas)), distribution=distribution
    )
    assert found is not None
    return float(found.usd_per_year[0])


# --- to the cent ---


def test_the_issues_example_is_5_4_terabytes_a_month() -> None:
    # Pods and callers are in one zone, and the waypoint is in it with a chance of one half.
    found = transfer(projected(spread_mesh(("a", "b"), front=(0,), back=(0,))))

    assert round(GB_ONCE, 3) == 5382.144
    assert found.gb_per_month.mid == pytest.approx(5382.144)
    # In the other zone each byte crosses twice more, in this one never.
    assert (found.gb_per_month.low, found.gb_per_month.high) == pytest.approx((0, 2 * 5382.144))
    assert round(found.usd_per_year.mid, 2) == 1291.71


@pytest.mark.parametrize(
    ("replicas", "distribution", "crossed", "usd"),
    [
        # 2/3 of callers have their replica elsewhere, and 2/3 of pods are elsewhere than it.
        (1, "random", 2 / 3, 861.14),
        (1, "prefer-close", 2 / 3, 861.14),
        (2, "random", 2 / 3, 861.14),
        # Only callers in the third zone cross to a waypoint.
        (2, "prefer-close", 1 / 3, 430.57),
        (3, "random", 2 / 3, 861.14),
        (3, "prefer-close", 0.0, 0.0),
        (4, "prefer-close", 0.0, 0.0),
    ],
)
def test_replicas_and_preference_are_right_to_the_cent(
    replicas: int, distribution: str, crossed: float, usd: float
) -> None:
    found = transfer(
        projected(
            spread_mesh(),
            waypoint_replicas=replicas,
            waypoint_traffic_distribution=distribution,
        )
    )

    assert found.gb_per_month.mid == pytest.approx(GB_ONCE * crossed, abs=1e-9)
    assert round(found.usd_per_year.mid, 2) == usd
    assert (found.role, found.count, found.vcpu.high) == ("zone-transfer", replicas, 0)


def test_the_alternatives_are_beside_it_with_their_cpu() -> None:
    projection = projected(spread_mesh(), basis="billed")
    assert projection.zone_transfer is not None
    names = [
        (item.replicas, item.traffic_distribution) for item in projection.zone_transfer.choices
    ]
    assumed, near = choice(projection, *names[0]), choice(projection, "one-a-zone", "prefer-close")

    assert names == [
        ("assumed", "prefer-close"),
        ("assumed", "random"),
        ("one-a-zone", "random"),
        ("one-a-zone", "prefer-close"),
    ]
    assert (assumed.waypoint_count, near.waypoint_count) == (1, 3)
    assert assumed.transfer_usd_per_year == transfer(projection).usd_per_year
    assert near.gb_per_month.high == 0
    # One replica: 0.0115 + 0.345 of 1000 requests/s. Three: 0.0115 + 0.115 each.
    assert assumed.waypoint_vcpu.mid == pytest.approx(0.3565)
    assert near.waypoint_vcpu.mid == pytest.approx(3 * 0.1265)
    assert near.usd_per_year.mid == pytest.approx(3 * 0.1265 * 22 * 12)
    assert assumed.usd_per_year.mid == pytest.approx(0.3565 * 22 * 12 + PER_YEAR * 2 / 3)


def test_one_a_zone_is_not_repeated_where_the_scenario_has_as_many() -> None:
    projection = projected(spread_mesh(), waypoint_replicas=3)

    assert projection.zone_transfer is not None
    assert {item.replicas for item in projection.zone_transfer.choices} == {"assumed"}


def test_the_dollars_are_part_of_the_modes_on_every_basis() -> None:
    usage = spread_mesh()
    bare = replace(usage, nodes=usage.nodes.assign(zone="", provider=""))
    with_zones, without = projected(usage), projected(bare)

    for item, other in zip(with_zones.modes, without.modes, strict=True):
        added = transfer(with_zones, item.name).usd_per_year.mid if item.transfer else 0.0
        assert (added > 0) is (item.name in {"ambient-waypoint", "ambient-waypoint-all"})
        for basis in Basis:
            expected = other.bases[basis].usd_per_year.mid + added
            assert item.bases[basis].usd_per_year.mid == pytest.approx(expected, rel=1e-12)
            assert item.bases[basis].vcpu == other.bases[basis].vcpu
    assert without.zone_transfer is None
    assert not any(item.transfer for item in without.modes)


def test_namespaces_and_sweeps_have_them_too() -> None:
    projection = projected(spread_mesh())
    saving = projection.savings[1].usd_per_year.mid
    (shop,) = projection.decision.by_namespace
    shared = projection.decision.shared_ztunnel_usd_per_year
    sweeps = {item.name: item for item in projection.sweeps}

    assert shared is not None
    assert shop.saving_usd_per_year.mid - shared.mid == pytest.approx(saving)
    assert shop.waypoint_usd_per_year.mid > PER_YEAR * 2 / 3
    for name, at in (("l7_share", 1.0), ("waypoint_replicas", 1.0)):
        found = sweeps[name].at(at)
        assert found is not None
        assert found.mid == pytest.approx(saving)
    # Three replicas: callers stay in their zones.
    three = sweeps["waypoint_replicas"].at(3.0)
    assert three is not None
    assert three.mid > saving + PER_YEAR / 2


def test_price_and_bytes_are_assumptions_that_may_matter() -> None:
    usage = spread_mesh(provider="gce")
    unsized = replace(usage, steps=usage.steps.assign(http_bytes_per_second=np.nan))
    found = {item.assumption: item for item in projected(unsized).sensitivity}

    price = found[ZONE_PRICE]
    assert price.low_usd_per_year - price.high_usd_per_year == pytest.approx(PER_YEAR / 2 * 2 / 3)
    size = found["http_bytes_per_request"]
    # 256 bytes or 16384, at twice the price of one direction.
    moved = PER_YEAR * 2 / 3 * (16384 - 256) / CALL_BYTES
    assert size.low_usd_per_year - size.high_usd_per_year == pytest.approx(moved, rel=0.01)


# --- whose zones count ---


def test_ingress_gateways_count_only_if_they_pass_the_waypoint() -> None:
    usage = mesh(
        Proxy(workload="shop/front", node="n0", http_bytes_per_second=100 * CALL_BYTES),
        Proxy(workload="edge/gate", node="n1", role="gateway"),  # type: ignore[arg-type]
        calls=(
            Call(source="edge/gate", destination="shop/front", rps=(100, 100)),
            Call(source="unknown/unknown", destination="shop/front", rps=(9000, 9000)),
        ),
        nodes=[Node(name="n0", zone="a", provider="aws"), Node(name="n1", zone="b")],
    )

    assert transfer(projected(usage)).gb_per_month.high == 0
    # From b through a or b to a: with a replica in either, a byte crosses once, as without one.
    through = transfer(projected(usage, ingress_through_waypoint=True))
    assert through.gb_per_month.high == 0


def test_an_unknown_caller_is_where_all_sidecars_are() -> None:
    """Two of three sidecars are in a, as the unknown caller is; the waypoint is in a or in b."""
    usage = mesh(
        Proxy(workload="shop/back", node="n0", http_bytes_per_second=100 * CALL_BYTES),
        Proxy(workload="shop/other", node="n0"),
        Proxy(workload="shop/third", node="n1"),
        calls=(Call(source="ghost/none", destination="shop/back", rps=(100, 100)),),
        nodes=[Node(name="n0", zone="a"), Node(name="n1", zone="b")],
    )
    found = transfer(projected(usage, zone_transfer_usd_per_gb=0.02))

    # In a: 1/3 + 0 - 1/3. In b: 2/3 + 1 - 1/3.
    expected = (0 + 4 / 3) / 2 * GB_ONCE / 10
    assert found.gb_per_month.mid == pytest.approx(expected)


def test_callers_are_where_they_are_for_longer() -> None:
    """One pod in zone b for half of each step is half of one that stays."""
    stays = mesh_load(spread_mesh(front=(0, 0, 1), back=(0,)))
    usage = spread_mesh(front=(0, 1), back=(0,))
    brief = usage.proxies.index[usage.proxies["node"] == "n1"]
    lived = np.where(usage.steps["proxy"].isin(brief), 0.5, 1.0)
    comes = mesh_load(replace(usage, steps=usage.steps.assign(lived_share=lived)))

    assert stays.zones is not None
    assert comes.zones is not None
    np.testing.assert_allclose(comes.zones.http_bytes_per_second, stays.zones.http_bytes_per_second)


def test_tcp_crosses_as_well() -> None:
    usage = mesh(
        Proxy(
            workload="data/db",
            node="n0",
            proxy_rps=(0, 0),
            tcp_bytes_per_second=5e6,
            inbound_tcp_bytes_per_second=4e6,
        ),
        nodes=[Node(name="n0", zone="a", provider="aws"), Node(name="n1", zone="b")],
    )
    found = transfer(projected(usage, waypoint_placement="all"))

    # The only sidecar is the caller too: half of the placements make each byte cross twice.
    assert found.gb_per_month.mid == pytest.approx(4e6 * SECONDS / 1e9)


def test_growth_grows_it() -> None:
    one, two = (
        transfer(projected(spread_mesh(), traffic_growth_factor=times)).gb_per_month.mid
        for times in (1, 2)
    )

    assert two == pytest.approx(2 * one)


# --- dirty shapes ---


def test_nodes_without_a_zone_are_spread_like_the_others_and_named() -> None:
    usage = spread_mesh(("a", "b", "c", ""), front=(0, 1, 2, 3), back=(0, 1, 2, 3))
    projection = projected(usage)
    whole = projected(spread_mesh())

    assert transfer(projection).gb_per_month.mid == pytest.approx(
        transfer(whole).gb_per_month.mid, rel=1e-12
    )
    assert "zones_partly_known" in {item.name for item in projection.warnings}
    assert "zones_partly_known" not in {item.name for item in whole.warnings}


def test_one_zone_costs_nothing_and_is_known() -> None:
    projection = projected(spread_mesh(("a", "a", "a")))

    assert projection.zone_transfer is not None
    assert projection.zone_transfer.zone_count == 1
    assert transfer(projection).usd_per_year == Interval.exactly(0.0)
    assert "cost of traffic between zones" not in {item.subject for item in projection.refusals}


def two_clusters(other: str) -> MeshUsage:
    """Return two clusters with the same traffic; `other` is what the second calls its zones."""
    usage = spread_mesh(
        ("a", "b", "c", *(f"{other}{name}" for name in "abc")),
        front=(0, 1, 2, 3, 4, 5),
        back=(0, 1, 2, 3, 4, 5),
    )
    names = [f"{'west' if number > 2 else 'east'}/n{number}" for number in range(6)]
    of_node = dict(zip(usage.nodes["node"], names, strict=True))
    nodes = usage.proxies["node"].map(of_node)
    clusters = nodes.str.split("/").str[0]
    calls = [
        usage.calls.assign(
            rps=usage.calls["rps"] / 2,
            source_workload_namespace=f"{name}/shop",
            destination_workload_namespace=f"{name}/shop",
        )
        for name in ("east", "west")
    ]
    return replace(
        usage,
        nodes=usage.nodes.assign(node=names),
        proxies=usage.proxies.assign(node=nodes, namespace=clusters + "/shop"),
        calls=type(usage.calls)(np.concatenate(calls), columns=usage.calls.columns).infer_objects(),
        clusters=("east", "west"),
    )


@pytest.mark.parametrize("distribution", ["random", "prefer-close"])
def test_zones_that_differ_by_cluster_in_name_only_change_nothing(distribution: str) -> None:
    found = [
        transfer(
            projected(
                two_clusters(other),
                waypoint_replicas=2,
                waypoint_traffic_distribution=distribution,
            )
        ).gb_per_month.mid
        for other in ("", "other-")
    ]

    assert found[0] > 0
    assert found[0] == pytest.approx(found[1], rel=1e-12)


# --- what the price is ---


@pytest.mark.parametrize(
    ("provider", "instance_type", "usd"),
    [
        ("aws", "", Interval.exactly(0.02)),
        ("gce", "", Interval(low=0.01, mid=0.02, high=0.02)),
        ("azure", "", Interval.exactly(0.0)),
        ("kind", "", Interval.exactly(0.0)),
        ("", "", Interval.exactly(0.0)),
    ],
)
def test_the_provider_decides_the_price(provider: str, instance_type: str, usd: Interval) -> None:
    usage = spread_mesh(provider=provider, instance_type=instance_type)
    priced = with_price(default_scenario(), usage)
    refused = {item.subject for item in projected(usage).refusals}

    assert priced[ZONE_PRICE] == usd
    is_unknown = provider not in providers()
    assert (priced.assumptions[ZONE_PRICE].source == UNKNOWN_PROVIDER) is is_unknown
    assert ("cost of traffic between zones" in refused) is is_unknown


@pytest.mark.parametrize("usd", [0.0, 0.02, 0.005])
def test_a_stated_price_is_used(usd: float) -> None:
    for provider in ("aws", "azure", ""):
        usage = spread_mesh(provider=provider)
        projection = projected(usage, zone_transfer_usd_per_gb=usd)

        expected = PER_YEAR * 2 / 3 * usd / 0.02
        assert transfer(projection).usd_per_year.mid == pytest.approx(expected)
        assert "cost of traffic between zones" not in {x.subject for x in projection.refusals}


def test_several_providers_have_the_mean_and_the_widest_range() -> None:
    usage = spread_mesh(("a", "b", "c", "d"))
    mixed = usage.nodes.assign(provider=["aws", "gce", "azure", ""])
    price = with_price(default_scenario(), replace(usage, nodes=mixed))[ZONE_PRICE]

    assert (price.low, price.high) == (0.0, 0.02)
    assert price.mid == pytest.approx(0.04 / 3)


def test_where_no_zone_is_known_a_scenario_has_no_price() -> None:
    usage = spread_mesh(("", "", ""), provider="")
    projection = projected(usage)
    workings = projection.workings

    assert workings is not None
    assert ZONE_PRICE not in workings.scenario.assumptions
    assert "traffic_distribution" not in as_toml(workings.scenario)
    assert {ZONE_PRICE, "waypoint_traffic_distribution"} <= set(as_toml(scenario()).split())
    assert "cost of traffic between zones" not in {item.subject for item in projection.refusals}


def test_unknown_zones_on_a_cloud_that_bills_them_are_named() -> None:
    for provider in providers():
        refused = {
            item.subject
            for item in projected(
                spread_mesh(("", ""), front=(0,), back=(1,), provider=provider)
            ).refusals
        }
        assert ("cost of traffic between zones" in refused) is (provider != "azure")


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("m5.xlarge", "aws"),
        ("c7g.metal", "aws"),
        ("t3a.nano", "aws"),
        ("u7i-12tb.224xlarge", "aws"),
        ("n2-standard-4", "gce"),
        ("e2-medium", "gce"),
        ("n2d-custom-4-8192", "gce"),
        ("c4a-highmem-16-lssd", "gce"),
        ("Standard_D4s_v5", "azure"),
        ("Standard_NC24ads_A100_v4", "azure"),
        ("general-16", ""),
        ("k3s", ""),
        ("s-2vcpu-4gb", ""),
        ("cx31", ""),
        ("", ""),
    ],
)
def test_an_instance_type_names_its_provider(name: str, provider: str) -> None:
    assert _provider_of(name) == provider


def test_the_default_is_no_price_that_anybody_states() -> None:
    # A stated price that equals the default would count as none.
    value = assumptions()[ZONE_PRICE].value
    assert value.low < value.mid == value.high


# --- what must always hold ---


@pytest.mark.parametrize("distribution", ["random", "prefer-close"])
@pytest.mark.parametrize("replicas", [1, 2, 3, 5])
def test_more_zones_never_cost_less(replicas: int, distribution: str) -> None:
    """Twelve nodes in 1, 2, 3, 4, 6 and 12 zones, with a pod of each workload on every node."""
    found = []
    for count in (1, 2, 3, 4, 6, 12):
        zones = [f"z{number % count}" for number in range(12)]
        usage = spread_mesh(zones, front=range(12), back=range(12))
        found.append(added_usd(usage, replicas, TrafficDistribution(distribution)))

    assert found[0] == 0
    assert all(more >= less - 1e-9 for less, more in pairwise(found))


def _flows(zones: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(float, (2, zones, zones), elements=st.floats(0, 1e6))


@given(
    st.integers(1, 5).flatmap(lambda zones: st.tuples(_flows(zones), st.integers(1, 9))), st.data()
)
def test_a_waypoint_never_saves_crossings_and_preference_never_adds_any(
    found: tuple[np.ndarray, int], data: st.DataObject
) -> None:
    flows, replicas = found
    sizes = data.draw(arrays(float, flows.shape[1], elements=st.floats(0.1, 50)))
    placed, likely = placements(sizes, replicas)
    near, anywhere = (extra_of(flows, placed, prefers_close=each) for each in (True, False))
    rounding = 1e-9 * (1 + flows.sum())

    assert likely.sum() == pytest.approx(1)
    assert (placed.sum(axis=1) == replicas).all()
    assert np.ptp(placed, axis=1).max() <= 1
    assert (near >= -rounding).all()
    assert (near <= anywhere + rounding).all()
    if replicas >= len(sizes):
        assert np.abs(near).max() <= rounding


@given(st.integers(1, 5), st.integers(1, 9), st.data())
def test_crossings_are_those_of_a_plain_loop(
    zones: int, replicas: int, data: st.DataObject
) -> None:
    flows = data.draw(_flows(zones))
    placed, _ = placements(np.ones(zones), replicas)

    for prefers_close in (True, False):
        extra = extra_of(flows, placed, prefers_close=prefers_close)
        for flow, by_way in zip(flows, extra, strict=True):
            for way, value in zip(placed, by_way, strict=True):
                total = 0.0
                for source in range(zones):
                    for target in range(zones):
                        near = prefers_close and way[source] > 0
                        chances = np.eye(zones)[source] if near else way / replicas
                        for zone, chance in enumerate(chances):
                            more = (source != zone) + (zone != target) - (source != target)
                            total += chance * flow[source, target] * more
                assert value == pytest.approx(total, rel=1e-9, abs=1e-6)


def test_many_zones_are_not_all_tried() -> None:
    placed, likely = placements(np.arange(1.0, 41.0), 5)

    assert len(placed) == 792
    assert likely.sum() == pytest.approx(1)


def test_no_zone_has_no_placement() -> None:
    placed, likely = placements(np.zeros(3), 2)

    assert (len(placed), len(likely)) == (0, 0)
