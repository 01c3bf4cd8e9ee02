"""Each workload gets its own line, or keeps the reason why it has none."""

import dataclasses
from unittest import mock

import numpy as np
import pytest
from scipy import special

from analyzer.arrays import Floats
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.shapes import BY_DIRECTION, power
from analyzer.units import Reason
from tests.calibration.asking import fits_of
from tests.calibration.meshes import Fleet, lawful, ramp

IDLE, SLOPE = 0.02, 0.0004


def test_each_workload_gets_its_own_line() -> None:
    fits = fits_of(
        lawful(ramp(8, 24), workload="front", idle=0.01, slope=0.0002),
        lawful(ramp(2, 24), workload="back", idle=0.03, slope=0.0009),
    )

    assert fits.curves == pytest.approx(np.array([[0.03, 0.0009], [0.01, 0.0002]]))
    assert fits.obstacles == {}
    assert fits.has_idle.all()
    assert fits.has_slope.all()
    assert fits.predicted_vcpu == pytest.approx(fits.panel.vcpu)


def test_workloads_of_one_name_in_two_namespaces_are_two() -> None:
    here = lawful(ramp(3, 24))
    there = dataclasses.replace(lawful(ramp(3, 24), slope=0.001), namespace="bank")

    assert fits_of(here, there).curves[:, 1] == pytest.approx([0.001, SLOPE])


def test_a_workloads_line_does_not_depend_on_its_neighbours() -> None:
    fleet = lawful(ramp(3, 40), workload="b", seed=1)

    alone = fits_of(fleet)
    among = fits_of(lawful(ramp(5, 24), workload="a", seed=2), fleet, lawful(ramp(1, 3)))

    assert among.curves[1] == pytest.approx(alone.curves[0], rel=1e-4)
    # How persistent their noise is, they show together.
    variances = np.diag(among.covariances[1]), np.diag(alone.covariances[0])
    assert variances[0] == pytest.approx(variances[1], rel=0.2)


def test_the_degrees_of_freedom_are_the_clusters_less_one() -> None:
    fits = fits_of(lawful(ramp(11, 24), workload="a"), lawful(ramp(1, 24), workload="b"))

    assert fits.panel.degrees_of_freedom.tolist() == [10, 7]


def test_an_idle_held_at_zero_has_the_noise_of_the_free_fit() -> None:
    """Held at zero, the line is off where load is low, which is not noise."""
    rps, rng = ramp(9, 48) * np.array([[0.4], *[[1.0]] * 8]), np.random.default_rng(1)
    noise = (1 + 0.03 * rng.normal(size=(9, 1))) * (1 + 0.02 * rng.normal(size=rps.shape))
    fleet = Fleet(rps=rps, vcpu=(SLOPE * rps - 0.0003) * noise)

    held = fits_of(fleet)
    with mock.patch.object(Problem, "floored", new=[]):
        free = fits_of(fleet)

    assert held.curves[0, 0] == 0 > free.curves[0, 0]
    noises = [np.sqrt(np.diag(fits.pod_covariances[0])) for fits in (held, free)]
    assert noises[0] == pytest.approx(noises[1], rel=0.5)


def test_idle_and_slope_are_known_together() -> None:
    # Where the line idles lower it rises more steeply: the mean in the middle of it is known best.
    fits = fits_of(lawful(ramp(9, 48), seed=1))

    covariance = fits.covariances[0]
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert -1 < correlation < -0.5


def test_a_power_of_the_rate_is_fitted_where_it_is_asked_for() -> None:
    rps = ramp(4, 24, low=10, high=1000)

    fits = fits_of(Fleet(rps=rps, vcpu=0.005 + 0.0016 * rps**0.75), shape=power(0.75))

    assert fits.curves[0] == pytest.approx([0.005, 0.0016])


def test_costs_by_direction_are_shown_as_that_of_the_workloads_own_mix() -> None:
    rng = np.random.default_rng(1)
    inbound, outbound, gigabytes = rng.uniform(10, 100, (3, 4, 48))
    fleet = Fleet(
        rps=inbound + outbound,
        vcpu=0.02 + 0.0003 * inbound + 0.0006 * outbound + 0.01 * gigabytes * 8,
        outbound_rps=outbound,
        http_bytes_per_second=gigabytes * 1e9,
    )

    fits = fits_of(fleet, shape=BY_DIRECTION)

    assert fits.fit.coefficients[0] == pytest.approx([0.02, 0, 0.0003, 0.0006, 0.01])
    traffic = (fleet.vcpu - 0.02).sum() / fleet.rps.sum()
    assert fits.curves[0] == pytest.approx([0.02, traffic])


# --- idle alone ---


def test_without_requests_the_idle_is_the_plain_mean_wild_steps_included() -> None:
    asleep = lawful(np.zeros((4, 24)), seed=1)
    asleep.vcpu[2, 5] *= 50

    fits = fits_of(asleep)

    assert fits.curves[0] == pytest.approx([asleep.vcpu.mean(), 0], rel=1e-9)
    assert (fits.has_idle[0], fits.has_slope[0]) == (True, False)


def test_a_wild_step_hardly_moves_the_line_of_a_workload_with_requests() -> None:
    fleet, spoilt = lawful(ramp(4, 48), seed=1), lawful(ramp(4, 48), seed=1)
    spoilt.vcpu[2, 5] *= 50

    tame, wild = fits_of(fleet), fits_of(spoilt)

    assert wild.curves[0] == pytest.approx(tame.curves[0], rel=0.02)


def test_a_workload_that_cannot_be_fitted_has_no_prediction() -> None:
    fits = fits_of(
        lawful(ramp(4, 24), workload="a"), lawful(np.full((4, 24), 9.0), workload="steady")
    )

    assert fits.has_idle.tolist() == fits.has_slope.tolist() == [True, False]
    assert fits.curves[1].tolist() == [0, 0]
    known = ~np.isnan(fits.predicted_vcpu)
    assert known.tolist() == [True] * 96 + [False] * 96


def test_idle_may_not_be_below_zero_and_keeps_the_doubt_it_had_before() -> None:
    rps = ramp(8, 48)
    vcpu = SLOPE * rps - 0.002 + np.random.default_rng(1).normal(0, 0.001, rps.shape)

    fits = fits_of(Fleet(rps=rps, vcpu=vcpu))

    assert fits.curves[0, 0] == 0
    assert 0 < fits.covariances[0, 0, 0] ** 0.5 < 0.002
    # A line from the origin, weighed by the inverse of its square; Huber takes some of the skew.
    assert fits.curves[0, 1] == pytest.approx(np.mean(vcpu / rps), rel=0.05)


# --- falling ---


def test_cpu_that_falls_when_requests_rise_has_no_line() -> None:
    rps = ramp(4, 24)
    noise = np.random.default_rng(1).normal(0, 0.01, rps.shape)

    fits = fits_of(Fleet(rps=rps, vcpu=0.2 - 0.001 * rps + noise))

    assert fits.obstacles[0].reason == Reason.NEGATIVE_SLOPE
    assert "something else drives it" in fits.obstacles[0].detail
    assert not fits.has_idle[0]
    assert not fits.has_slope[0]
    assert np.isnan(fits.predicted_vcpu).all()


def test_a_cost_hidden_by_noise_is_not_quoted_and_its_line_still_counts() -> None:
    rps = ramp(2, 48, low=1, high=5)
    noise = np.random.default_rng(3).normal(0, 0.005, (40, *rps.shape))

    fits = fits_of(*(Fleet(rps=rps, vcpu=0.05 + noise[n], workload=f"w{n:02}") for n in range(40)))

    # Half of the lines tilt down: of forty, fewer than eight or more than 32 do with P = 4.2e-5.
    # By twice the reach of their interval (t = 3.8 at 7 degrees of freedom) one in 300 does.
    assert 8 <= len(fits.obstacles) <= 32
    assert {item.reason for item in fits.obstacles.values()} == {Reason.NEGATIVE_SLOPE}
    assert fits.has_slope.sum() >= 38
    assert fits.curves[fits.has_slope, 1].min() < 0
    assert (fits.has_idle == fits.has_slope).all()


# --- intervals ---


@pytest.mark.parametrize("proxies", [1, 10])
def test_intervals_hold_the_truth_about_as_often_as_they_should(proxies: int) -> None:
    rps = ramp(proxies, 96)
    count = 200

    fits = fits_of(*(lawful(rps, workload=f"w{n:03}", seed=n) for n in range(count)))

    def covered(covariances: Floats, freedoms: Floats) -> Floats:
        deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        reach = special.stdtrit(freedoms, 0.95)[:, None] * deviations
        return np.asarray((np.abs(fits.curves - [IDLE, SLOPE]) <= reach).sum(axis=0, dtype=float))

    of_pods = covered(fits.pod_covariances, fits.panel.degrees_of_freedom.astype(float))
    # P(Binomial(200, 0.9) < 166) = 8e-4; more than 194 has 4e-5.
    assert ((of_pods >= 166) & (of_pods <= 194)).all()
    # The larger of two estimates of one variance is too large on average.
    assert (covered(fits.covariances, fits.degrees_of_freedom) >= of_pods).all()


def test_proxies_that_lived_for_moments_do_not_shorten_the_interval() -> None:
    rps = ramp(10, 288)
    seen = np.zeros(rps.shape, bool)
    seen[0] = True
    for proxy in range(1, 10):
        seen[proxy, 28 * proxy : 28 * proxy + 4] = True

    fits = fits_of(
        *(
            dataclasses.replace(lawful(rps, workload=f"w{n:02}", seed=n), seen=seen)
            for n in range(60)
        )
    )

    reach = special.stdtrit(fits.panel.degrees_of_freedom, 0.95) * np.sqrt(
        fits.covariances[:, 1, 1]
    )
    # Proxies as clusters cover in four of ten: the long-lived one's score is minus all the others'.
    # P(Binomial(60, 0.9) < 46) = 7e-4.
    assert (np.abs(fits.curves[:, 1] - SLOPE) < reach).sum() >= 46
