"""What moves the saving: each end is what a projection with that value gives.

Of sweeps the ends are modes that are known, and the zero is found by hand.
"""

import numpy as np
import pytest
from scipy import optimize

from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.result import NOTHING_TO_SAVE, Sweep
from analyzer.projection.scenario import Scenario
from analyzer.projection.sensitivity import crossing
from analyzer.units import Interval, Role
from tests.projection.builders import Call, Node, Proxy, as_published, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, fit, no_fit

FITTED = {"sidecar_idle_vcpu_per_proxy", "sidecar_vcpu_per_1000_rps"}
COST = "ztunnel_vcpu_per_1000_rps"
RANGED = {
    "waypoint_to_sidecar_ratio",
    "ztunnel_to_sidecar_ratio",
    "ztunnel_idle_vcpu_per_node",
    "ztunnel_vcpu_per_gbit_per_second",
}


def projected(assumed: Scenario) -> Projection:
    return project_usage(shop_mesh(), calibration(), assumed)


def saved_usd(projection: Projection) -> float:
    return next(
        saving.usd_per_year.mid
        for saving in projection.savings
        if saving.mode == "ambient-waypoint"
    )


def test_every_assumption_with_a_range_that_matters_is_there() -> None:
    found = {item.assumption for item in projected(scenario()).sensitivity}

    assert found == RANGED | FITTED


def test_what_moves_the_saving_most_comes_first() -> None:
    changed = scenario(waypoint_reserved_vcpu_per_replica={"low": 0.01, "mid": 0.1, "high": 3})
    items = projected(changed.changed("a test", {"basis": "billed"})).sensitivity
    widths = [abs(item.high_usd_per_year - item.low_usd_per_year) for item in items]

    assert items[0].assumption == "waypoint_reserved_vcpu_per_replica"
    assert widths == sorted(widths, reverse=True)
    assert min(widths) > 0


@pytest.mark.parametrize("basis", [pytest.param("usage", marks=pytest.mark.long), "billed"])
def test_each_end_is_what_a_projection_with_that_value_gives(basis: str) -> None:
    assumed = scenario(
        basis=basis,
        vcpu_month_usd={"low": 22, "mid": 25, "high": 30},
        memory_gib_month_usd={"low": 1, "mid": 2, "high": 4},
        waypoint_memory_gib_per_replica={"low": 0.05, "mid": 0.06, "high": 0.5},
    )
    projection = projected(assumed)
    items, workings = projection.sensitivity, projection.workings
    assert workings is not None

    assert {item.assumption for item in items} >= {"vcpu_month_usd", "memory_gib_month_usd"}
    for item in items:
        if item.assumption in FITTED:
            continue
        # On the hardware of this mesh.
        value = workings.scenario[item.assumption]
        for end, found in (
            (value.low, item.low_usd_per_year),
            (value.high, item.high_usd_per_year),
        ):
            again = projected(assumed.changed("an end", {item.assumption: end}))
            assert found == pytest.approx(saved_usd(again), rel=1e-9), item.assumption


def test_each_end_of_a_fitted_figure_is_what_a_fit_of_that_value_gives() -> None:
    items = {item.assumption: item for item in projected(scenario()).sensitivity}
    # The fit of the builders: 0.3 [0.25-0.35] per 1000 rps, 0.01 [0.008-0.012] idle.
    for slope, found in (
        (0.25, items["sidecar_vcpu_per_1000_rps"].low_usd_per_year),
        (0.35, items["sidecar_vcpu_per_1000_rps"].high_usd_per_year),
    ):
        moved = calibration(fit(slope=Interval.exactly(slope)))
        again = project_usage(shop_mesh(), moved, scenario())
        assert found == pytest.approx(saved_usd(again), rel=1e-9)
    for idle, found in (
        (0.008, items["sidecar_idle_vcpu_per_proxy"].low_usd_per_year),
        (0.012, items["sidecar_idle_vcpu_per_proxy"].high_usd_per_year),
    ):
        moved = calibration(fit(idle=Interval.exactly(idle)))
        again = project_usage(shop_mesh(), moved, scenario())
        assert found == pytest.approx(saved_usd(again), rel=1e-9)


def test_a_costlier_ztunnel_saves_less_and_a_costlier_vcpu_more() -> None:
    items = {
        item.assumption: item
        for item in projected(
            scenario(vcpu_month_usd={"low": 22, "mid": 25, "high": 30})
        ).sensitivity
    }

    ztunnel, price = items["ztunnel_to_sidecar_ratio"], items["vcpu_month_usd"]
    assert ztunnel.high_usd_per_year < ztunnel.low_usd_per_year
    assert price.high_usd_per_year > price.low_usd_per_year


def test_an_exact_assumption_is_not_listed() -> None:
    found = projected(scenario(ztunnel_to_sidecar_ratio=0.3)).sensitivity

    assert {item.assumption for item in found} == (RANGED | FITTED) - {"ztunnel_to_sidecar_ratio"}


def test_a_stated_cost_of_a_pass_is_listed_instead_of_the_ratio() -> None:
    stated = {"low": 0.05, "mid": 0.06, "high": 0.07}
    found = {item.assumption for item in projected(scenario(**{COST: stated})).sensitivity}

    assert found == (RANGED | FITTED | {COST}) - {"ztunnel_to_sidecar_ratio"}


def test_an_assumption_that_changes_nothing_is_not_listed() -> None:
    # No TCP in this mesh, and measured waypoints leave their ratio without use.
    fitted = calibration(waypoint=fit(role=Role.WAYPOINT))
    found = project_usage(mesh(Proxy()), fitted, scenario()).sensitivity

    assert {item.assumption for item in found} == {
        "sidecar_vcpu_per_1000_rps",
        "ztunnel_to_sidecar_ratio",
        "ztunnel_idle_vcpu_per_node",
    }


def test_every_item_is_of_waypoints_where_http_is() -> None:
    assert {item.mode for item in projected(scenario()).sensitivity} == {"ambient-waypoint"}


@pytest.mark.parametrize("prices", ["flat", "opencost"])
def test_each_end_has_the_replicas_that_it_needs(prices: str) -> None:
    # At the middle of the ratio's range two replicas do, at its high end three: 1.15 and 1.52 times
    # 0.3 for 1000 requests/s, of which 8000 are there in the busiest step and 1.6 vCPU a replica.
    usage = mesh(
        Proxy(node="a", proxy_rps=(8000, 8000), cpu_vcpu=(2.4, 2.4)),
        calls=[Call(source="shop/front", destination="shop/front", rps=(8000, 4000))],
        nodes=(Node(name="a", vcpu_usd_per_hour=0.03, memory_usd_per_gib_hour=0.004),),
    )
    assumed = scenario(prices=prices)

    def saved(ratio: float) -> float:
        changed = assumed.changed("an end", {"waypoint_to_sidecar_ratio": ratio})
        return saved_usd(project_usage(usage, calibration(), changed))

    item = next(
        item
        for item in project_usage(usage, calibration(), assumed).sensitivity
        if item.assumption == "waypoint_to_sidecar_ratio"
    )
    assert item.low_usd_per_year == pytest.approx(saved(0.85), rel=1e-9)
    assert item.high_usd_per_year == pytest.approx(saved(1.52), rel=1e-9)


@pytest.mark.parametrize("ends", [(0.0, 0.0, 0.02), (0.0, 0.001, 0.02)], ids=str)
def test_a_figure_whose_best_estimate_is_0_moves_the_saving_too(
    ends: tuple[float, float, float],
) -> None:
    low, mid, high = ends
    idle = Interval(low=low, mid=mid, high=high)
    fitted = calibration(fit(idle=idle))
    items = project_usage(shop_mesh(), fitted, scenario()).sensitivity
    item = next(item for item in items if item.assumption == "sidecar_idle_vcpu_per_proxy")

    for end, found in ((low, item.low_usd_per_year), (high, item.high_usd_per_year)):
        moved = calibration(fit(idle=Interval.exactly(end)))
        again = project_usage(shop_mesh(), moved, scenario())
        assert found == pytest.approx(saved_usd(again), rel=1e-9)


def test_the_fitted_figures_of_measured_waypoints_are_moved_as_they_are() -> None:
    idle = Interval(low=0.0, mid=0.0, high=0.05)
    fitted = calibration(waypoint=fit(role=Role.WAYPOINT, idle=idle))
    items = project_usage(shop_mesh(), fitted, scenario()).sensitivity
    item = next(item for item in items if item.assumption == "waypoint_idle_vcpu_per_proxy")

    # Two waypoints at rest, at 22 dollars a vCPU and month.
    saved = item.low_usd_per_year - item.high_usd_per_year
    assert saved == pytest.approx(2 * 0.05 * 22 * 12)


# --- along one choice ---

EXACT = {name: item.value.mid for name, item in as_published().assumptions.items()}


def sweep_of(projection: Projection, name: str) -> Sweep:
    return next(sweep for sweep in projection.sweeps if sweep.name == name)


def along(projection: Projection, name: str) -> dict[float, Interval]:
    """Return the saving at each point of a sweep."""
    return {point.choice: point.usd_per_year for point in sweep_of(projection, name).points}


def saving_usd(projection: Projection, mode: str) -> float:
    return next(saving.usd_per_year.mid for saving in projection.savings if saving.mode == mode)


def swept_along(**changes: object) -> Projection:
    return project_usage(shop_mesh(), calibration(), scenario(**changes))


@pytest.mark.parametrize("basis", ["usage", "billed"])
@pytest.mark.parametrize("placement", ["observed", "all", "none", ["data"], 0.4], ids=str)
def test_nothing_at_l7_is_l4_alone_and_everything_is_waypoints_where_http_is(
    placement: object, basis: str
) -> None:
    swept = along(swept_along(waypoint_placement=placement, basis=basis), "l7_share")
    observed = swept_along(basis=basis)

    assert (min(swept), max(swept)) == (0, 1)
    for found, mode in ((swept[0], "ambient-l4"), (swept[1], "ambient-waypoint")):
        expected = next(item for item in observed.savings if item.mode == mode).usd_per_year
        assert (found.low, found.mid, found.high) == pytest.approx(
            (expected.low, expected.mid, expected.high), rel=1e-12
        )


def test_a_namespace_without_http_needs_no_waypoint_at_any_share() -> None:
    usage = mesh(
        Proxy(),
        Proxy(workload="cache/redis", proxy_rps=(0, 0)),
        calls=[Call(source="shop/front", destination="shop/front", rps=(50, 50))],
    )
    projection = project_usage(usage, calibration(), scenario())

    everything = along(projection, "l7_share")[1].mid
    assert everything == pytest.approx(saving_usd(projection, "ambient-waypoint"), rel=1e-12)
    assert everything > saving_usd(projection, "ambient-waypoint-all")


def test_in_between_the_saving_is_on_a_straight_line() -> None:
    swept = along(swept_along(), "l7_share")
    first, last = swept[0].mid, swept[1].mid

    assert last < first
    for share, saving in swept.items():
        assert saving.mid == pytest.approx(first + share * (last - first), rel=1e-12)


def test_a_share_in_the_scenario_is_that_point_of_the_sweep() -> None:
    swept = along(swept_along(), "l7_share")

    found = saving_usd(swept_along(waypoint_placement=0.3), "ambient-waypoint")
    assert found == pytest.approx(swept[0.3].mid, rel=1e-12)


def test_each_number_of_replicas_is_what_a_scenario_with_it_gives() -> None:
    swept = along(swept_along(), "waypoint_replicas")

    assert list(swept) == [1, 2, 3, 4, 5]
    for choice, saving in swept.items():
        again = swept_along(waypoint_replicas=int(choice))
        assert saving.mid == pytest.approx(saving_usd(again, "ambient-waypoint"), rel=1e-12)


def test_replicas_are_of_the_waypoints_that_the_scenario_places() -> None:
    swept = along(swept_along(waypoint_placement=["data"]), "waypoint_replicas")

    # One more replica rests in `data` alone: 0.0115 vCPU at 22 dollars a month.
    assert swept[1].mid - swept[2].mid == pytest.approx(0.0115 * 22 * 12)
    nowhere = along(swept_along(waypoint_placement="none"), "waypoint_replicas")
    expected = saving_usd(swept_along(), "ambient-l4")
    assert [saving.mid for saving in nowhere.values()] == pytest.approx([expected] * 5)


def lone(vcpu: float, **changes: object) -> Projection:
    """Return a sidecar with 100 requests/s, half of which pass a waypoint; no ranges."""
    usage = mesh(
        Proxy(cpu_vcpu=(vcpu, vcpu)),
        calls=[Call(source="shop/front", destination="shop/front", rps=(50, 50))],
    )
    return project_usage(usage, calibration(), scenario(**EXACT | changes))


def test_the_break_even_of_the_share_is_where_a_hand_finds_it() -> None:
    # L4: 0.003 + 0.1 x 0.06 = 0.009 vCPU. A waypoint: 0.0125 + 0.05 x 0.375 = 0.03125.
    # Sidecars of 0.029 save 0.02 without any, and that pays for 0.02 / 0.03125 of one.
    assert sweep_of(lone(0.029), "l7_share").break_even == pytest.approx(0.02 / 0.03125)


def test_the_break_even_of_replicas_is_where_a_hand_finds_it() -> None:
    # 0.009 + 0.01875 + replicas x 0.0125 vCPU: 0.059 pays for two and a half.
    assert sweep_of(lone(0.059), "waypoint_replicas").break_even == pytest.approx(2.5)


def test_where_sidecars_pay_for_everything_there_is_no_break_even() -> None:
    projection = lone(5.0)

    assert [sweep.break_even for sweep in projection.sweeps] == [None, None]
    assert all(point.usd_per_year.mid > 0 for sweep in projection.sweeps for point in sweep.points)


def test_where_sidecars_pay_for_nothing_there_is_no_break_even_either() -> None:
    projection = lone(0.005)

    assert [sweep.break_even for sweep in projection.sweeps] == [None, None]
    assert all(point.usd_per_year.mid < 0 for sweep in projection.sweeps for point in sweep.points)


def test_without_ambient_there_is_nothing_to_sweep() -> None:
    refused = calibration(no_fit(), no_fit("a waypoint"))
    nowhere = mesh(Proxy(node=""), nodes=())

    assert project_usage(shop_mesh(), refused, scenario()).sweeps == ()
    assert project_usage(nowhere, calibration(), scenario()).sweeps == ()


@pytest.mark.parametrize(
    ("usage", "changes"),
    [
        (shop_mesh(), {"vcpu_month_usd": 0, "memory_gib_month_usd": 0}),
        (mesh(Proxy(reserved_vcpu=0.0)), {"basis": "reserved"}),
    ],
    ids=["no price", "nothing requested"],
)
def test_where_sidecars_cost_nothing_nothing_is_swept(
    usage: MeshUsage, changes: dict[str, object]
) -> None:
    projection = project_usage(usage, calibration(), scenario(**changes))

    assert NOTHING_TO_SAVE in projection.refusals
    assert projection.sweeps == ()


@pytest.mark.parametrize("seed", range(5))
def test_the_break_even_cost_is_where_another_method_finds_it(seed: int) -> None:
    # Kinks: replicas and requests for CPU that are bound by a minimum. Steps: whole replicas.
    rng = np.random.default_rng(seed)
    starts, slopes = rng.exponential(10 ** rng.uniform(-3, 2), 4), rng.exponential(1e4, 4)
    steps, at_none = rng.choice([0.0, 50.0], 4), 10 ** rng.uniform(-6, 6)

    calls = []

    def saved_usd(vcpu: float) -> float:
        calls.append(vcpu)
        beyond = vcpu - starts
        return float(at_none - vcpu - slopes @ beyond.clip(0) - steps @ (beyond >= 0))

    ends = ((0.0, saved_usd(0.0)), (1e6, saved_usd(1e6)))
    expected = optimize.brentq(saved_usd, 0.0, 1e6, xtol=1e-12, rtol=1e-12)
    calls.clear()

    found = crossing(saved_usd, *ends)

    assert found == pytest.approx(expected, rel=4e-12, abs=4e-12)
    assert len(calls) < 60
