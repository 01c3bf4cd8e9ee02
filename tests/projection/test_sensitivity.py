"""Which assumption moves the answer: each end must be what a projection with that value gives."""

import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.scenario import Scenario
from analyzer.units import Interval, Role
from tests.projection.builders import Call, Node, Proxy, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, fit

FITTED = {"sidecar_idle_vcpu_per_proxy", "sidecar_vcpu_per_1000_rps"}
RANGED = {
    "waypoint_to_sidecar_ratio",
    "ztunnel_vcpu_per_1000_rps",
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


@pytest.mark.parametrize("basis", ["usage", "billed"])
def test_each_end_is_what_a_projection_with_that_value_gives(basis: str) -> None:
    assumed = scenario(
        basis=basis,
        vcpu_month_usd={"low": 22, "mid": 25, "high": 30},
        memory_gib_month_usd={"low": 1, "mid": 2, "high": 4},
        waypoint_memory_gib_per_replica={"low": 0.05, "mid": 0.06, "high": 0.5},
    )
    items = projected(assumed).sensitivity

    assert {item.assumption for item in items} >= {"vcpu_month_usd", "memory_gib_month_usd"}
    for item in items:
        if item.assumption in FITTED:
            continue
        value = assumed[item.assumption]
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


def test_a_dearer_ztunnel_saves_less_and_a_dearer_vcpu_more() -> None:
    items = {
        item.assumption: item
        for item in projected(
            scenario(vcpu_month_usd={"low": 22, "mid": 25, "high": 30})
        ).sensitivity
    }

    ztunnel, price = items["ztunnel_vcpu_per_1000_rps"], items["vcpu_month_usd"]
    assert ztunnel.high_usd_per_year < ztunnel.low_usd_per_year
    assert price.high_usd_per_year > price.low_usd_per_year


def test_an_exact_assumption_is_not_listed() -> None:
    found = projected(scenario(ztunnel_vcpu_per_1000_rps=0.06)).sensitivity

    assert {item.assumption for item in found} == (RANGED | FITTED) - {"ztunnel_vcpu_per_1000_rps"}


def test_an_assumption_that_changes_nothing_is_not_listed() -> None:
    # No TCP in this mesh, and measured waypoints leave the ratio without use.
    fitted = calibration(waypoint=fit(role=Role.WAYPOINT))
    found = project_usage(mesh(Proxy()), fitted, scenario()).sensitivity

    assert {item.assumption for item in found} == {
        "ztunnel_vcpu_per_1000_rps",
        "ztunnel_idle_vcpu_per_node",
    }


def test_every_item_is_of_waypoints_where_http_is() -> None:
    assert {item.mode for item in projected(scenario()).sensitivity} == {"ambient-waypoint"}


@pytest.mark.parametrize("prices", ["flat", "opencost"])
def test_each_end_has_the_replicas_that_it_needs(prices: str) -> None:
    # At the middle of the ratio's range two replicas do, at its high end three: 1.25 and 1.52 times
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
    assert item.low_usd_per_year == pytest.approx(saved(1.0), rel=1e-9)
    assert item.high_usd_per_year == pytest.approx(saved(1.52), rel=1e-9)
