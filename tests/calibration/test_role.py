"""A role's figure, what it says it rests on, and why there may be none."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from analyzer.calibration.observations import Unusable, observe
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.role import fit_role
from analyzer.calibration.shapes import BY_DIRECTION
from analyzer.units import Provenance, Reason, Role
from tests.calibration.asking import answered, refused, role_of
from tests.calibration.meshes import Fleet, Floats, lawful, ramp, usage_of

# --- what it rests on ---


def test_the_answer_has_the_counts_it_rests_on() -> None:
    fleet = lawful(ramp(4, 24, low=10, high=100), seed=1)

    answer = answered(fleet)

    assert (answer.role, answer.model) == (Role.SIDECAR, "affine")
    assert answer.provenance == Provenance.MEASURED
    assert (answer.sample_count, answer.proxy_count, answer.covered_share) == (96, 4, 1)
    assert answer.fitted_rps == (10, 100)
    ratio = fleet.vcpu.sum() / fleet.rps.sum() * 1000
    assert answer.ratio_vcpu_per_1000_rps == pytest.approx(ratio)
    # The dashboard's figure smears the idle, 0.02 of 55 requests a second, into the slope.
    assert ratio == pytest.approx(0.4 + 0.02 / 55 * 1000, rel=0.05)
    assert answer.cost_of_each == {}
    assert answer.straight_line_idle_vcpu_per_proxy is None


def test_workloads_without_a_slope_are_not_among_what_it_rests_on() -> None:
    asleep = lawful(np.zeros((4, 24)), workload="asleep", idle=0.03)

    answer = answered(lawful(ramp(4, 24)), asleep)

    assert (answer.sample_count, answer.proxy_count, answer.covered_share) == (96, 4, 1)
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(0.025)
    assert answer.fitted_rps == (10, 100)


def test_the_operating_rate_is_that_of_the_proxy_a_request_meets() -> None:
    busy = lawful(ramp(2, 24, low=400, high=600), workload="busy")
    quiet = lawful(ramp(6, 24, low=5, high=35), workload="quiet")

    answer = answered(busy, quiet)

    rps = np.concatenate([busy.rps.ravel(), quiet.rps.ravel()])
    assert answer.operating_rps == pytest.approx(np.average(rps, weights=rps))


def test_outside_the_fitted_rates_it_extrapolates() -> None:
    answer = answered(lawful(ramp(4, 24, low=10, high=100), seed=1))

    rates = np.array([9.9, 10.0, 55.0, 100.0, 100.1])
    assert answer.extrapolates(rates).tolist() == [True, False, False, False, True]
    assert answer.effective_rps(rates) is rates


def test_draws_reach_as_far_as_the_intervals_and_know_that_idle_and_slope_go_apart() -> None:
    answer = answered(lawful(ramp(9, 48), seed=1))

    assert answer.draws is not None
    low, high = np.quantile(answer.draws, [0.05, 0.95], axis=0)
    for column, shown in enumerate((answer.idle_vcpu_per_proxy, answer.vcpu_per_1000_rps)):
        reach = shown.high - shown.mid
        assert low[column] == pytest.approx(shown.low, abs=0.1 * reach)
        assert high[column] == pytest.approx(shown.high, abs=0.1 * reach)
    assert stats.spearmanr(answer.draws[:, 0], answer.draws[:, 1]).statistic < -0.5


def test_every_model_tried_is_listed_the_chosen_one_first() -> None:
    answer = answered(lawful(ramp(9, 48), seed=1))

    assert answer.candidates[0].model == answer.model == "affine"
    assert len(answer.candidates) == 2
    assert answer.candidates[1].model.startswith("power")
    # In units of noise.
    assert answer.candidates[0].error == pytest.approx(1, abs=0.3)


def directions(seed: int, *, inbound_cost: float, outbound_cost: float, gbit_cost: float) -> Fleet:
    """Return proxies whose requests in and out, and whose bytes, go their own ways."""
    rng = np.random.default_rng(seed)
    inbound, outbound = rng.uniform(10, 200, (2, 9, 96))
    gbit = rng.uniform(0, 2, (9, 96))
    vcpu = 0.02 + inbound_cost * inbound + outbound_cost * outbound + gbit_cost * gbit
    return Fleet(
        rps=inbound + outbound,
        outbound_rps=outbound,
        http_bytes_per_second=gbit * 1e9 / 8,
        vcpu=vcpu * (1 + 0.05 * rng.normal(size=vcpu.shape)),
        workload=f"w{seed}",
    )


def test_directions_and_bytes_of_different_costs_are_separated() -> None:
    answer = answered(
        *(directions(n, inbound_cost=2e-4, outbound_cost=6e-4, gbit_cost=0.02) for n in range(2))
    )

    assert answer.model == BY_DIRECTION.name
    assert answer.remarks == ()
    for name, truth in (
        ("vcpu_per_1000_inbound_rps", 0.2),
        ("vcpu_per_1000_outbound_rps", 0.6),
        ("vcpu_per_gbit_per_second", 0.02),
    ):
        assert answer.cost_of_each[name].mid == pytest.approx(truth, rel=0.1)
        assert answer.cost_of_each[name].low < truth < answer.cost_of_each[name].high


def test_directions_that_cost_the_same_and_bytes_that_cost_nothing_stay_one_line() -> None:
    answer = answered(
        *(directions(n, inbound_cost=4e-4, outbound_cost=4e-4, gbit_cost=0) for n in range(2))
    )

    assert answer.model == "affine"
    assert len(answer.candidates) == 3
    assert answer.cost_of_each == {}


def test_terms_that_cannot_be_separated_are_remarked() -> None:
    answer = answered(lawful(ramp(4, 24), seed=1))

    assert len(answer.remarks) == 2
    assert ("Inbound" in answer.remarks[0], "1 of 1" in answer.remarks[0]) == (True, True)
    assert ("Bytes" in answer.remarks[1], "1 of 1" in answer.remarks[1]) == (True, True)


# --- how good it is ---


def test_lines_without_noise_explain_everything() -> None:
    answer = answered(lawful(ramp(4, 24)))

    assert answer.r_squared == pytest.approx(1)


def test_r_squared_is_the_share_of_the_variance_that_the_lines_explain() -> None:
    fleet = lawful(ramp(8, 96), seed=1)

    answer = answered(fleet)

    slope, idle = answer.vcpu_per_1000_rps.mid / 1000, answer.idle_vcpu_per_proxy.mid
    left = fleet.vcpu - idle - slope * fleet.rps
    expected = 1 - (left**2).mean() / fleet.vcpu.var()
    assert answer.r_squared == pytest.approx(expected)
    assert answer.r_squared is not None
    assert 0.5 < answer.r_squared < 0.99


# --- refusals ---


def test_without_proxies_of_the_role_there_is_a_refusal() -> None:
    refusal = refused(dataclasses.replace(lawful(ramp(4, 24)), role=Role.GATEWAY))

    assert refusal.reason == Reason.NO_DATA
    assert "no sidecar" in refusal.detail


def test_every_reason_for_unusable_samples_is_named() -> None:
    fleet = lawful(ramp(4, 24))
    fleet.rps[:, 5:] = np.nan

    refusal = refused(dataclasses.replace(fleet, throttled_share=1.0))

    unscraped, throttled = refusal.detail.split(". ")
    assert (unscraped.split()[0], throttled.split()[0]) == ("76", "20")
    assert unscraped.endswith(Unusable.NOT_SCRAPED)
    assert throttled.endswith(f"{Unusable.THROTTLED}.")


@pytest.mark.parametrize(("constant_rps", "is_refused"), [(50, False), (60, True)])
def test_where_most_requests_go_through_what_cannot_be_fitted_there_is_no_figure(
    constant_rps: float, *, is_refused: bool
) -> None:
    constant = lawful(np.full((4, 24), constant_rps), workload="steady")
    fitted = lawful(ramp(4, 24, low=10, high=100))

    if is_refused:
        refusal = refused(constant, fitted)
        assert refusal.reason == Reason.CONSTANT_TRAFFIC
        assert "Only 48 %" in refusal.detail
        assert "shop/steady" in refusal.detail
    else:
        assert answered(constant, fitted).covered_share == pytest.approx(55 / 105)


def test_a_refused_role_keeps_the_fits_of_its_workloads() -> None:
    role = role_of(lawful(ramp(1, 24), seed=1))

    assert not isinstance(role.calibration, RoleCalibration)
    assert role.fitted is not None
    assert role.fitted.workloads.has_slope.all()


def waypoint(rps: Floats) -> Fleet:
    return dataclasses.replace(lawful(rps, workload="waypoint"), role=Role.WAYPOINT)


def test_a_single_waypoint_is_enough() -> None:
    observations = observe(usage_of(waypoint(ramp(1, 48))), Role.WAYPOINT)

    answer = fit_role(Role.WAYPOINT, observations).calibration

    assert isinstance(answer, RoleCalibration)
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(0.4)
    # A waypoint has requests of one kind, of which nothing is to be told apart.
    assert answer.remarks == ()
