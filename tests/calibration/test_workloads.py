"""Each workload gets its line, or the reason why it has none."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from analyzer.calibration.fit import reach
from analyzer.calibration.observations import observe
from analyzer.calibration.workloads import MIN_CLUSTERS, MIN_SAMPLES, WorkloadFit, fit_workloads
from analyzer.units import Reason, Role
from tests.calibration.meshes import Fleet, ramp, usage_of

Floats = npt.NDArray[np.float64]

IDLE, SLOPE = 0.02, 0.0004


def lawful(rps: Floats, seed: int | None = None) -> Fleet:
    """Return proxies that obey the law, with noise of a tenth where there is a seed."""
    noise = 1.0 if seed is None else 1 + np.random.default_rng(seed).normal(0, 0.1, rps.shape)
    return Fleet(rps=rps, vcpu=(IDLE + SLOPE * rps) * noise)


def fits_of(*fleets: Fleet) -> tuple[WorkloadFit, ...]:
    observations = observe(usage_of(*fleets), Role.SIDECAR)
    return fit_workloads(observations.rows, observations.point_count)


def refused(fleet: Fleet) -> tuple[Reason, str]:
    """Return why the only workload has no slope, after checking that it has none."""
    (fit,) = fits_of(fleet)
    assert fit.refusal is not None
    assert fit.refusal.subject == "slope of shop/front"
    return fit.refusal.reason, fit.refusal.detail


# --- lines ---


def test_each_workload_gets_its_own_line() -> None:
    rps = ramp(8, 24)
    front = Fleet(rps=rps, vcpu=0.01 + 0.0002 * rps, workload="front")
    back = Fleet(rps=rps[:2], vcpu=0.03 + 0.0009 * rps[:2], workload="back")

    back_fit, front_fit = fits_of(front, back)

    for fit, name, idle, slope in (
        (front_fit, "front", 0.01, 0.0002),
        (back_fit, "back", 0.03, 0.0009),
    ):
        assert fit.fit is not None
        assert (fit.namespace, fit.workload, fit.refusal) == ("shop", name, None)
        assert fit.has_slope
        assert fit.fit.model.idle_vcpu == pytest.approx(idle)
        assert fit.fit.model.vcpu_per_rps == pytest.approx(slope)


def test_workloads_of_one_name_in_two_namespaces_are_two() -> None:
    rps = ramp(3, 24)
    here, there = lawful(rps), dataclasses.replace(lawful(rps), namespace="bank")

    assert [fit.namespace for fit in fits_of(here, there)] == ["bank", "shop"]


def test_a_workload_is_described_by_what_was_seen_of_it() -> None:
    rps = ramp(3, 24, low=10, high=100)
    (other, fit) = fits_of(lawful(rps), dataclasses.replace(lawful(rps[:1]), workload="few"))[::-1]

    assert (fit.workload, fit.proxy_count, fit.sample_count) == ("few", 1, 24)
    assert (other.workload, other.proxy_count, other.sample_count) == ("front", 3, 72)
    assert (fit.proxy_time_share, other.proxy_time_share) == (0.25, 0.75)
    assert fit.mean_rps == pytest.approx(55)
    assert other.mean_rps == pytest.approx(3 * 55)
    assert other.mean_vcpu == pytest.approx(3 * (IDLE + SLOPE * 55))
    assert other.fitted_rps == (10, 100)


# --- refusals ---


@pytest.mark.parametrize(("proxies", "steps"), [(1, MIN_SAMPLES - 1), (3, 3), (1, 1)])
def test_too_few_samples_are_refused(proxies: int, steps: int) -> None:
    reason, detail = refused(lawful(ramp(proxies, steps)))

    assert reason == Reason.TOO_FEW_SAMPLES
    assert detail.startswith(f"{proxies * steps} usable samples")


@pytest.mark.parametrize("steps", [1, 2])
def test_a_moment_is_refused_however_many_proxies_it_shows(steps: int) -> None:
    rps = np.linspace(10, 500, 40 * steps).reshape(40, steps)

    assert refused(lawful(rps))[0] == Reason.TOO_FEW_SAMPLES


def test_just_enough_samples_are_fitted() -> None:
    (fit,) = fits_of(lawful(ramp(1, MIN_SAMPLES)))

    assert fit.refusal is None


def test_a_constant_rate_is_refused_and_the_same_rate_with_a_night_is_not() -> None:
    rng = np.random.default_rng(1)
    constant = 100 * (1 + 0.01 * rng.normal(size=(4, 48)))

    (fit,) = fits_of(lawful(constant))
    assert fit.fit is None
    assert refused(lawful(constant))[0] == Reason.CONSTANT_TRAFFIC
    assert fits_of(lawful(constant * np.linspace(0.3, 1, 48)))[0].refusal is None


def test_without_requests_all_cpu_is_idle() -> None:
    (fit,) = fits_of(lawful(np.zeros((4, 24)), seed=1))

    assert fit.refusal is not None
    assert fit.refusal.reason == Reason.NO_TRAFFIC
    assert fit.fit is not None
    assert not fit.has_slope
    assert fit.fit.model.idle_vcpu == pytest.approx(fit.mean_vcpu / 4)


def test_where_all_traffic_is_tcp_not_even_the_idle_is_known() -> None:
    mesh = dataclasses.replace(lawful(np.zeros((4, 24))), tcp_bytes_per_second=1e6)

    (fit,) = fits_of(mesh)

    assert (fit.fit, fit.has_slope) == (None, False)
    reason, detail = refused(mesh)
    assert reason == Reason.NO_TRAFFIC
    assert "TCP" in detail


def test_a_cpu_counter_that_never_moves_is_refused_without_a_warning() -> None:
    rps = ramp(4, 24)

    (fit,) = fits_of(Fleet(rps=rps, vcpu=np.zeros_like(rps)))

    assert fit.fit is None
    assert fit.refusal is not None
    assert fit.refusal.reason == Reason.NO_DATA


def test_cpu_that_falls_when_requests_rise_is_refused() -> None:
    rps = ramp(4, 24)
    noise = np.random.default_rng(1).normal(0, 0.01, rps.shape)
    mesh = Fleet(rps=rps, vcpu=0.2 - 0.001 * rps + noise)

    (fit,) = fits_of(mesh)

    assert fit.fit is None
    assert refused(mesh)[0] == Reason.NEGATIVE_SLOPE


def test_a_cost_hidden_by_noise_is_not_quoted_and_its_line_still_counts() -> None:
    rps = ramp(2, 48, low=1, high=5)
    fits = [
        fits_of(Fleet(rps=rps, vcpu=0.05 + rng.normal(0, 0.005, rps.shape)))[0]
        for rng in map(np.random.default_rng, range(40))
    ]

    refusals = [fit for fit in fits if fit.refusal is not None]
    counted = [fit.fit.model.vcpu_per_rps for fit in fits if fit.fit is not None]

    # Half of the lines tilt down, hardly one by more than noise makes them.
    assert 8 < len(refusals) < 32
    assert {fit.refusal.reason for fit in refusals if fit.refusal} == {Reason.NEGATIVE_SLOPE}
    assert len(counted) > 38
    assert all(fit.has_slope == (fit.fit is not None) for fit in fits)
    assert min(counted) < 0


# --- clusters ---


def test_many_proxies_are_the_clusters() -> None:
    (fit,) = fits_of(lawful(ramp(MIN_CLUSTERS, 24), seed=1))

    assert fit.fit is not None
    assert fit.fit.degrees_of_freedom == MIN_CLUSTERS - 1


@pytest.mark.parametrize(("proxies", "clusters"), [(1, 8), (2, 8), (3, 9), (4, 8), (7, 14)])
def test_the_time_of_few_proxies_is_cut_into_blocks(proxies: int, clusters: int) -> None:
    (fit,) = fits_of(lawful(ramp(proxies, 48), seed=1))

    assert fit.fit is not None
    assert fit.fit.degrees_of_freedom == clusters - 1


def test_a_hole_in_the_window_leaves_as_many_blocks() -> None:
    mesh = dataclasses.replace(
        lawful(ramp(1, 100), seed=1), seen=(np.arange(100) % 99 < 20)[None, :]
    )

    (fit,) = fits_of(mesh)

    assert fit.fit is not None
    assert fit.fit.degrees_of_freedom == MIN_CLUSTERS - 1


def test_proxies_that_lived_for_moments_do_not_stand_for_one_that_lived_all_day() -> None:
    rps = ramp(10, 288)
    seen = np.zeros(rps.shape, bool)
    seen[0] = True
    for proxy in range(1, 10):
        seen[proxy, 28 * proxy : 28 * proxy + 4] = True
    covered = 0
    for seed in range(60):
        (fit,) = fits_of(dataclasses.replace(lawful(rps, seed), seen=seen))
        assert fit.fit is not None
        to_end = reach(float(fit.fit.covariance[1, 1]), fit.fit.degrees_of_freedom)
        covered += abs(fit.fit.model.vcpu_per_rps - SLOPE) < to_end

    # Proxies as clusters cover in four of ten: the long-lived one's score is minus all the others'.
    assert covered > 35
