"""What is said of each workload, and where the measured CPU goes."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from analyzer.calibration import calibrate_usage
from analyzer.calibration.result import Decomposition, WorkloadCalibration
from analyzer.calibration.role import Fitted
from analyzer.calibration.summary import (
    decompose,
    predicted_vcpu,
    refused_workloads,
    workload_calibrations,
)
from analyzer.calibration.tcp import TcpCosts
from analyzer.units import Interval, Provenance, Reason, Refusal
from tests.calibration.asking import observed, role_of
from tests.calibration.meshes import Fleet, lawful, ramp, usage_of

IDLE, SLOPE = 0.02, 0.0004


def fitted(*fleets: Fleet) -> Fitted:
    found = role_of(*fleets).fitted
    assert found is not None
    return found


def tcp_of(*fleets: Fleet) -> TcpCosts | None:
    return TcpCosts.of(fitted(*fleets).workloads, observed(*fleets).rows)


def costs_of(*fleets: Fleet) -> dict[str, WorkloadCalibration]:
    """Return what is said of each workload, by its name."""
    items = workload_calibrations(fitted(*fleets), observed(*fleets), tcp_of(*fleets))
    return {item.workload: item for item in items}


def refusals_of(*fleets: Fleet) -> dict[str, Refusal]:
    items = refused_workloads(fitted(*fleets), observed(*fleets), tcp_of(*fleets))
    return {item.subject: item for item in items}


def decomposed(*fleets: Fleet) -> Decomposition:
    return decompose(role_of(*fleets).fitted, observed(*fleets))


def several() -> list[Fleet]:
    """Return three workloads that can be fitted, each with a law of its own."""
    return [
        lawful(ramp(4, 48), workload=f"w{n}", idle=IDLE * factor, slope=SLOPE / factor)
        for n, factor in enumerate((0.9, 1.0, 1.2))
    ]


STEADY = lawful(np.full((4, 48), 50.0), workload="steady", idle=IDLE, slope=SLOPE)
ASLEEP = lawful(np.zeros((4, 48)), workload="asleep", idle=IDLE)
TCP = dataclasses.replace(ASLEEP, workload="tcp", tcp_bytes_per_second=1e6)
FALLING_TCP = dataclasses.replace(
    lawful(ramp(4, 48), idle=0.2, slope=-0.001),
    rps=np.zeros((4, 48)),
    workload="tcp",
    tcp_bytes_per_second=ramp(4, 48) * 1e6,
)

# --- workloads ---


def test_a_workload_is_described_by_what_was_seen_of_it() -> None:
    rps = ramp(3, 24, low=10, high=100)

    front = costs_of(lawful(rps), lawful(rps[:1], workload="few"))["front"]

    assert (front.namespace, front.proxy_count, front.sample_count) == ("shop", 3, 72)
    assert front.mean_rps == pytest.approx(3 * 55)
    assert front.mean_vcpu == pytest.approx(3 * (IDLE + SLOPE * 55))
    assert front.fitted_rps == (10, 100)


def test_a_workload_is_quoted_with_its_own_interval() -> None:
    fleets = lawful(ramp(9, 48), workload="loud", seed=1), lawful(ramp(9, 48), workload="still")
    workloads = costs_of(*fleets)

    loud, still = workloads["loud"], workloads["still"]
    assert loud.vcpu_per_1000_rps is not None
    assert loud.idle_vcpu_per_proxy is not None
    assert still.vcpu_per_1000_rps is not None
    fits = fitted(*fleets).workloads
    reach = 1000 * stats.t.ppf(0.95, fits.degrees_of_freedom[0]) * fits.covariances[0, 1, 1] ** 0.5
    slope = loud.vcpu_per_1000_rps
    # What may flatten the line widens it too.
    assert reach <= slope.high - slope.mid < 1.1 * reach
    assert slope.low < 1000 * SLOPE < slope.high
    assert loud.idle_vcpu_per_proxy.low < IDLE < loud.idle_vcpu_per_proxy.high
    assert still.vcpu_per_1000_rps.high - still.vcpu_per_1000_rps.low < 1e-9
    assert still.vcpu_per_1000_rps.mid == pytest.approx(1000 * SLOPE)
    assert (loud.own_share, loud.provenance) == (1, Provenance.MEASURED)


def test_a_concave_workload_is_quoted_at_its_own_rates() -> None:
    rates = {"w0": (10, 300), "w1": (100, 3000)}
    fleets = [
        Fleet(rps=rps, vcpu=0.005 + 0.0016 * rps**0.75, workload=name)
        for name, (low, high) in rates.items()
        for rps in [ramp(4, 96, low=low, high=high)]
    ]

    for fleet in fleets:
        slope = costs_of(*fleets)[fleet.workload].vcpu_per_1000_rps
        marginal = 0.75 * 1.6 * float((fleet.rps**0.75).sum() / fleet.rps.sum())
        assert slope is not None
        assert slope.mid == pytest.approx(marginal, rel=1e-6)


def test_who_borrows_is_derived_and_shown_with_the_doubt_of_that() -> None:
    steady = costs_of(*several(), STEADY)["steady"]

    assert steady.provenance == Provenance.DERIVED
    assert steady.own_share < 1
    idle, slope = steady.idle_vcpu_per_proxy, steady.vcpu_per_1000_rps
    assert idle is not None
    assert slope is not None
    assert idle.mid + slope.mid * 50 / 1000 == pytest.approx(IDLE + SLOPE * 50, rel=1e-3)
    assert slope.low <= 1000 * SLOPE <= slope.high
    assert slope.high - slope.low > 0.001


def test_a_workload_without_requests_borrows_a_slope_and_keeps_its_idle() -> None:
    asleep = costs_of(*several(), ASLEEP)["asleep"]

    assert asleep.provenance == Provenance.DERIVED
    assert asleep.idle_vcpu_per_proxy is not None
    assert asleep.idle_vcpu_per_proxy.mid == pytest.approx(IDLE)
    assert asleep.vcpu_per_1000_rps is not None


def test_without_lenders_it_has_an_idle_and_no_slope() -> None:
    asleep = costs_of(lawful(ramp(4, 48)), ASLEEP)["asleep"]

    assert asleep.provenance == Provenance.MEASURED
    assert asleep.vcpu_per_1000_rps is None
    assert asleep.idle_vcpu_per_proxy is not None
    assert asleep.idle_vcpu_per_proxy.mid == pytest.approx(IDLE)


def test_constant_tcp_has_costs_that_are_derived_from_the_others() -> None:
    tcp = costs_of(*several(), TCP)["tcp"]

    assert (tcp.vcpu_per_1000_rps, tcp.own_share) == (None, 0)
    assert tcp.provenance == Provenance.DERIVED
    assert tcp.idle_vcpu_per_proxy is not None
    assert tcp.vcpu_per_gbit_per_second is not None
    whole = tcp.idle_vcpu_per_proxy.mid + tcp.vcpu_per_gbit_per_second.mid * 0.008
    assert tcp.mean_vcpu == pytest.approx(4 * IDLE) == 4 * whole


def test_where_cpu_falls_with_tcp_nothing_is_quoted() -> None:
    tcp = costs_of(*several(), FALLING_TCP)["tcp"]

    assert (tcp.idle_vcpu_per_proxy, tcp.vcpu_per_gbit_per_second, tcp.own_share) == (None, None, 0)
    assert not tcp.has_tcp_cost


def test_a_cost_that_noise_tilts_below_zero_is_not_quoted() -> None:
    rps = ramp(2, 48, low=1, high=5)
    noise = np.random.default_rng(4).normal(0, 0.005, rps.shape)
    tilted = noise - np.polyval(np.polyfit(rps.ravel(), noise.ravel(), 1), rps) - 1e-5 * rps
    quiet = Fleet(rps=rps, vcpu=0.05 + tilted, workload="quiet")

    shown = costs_of(lawful(ramp(4, 48)), quiet)["quiet"]

    assert shown.vcpu_per_1000_rps is None
    assert shown.idle_vcpu_per_proxy is not None
    assert shown.idle_vcpu_per_proxy.low < 0.05 < shown.idle_vcpu_per_proxy.high
    refusal = refusals_of(lawful(ramp(4, 48)), quiet)["cost per request of shop/quiet"]
    assert refusal.reason == Reason.NEGATIVE_SLOPE


def test_without_usable_samples_there_is_no_cost() -> None:
    fleet = Fleet(rps=np.full((4, 24), np.nan), vcpu=np.ones((4, 24)))

    calibration = calibrate_usage(usage_of(fleet))

    assert role_of(fleet).fitted is None
    assert calibration.workloads == ()
    subjects = [refusal.subject for refusal in calibration.refusals]
    assert not any("shop/" in subject for subject in subjects)
    assert calibration.observations.empty


# --- refusals ---


def test_each_workload_without_a_slope_has_a_reason_and_names_the_estimate_used() -> None:
    refusals = refusals_of(*several(), STEADY, FALLING_TCP)

    steady = refusals.pop("cost per request of shop/steady")
    tcp = refusals.pop("cost of TCP of shop/tcp")
    assert refusals == {}
    assert steady.reason == Reason.CONSTANT_TRAFFIC
    assert "mesh-wide estimate" in steady.detail
    assert tcp.reason == Reason.NEGATIVE_SLOPE
    assert "TCP" in tcp.detail
    assert "mesh-wide estimate" not in tcp.detail


def test_with_two_that_could_lend_no_workload_borrows_and_the_refusal_does_not_claim_it() -> None:
    refusal = refusals_of(*several()[:2], STEADY)["cost per request of shop/steady"]

    assert "mesh-wide estimate" not in refusal.detail


# --- predictions ---


def test_every_step_has_its_prediction_and_borrowers_have_a_borrowed_one() -> None:
    fleets = [*several(), STEADY, FALLING_TCP]
    observations = observed(*fleets)

    predicted = predicted_vcpu(fitted(*fleets), tcp_of(*fleets))

    names = observations.workloads["workload"].to_numpy()[observations.rows["workload"]]
    vcpu = observations.rows["cpu_vcpu"].to_numpy()
    assert predicted[names != "tcp"] == pytest.approx(vcpu[names != "tcp"], rel=1e-3)
    assert np.isnan(predicted[names == "tcp"]).all()


# --- decomposition ---


def test_idle_and_traffic_have_the_intervals_of_what_they_are_made_of() -> None:
    fleet = lawful(ramp(9, 48), seed=1)
    role = role_of(fleet)
    assert not isinstance(role.calibration, Refusal)

    parts = decomposed(fleet)

    idle, slope = role.calibration.idle_vcpu_per_proxy, role.calibration.vcpu_per_1000_rps
    assert dataclasses.astuple(parts.idle_vcpu) == pytest.approx(
        dataclasses.astuple(idle.scaled(9))
    )
    assert dataclasses.astuple(parts.traffic_vcpu) == pytest.approx(
        dataclasses.astuple(slope.scaled(9 * 55 / 1000))
    )


def test_without_requests_all_is_idle_with_an_interval() -> None:
    parts = decomposed(lawful(np.zeros((9, 48)), idle=IDLE, seed=2))

    assert parts.idle_vcpu.mid == pytest.approx(parts.measured_vcpu)
    assert parts.idle_vcpu.low < 9 * IDLE < parts.idle_vcpu.high
    assert parts.traffic_vcpu == Interval.exactly(0.0)
    assert parts.excluded_vcpu == 0


def test_where_nothing_was_usable_all_is_excluded() -> None:
    fleet = Fleet(rps=np.full((4, 24), np.nan), vcpu=np.full((4, 24), 0.5))

    parts = decomposed(fleet)

    assert (parts.measured_vcpu, parts.excluded_vcpu) == (2, 2)
    assert parts.unexplained_vcpu == 0
