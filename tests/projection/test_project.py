"""The projection as a whole: what it finds, with which range, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.result import Mode, Saving
from analyzer.units import Interval, Provenance, Role
from tests.projection.builders import Proxy, as_published, mesh, shop_mesh
from tests.projection.fits import calibration, fit


def mode_of(projection: Projection, name: str) -> Mode:
    return next(mode for mode in projection.modes if mode.name == name)


def saving_of(projection: Projection, name: str) -> Saving:
    return next(saving for saving in projection.savings if saving.mode == name)


def test_sidecar_mode_is_what_was_measured_and_has_no_range() -> None:
    mode = mode_of(project_usage(shop_mesh(), calibration(), as_published()), "sidecar")

    # 0.3 of front, 0.1 of back and 0.04 of db; 288 MiB together.
    assert mode.bases[Basis.USAGE].vcpu.mid == pytest.approx(0.44)
    assert mode.bases[Basis.USAGE].memory_gib == Interval.exactly(288 / 1024)
    assert mode.bases[Basis.USAGE].usd_per_year.mid == pytest.approx(0.44 * 22 * 12)
    for footprint in mode.bases.values():
        assert footprint.vcpu.low == footprint.vcpu.high
    assert [part.provenance for part in mode.components] == [Provenance.MEASURED]


def test_the_fit_does_not_change_what_sidecars_cost() -> None:
    dear = calibration(fit(slope=Interval(low=4, mid=5, high=6)))
    cheap = project_usage(shop_mesh(), calibration(), as_published())

    assert mode_of(project_usage(shop_mesh(), dear, as_published()), "sidecar") == mode_of(
        cheap, "sidecar"
    )


def test_components_add_up_to_their_mode() -> None:
    for mode in project_usage(shop_mesh(), calibration(), as_published()).modes:
        total = sum(component.vcpu.mid for component in mode.components)
        assert mode.bases[Basis.USAGE].vcpu.mid == pytest.approx(total, rel=1e-12)


def test_a_component_has_its_count_and_provenance() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published(waypoint_replicas=2))
    parts = mode_of(projection, "ambient-waypoint").components

    assert [(part.role, part.count, part.provenance) for part in parts] == [
        ("ztunnel", 2, Provenance.PUBLISHED),
        ("waypoint", 4, Provenance.DERIVED),
    ]


def test_waypoints_that_were_measured_here_are_priced_as_measured() -> None:
    projection = project_usage(
        shop_mesh(), calibration(waypoint=fit(role=Role.WAYPOINT)), as_published()
    )

    for name in ("ambient-waypoint", "ambient-waypoint-all"):
        waypoints = mode_of(projection, name).components[1]
        assert (waypoints.role, waypoints.provenance) == ("waypoint", Provenance.MEASURED)


def test_what_is_published_has_a_range_and_it_holds_the_best_estimate() -> None:
    vcpu = (
        mode_of(project_usage(shop_mesh(), calibration(), as_published()), "ambient-l4")
        .bases[Basis.USAGE]
        .vcpu
    )

    # 2 nodes at 0.003 [0.001-0.01], 270 rps at 0.06 [0.048-0.07], 1 Gbit/s at 0.165 [0.13-0.2].
    assert vcpu.mid == pytest.approx(0.006 + 0.0162 + 0.165)
    assert 0.002 + 0.01296 + 0.13 < vcpu.low < vcpu.mid < vcpu.high < 0.02 + 0.0189 + 0.2


def test_an_exact_scenario_gives_an_exact_projection() -> None:
    exact = calibration(
        fit(slope=Interval.exactly(0.3), idle=Interval.exactly(0.01), covariance=np.zeros((2, 2)))
    )
    mids = {name: item.value.mid for name, item in as_published().assumptions.items()}
    projection = project_usage(shop_mesh(), exact, as_published(**mids))

    for mode in projection.modes:
        for footprint in mode.bases.values():
            assert footprint.usd_per_year.high - footprint.usd_per_year.low < 1e-9
    assert {saving.probability_cheaper for saving in projection.savings} == {1.0}
    assert projection.sensitivity == ()


def test_the_same_mesh_gives_the_same_projection() -> None:
    first, second = (project_usage(shop_mesh(), calibration(), as_published()) for _ in range(2))

    assert first.modes == second.modes
    assert first.savings == second.savings
    assert first.sensitivity == second.sensitivity


def test_savings_are_against_sidecars() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published())
    saving = saving_of(projection, "ambient-l4")

    assert saving.vcpu.mid == pytest.approx(0.44 - 0.1872)
    assert saving.usd_per_year.mid == pytest.approx((0.44 - 0.1872) * 264)
    assert saving.percent.mid == pytest.approx(100 * (1 - 0.1872 / 0.44))


def test_an_uncertain_price_does_not_make_the_percentage_uncertain() -> None:
    mids = {name: item.value.mid for name, item in as_published().assumptions.items()}
    assumed = as_published(**mids | {"vcpu_month_usd": {"low": 10, "mid": 22, "high": 40}})
    exact = calibration(
        fit(slope=Interval.exactly(0.3), idle=Interval.exactly(0.01), covariance=np.zeros((2, 2)))
    )
    saving = saving_of(project_usage(shop_mesh(), exact, assumed), "ambient-l4")

    # Draw by draw both modes are paid at the same price.
    assert saving.percent.high - saving.percent.low < 1e-9
    assert saving.usd_per_year.high > 1.5 * saving.usd_per_year.mid


def test_the_probability_is_the_share_of_draws_in_which_a_mode_is_cheaper() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.5, 0.5), proxy_rps=(0, 0)))
    # One node: sidecars use 0.5, its ztunnel as much, give or take the same: an even chance.
    even = as_published(ztunnel_idle_vcpu_per_node={"low": 0.4, "mid": 0.5, "high": 0.6})
    sure = as_published(ztunnel_idle_vcpu_per_node={"low": 0.1, "mid": 0.2, "high": 0.3})
    hopeless = as_published(ztunnel_idle_vcpu_per_node={"low": 1.9, "mid": 2, "high": 2.1})

    found = [
        saving_of(project_usage(usage, calibration(), assumed), "ambient-l4").probability_cheaper
        for assumed in (even, sure, hopeless)
    ]
    assert found == pytest.approx([0.5, 1, 0], abs=0.03)


def test_a_mode_that_costs_more_has_a_negative_saving() -> None:
    usage = mesh(Proxy(cpu_vcpu=(0.001, 0.001), proxy_rps=(1, 1)))
    saving = saving_of(project_usage(usage, calibration(), as_published()), "ambient-waypoint-all")

    assert saving.usd_per_year.mid < 0
    assert saving.percent.mid < -100


def test_waypoints_follow_the_sidecars_of_this_mesh() -> None:
    dear = calibration(fit(slope=Interval(low=0.55, mid=0.6, high=0.65)))
    usage = shop_mesh()
    usual, doubled = (
        mode_of(project_usage(usage, fitted, as_published()), "ambient-waypoint").components[1]
        for fitted in (calibration(), dear)
    )

    # 70 rps pass waypoints; 0.3 more for 1000 of them, times 1.25.
    assert doubled.vcpu.mid - usual.vcpu.mid == pytest.approx(0.07 * 0.3 * 1.25)


def test_measured_waypoints_have_their_own_costs() -> None:
    waypoint = fit(
        role=Role.WAYPOINT,
        slope=Interval(low=0.9, mid=1, high=1.1),
        idle=Interval(low=0.04, mid=0.05, high=0.06),
    )
    projection = project_usage(
        shop_mesh(), calibration(waypoint=waypoint), as_published(waypoint_to_sidecar_ratio=9)
    )
    part = mode_of(projection, "ambient-waypoint").components[1]

    assert part.vcpu.mid == pytest.approx(2 * 0.05 + 0.07 * 1)


def test_namespaces_share_the_ztunnels_idle_by_their_sidecars() -> None:
    frame = project_usage(shop_mesh(), calibration(), as_published()).namespaces.set_index(
        "namespace"
    )

    # Idle 0.006 of two nodes: a third to data, two thirds to shop.
    assert frame.loc["data", "ambient_l4_vcpu"] == pytest.approx(0.002 + 0.02 * 0.06)
    assert frame.loc["shop", "ambient_l4_vcpu"] == pytest.approx(0.004 + 0.25 * 0.06 + 0.165)
    assert frame.loc["shop", "waypoint_vcpu"] == pytest.approx(0.0125 + 0.05 * 0.375)


def test_dollars_are_of_the_basis_that_was_asked_for() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published(basis="billed"))
    saving = saving_of(projection, "ambient-l4")
    sidecar, ambient = (
        mode_of(projection, name).bases[Basis.BILLED].usd_per_year.mid
        for name in ("sidecar", "ambient-l4")
    )

    assert projection.basis is Basis.BILLED
    assert saving.usd_per_year.mid == pytest.approx(sidecar - ambient)


def test_the_price_has_its_source() -> None:
    price = project_usage(shop_mesh(), calibration(), as_published(vcpu_month_usd=31)).price

    assert (price.vcpu_month_usd, price.memory_gib_month_usd) == (31, 0)
    assert price.source == "a test"


def test_the_posts_constants_are_applied_to_the_same_mesh() -> None:
    projection = project_usage(shop_mesh(), calibration(), as_published())
    post = projection.references[0]

    assert post.name == "blog"
    # Three pods, two nodes, two namespaces.
    assert post.vcpu == pytest.approx(
        {"sidecar": 1.8, "ambient-l4": 0.6, "ambient-waypoint-all": 0.6 + 1.2}
    )


def test_a_mesh_without_http_costs_the_same_with_waypoints_where_http_is() -> None:
    usage = replace(shop_mesh(), calls=shop_mesh().calls.iloc[:0])
    projection = project_usage(usage, calibration(), as_published())

    layer4, seen = (
        mode_of(projection, name).bases[Basis.BILLED].vcpu
        for name in ("ambient-l4", "ambient-waypoint")
    )
    assert seen == layer4
