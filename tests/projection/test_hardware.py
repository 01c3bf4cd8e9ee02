"""Costs of ambient follow the sidecars: equal meshes on other machines save the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.fit.student import SEED
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import assumptions
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.hardware import on_this_hardware
from analyzer.projection.result import Saving
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import draw_log_normal, to_interval
from analyzer.units import Interval, Provenance, Refusal, Role
from tests.projection.builders import Call, Proxy, as_published, mesh, scenario, shop_mesh
from tests.projection.fits import calibration, fit, no_fit
from tests.projection.test_curves import curved, ztunnel

COST, RATIO = "ztunnel_vcpu_per_1000_rps", "ztunnel_to_sidecar_ratio"
OTHERS = ("ztunnel_vcpu_per_1000_open_connections", "waypoint_vcpu_per_gbit_per_second")
IDLE = "ztunnel_idle_vcpu_per_node"
CONNECTIONS = "ztunnel_vcpu_per_1000_new_connections_per_second"


def slower(times: float) -> tuple[MeshUsage, Calibration]:
    """Return the shop on machines that take so many times the CPU."""
    usage = shop_mesh()
    steps = usage.steps.assign(cpu_vcpu=usage.steps["cpu_vcpu"] * times)
    slope = Interval(low=0.25, mid=0.3, high=0.35).scaled(times)
    idle = Interval(low=0.008, mid=0.01, high=0.012).scaled(times)
    return replace(usage, steps=steps), calibration(fit(slope=slope, idle=idle))


def saving_of(projection: Projection, mode: str) -> Saving:
    return next(item for item in projection.savings if item.mode == mode)


@pytest.mark.parametrize("mode", ["ambient-l4", "ambient-waypoint", "ambient-waypoint-all"])
def test_the_same_mesh_on_slower_machines_saves_the_same_percentage(mode: str) -> None:
    here, there = (project_usage(*slower(times), scenario()) for times in (1.0, 3.0))
    found, expected = (saving_of(item, mode).percent for item in (there, here))

    assert (found.low, found.mid, found.high) == pytest.approx(
        (expected.low, expected.mid, expected.high), abs=1e-6
    )
    vcpu = [saving_of(item, mode).vcpu.mid for item in (here, there)]
    assert vcpu[1] == pytest.approx(3 * vcpu[0])


def test_figures_of_documents_would_not() -> None:
    here, there = (project_usage(*slower(times), as_published()) for times in (1.0, 3.0))

    first, second = (saving_of(item, "ambient-l4").percent.mid for item in (here, there))
    assert second > first + 10


def test_a_pass_costs_the_ratio_times_a_request_and_the_rest_is_scaled() -> None:
    assumed = on_this_hardware(scenario(), calibration(), 0.0)

    # Sidecars of 0.3, where uds-core's cost 0.26 and Netcracker's gateway 0.23.
    assert ends(assumed[COST]) == pytest.approx((0.16 * 0.3, 0.3 * 0.3, 0.46 * 0.3))
    assert ends(assumed[IDLE]) == pytest.approx([at * 0.3 / 0.26 for at in (0.001, 0.003, 0.01)])
    assert assumed[CONNECTIONS].mid == pytest.approx(0.45 * 0.3 / 0.23)
    derived = {name for name, item in assumed.assumptions.items() if item.is_derived}
    assert derived == {COST, IDLE, "ztunnel_vcpu_per_gbit_per_second", CONNECTIONS, *OTHERS}
    for name in derived - {COST}:
        assert assumptions()[name].source in assumed.assumptions[name].source


def ends(value: Interval) -> tuple[float, float, float]:
    return value.low, value.mid, value.high


def test_what_the_user_states_stays_as_stated() -> None:
    stated = scenario(**{COST: 0.05, IDLE: 0.2})
    assumed = on_this_hardware(stated, calibration(), 0.0)

    assert (assumed[COST].mid, assumed[IDLE].mid) == (0.05, 0.2)
    assert assumed.assumptions[CONNECTIONS].is_derived


def test_what_was_measured_stays_as_measured() -> None:
    found = replace(calibration(), ztunnel=ztunnel(per_gbit=Interval.exactly(0.5)))
    assumed = on_this_hardware(scenario(), found, 0.0)

    assert assumed[IDLE].mid == 0.02
    assert assumed["ztunnel_vcpu_per_gbit_per_second"].mid == 0.5
    # Ztunnels count no requests, and these had no connections.
    assert {COST, RATIO, CONNECTIONS, *OTHERS} == {
        name for name, item in assumed.assumptions.items() if item.is_derived
    }


def test_measured_bytes_of_ztunnels_may_hold_the_requests_that_passed() -> None:
    found = replace(calibration(), ztunnel=ztunnel(per_gbit=Interval.exactly(0.5)))
    assumed = on_this_hardware(scenario(), found, 0.0)

    assert ends(assumed[RATIO]) == (0.0, 0.15, 0.46)
    assert ends(assumed[COST]) == pytest.approx((0.0, 0.15 * 0.3, 0.46 * 0.3))
    stated = on_this_hardware(scenario(**{RATIO: 0.2}), found, 0.0)
    assert stated[COST].mid == pytest.approx(0.2 * 0.3)
    without_bytes = on_this_hardware(scenario(), replace(found, ztunnel=ztunnel()), 0.0)
    assert ends(without_bytes[RATIO]) == (0.16, 0.3, 0.46)


def test_bytes_are_no_part_of_what_a_pass_is_priced_by() -> None:
    # 1 Gbit/s with 1000 requests/s: a gateway's 0.26 beside its 0.23.
    heavy = on_this_hardware(scenario(), calibration(), 1.0)
    request = 0.3 / (1 + 0.26 / 0.23)

    assert heavy[COST].mid == pytest.approx(0.3 * request)
    assert heavy[CONNECTIONS].mid == pytest.approx(0.45 * request / 0.23)
    apart = replace(fit(), cost_of_each={"vcpu_per_gbit_per_second": Interval.exactly(0.1)})
    found = on_this_hardware(scenario(), calibration(apart), 1.0)
    assert found[COST].mid == pytest.approx(0.3 * (0.3 - 0.1))
    much = replace(fit(), cost_of_each={"vcpu_per_gbit_per_second": Interval.exactly(0.9)})
    found = on_this_hardware(scenario(), calibration(much), 1.0)
    assert found[COST].mid == pytest.approx(0.3 * 0.1 * 0.3)


def test_on_a_curve_a_pass_is_a_part_of_the_mean_request_not_of_one_more() -> None:
    # An exponent of 0.731: one more request costs that much of the mean one.
    found = on_this_hardware(scenario(), calibration(curved(0.731)), 0.0)

    assert found[COST].mid == pytest.approx(0.3 * curved(0.731).vcpu_per_1000_rps.mid / 0.731)


def test_connections_that_follow_bytes_may_be_in_the_measured_cost_of_bytes() -> None:
    found = replace(calibration(), ztunnel=ztunnel(per_gbit=Interval.exactly(0.5)))
    assumed = on_this_hardware(scenario(), found, 0.0)
    plain = on_this_hardware(scenario(), calibration(), 0.0)

    for name in (CONNECTIONS, OTHERS[0]):
        assert ends(assumed[name]) == pytest.approx((0.0, plain[name].mid / 2, plain[name].high))


def test_without_a_fit_of_sidecars_too_a_pass_may_be_in_the_measured_cost_of_bytes() -> None:
    measured = ztunnel(per_gbit=Interval.exactly(0.5))
    assumed = on_this_hardware(
        scenario(), replace(calibration(), sidecar=no_fit(), ztunnel=measured), 0.0
    )

    assert ends(assumed[COST]) == (0.0, 0.03, 0.07)


def test_no_draw_of_a_share_is_above_one() -> None:
    share = {"low": 0.55, "mid": 0.9, "high": 1.0}
    drawn = draw_scenario(scenario(http_new_connection_share=share))["http_new_connection_share"]

    assert drawn.max() == 1.0


def draw_scenario(assumed: Scenario) -> Mapping[str, Floats]:
    workings = project_usage(shop_mesh(), calibration(), assumed).workings
    assert workings is not None
    values: Mapping[str, Floats] = workings.parameters.values
    return values


def test_a_mesh_without_sidecars_has_no_ambient_to_compare() -> None:
    waypoints = replace(calibration(), sidecar=no_fit(), waypoint=fit(role=Role.WAYPOINT))
    only = mesh(Proxy(workload="shop/waypoint", role=Role.WAYPOINT))

    assert project_usage(only, waypoints, scenario()).savings == ()


def test_bytes_that_were_not_measured_are_assumed() -> None:
    unknown, known = (
        on_this_hardware(scenario(http_bytes_per_request=125_000), calibration(), gbit)[COST].mid
        for gbit in (None, 1.0)
    )

    assert unknown == pytest.approx(known)


@pytest.mark.parametrize("sidecar", [no_fit(), fit(slope=Interval.exactly(0.0))], ids=str)
def test_without_a_cost_of_a_sidecar_documents_are_used_as_they_are(
    sidecar: RoleCalibration | Refusal,
) -> None:
    found = replace(calibration(), sidecar=sidecar, waypoint=fit(role=Role.WAYPOINT))
    assumed = on_this_hardware(scenario(), found, None)
    projection = project_usage(shop_mesh(), found, scenario())

    assert assumed == scenario()
    (part,) = next(mode for mode in projection.modes if mode.name == "ambient-l4").components
    assert part.provenance == Provenance.PUBLISHED
    # 2 nodes at 0.003, 270 requests/s at 0.06 for 1000, 1 Gbit/s at 0.165.
    assert part.vcpu.mid == pytest.approx(0.006 + 0.0162 + 0.165)


def test_costs_that_follow_the_sidecars_are_derived() -> None:
    projection = project_usage(shop_mesh(), calibration(), scenario())
    (part,) = next(mode for mode in projection.modes if mode.name == "ambient-l4").components

    assert part.provenance == Provenance.DERIVED


def test_draws_of_ambient_follow_the_draws_of_the_sidecars() -> None:
    """Only the fit is uncertain: what a pass costs has its range times the ratio."""
    exact = {name: item.value.mid for name, item in scenario().assumptions.items()}
    usual = {name: exact[name] for name in (RATIO, "waypoint_to_sidecar_ratio")}
    projection = project_usage(mesh(Proxy()), calibration(), scenario(**usual))
    cost = projection.ztunnel_vcpu_per_1000_rps

    assert cost is not None
    assert ends(cost) == pytest.approx((0.3 * 0.25, 0.3 * 0.3, 0.3 * 0.35), rel=0.02)


# --- log-normal draws ---


def test_log_normal_draws_have_the_interval_at_their_ends() -> None:
    value = Interval(low=0.16, mid=0.3, high=0.46)
    drawn = draw_log_normal(value, np.random.default_rng(SEED))

    found = to_interval(drawn)
    assert ends(found) == pytest.approx(ends(value), rel=0.03)
    assert drawn[0] == 0.3
    assert drawn.min() > 0
    # Errors are factors: beyond an end there is more than of a normal distribution.
    assert drawn.max() - 0.46 > 0.16 - drawn.min()


def test_a_ratio_that_may_be_0_is_drawn_as_a_normal_one() -> None:
    drawn = draw_log_normal(Interval(low=0, mid=0.3, high=0.4), np.random.default_rng(SEED))

    assert drawn.min() == 0
    assert to_interval(drawn).high == pytest.approx(0.4, rel=0.03)


# --- up to which cost of a pass ambient saves ---


def lone(vcpu: float, **changes: object) -> Projection:
    """Return a sidecar with 100 requests/s, half of which pass a waypoint."""
    usage = mesh(
        Proxy(cpu_vcpu=(vcpu, vcpu)),
        calls=[Call(source="shop/front", destination="shop/front", rps=(50, 50))],
    )
    return project_usage(usage, calibration(), scenario(**changes))


def test_the_break_even_of_a_pass_is_where_a_hand_finds_it() -> None:
    projection = lone(0.05)
    l4, waypoint, _ = (item.break_even_ztunnel_vcpu_per_1000_rps for item in projection.savings)

    # 0.1 thousand passes pay 0.05 less the ztunnel's idle, and less the waypoint.
    idle, cost = 0.003 * 0.3 / 0.26, 1.15 * (0.01 + 0.05 * 0.3)
    assert l4 == pytest.approx((0.05 - idle) / 0.1, rel=1e-9)
    assert waypoint == pytest.approx((0.05 - idle - cost) / 0.1, rel=1e-9)


@pytest.mark.parametrize("mode", ["ambient-l4", "ambient-waypoint"])
def test_at_the_break_even_nothing_is_saved(mode: str) -> None:
    found = saving_of(lone(0.05), mode).break_even_ztunnel_vcpu_per_1000_rps
    again = lone(0.05, **{COST: found})

    assert saving_of(again, mode).usd_per_year.mid == pytest.approx(0, abs=1e-7)


def test_a_mode_that_saves_at_no_cost_of_a_pass_has_the_break_even_0() -> None:
    found = saving_of(lone(0.02), "ambient-waypoint")

    assert found.usd_per_year.mid < 0
    assert found.break_even_ztunnel_vcpu_per_1000_rps == 0


def test_where_nothing_passes_there_is_no_break_even() -> None:
    projection = project_usage(mesh(Proxy(proxy_rps=(0, 0))), calibration(), scenario())

    assert saving_of(projection, "ambient-l4").break_even_ztunnel_vcpu_per_1000_rps is None


def test_where_only_requests_are_paid_the_break_even_is_by_the_daemonsets_request() -> None:
    usage = mesh(Proxy(reserved_vcpu=5.0))
    projection = project_usage(usage, calibration(), scenario(basis="reserved"))

    assert projection.basis == Basis.RESERVED
    # Of the sidecar's 5 vCPU istio-cni requests 0.1. The ztunnel's idle CPU is 0.003 x 0.3 / 0.26,
    # and 100 requests/s pass.
    most = (5 - 0.1 - 0.003 * 0.3 / 0.26) / 0.1
    found = saving_of(projection, "ambient-l4").break_even_ztunnel_vcpu_per_1000_rps
    assert found == pytest.approx(most)
