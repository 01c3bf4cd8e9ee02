"""The saving along one choice: its ends are modes that are known, and its zero is found by hand."""

import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.result import Sweep
from analyzer.units import Interval
from tests.projection.builders import Call, Proxy, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, no_fit

EXACT = {name: item.value.mid for name, item in scenario().assumptions.items()}


def sweep_of(projection: Projection, name: str) -> Sweep:
    return next(sweep for sweep in projection.sweeps if sweep.name == name)


def along(projection: Projection, name: str) -> dict[float, Interval]:
    """Return the saving at each point of a sweep."""
    return {point.choice: point.usd_per_year for point in sweep_of(projection, name).points}


def saving_usd(projection: Projection, mode: str) -> float:
    return next(saving.usd_per_year.mid for saving in projection.savings if saving.mode == mode)


def projected(**changes: object) -> Projection:
    return project_usage(shop_mesh(), calibration(), scenario(**changes))


@pytest.mark.parametrize("basis", ["usage", "billed"])
@pytest.mark.parametrize("placement", ["observed", "all", "none", ["data"], 0.4], ids=str)
def test_nothing_at_l7_is_l4_alone_and_everything_is_waypoints_where_http_is(
    placement: object, basis: str
) -> None:
    swept = along(projected(waypoint_placement=placement, basis=basis), "l7_share")
    observed = projected(basis=basis)

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
    swept = along(projected(), "l7_share")
    first, last = swept[0].mid, swept[1].mid

    assert last < first
    for share, saving in swept.items():
        assert saving.mid == pytest.approx(first + share * (last - first), rel=1e-12)


def test_a_share_in_the_scenario_is_that_point_of_the_sweep() -> None:
    swept = along(projected(), "l7_share")

    found = saving_usd(projected(waypoint_placement=0.3), "ambient-waypoint")
    assert found == pytest.approx(swept[0.3].mid, rel=1e-12)


def test_each_number_of_replicas_is_what_a_scenario_with_it_gives() -> None:
    swept = along(projected(), "waypoint_replicas")

    assert list(swept) == [1, 2, 3, 4, 5]
    for choice, saving in swept.items():
        again = projected(waypoint_replicas=int(choice))
        assert saving.mid == pytest.approx(saving_usd(again, "ambient-waypoint"), rel=1e-12)


def test_replicas_are_of_the_waypoints_that_the_scenario_places() -> None:
    swept = along(projected(waypoint_placement=["data"]), "waypoint_replicas")

    # One more replica rests in `data` alone: 0.0125 vCPU at 22 dollars a month.
    assert swept[1].mid - swept[2].mid == pytest.approx(0.0125 * 22 * 12)
    nowhere = along(projected(waypoint_placement="none"), "waypoint_replicas")
    expected = saving_usd(projected(), "ambient-l4")
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
    refused = calibration(no_fit(), no_fit("cost of a request through a waypoint"))
    nowhere = mesh(Proxy(node=""), nodes=())

    assert project_usage(shop_mesh(), refused, scenario()).sweeps == ()
    assert project_usage(nowhere, calibration(), scenario()).sweeps == ()
