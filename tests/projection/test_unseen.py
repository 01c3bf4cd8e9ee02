"""Time that was not seen gives the measured totals a range, and so all that rests on them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.components import ztunnel_vcpu
from analyzer.projection.demand import MeasuredLoad, mesh_load
from analyzer.projection.modes import SIDECAR, evaluate
from analyzer.projection.namespaces import stakes
from analyzer.projection.needs import Case
from analyzer.projection.prices import node_prices
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import drawn, to_interval
from analyzer.projection.unseen import EXACT, UNSEEN_TIME
from analyzer.units import Interval, Refusal, Role
from tests.projection.builders import (
    MEBIBYTE,
    Node,
    Proxy,
    called,
    mesh,
    partly_seen,
    scenario,
    shop_mesh,
    steady,
)
from tests.projection.fits import calibration, fit, no_fit

BUSY = Proxy(
    workload="shop/front",
    cpu_vcpu=(0.4, 0.4),
    memory_bytes=512 * MEBIBYTE,
    reserved_vcpu=0.1,
    reserved_memory_bytes=128 * MEBIBYTE,
)
IDLE = Proxy(
    workload="books/ledger",
    node="b",
    cpu_vcpu=(0.05, 0.05),
    proxy_rps=(1.0, 1.0),
    memory_bytes=64 * MEBIBYTE,
    reserved_vcpu=0.1,
    reserved_memory_bytes=128 * MEBIBYTE,
)
CALLS = (called("shop", 80.0), called("books", 0.5))
CERTAIN = calibration(fit(slope=Interval.exactly(0.3), idle=Interval.exactly(0.01)))
PLAIN = {
    "ztunnel_vcpu_per_1000_rps": 0.02,
    "ztunnel_idle_vcpu_per_node": 0.02,
    "ztunnel_vcpu_per_gbit_per_second": 0.02,
    "waypoint_to_sidecar_ratio": 1.2,
}
"""Everything that has a range by default, without it."""


def pair(**ends: tuple[float, float]) -> MeshUsage:
    return partly_seen(mesh(BUSY, IDLE, calls=CALLS, nodes=("a", "b")), **ends)


def load_of(usage: MeshUsage) -> MeasuredLoad:
    return mesh_load(usage)


def projected(usage: MeshUsage, **changes: object) -> Projection:
    return project_usage(usage, CERTAIN, scenario(**PLAIN, **changes))


def sidecars_on(projection: Projection, basis: Basis) -> Interval:
    return projection.modes[0].bases[basis].vcpu


def about(low: float, mid: float, high: float) -> object:
    return pytest.approx((low, mid, high), rel=1e-9)


def exact(value: float) -> object:
    return pytest.approx((value,) * 3, rel=1e-12)


def ends(value: Interval) -> tuple[float, float, float]:
    return value.low, value.mid, value.high


def test_a_mesh_that_was_seen_all_the_time_has_exact_totals() -> None:
    projection = projected(pair())

    assert load_of(pair()).ranges is EXACT
    assert list(load_of(pair()).placement) == list(load_of(shop_mesh()).placement)
    assert projection.workings is not None
    assert projection.workings.parameters.unseen_time.tolist() == [0.0]
    assert ends(sidecars_on(projection, Basis.USAGE)) == exact(0.45)
    assert projection.sensitivity == ()


def test_sidecar_mode_has_the_range_of_the_measured_total() -> None:
    projection = projected(pair(cpu_vcpu=(0.9, 1.4)))

    used = sidecars_on(projection, Basis.USAGE)
    assert ends(used) == about(0.45 * 0.9, 0.45, 0.45 * 1.4)
    assert ends(projection.load.ranges.of_vcpu(0.45)) == about(*ends(used))
    usd = projection.modes[0].bases[Basis.USAGE].usd_per_year
    assert ends(usd) == about(*(264 * at for at in ends(used)))


def test_what_is_billed_has_a_range_where_use_exceeds_the_request() -> None:
    """0.4 used and 0.1 requested; 0.05 used and 0.1 requested, of which double is the request."""
    projection = projected(pair(cpu_vcpu=(0.5, 3.0)))

    billed = sidecars_on(projection, Basis.BILLED)
    assert ends(billed) == about(0.2 + 0.1, 0.4 + 0.1, 1.2 + 0.15)
    assert ends(sidecars_on(projection, Basis.RESERVED)) == exact(0.2)


def test_memory_and_requested_cpu_have_ranges_of_their_own() -> None:
    usage = pair(memory_bytes=(0.75, 1.25), reserved_vcpu=(0.9, 1.1))
    footprint = projected(usage, memory_gib_month_usd=2).modes[0].bases

    memory = footprint[Basis.USAGE].memory_gib
    assert memory is not None
    assert ends(memory) == about(*(576 / 1024 * at for at in (0.75, 1, 1.25)))
    assert ends(footprint[Basis.RESERVED].vcpu) == about(0.18, 0.2, 0.22)
    assert ends(footprint[Basis.USAGE].vcpu) == exact(0.45)


def test_unseen_requests_give_ztunnels_and_waypoints_a_range() -> None:
    projection = projected(pair(proxy_rps=(0.5, 2.0)))
    ztunnel, waypoint = (part.vcpu for part in projection.modes[2].components)

    # 101 passes on two nodes, and 80.5 requests through two waypoints.
    assert ends(ztunnel) == about(*(0.04 + 0.101 * 0.02 * at for at in (0.5, 1, 2)))
    assert ends(waypoint) == about(*(0.024 + 0.0805 * 0.36 * at for at in (0.5, 1, 2)))
    assert ends(sidecars_on(projection, Basis.USAGE)) == exact(0.45)


def test_a_busier_unseen_time_costs_both_sides_more() -> None:
    """The two ranges do not widen the saving as if they were independent of each other."""
    projection = projected(pair(cpu_vcpu=(0.6, 1.4), proxy_rps=(0.6, 1.4)))
    sidecars, ambient = (projection.modes[at].vcpu for at in (0, 2))
    saved = projection.savings[1].vcpu

    assert ends(saved) == about(
        sidecars.low - ambient.low, sidecars.mid - ambient.mid, sidecars.high - ambient.high
    )
    assert saved.high < sidecars.high - ambient.low


def test_unseen_time_is_among_what_moves_the_saving() -> None:
    projection = project_usage(pair(cpu_vcpu=(0.5, 1.5)), calibration(), scenario())
    items = {item.assumption: item for item in projection.sensitivity}

    unseen = items[UNSEEN_TIME]
    assert projection.sensitivity[0] == unseen
    # 0.225 vCPU on either side, at 264 dollars a year.
    assert unseen.high_usd_per_year - unseen.low_usd_per_year == pytest.approx(0.45 * 264)
    assert UNSEEN_TIME not in {
        item.assumption for item in project_usage(pair(), calibration(), scenario()).sensitivity
    }


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("prices", ["flat", "opencost"])
def test_namespaces_add_up_to_the_sidecars_in_every_draw(basis: Basis, prices: str) -> None:
    usage = partly_seen(
        mesh(
            BUSY,
            IDLE,
            nodes=(
                Node(name="a", vcpu_usd_per_hour=0.05, memory_usd_per_gib_hour=0.006),
                Node(name="b", vcpu_usd_per_hour=0.01, memory_usd_per_gib_hour=0.001),
            ),
        ),
        cpu_vcpu=(0.5, 3.0),
        memory_bytes=(0.9, 1.3),
    )
    assumed = scenario(prices=prices, memory_gib_month_usd=2)
    load = mesh_load(usage)
    case = Case(
        load=load,
        parameters=drawn(assumed, calibration(), load.ranges),
        prices=node_prices(usage, assumed),
    )
    modes = evaluate(case)
    whole = modes[SIDECAR].usd_per_year(basis, case.parameters)

    added = stakes(case, basis).sidecar_usd.sum(axis=0)
    np.testing.assert_allclose(np.broadcast_to(added, whole.shape), whole, rtol=1e-9)


def test_without_the_cost_of_a_waypoint_sidecar_mode_still_has_its_range() -> None:
    refused = no_fit()
    assert isinstance(refused, Refusal)
    projection = project_usage(pair(cpu_vcpu=(0.8, 1.2)), calibration(refused, refused), scenario())

    assert [mode.name for mode in projection.modes] == [SIDECAR]
    assert ends(sidecars_on(projection, Basis.USAGE)) == about(0.36, 0.45, 0.54)


def test_a_mesh_of_tcp_has_the_range_of_its_bytes() -> None:
    tcp = steady("db", 0.1, gbit=0.8)
    usage = partly_seen(mesh(tcp), tcp_bytes_per_second=(0.5, 1.5))
    (ztunnel,) = projected(usage).modes[1].components

    assert ends(ztunnel.vcpu) == about(*(0.02 + 0.8 * 0.02 * at for at in (0.5, 1, 1.5)))


def test_growth_follows_the_requests_that_were_not_seen() -> None:
    """Twice the traffic adds 0.0003 vCPU per request: 101 requests, or 20 % more or less."""
    usage = pair(proxy_rps=(0.8, 1.2))
    used = sidecars_on(projected(usage, traffic_growth_factor=2.0), Basis.USAGE)

    assert ends(used) == about(*(0.45 + 0.0303 * at for at in (0.8, 1, 1.2)))


@pytest.mark.parametrize("column", ["cpu_vcpu", "proxy_rps"])
def test_the_range_of_a_total_never_widens_the_other_side(column: str) -> None:
    exact, ranged = (projected(usage) for usage in (pair(), pair(**{column: (0.7, 1.6)})))

    for before, after in zip(exact.modes, ranged.modes, strict=True):
        assert after.vcpu.mid == before.vcpu.mid
        is_ranged = after.vcpu.low < after.vcpu.high
        assert is_ranged is ((before.name == SIDECAR) is (column == "cpu_vcpu"))


def test_the_seed_makes_the_same_ranges_again() -> None:
    def assumed() -> Scenario:
        return scenario()

    first, second = (
        project_usage(pair(cpu_vcpu=(0.5, 1.5)), calibration(), assumed()) for _ in range(2)
    )
    assert first.savings == second.savings


# --- what was filled, value by value ---


def filling(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Return filled values: proxy, step, column, best estimate, low and high end."""
    return pd.DataFrame(rows, columns=["proxy", "point", "column", "mid", "low", "high"])


def dark(proxy: int, point: int, *values: tuple[str, float, float, float]) -> MeshUsage:
    """Return the pair with values of one proxy and step that were not seen, but filled."""
    usage = mesh(BUSY, IDLE, calls=CALLS, nodes=("a", "b"))
    at = (usage.steps["proxy"] == proxy) & (usage.steps["point"] == point)
    steps = usage.steps.copy()
    steps.loc[at, [column for column, *_ in values]] = np.nan
    rows = [(proxy, point, column, *rest) for column, *rest in values]
    return replace(usage, steps=steps, filling=filling(*rows))


def test_only_the_namespace_that_was_not_seen_has_a_range() -> None:
    """Half of the time of shop was filled with 0.4 vCPU, or 0.2, or 1.0."""
    usage = dark(0, 1, ("cpu_vcpu", 0.4, 0.2, 1.0))
    load = mesh_load(usage)
    case = Case(load=load, parameters=drawn(scenario(**PLAIN), CERTAIN, load.ranges))
    books, shop = (to_interval(usd) for usd in stakes(case, Basis.USAGE).sidecar_usd)

    assert ends(shop) == about(264 * 0.3, 264 * 0.4, 264 * 0.7)
    assert ends(books) == exact(264 * 0.05)
    assert ends(load.ranges.of_vcpu(0.45)) == about(0.35, 0.45, 0.75)


def test_the_total_of_the_mesh_and_of_its_projection_have_the_same_range() -> None:
    usage = dark(
        1,
        0,
        ("cpu_vcpu", 0.06, 0.01, 0.09),
        ("proxy_rps", 3.0, 0.5, 4.0),
        ("memory_bytes", 1e8, 1e8, 2e8),
    )
    load = mesh_load(usage)
    for column, found in (
        ("cpu_vcpu", load.ranges.of_vcpu(load.sidecars.vcpu)),
        ("proxy_rps", load.ranges.of_traffic(load.proxy_rps)),
    ):
        total = usage.total(Role.SIDECAR, column)
        assert total is not None
        assert ends(found) == about(*ends(total))


def test_a_workload_whose_cpu_was_never_seen_only_widens_the_range() -> None:
    """It may use as much as another; the best estimate leaves it out, and its request is known."""
    nan = float("nan")
    usage = dark(1, 0, ("cpu_vcpu", nan, 0.0, 0.3))
    usage = replace(
        usage,
        steps=usage.steps.assign(cpu_vcpu=usage.steps["cpu_vcpu"].where(usage.steps["proxy"] == 0)),
        filling=filling((1, 0, "cpu_vcpu", nan, 0.0, 0.3), (1, 1, "cpu_vcpu", nan, 0.0, 0.3)),
    )
    projection = projected(usage)

    assert ends(sidecars_on(projection, Basis.USAGE)) == about(0.4, 0.4, 0.7)
    assert ends(sidecars_on(projection, Basis.BILLED)) == about(0.5, 0.5, 0.7)


def test_a_proxy_that_may_have_run_longer_has_its_request_in_that_time_too() -> None:
    """Its row of step 1 is missing: it was not seen, and may have run with 0.2 vCPU."""
    usage = mesh(BUSY, IDLE, calls=CALLS, nodes=("a", "b"))
    there = (usage.steps["proxy"] == 0) | (usage.steps["point"] == 0)
    usage = replace(
        usage,
        steps=usage.steps[there].reset_index(drop=True),
        filling=filling((1, 1, "cpu_vcpu", float("nan"), 0.0, 0.2)),
    )
    projection = projected(usage)

    # Without it, half of its 0.05 used and of its 0.1 requested.
    assert ends(sidecars_on(projection, Basis.USAGE)) == about(0.425, 0.425, 0.525)
    assert ends(sidecars_on(projection, Basis.BILLED)) == about(0.45, 0.45, 0.55)


def test_what_it_requests_then_is_that_of_a_whole_step() -> None:
    """It began in the middle of step 0: half of its 0.1 is in the total."""
    usage = mesh(BUSY, IDLE, calls=CALLS, nodes=("a", "b"))
    idle = usage.steps["proxy"] == 1
    steps = usage.steps.assign(lived_share=np.where(idle, 0.5, 1.0))
    usage = replace(
        usage,
        steps=steps[~idle | (steps["point"] == 0)].reset_index(drop=True),
        filling=filling((1, 1, "cpu_vcpu", float("nan"), 0.0, 0.02)),
    )
    projection = projected(usage)

    assert ends(sidecars_on(projection, Basis.BILLED)) == about(0.425, 0.425, 0.475)


def test_only_what_the_unseen_namespace_sends_has_a_range() -> None:
    """Step 1 of books was not seen: 1 request/s, or none, or 40, on the node b."""
    load = mesh_load(dark(1, 1, ("proxy_rps", 1.0, 0.0, 40.0)))
    case = Case(load=load, parameters=drawn(scenario(**PLAIN), CERTAIN, load.ranges))
    at_stake = stakes(case, Basis.USAGE)
    (books, shop), (a, b) = (
        [to_interval(row) for row in rows]
        for rows in (at_stake.passed_usd, ztunnel_vcpu(case.nodes, case.parameters))
    )
    waypoints = [to_interval(row) for row in at_stake.waypoint_usd]

    assert ends(books) == about(*(264 * 0.02 * rps / 1000 for rps in (0.5, 1.0, 20.5)))
    assert ends(shop) == exact(264 * 0.02 * 100 / 1000)
    assert ends(b) == about(*(0.02 + 0.02 * rps / 1000 for rps in (0.5, 1.0, 20.5)))
    assert ends(a) == exact(0.02 + 0.02 * 100 / 1000)
    # Half a request/s of its own goes through its waypoint.
    assert ends(waypoints[0]) == about(
        *(264 * (0.012 + 0.36 * rps / 1000) for rps in (0.25, 0.5, 10.25))
    )
    assert ends(waypoints[1]) == exact(264 * (0.012 + 0.36 * 80 / 1000))
    assert at_stake.passed_usd.sum(axis=0) == pytest.approx(
        264 * (ztunnel_vcpu(case.nodes, case.parameters).sum(axis=0) - 0.04)
    )
