"""Curved costs, ztunnels that were measured, and rates at which nothing was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analyzer.calibration.models import Affine, Knee, Power
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import assumptions
from analyzer.projection import Projection, project_usage
from analyzer.projection.hardware import with_measured
from analyzer.projection.result import Component
from analyzer.units import Interval, Provenance, Role
from tests.projection.builders import as_published, scenario, shop_mesh
from tests.projection.fits import calibration, fit, no_fit

WAYPOINT_RPS = {"shop": 50.0, "data": 20.0}
"""Calls of the shop mesh into each namespace that would pass its waypoint, per second."""


def curved(exponent: float = 0.5) -> RoleCalibration:
    """Return a fit of 0.01 idle and 0.02 x rps ** exponent, whose slope is quoted at 100 rps."""
    slope = 1000 * 0.02 * exponent * 100 ** (exponent - 1)
    return replace(
        fit(slope=Interval.exactly(slope), idle=Interval.exactly(0.01)),
        curve=Power(idle_vcpu=0.01, vcpu_per_rps_power=0.02, exponent=exponent),
        model=f"power {exponent:g}",
        draws=np.tile([0.01, slope], (2000, 1)),
    )


def bent() -> RoleCalibration:
    """Return a fit of 0.01 idle and 1 per 1000 rps, 2 beyond 30 rps, and 1.2 on average."""
    slope = 1.2 * 1.25
    return replace(
        fit(slope=Interval.exactly(slope), idle=Interval.exactly(0.01)),
        curve=Knee(
            idle_vcpu=0.01,
            vcpu_per_rps=0.001,
            rise_share=1.0,
            knee_rps=30.0,
            knee_share=0.6,
            mean_share=1.2,
            marginal_share=1.25,
        ),
        model="knee at 60 %",
        draws=np.tile([0.01, slope], (2000, 1)),
    )


def waypoint_of(projection: Projection) -> Component:
    mode = next(mode for mode in projection.modes if mode.name == "ambient-waypoint-all")
    return next(part for part in mode.components if part.role == "waypoint")


def exactly() -> dict[str, float]:
    return {name: item.value.mid for name, item in as_published().assumptions.items()}


def test_the_load_of_the_shop_is_what_the_tests_below_count_on() -> None:
    namespaces = project_usage(shop_mesh(), calibration(), as_published()).load.namespaces

    assert dict(zip(namespaces["namespace"], namespaces["waypoint_rps"], strict=True)) == (
        WAYPOINT_RPS
    )


@pytest.mark.parametrize("replicas", [1, 4])
def test_a_waypoint_follows_the_curve_at_each_replicas_own_rate(replicas: int) -> None:
    assumed = as_published(**exactly() | {"waypoint_replicas": replicas})
    projection = project_usage(shop_mesh(), calibration(curved()), assumed)

    each = {name: 0.01 + 0.02 * (rps / replicas) ** 0.5 for name, rps in WAYPOINT_RPS.items()}
    assert waypoint_of(projection).vcpu.mid == pytest.approx(
        1.25 * replicas * sum(each.values()), rel=1e-9
    )
    shown = projection.namespaces.set_index("namespace")["waypoint_vcpu"]
    for name, vcpu in each.items():
        assert shown[name] == pytest.approx(1.25 * replicas * vcpu, rel=1e-9)


def test_a_measured_waypoint_follows_its_own_curve() -> None:
    measured = replace(curved(), role=Role.WAYPOINT)
    projection = project_usage(
        shop_mesh(), calibration(waypoint=measured), as_published(**exactly())
    )

    expected = sum(0.01 + 0.02 * rps**0.5 for rps in WAYPOINT_RPS.values())
    assert waypoint_of(projection).vcpu.mid == pytest.approx(expected, rel=1e-9)


def test_waypoints_derived_from_a_knee_have_its_mean_cost() -> None:
    projection = project_usage(shop_mesh(), calibration(bent()), scenario(**exactly()))

    expected = 1.25 * sum(0.01 + 0.0012 * rps for rps in WAYPOINT_RPS.values())
    assert waypoint_of(projection).vcpu.mid == pytest.approx(expected, rel=1e-9)


def test_a_measured_waypoint_follows_its_own_knee() -> None:
    measured = replace(bent(), role=Role.WAYPOINT)
    projection = project_usage(shop_mesh(), calibration(waypoint=measured), scenario(**exactly()))

    expected = sum(0.01 + 0.001 * (rps + max(rps - 30, 0)) for rps in WAYPOINT_RPS.values())
    assert waypoint_of(projection).vcpu.mid == pytest.approx(expected, rel=1e-9)


def test_a_straight_line_is_its_own_effective_rate() -> None:
    rates = np.array([0.0, 1.0, 700.0])

    assert np.array_equal(fit().effective_rps(rates), rates)


def test_the_effective_rate_makes_a_line_of_a_curve() -> None:
    rates = np.array([0.0, 4.0, 100.0, 2500.0])
    for role in (curved(), bent()):
        used = 0.01 + role.vcpu_per_1000_rps.mid / 1000 * role.effective_rps(rates)
        assert used == pytest.approx(role.curve.predict(rates))


# --- extrapolation ---


def with_range(low: float, high: float) -> Calibration:
    found = calibration()
    assert isinstance(found.waypoint, RoleCalibration)
    return replace(found, waypoint=replace(found.waypoint, fitted_rps=(low, high)))


@pytest.mark.parametrize(
    ("seen", "outside"),
    [
        ((10, 60), {"shop": False, "data": False}),
        ((10, 40), {"shop": True, "data": False}),
        ((30, 60), {"shop": False, "data": True}),
        ((50, 50), {"shop": False, "data": True}),
        ((100, 200), {"shop": True, "data": True}),
    ],
)
def test_a_waypoint_at_a_rate_that_was_not_seen_is_flagged(
    seen: tuple[float, float], outside: dict[str, bool]
) -> None:
    projection = project_usage(shop_mesh(), with_range(*seen), as_published())
    found = projection.namespaces

    assert dict(zip(found["namespace"], found["waypoint_extrapolated"], strict=True)) == outside
    flagged = {name for name, is_outside in outside.items() if is_outside}
    assert len(projection.warnings) == (1 if flagged else 0)
    for warning in projection.warnings:
        assert (warning.name, warning.code) == ("waypoint_extrapolated", "IU401")
        assert set(warning.affected) == flagged
        assert f"at {seen[0]:.3g}-{seen[1]:.3g} requests/s" in warning.text


def test_what_counts_is_the_rate_of_one_replica() -> None:
    # 50 and 20 are within 10-60; a fifth of them is not: 10 is, 4 is not.
    projection = project_usage(shop_mesh(), with_range(10, 60), as_published(waypoint_replicas=5))
    found = projection.namespaces.set_index("namespace")["waypoint_extrapolated"]

    assert found.to_dict() == {"shop": False, "data": True}


def test_without_any_cost_of_a_waypoint_nothing_is_flagged() -> None:
    nothing = calibration(no_fit(), no_fit("cost of a request through a waypoint"))

    assert project_usage(shop_mesh(), nothing, as_published()).warnings == ()


# --- measured ztunnels ---


def ztunnel(*, per_gbit: Interval | None = None) -> RoleCalibration:
    return RoleCalibration(
        role=Role.ZTUNNEL,
        vcpu_per_1000_rps=Interval(low=0.048, mid=0.06, high=0.07),
        idle_vcpu_per_proxy=Interval(low=0.018, mid=0.02, high=0.022),
        curve=Affine(idle_vcpu=0.02, vcpu_per_rps=0.06e-3),
        model="affine in bytes and new connections",
        vcpu_per_gbit_per_second=per_gbit,
        provenance=Provenance.MEASURED,
    )


def test_measured_ztunnels_replace_what_is_published_of_them() -> None:
    found = replace(calibration(), ztunnel=ztunnel(per_gbit=Interval.exactly(0.5)))
    mode = next(
        mode
        for mode in project_usage(shop_mesh(), found, scenario()).modes
        if mode.name == "ambient-l4"
    )

    # 2 nodes at 0.02 idle, 270 requests/s at half of 0.3 x the sidecars' 0.3 for 1000, as they may
    # be in the bytes, and 1 Gbit/s at 0.5.
    assert mode.components[0].vcpu.mid == pytest.approx(0.04 + 0.01215 + 0.5)
    assert mode.components[0].provenance == Provenance.DERIVED


def test_what_was_not_measured_of_them_stays_published() -> None:
    assumed = with_measured(scenario(), ztunnel(), assumptions())

    assert assumed["ztunnel_idle_vcpu_per_node"].mid == 0.02
    assert assumed.assumptions["ztunnel_idle_vcpu_per_node"].is_measured
    for name in ("ztunnel_vcpu_per_gbit_per_second", "ztunnel_vcpu_per_1000_rps"):
        assert assumed.assumptions[name] == scenario().assumptions[name]


def test_the_users_costs_of_ztunnels_precede_measured_ones() -> None:
    assumed = with_measured(scenario(ztunnel_idle_vcpu_per_node=0.3), ztunnel(), assumptions())

    assert assumed["ztunnel_idle_vcpu_per_node"] == Interval.exactly(0.3)


def test_published_ztunnels_change_no_scenario() -> None:
    assert with_measured(scenario(), calibration().ztunnel, assumptions()) == scenario()
