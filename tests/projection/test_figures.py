"""Whole nodes that fall free, against divisions done by hand."""

from dataclasses import replace

import numpy as np
import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.figures import freed_nodes
from analyzer.projection.modes import ModeNeeds
from analyzer.projection.needs import Need
from analyzer.units import Provenance, Role
from tests.projection.builders import MEBIBYTE, Node, Proxy, as_published, load, mesh, shop_mesh
from tests.projection.fits import calibration

GIB = 1024 * MEBIBYTE


def mode(vcpu: float, memory_gib: float | None) -> ModeNeeds:
    """Return a mode that requests this."""
    memory = {} if memory_gib is None else {Basis.RESERVED: np.array([memory_gib])}
    need = Need(
        role=Role.SIDECAR,
        count=1,
        provenance=Provenance.MEASURED,
        vcpu={Basis.RESERVED: np.array([vcpu])},
        memory_gib=memory,
    )
    return ModeNeeds(name="some", needs=(need,))


def freed(
    before: tuple[float, float], after: tuple[float, float], *, vcpu: float, memory_gib: float
) -> int | None:
    """Return how many nodes of this size are freed."""
    sized = replace(
        load(), allocatable_vcpu_per_node=vcpu, allocatable_memory_gib_per_node=memory_gib
    )
    return freed_nodes(sized, mode(*before), mode(*after))


def test_the_cpu_decides_where_it_is_scarcer() -> None:
    # 30 vCPU are seven nodes of 4 and a half; 200 GiB are twelve of 16 and a half.
    assert freed((40, 300), (10, 100), vcpu=4, memory_gib=16) == 7


def test_the_memory_decides_where_it_is_scarcer() -> None:
    assert freed((40, 100), (10, 60), vcpu=4, memory_gib=16) == 2


def test_a_part_of_a_node_is_no_node() -> None:
    assert freed((4, 100), (0.1, 0), vcpu=4, memory_gib=16) == 0


def test_where_more_is_requested_more_nodes_are_needed() -> None:
    # 10 vCPU more are two nodes of 4 and a half.
    assert freed((4, 100), (14, 0), vcpu=4, memory_gib=16) == -2


def test_a_part_of_a_node_is_not_needed_either() -> None:
    # 0.0044 of a node more.
    assert freed((4, 100), (4.0176, 0), vcpu=4, memory_gib=16) == 0
    assert freed((4, 100), (7.9, 0), vcpu=4, memory_gib=16) == 0


def test_memory_may_be_short_where_cpu_is_freed() -> None:
    # 10 GiB more are no whole node of 16, 20 are one.
    assert freed((40, 10), (10, 20), vcpu=4, memory_gib=16) == 0
    assert freed((40, 10), (10, 30), vcpu=4, memory_gib=16) == -1


def test_the_same_requests_summed_in_another_order_free_and_need_nothing() -> None:
    # 0.1 + 0.2 is a hair more than 0.3, and 3 x 1.1 than 3.3.
    assert freed((0.3, 3.3), (0.1 + 0.2, 3 * 1.1), vcpu=4, memory_gib=16) == 0
    # 0.1 ten times is a hair less than 1.
    assert freed((sum([0.1] * 10), 9), (0, 0), vcpu=1, memory_gib=1) == 1
    assert freed((0, 0), (sum([0.1] * 10), 0.5), vcpu=1, memory_gib=1) == -1


@pytest.mark.parametrize(("vcpu", "memory_gib"), [(None, 16.0), (4.0, None), (None, None)], ids=str)
def test_nodes_of_unknown_size_cannot_be_counted(
    vcpu: float | None, memory_gib: float | None
) -> None:
    sized = replace(
        load(), allocatable_vcpu_per_node=vcpu, allocatable_memory_gib_per_node=memory_gib
    )

    assert freed_nodes(sized, mode(40, 40), mode(1, 1)) is None


def test_reservations_that_nobody_knows_free_nothing_that_could_be_told() -> None:
    sized = replace(load(), allocatable_vcpu_per_node=4, allocatable_memory_gib_per_node=16)
    nothing = ModeNeeds(name="some", needs=(replace(mode(1, 1).needs[0], vcpu={}),))

    assert freed_nodes(sized, nothing, mode(1, 1)) is None
    assert freed_nodes(sized, mode(40, None), mode(1, 1)) is None
    assert freed_nodes(sized, mode(40, 40), mode(1, None)) is None


def projected(*, reserved_vcpu: float) -> Projection:
    """Return a mesh of 40 sidecars with requests for CPU and memory on two unequal nodes."""
    proxies = [
        Proxy(
            node="a" if number < 20 else "b",
            reserved_vcpu=reserved_vcpu,
            reserved_memory_bytes=GIB,
            memory_bytes=GIB / 8,
        )
        for number in range(40)
    ]
    nodes = (
        Node(name="a", allocatable_vcpu=2, allocatable_memory_bytes=4 * GIB),
        Node(name="b", allocatable_vcpu=6, allocatable_memory_bytes=12 * GIB),
    )
    return project_usage(mesh(*proxies, nodes=nodes), calibration(), as_published())


def test_a_measured_mesh_counts_nodes_of_the_mean_size() -> None:
    found = {item.mode: item.freed_node_count for item in projected(reserved_vcpu=0.5).savings}

    # 20 vCPU and 40 GiB against two ztunnels of 0.3 and 0.6 GiB: 19.4 / 4 and 38.8 / 8. No HTTP
    # was seen; a waypoint all the same takes 0.1 vCPU and 0.125 GiB.
    assert found == {"ambient-l4": 4, "ambient-waypoint": 4, "ambient-waypoint-all": 4}


def test_without_requests_for_cpu_no_node_is_counted() -> None:
    found = projected(reserved_vcpu=float("nan")).savings

    assert {item.freed_node_count for item in found} == {None}


def test_each_node_is_told_with_its_ztunnel_the_busiest_first() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published())
    second, first = projection.nodes

    # 200 and 50 requests per second, and half of the 20 of a pod whose node nobody knows; 1 Gbit/s
    # of TCP on the second.
    assert (second.node, second.passes_rps) == ("b", 60)
    assert (first.node, first.passes_rps) == ("a", 210)
    assert first.ztunnel_vcpu.mid == pytest.approx(0.003 + 0.21 * 0.06)
    for item in projection.nodes:
        assert item.ztunnel_vcpu.low < item.ztunnel_vcpu.mid < item.ztunnel_vcpu.high


def test_the_nodes_add_up_to_the_ztunnels() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published())
    ztunnels = projection.modes[1].components[0]

    assert sum(item.ztunnel_vcpu.mid for item in projection.nodes) == pytest.approx(
        ztunnels.vcpu.mid
    )


def test_where_nodes_are_not_known_none_is_told() -> None:
    unknown = mesh(Proxy(node=""), nodes=())

    assert project_usage(unknown, calibration(), as_published()).nodes == ()
