"""What must hold of a scenario whatever the mesh: traffic, placement, prices."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.measurement.usage import MeshUsage
from analyzer.projection import project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import Growth, mesh_load
from analyzer.projection.hardware import on_this_hardware
from analyzer.projection.memory import with_counted
from analyzer.projection.modes import ModeNeeds, evaluate
from analyzer.projection.needs import Case
from analyzer.projection.passing import http_gbit_per_1000_rps
from analyzer.projection.prices import node_prices
from analyzer.projection.uncertainty import Parameters
from tests.projection.builders import (
    MEBIBYTE,
    Call,
    Node,
    Proxy,
    exactly,
    mesh,
    scenario,
)
from tests.projection.fits import calibration
from tests.support.examples import examples

IDLE, SLOPE = 0.01, 0.0003
"""The law of `fits.calibration`: sidecars below lie on its line."""

few = examples(5)
sizes = st.lists(st.tuples(st.floats(0, 5000), st.integers(0, 2)), min_size=1, max_size=4)


def mesh_of(sizes: list[tuple[float, int]], *, grown: float = 1.0) -> MeshUsage:
    """Return one sidecar in each namespace at each of these rates and nodes, on the fitted line."""
    proxies = [
        Proxy(
            workload=f"n{at}/w",
            node=f"node-{node}",
            proxy_rps=(rps * grown, 0.5 * rps * grown),
            cpu_vcpu=(IDLE + SLOPE * rps * grown, IDLE + SLOPE * 0.5 * rps * grown),
            tcp_bytes_per_second=1e6 * grown,
            new_connections_per_second=5.0 * grown,
            memory_bytes=50 * MEBIBYTE,
            reserved_vcpu=0.1,
            reserved_memory_bytes=128 * MEBIBYTE,
        )
        for at, (rps, node) in enumerate(sizes)
    ]
    calls = [
        Call(source="n0/w", destination=f"n{at}/w", rps=(rps / 2 * grown, rps / 4 * grown))
        for at, (rps, _) in enumerate(sizes)
    ]
    nodes = [
        Node(name=f"node-{number}", vcpu_usd_per_hour=price, memory_usd_per_gib_hour=price / 8)
        for number, price in enumerate((0.05, 0.02, 0.01))
    ]
    return mesh(*proxies, calls=calls, nodes=nodes)


def modes_of(usage: MeshUsage, **changes: object) -> tuple[Mapping[str, ModeNeeds], Parameters]:
    """Return every mode at the best estimates: a projection without its ranges, which take long."""
    counted = with_counted(scenario(**changes), usage)
    assumed = on_this_hardware(counted, calibration(), http_gbit_per_1000_rps(usage))
    growth = Growth(factor=assumed["traffic_growth_factor"].mid, sidecar_vcpu_per_rps=SLOPE)
    carried = mesh_load(usage, growth=growth)
    parameters = replace(
        exactly(assumed, waypoint_idle_vcpu=0.0115, waypoint_vcpu_per_1000_rps=0.345),
        placement=assumed.waypoint_placement,
        istio_cni_installed=bool(assumed.istio_cni_installed),
    )
    priced = Case(load=carried, parameters=parameters, prices=node_prices(usage, assumed))
    return evaluate(priced), parameters


def mids(usage: MeshUsage, **changes: object) -> dict[tuple[str, str, str], float]:
    """Return every best estimate by mode, basis and quantity."""
    modes, parameters = modes_of(usage, **changes)
    found: dict[tuple[str, str, str], float] = {}
    for name, mode in modes.items():
        for basis in Basis:
            memory_gib = mode.memory_gib(basis)
            assert memory_gib is not None
            found[name, basis, "vcpu"] = float(mode.vcpu(basis)[0])
            found[name, basis, "memory"] = float(memory_gib[0])
            found[name, basis, "usd"] = float(mode.usd_per_year(basis, parameters)[0])
    return found


@settings(max_examples=3, deadline=None)
@given(sizes)
def test_the_figures_below_are_those_of_a_projection(sizes: list[tuple[float, int]]) -> None:
    changes = {
        "traffic_growth_factor": 1.5,
        "waypoint_placement": 0.5,
        "istio_cni_installed": True,
        "prices": "opencost",
    }
    found = mids(mesh_of(sizes), **changes)
    projection = project_usage(mesh_of(sizes), calibration(), scenario(**changes))

    for mode in projection.modes:
        for basis, amounts in mode.bases.items():
            assert found[mode.name, basis, "vcpu"] == pytest.approx(amounts.vcpu.mid)
            assert found[mode.name, basis, "usd"] == pytest.approx(amounts.usd_per_year.mid)


# --- traffic ---


@few
@given(sizes, st.floats(0.1, 5), st.floats(1, 5))
def test_more_growth_never_costs_less(
    sizes: list[tuple[float, int]], factor: float, more: float
) -> None:
    usage = mesh_of(sizes)
    before = mids(usage, traffic_growth_factor=factor)
    after = mids(usage, traffic_growth_factor=factor * more)

    for key, value in before.items():
        assert after[key] >= value * (1 - 1e-9), key


@few
@given(sizes, st.floats(0.1, 10))
def test_growth_of_a_mesh_on_the_fitted_line_is_what_measuring_more_would_give(
    sizes: list[tuple[float, int]], factor: float
) -> None:
    assumed = mids(mesh_of(sizes), traffic_growth_factor=factor)
    measured = mids(mesh_of(sizes, grown=factor))

    assert assumed == pytest.approx(measured, rel=1e-9)


# --- placement ---


@few
@given(sizes)
def test_nothing_at_l7_is_ambient_l4_in_every_figure(sizes: list[tuple[float, int]]) -> None:
    placements: tuple[object, ...] = (0, "none", [])
    usage = mesh_of(sizes)
    for placement in placements:
        found = mids(usage, waypoint_placement=placement, prices="opencost")
        for basis in Basis:
            for quantity in ("vcpu", "memory", "usd"):
                assert found["ambient-waypoint", basis, quantity] == pytest.approx(
                    found["ambient-l4", basis, quantity], rel=1e-12
                )


@few
@given(sizes)
def test_a_share_of_one_is_waypoints_where_http_was_seen(sizes: list[tuple[float, int]]) -> None:
    usage = mesh_of(sizes)

    assert mids(usage, waypoint_placement=1) == mids(usage)


@few
@given(sizes)
def test_naming_every_namespace_is_waypoints_everywhere(sizes: list[tuple[float, int]]) -> None:
    names = [f"n{at}" for at in range(len(sizes))]
    found = mids(mesh_of(sizes), waypoint_placement=names)

    for (mode, basis, quantity), value in found.items():
        if mode == "ambient-waypoint":
            assert value == pytest.approx(found["ambient-waypoint-all", basis, quantity])


@few
@given(sizes)
def test_without_istio_cni_to_bring_only_what_is_reserved_is_less(
    sizes: list[tuple[float, int]],
) -> None:
    brought = mids(mesh_of(sizes))
    there = mids(mesh_of(sizes), istio_cni_installed=True)

    for key, value in there.items():
        assert value <= brought[key] + 1e-12
        if key[0] == "sidecar" or key[1] == Basis.USAGE:
            assert value == brought[key]
    # Three nodes with 0.1 vCPU each.
    reserved = ("ambient-l4", Basis.RESERVED, "vcpu")
    assert brought[reserved] - there[reserved] == pytest.approx(0.3)


# --- prices ---


@few
@given(sizes, st.floats(0.01, 100))
def test_dollars_follow_the_prices_of_the_nodes_and_nothing_else_does(
    sizes: list[tuple[float, int]], factor: float
) -> None:
    usage = mesh_of(sizes)
    usage.nodes["instance_type"] = usage.nodes["node"]

    def at(factor: float) -> dict[tuple[str, str, str], float]:
        prices = {
            f"node-{number}": {
                "vcpu_hour_usd": price * factor,
                "memory_gib_hour_usd": price * factor / 8,
            }
            for number, price in enumerate((0.05, 0.02, 0.01))
        }
        return mids(usage, prices=prices)

    usual, scaled = at(1), at(factor)

    assert usual == pytest.approx(mids(usage, prices="opencost"), rel=1e-12)
    for key, value in usual.items():
        expected = value * factor if key[2] == "usd" else value
        assert scaled[key] == pytest.approx(expected, rel=1e-9)


@few
@given(sizes, st.floats(0.01, 100), st.floats(0.001, 10))
def test_a_month_is_730_hours_for_every_kind_of_price(
    sizes: list[tuple[float, int]], vcpu_month_usd: float, memory_gib_month_usd: float
) -> None:
    usage = mesh_of(sizes)
    usage.nodes["instance_type"] = "all"
    hourly = {
        "vcpu_hour_usd": vcpu_month_usd / 730,
        "memory_gib_hour_usd": memory_gib_month_usd / 730,
    }
    by_month = mids(usage, vcpu_month_usd=vcpu_month_usd, memory_gib_month_usd=memory_gib_month_usd)

    assert mids(usage, prices={"all": hourly}) == pytest.approx(by_month, rel=1e-9)


# --- sums ---


@few
@given(sizes, st.sampled_from(["flat", "opencost"]))
def test_components_add_up_to_their_mode_on_every_basis(
    sizes: list[tuple[float, int]], prices: str
) -> None:
    modes, parameters = modes_of(mesh_of(sizes), prices=prices, memory_gib_month_usd=2)
    for mode in modes.values():
        parts = [ModeNeeds(name=need.role, needs=(need,)) for need in mode.needs]
        for basis in Basis:
            memory = [part.memory_gib(basis) for part in parts]
            whole = mode.memory_gib(basis)
            assert whole is not None
            assert sum(float(part[0]) for part in memory if part is not None) == pytest.approx(
                float(whole[0]), rel=1e-12
            )
            for total, each in (
                (mode.vcpu(basis), [part.vcpu(basis) for part in parts]),
                (
                    mode.usd_per_year(basis, parameters),
                    [part.usd_per_year(basis, parameters) for part in parts],
                ),
            ):
                assert sum(float(part[0]) for part in each) == pytest.approx(
                    float(total[0]), rel=1e-12
                )
