"""The formulas of ztunnels and waypoints, against sums done by hand."""

from dataclasses import replace

import numpy as np
import pytest

from analyzer.projection.choices import Basis, Share, Spread
from analyzer.projection.components import ZTUNNELS
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.needs import Need
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.waypoints import placed, replicas_of, waypoint_need
from analyzer.units import Provenance
from tests.projection.builders import case, exactly, load, scenario


def parameters(**changes: object) -> Parameters:
    """Return parameters with round figures: idle 0.02 and 0.5 per 1000 rps for a waypoint."""
    assumed = scenario(
        **{
            "ztunnel_idle_vcpu_per_node": 0.01,
            "ztunnel_vcpu_per_1000_rps": 0.1,
            "ztunnel_vcpu_per_gbit_per_second": 0.2,
            "ztunnel_reserved_vcpu_per_node": 0.25,
            "ztunnel_memory_gib_per_node": 0.5,
            "ztunnel_reserved_memory_gib_per_node": 0.75,
            "istio_cni_reserved_vcpu_per_node": 0,
            "istio_cni_reserved_memory_gib_per_node": 0,
            "waypoint_reserved_vcpu_per_replica": 0.1,
            "waypoint_memory_gib_per_replica": 0.3,
            "waypoint_memory_gib_per_1000_hosts": 0,
            "waypoint_reserved_memory_gib_per_replica": 0.125,
            **changes,
        }
    )
    return exactly(assumed, waypoint_idle_vcpu=0.02, waypoint_vcpu_per_1000_rps=0.5)


def waypoints(mesh: MeasuredLoad, assumed: Parameters, *, everywhere: bool) -> Need:
    """Return the need of waypoints in every namespace, or where HTTP was seen."""
    placement = Spread.ALL if everywhere else Spread.OBSERVED
    return waypoint_need(case(mesh, assumed), placement)


def ztunnels(mesh: MeasuredLoad, assumed: Parameters, **columns: list[float]) -> Need:
    """Return the need of the ztunnels, with some columns of the nodes changed."""
    assert mesh.nodes is not None
    return ZTUNNELS.need(case(replace(mesh, nodes=mesh.nodes.assign(**columns)), assumed))


def vcpu(need: Need) -> dict[Basis, float]:
    return {basis: float(values[0]) for basis, values in need.vcpu.items()}


def memory_gib(need: Need) -> dict[Basis, float]:
    return {basis: float(values[0]) for basis, values in need.memory_gib.items()}


def test_a_ztunnel_costs_its_idle_its_requests_and_its_bytes() -> None:
    need = ztunnels(load(passes_rps=[1000, 4000]), parameters(), gbit_per_second=[3.0, 0.0])

    # 0.01 + 0.1 + 0.6 on the first node, 0.01 + 0.4 on the second.
    assert vcpu(need)[Basis.USAGE] == pytest.approx(0.71 + 0.41)
    assert vcpu(need)[Basis.RESERVED] == pytest.approx(2 * 0.71)
    assert (need.role, need.count, need.provenance) == ("ztunnel", 2, Provenance.PUBLISHED)


def test_a_busy_ztunnel_does_not_spend_what_an_idle_one_reserves() -> None:
    need = ztunnels(load(passes_rps=[2000, 0]), parameters())

    # Used 0.21 and 0.01, reserved 0.25 each: the bill is 2 x 0.25, not 0.22.
    assert vcpu(need)[Basis.BILLED] == pytest.approx(0.5)


def test_the_busiest_node_sets_the_request_of_every_ztunnel() -> None:
    """Three times the mean: 0.91 of 0.31, where the chart requests 0.25."""
    need = ztunnels(load(passes_rps=[9000, 0, 0]), parameters())

    assert vcpu(need)[Basis.USAGE] == pytest.approx(0.91 + 0.01 + 0.01)
    assert need.hottest_vcpu is not None
    assert need.hottest_vcpu[0] / (vcpu(need)[Basis.USAGE] / 3) == pytest.approx(3, rel=0.03)
    assert vcpu(need)[Basis.RESERVED] == pytest.approx(3 * 0.91)
    assert vcpu(need)[Basis.BILLED] == pytest.approx(3 * 0.91)
    assert need.each_requested_vcpu is not None
    assert need.each_requested_vcpu.tolist() == pytest.approx([0.91])


def test_the_request_of_a_ztunnel_never_falls_below_the_charts() -> None:
    need = ztunnels(load(passes_rps=[2400, 0]), parameters())

    # Used 0.25: exactly what the chart requests.
    assert vcpu(need)[Basis.RESERVED] == pytest.approx(0.5)


def test_the_busiest_node_is_found_draw_by_draw() -> None:
    drawn = replace(
        parameters(),
        values={
            **parameters().values,
            "ztunnel_vcpu_per_1000_rps": np.array([0.1, 0.01]),
            "ztunnel_vcpu_per_gbit_per_second": np.array([0.2, 0.4]),
        },
    )
    need = ztunnels(load(passes_rps=[9000, 0]), drawn, gbit_per_second=[0.0, 2.0])

    # 0.91 and 0.41 at first, then 0.1 and 0.81.
    assert need.vcpu[Basis.RESERVED].tolist() == pytest.approx([2 * 0.91, 2 * 0.81])


def test_a_ztunnels_memory_does_not_depend_on_its_traffic() -> None:
    need = ztunnels(load(passes_rps=[1, 2, 3000]), parameters())

    assert memory_gib(need) == pytest.approx(
        {Basis.USAGE: 1.5, Basis.RESERVED: 2.25, Basis.BILLED: 2.25}
    )


def test_a_waypoint_costs_its_idle_and_the_requests_into_its_namespace() -> None:
    need = waypoints(load(waypoint_rps=[400]), parameters(), everywhere=True)

    assert vcpu(need) == pytest.approx(
        {Basis.USAGE: 0.02 + 0.2, Basis.RESERVED: 0.1, Basis.BILLED: 0.22}
    )
    assert (need.role, need.count, need.provenance) == ("waypoint", 1, Provenance.MEASURED)


def test_waypoints_are_where_http_was_seen_or_everywhere() -> None:
    mesh = load(waypoint_rps=[400, 0, 100], has_http=[True, False, True])
    seen = waypoints(mesh, parameters(), everywhere=False)
    everywhere = waypoints(mesh, parameters(), everywhere=True)

    assert (seen.count, everywhere.count) == (2, 3)
    # One more at rest.
    assert vcpu(everywhere)[Basis.USAGE] - vcpu(seen)[Basis.USAGE] == pytest.approx(0.02)


def test_replicas_share_the_requests_and_each_rests_and_reserves_for_itself() -> None:
    mesh = load(waypoint_rps=[600])
    need = waypoints(mesh, parameters(waypoint_replicas=3), everywhere=True)

    assert need.count == 3
    # 3 x 0.02 at rest and 0.3 of requests; each of the three uses 0.12 and reserves 0.1.
    assert vcpu(need) == pytest.approx({Basis.USAGE: 0.36, Basis.RESERVED: 0.3, Basis.BILLED: 0.36})
    assert memory_gib(need) == pytest.approx(
        {Basis.USAGE: 0.9, Basis.RESERVED: 0.375, Basis.BILLED: 0.9}
    )


def test_the_larger_is_taken_replica_by_replica() -> None:
    mesh = load(waypoint_rps=[1200, 12], has_http=[True, True])
    need = waypoints(mesh, parameters(waypoint_replicas=2), everywhere=False)

    # Of the first namespace each replica uses 0.32, of the second 0.023, where 0.1 is reserved.
    assert vcpu(need)[Basis.BILLED] == pytest.approx(2 * 0.32 + 2 * 0.1)


def test_a_mesh_without_http_needs_no_waypoint() -> None:
    mesh = load(waypoint_rps=[0, 0], has_http=[False, False])
    need = waypoints(mesh, parameters(), everywhere=False)

    assert need.count == 0
    assert set(vcpu(need).values()) == {0.0}
    assert set(memory_gib(need).values()) == {0.0}


def test_every_draw_is_worked_out_by_itself() -> None:
    drawn = Parameters(
        values={
            **parameters().values,
            "ztunnel_idle_vcpu_per_node": np.array([0.01, 0.02]),
            "ztunnel_vcpu_per_1000_rps": np.array([0.1, 0.3]),
        },
        waypoint_idle_vcpu=np.array([0.02, 0.04]),
        waypoint_vcpu_per_1000_rps=np.array([0.5, 0.7]),
        waypoint_provenance=Provenance.DERIVED,
    )
    mesh = load(passes_rps=[1000, 3000], waypoint_rps=[500])

    assert ztunnels(mesh, drawn).vcpu[Basis.USAGE].tolist() == pytest.approx(
        [0.02 + 0.4, 0.04 + 1.2]
    )
    assert waypoints(mesh, drawn, everywhere=True).vcpu[Basis.USAGE].tolist() == pytest.approx(
        [0.02 + 0.25, 0.04 + 0.35]
    )


def test_new_connections_cost_by_the_thousand() -> None:
    priced = parameters(ztunnel_vcpu_per_1000_new_connections_per_second=0.6)
    need = ztunnels(load(passes_rps=[0, 0]), priced, new_connections_per_second=[0.0, 500.0])

    assert vcpu(need)[Basis.USAGE] == pytest.approx(2 * 0.01 + 0.3)


def test_the_busiest_ztunnel_is_given_and_not_the_mean() -> None:
    need = ztunnels(load(passes_rps=[1000, 9000, 0]), parameters())

    assert need.hottest_vcpu is not None
    assert need.hottest_vcpu.tolist() == pytest.approx([0.01 + 0.9])


def test_istio_cni_reserves_where_ambient_has_to_bring_it_and_uses_nothing_of_its_own() -> None:
    mesh = load(passes_rps=[0, 2000])
    brought = parameters(
        istio_cni_reserved_vcpu_per_node=0.1, istio_cni_reserved_memory_gib_per_node=0.2
    )
    there = replace(brought, istio_cni_installed=True)
    with_cni, without = ztunnels(mesh, brought), ztunnels(mesh, there)

    # One uses 0.01 and one 0.21; 0.35 is reserved for each, or 0.25.
    assert vcpu(with_cni) == pytest.approx(
        {Basis.USAGE: 0.22, Basis.RESERVED: 0.7, Basis.BILLED: 0.7}
    )
    assert vcpu(without) == pytest.approx(
        {Basis.USAGE: 0.22, Basis.RESERVED: 0.5, Basis.BILLED: 0.5}
    )
    assert memory_gib(with_cni)[Basis.RESERVED] == pytest.approx(2 * (0.75 + 0.2))
    assert memory_gib(without)[Basis.RESERVED] == pytest.approx(2 * 0.75)


# --- replicas: 0.02 at rest and 0.5 for 1000 requests/s, of 2 vCPU each to 80 % ---


def replicas(peak_rps: float, **changes: object) -> float:
    """Return the replicas of a namespace with this peak; its mean is next to nothing."""
    mesh = load(waypoint_rps=[1.0])
    mesh.namespaces["waypoint_peak_rps"] = peak_rps
    found = replicas_of(placed(mesh, Spread.ALL), parameters(**changes))
    assert found.shape == (1,)
    return float(found[0])


@pytest.mark.parametrize(
    ("peak_rps", "expected"),
    [
        (0, 1),
        # One is at 1.6 vCPU at 3160 rps, two at 6320, three at 9480.
        (3159, 1),
        (3161, 2),
        (6319, 2),
        (6321, 3),
        (9481, 4),
    ],
)
def test_there_are_as_many_replicas_as_the_busiest_step_needs(
    peak_rps: float, expected: int
) -> None:
    assert replicas(peak_rps) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"waypoint_replicas": 2}, 3),
        ({"waypoint_replicas": 5}, 5),
        ({"waypoint_spare_replicas": 2}, 5),
        ({"waypoint_replicas": 5, "waypoint_spare_replicas": 1}, 6),
        # To 100 % of 2 vCPU one bears 3960 rps; to 40 %, 1560; of half a vCPU, 760.
        ({"waypoint_target_utilisation_share": 1}, 2),
        ({"waypoint_target_utilisation_share": 0.4}, 5),
        ({"waypoint_limit_vcpu_per_replica": 0.5}, 10),
    ],
    ids=str,
)
def test_the_least_the_spare_the_target_and_the_limit_decide_at_7000_requests(
    changes: dict[str, object], expected: int
) -> None:
    assert replicas(7000, **changes) == expected


def test_what_is_paid_is_the_mean_at_the_replicas_of_the_peak() -> None:
    mesh = load(waypoint_rps=[600])
    mesh.namespaces["waypoint_peak_rps"] = 6321.0
    need = waypoints(mesh, parameters(), everywhere=True)

    assert need.count == 3
    assert vcpu(need)[Basis.USAGE] == pytest.approx(3 * 0.02 + 0.3)
    assert need.hottest_vcpu is not None
    assert need.hottest_vcpu.tolist() == pytest.approx([0.02 + 0.1])


def test_each_namespace_has_its_own_replicas() -> None:
    mesh = load(waypoint_rps=[10, 5000, 9000], has_http=[True] * 3)

    assert replicas_of(placed(mesh, Spread.ALL), parameters()).tolist() == [1, 2, 3]


def test_a_replica_that_rests_above_the_target_is_not_multiplied_without_end() -> None:
    assert replicas(50, waypoint_limit_vcpu_per_replica=0.02) == 1


def test_a_waypoint_in_part_is_part_of_its_replicas() -> None:
    mesh = load(waypoint_rps=[600, 0], has_http=[True, False])
    half = waypoint_need(case(mesh, parameters(waypoint_replicas=2)), Share(0.5))

    assert half.count == 1
    assert vcpu(half) == pytest.approx({Basis.USAGE: 0.17, Basis.RESERVED: 0.1, Basis.BILLED: 0.17})
