"""What a vCPU and a GiB cost on each node, and so for what runs there."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analyzer.errors import InsufficientData
from analyzer.measurement.findings import Bias
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import mesh_load
from analyzer.projection.prices import NodePrices, mean_price, node_prices
from tests.projection.builders import MEBIBYTE, Call, Node, Proxy, as_published, mesh
from tests.projection.fits import calibration

HOURS = 730
DEAR = Node(name="dear", vcpu_usd_per_hour=0.05, memory_usd_per_gib_hour=0.006, instance_type="big")
CHEAP = Node(
    name="cheap", vcpu_usd_per_hour=0.01, memory_usd_per_gib_hour=0.002, instance_type="small"
)
UNPRICED = Node(name="bare", instance_type="iron")
LISTED = {
    "big": {"vcpu_hour_usd": 0.4, "memory_gib_hour_usd": 0.04},
    "small": {"vcpu_hour_usd": 0.1, "memory_gib_hour_usd": 0.02},
}

FREE_IRON = {**LISTED, "iron": {"vcpu_hour_usd": 0.0, "memory_gib_hour_usd": 0.0}}


def priced(*nodes: Node, prices: object = "opencost") -> NodePrices:
    found = node_prices(mesh(Proxy(node=nodes[0].name), nodes=nodes), as_published(prices=prices))
    assert found is not None
    return found


def month_usd(found: NodePrices, node: str) -> list[float]:
    """Return a month of a vCPU and of a GiB there."""
    return [float(found.month_usd[column][node]) for column in ("vcpu", "memory_gib")]


def usd_per_year(projection: Projection, mode: str, basis: Basis) -> float:
    return next(
        item.bases[basis].usd_per_year.mid for item in projection.modes if item.name == mode
    )


def test_one_price_for_all_needs_no_node() -> None:
    assert node_prices(mesh(Proxy(), nodes=()), as_published()) is None


def test_opencosts_prices_are_of_an_hour_and_a_month_has_730() -> None:
    found = priced(DEAR, CHEAP)

    assert month_usd(found, "dear") == pytest.approx([0.05 * 730, 0.006 * 730])
    assert month_usd(found, "cheap") == pytest.approx([0.01 * 730, 0.002 * 730])
    for part in ("node_cpu_hourly_cost", "node_ram_hourly_cost", "2 of 2 nodes", "730 h"):
        assert part in found.source


def test_a_list_prices_each_node_by_its_type() -> None:
    found = priced(DEAR, CHEAP, prices=LISTED)

    assert month_usd(found, "dear") == pytest.approx([0.4 * 730, 0.04 * 730])
    assert month_usd(found, "cheap") == pytest.approx([0.1 * 730, 0.02 * 730])
    for part in ("price list", "2 of 2 nodes", "730 h"):
        assert part in found.source


@pytest.mark.parametrize("prices", ["opencost", LISTED], ids=["opencost", "list"])
def test_a_node_without_a_price_has_the_mean_of_the_others_and_the_source_counts_it(
    prices: object,
) -> None:
    usage = mesh(Proxy(node="dear"), nodes=(DEAR, CHEAP, UNPRICED))
    found = node_prices(usage, as_published(prices=prices))

    assert found is not None
    assert "2 of 3 nodes" in found.source
    nodes = usage.nodes["node"]
    dear, cheap, bare = found.of(nodes).tolist()
    assert bare == pytest.approx([(dear[0] + cheap[0]) / 2, (dear[1] + cheap[1]) / 2])


def test_a_node_with_a_price_of_its_cpu_alone_keeps_it() -> None:
    half = Node(name="half", vcpu_usd_per_hour=9.0)

    assert month_usd(priced(DEAR, half), "half") == pytest.approx([9 * 730, 0.006 * 730])


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("prices", ["opencost", FREE_IRON], ids=["opencost", "list"])
def test_a_price_that_is_not_above_zero_is_not_known(price: float, prices: object) -> None:
    free = Node(
        name="free",
        vcpu_usd_per_hour=price,
        memory_usd_per_gib_hour=price,
        instance_type="iron",
    )
    found = priced(DEAR, CHEAP, free, prices=prices)

    means = np.mean([month_usd(found, name) for name in ("dear", "cheap")], axis=0)
    assert month_usd(found, "free") == pytest.approx(means.tolist())
    assert found.unpriced == ("free",)
    assert "2 of 3 nodes" in found.source


def test_where_every_price_is_zero_the_answer_is_refused() -> None:
    free = Node(name="free", vcpu_usd_per_hour=0.0, memory_usd_per_gib_hour=0.0)

    with pytest.raises(InsufficientData, match="node_ram_hourly_cost above 0"):
        priced(free)


KIND = Node(
    name="twin", instance_type="big", allocatable_vcpu=16.0, memory_usd_per_gib_hour=math.nan
)


@pytest.mark.parametrize(
    ("bare", "like"),
    [
        (KIND, ["dear"]),
        (replace(KIND, instance_type="odd", allocatable_vcpu=8.02), ["large"]),
        (replace(KIND, instance_type="", allocatable_vcpu=8.0), ["large"]),
        (replace(KIND, instance_type="odd", allocatable_vcpu=64.0), ["dear", "cheap", "large"]),
        (replace(KIND, instance_type="", allocatable_vcpu=math.nan), ["dear", "cheap", "large"]),
    ],
    ids=["type", "size of unknown type", "size without type", "neither", "nothing known"],
)
def test_a_node_without_a_price_has_that_of_its_type_then_size_then_of_all(
    bare: Node, like: list[str]
) -> None:
    large = Node(
        name="large",
        vcpu_usd_per_hour=0.07,
        memory_usd_per_gib_hour=0.01,
        instance_type="huge",
        allocatable_vcpu=8.0,
    )
    found = priced(DEAR, CHEAP, large, bare)

    wanted = np.mean([month_usd(found, name) for name in like], axis=0)
    assert month_usd(found, "twin") == pytest.approx(wanted.tolist())


def test_a_mean_price_counts_each_node_for_as_long_as_it_existed() -> None:
    short = replace(CHEAP, instance_type="big", present_share=0.25)
    found = priced(replace(DEAR, present_share=0.75), short, KIND)

    assert month_usd(found, "twin")[0] == pytest.approx((0.75 * 0.05 + 0.25 * 0.01) * 730)


def test_nodes_without_a_price_are_a_warning_with_their_share_of_the_cost() -> None:
    usage = mesh(
        Proxy(node="dear", cpu_vcpu=(0.3, 0.3), memory_bytes=1.0),
        Proxy(node="twin", cpu_vcpu=(0.1, 0.1), memory_bytes=1.0),
        nodes=(DEAR, KIND),
    )
    projection = project_usage(usage, calibration(), as_published(prices="opencost"))

    (warning,) = (item for item in projection.warnings if item.name == "nodes_without_price")
    assert warning.affected == ("twin",)
    assert "25 %" in warning.text
    assert warning.bias == Bias.EITHER
    usage = mesh(Proxy(node="dear"), nodes=(DEAR,))
    projection = project_usage(usage, calibration(), as_published(prices="opencost"))
    assert "nodes_without_price" not in {item.name for item in projection.warnings}


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ("opencost", "has no node_cpu_hourly_cost"),
        ({"other": LISTED["big"]}, "The nodes are iron."),
    ],
    ids=["opencost", "list"],
)
def test_where_no_node_is_priced_the_answer_is_refused_in_one_line(
    prices: object, words: str
) -> None:
    with pytest.raises(InsufficientData) as caught:
        priced(UNPRICED, prices=prices)

    message = str(caught.value)
    assert words in message
    assert message.endswith('or use prices = "flat".')
    assert "\n" not in message


def test_unknown_instance_types_are_named_as_the_cause() -> None:
    with pytest.raises(InsufficientData, match="types of the nodes are"):
        priced(Node(name="a"), prices=LISTED)


def test_a_namespace_costs_what_the_nodes_of_its_sidecars_do() -> None:
    usage = mesh(
        Proxy(workload="shop/front", node="dear", cpu_vcpu=(0.3, 0.3)),
        Proxy(workload="shop/back", node="cheap", cpu_vcpu=(0.1, 0.1)),
        Proxy(workload="idle/one", node="cheap", cpu_vcpu=(0.0, 0.0)),
        Proxy(workload="lost/one", node=""),
        nodes=(DEAR, CHEAP),
    )
    load = mesh_load(usage)
    found = dict(
        zip(load.namespaces["namespace"], priced(DEAR, CHEAP).of_namespaces(load), strict=True)
    )

    assert found["shop"].tolist() == pytest.approx(
        [(0.3 * 0.05 + 0.1 * 0.01) / 0.4 * 730, (0.3 * 0.006 + 0.1 * 0.002) / 0.4 * 730]
    )
    # One that uses nothing runs where it runs; one that nobody knows where, at the mean.
    assert found["idle"].tolist() == pytest.approx([0.01 * 730, 0.002 * 730])
    assert found["lost"].tolist() == pytest.approx([0.03 * 730, 0.004 * 730])


def test_amounts_of_nothing_have_the_plain_mean_of_the_prices() -> None:
    prices = np.array([1.0, 3.0])
    amounts = np.array([[3.0, 0.0], [1.0, 0.0]])

    assert mean_price(prices, amounts).tolist() == pytest.approx([1.5, 2.0])


def two_clusters() -> Projection:
    """Return busy sidecars in a dear cluster and resting ones in a cheap one."""
    east = Node(name="east/n1", vcpu_usd_per_hour=0.05, memory_usd_per_gib_hour=0.006)
    west = Node(name="west/n1", vcpu_usd_per_hour=0.01, memory_usd_per_gib_hour=0.002)
    usage = mesh(
        Proxy(
            workload="shop/front",
            node="east/n1",
            cpu_vcpu=(0.9, 0.9),
            proxy_rps=(2000, 2000),
            reserved_vcpu=0.1,
            memory_bytes=64 * MEBIBYTE,
            reserved_memory_bytes=128 * MEBIBYTE,
        ),
        Proxy(
            workload="lab/idle",
            node="west/n1",
            cpu_vcpu=(0.01, 0.01),
            proxy_rps=(0, 0),
            reserved_vcpu=0.1,
            memory_bytes=512 * MEBIBYTE,
            reserved_memory_bytes=128 * MEBIBYTE,
        ),
        calls=[Call(source="shop/front", destination="shop/front", rps=(1000, 1000))],
        nodes=(east, west),
    )
    return project_usage(usage, calibration(), as_published(prices="opencost"))


def test_sidecars_of_two_clusters_cost_what_each_does_where_it_is() -> None:
    projection = two_clusters()
    year = HOURS * 12
    used = (0.9 * 0.05 + 0.01 * 0.01) + (0.0625 * 0.006 + 0.5 * 0.002)
    reserved = (0.1 * 0.05 + 0.1 * 0.01) + (0.125 * 0.006 + 0.125 * 0.002)
    billed = (0.9 * 0.05 + 0.1 * 0.01) + (0.125 * 0.006 + 0.5 * 0.002)

    for basis, usd in zip(Basis, (used, reserved, billed), strict=True):
        assert usd_per_year(projection, "sidecar", basis) == pytest.approx(usd * year, rel=1e-9)


def test_ztunnels_of_two_clusters_cost_what_each_does_where_it_is() -> None:
    projection = two_clusters()
    year = HOURS * 12
    # MiB with 2 pods and 1 service.
    memory = (64 + 2 * 0.008 + 1 * 0.004) / 1024
    # 0.003 idle and 2000 rps at 0.06; 0.2 and istio-cni's 0.1 reserved; 0.5 and 0.09765625 GiB.
    used = 0.123 * 0.05 + 0.003 * 0.01 + memory * (0.006 + 0.002)
    reserved = 0.3 * (0.05 + 0.01) + 0.59765625 * (0.006 + 0.002)

    for basis, usd in zip(Basis, (used, reserved, reserved), strict=True):
        assert usd_per_year(projection, "ambient-l4", basis) == pytest.approx(usd * year, rel=1e-9)


def test_waypoints_of_two_clusters_cost_what_each_does_among_its_sidecars() -> None:
    projection = two_clusters()
    year = HOURS * 12
    # MiB of one with a cluster and a host, and of one with a host.
    busy, resting = (33 + 0.092 + 0.018) / 1024, (33 + 0.018) / 1024

    def waypoints(mode: str, basis: Basis) -> float:
        return usd_per_year(projection, mode, basis) - usd_per_year(projection, "ambient-l4", basis)

    # 0.0125 idle and 1000 rps at 0.375 in the dear cluster; one that rests in the cheap one.
    seen = 0.3875 * 0.05 + busy * 0.006
    rests = 0.0125 * 0.01 + resting * 0.002
    assert waypoints("ambient-waypoint", Basis.USAGE) == pytest.approx(seen * year)
    assert waypoints("ambient-waypoint-all", Basis.USAGE) == pytest.approx((seen + rests) * year)
    reserved = 0.1 * 0.05 + 0.125 * 0.006, 0.1 * 0.01 + 0.125 * 0.002
    assert waypoints("ambient-waypoint-all", Basis.RESERVED) == pytest.approx(sum(reserved) * year)


def test_the_quoted_price_is_the_mean_where_the_sidecars_run() -> None:
    price = two_clusters().price

    assert price.vcpu_month_usd == pytest.approx((0.9 * 0.05 + 0.01 * 0.01) / 0.91 * HOURS)
    assert price.memory_gib_month_usd == pytest.approx(
        (0.0625 * 0.006 + 0.5 * 0.002) / 0.5625 * HOURS
    )
    assert price.source.startswith("OpenCost's node_cpu_hourly_cost")


def test_published_constants_are_paid_at_the_same_price() -> None:
    projection = two_clusters()

    for reference in projection.references:
        for mode, usd in reference.usd_per_year.items():
            vcpu = reference.vcpu[mode]
            assert usd == pytest.approx(vcpu * projection.price.vcpu_month_usd * 12)


def test_unknown_memory_leaves_the_dollars_of_the_cpu() -> None:
    usage = mesh(Proxy(node="dear", cpu_vcpu=(0.4, 0.4), reserved_vcpu=0.5), nodes=(DEAR,))
    projection = project_usage(usage, calibration(), as_published(prices="opencost"))

    assert usage.steps["memory_bytes"].map(math.isnan).all()
    assert usd_per_year(projection, "sidecar", Basis.RESERVED) == pytest.approx(
        0.5 * 0.05 * HOURS * 12
    )
