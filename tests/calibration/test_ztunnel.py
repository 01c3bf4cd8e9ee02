"""A ztunnel's cost follows its bytes and new connections, or is what documents say."""

import dataclasses

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.observations import Unusable, observe
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.ztunnel import fit_ztunnels
from analyzer.data import assumptions
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT, Interval, Provenance, Reason, Role
from tests.calibration.meshes import Fleet, ramp, usage_of

IDLE, PER_GBIT, PER_1000_CONNECTIONS = 0.004, 0.15, 0.8

PROXIES, STEPS = 10, 96


def law(gbit: Floats, connections: Floats) -> Floats:
    return IDLE + PER_GBIT * gbit + PER_1000_CONNECTIONS * connections / 1000


def mesh(
    gbit: Floats, connections: Floats, vcpu: Floats, *, role: Role = Role.ZTUNNEL
) -> MeshUsage:
    """Return one ztunnel a row of these, shape (proxies, steps); they count no requests."""
    usage = usage_of(
        Fleet(
            rps=np.zeros_like(gbit),
            vcpu=vcpu,
            role=role,
            workload="ztunnel",
            namespace="istio-system",
        )
    )
    steps = usage.steps.assign(
        tcp_bytes_per_second=gbit.ravel() * BITS_PER_GBIT / 8,
        http_bytes_per_second=np.nan,
        new_connections_per_second=connections.ravel(),
    )
    return dataclasses.replace(usage, steps=steps)


def fitted(gbit: Floats, connections: Floats, vcpu: Floats | None = None) -> RoleCalibration:
    """Return the answer; of ztunnels that follow the law exactly, where no CPU is given."""
    vcpu = law(gbit, connections) if vcpu is None else vcpu
    return fit_ztunnels(observe(mesh(gbit, connections, vcpu), Role.ZTUNNEL))


def loads(seed: int) -> tuple[Floats, Floats]:
    """Return Gbit/s and new connections/s that rise and fall at different hours."""
    rng = np.random.default_rng(seed)
    day = np.linspace(0, 2 * np.pi, STEPS)
    size = rng.uniform(0.5, 1.5, (PROXIES, 1))
    gbit = 0.2 * size * (1 + 0.8 * np.sin(day)) * rng.lognormal(0, 0.2, (PROXIES, STEPS))
    connections = 50 * (1 + 0.8 * np.sin(3 * day)) * rng.lognormal(0, 0.2, (PROXIES, STEPS))
    return gbit, connections


def noisy(seed: int, share: float = 0.05) -> RoleCalibration:
    gbit, connections = loads(seed)
    noise = 1 + share * np.random.default_rng(seed + 1000).normal(size=gbit.shape)
    return fitted(gbit, connections, law(gbit, connections) * noise)


def present(interval: Interval | None) -> Interval:
    assert interval is not None
    return interval


def assert_published(answer: RoleCalibration, reason: Reason, fragment: str) -> None:
    assert answer.provenance == Provenance.PUBLISHED
    assert answer.not_measured is not None
    assert answer.not_measured.reason == reason
    assert fragment in answer.not_measured.detail
    assert answer.source.endswith(answer.not_measured.detail)
    assert assumptions()["ztunnel_vcpu_per_1000_rps"].source in answer.source
    assert assumptions()["ztunnel_idle_vcpu_per_node"].source in answer.source
    assert answer.idle_vcpu_per_proxy == assumptions()["ztunnel_idle_vcpu_per_node"].value
    assert answer.vcpu_per_1000_rps == assumptions()["ztunnel_vcpu_per_1000_rps"].value
    assert answer.curve.idle_vcpu == answer.idle_vcpu_per_proxy.mid
    assert answer.vcpu_per_gbit_per_second is None
    assert answer.vcpu_per_1000_new_connections_per_second is None


# --- what is measured ---


def test_without_noise_the_law_is_found_exactly() -> None:
    answer = fitted(*loads(1))

    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(IDLE, rel=1e-6)
    assert present(answer.vcpu_per_gbit_per_second).mid == pytest.approx(PER_GBIT, rel=1e-6)
    assert present(answer.vcpu_per_1000_new_connections_per_second).mid == pytest.approx(
        PER_1000_CONNECTIONS, rel=1e-6
    )
    assert answer.r_squared == pytest.approx(1)
    assert (answer.proxy_count, answer.sample_count) == (PROXIES, PROXIES * STEPS)


def test_with_noise_the_law_is_found_within_a_few_percent() -> None:
    answer = noisy(1)

    assert (answer.provenance, answer.not_measured) == (Provenance.MEASURED, None)
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(IDLE, rel=0.1)
    assert present(answer.vcpu_per_gbit_per_second).mid == pytest.approx(PER_GBIT, rel=0.03)
    assert present(answer.vcpu_per_1000_new_connections_per_second).mid == pytest.approx(
        PER_1000_CONNECTIONS, rel=0.03
    )


def test_the_intervals_hold_the_law_nine_times_in_ten() -> None:
    held = np.zeros(3)
    for seed in range(60):
        answer = noisy(seed)
        costs = (
            (answer.idle_vcpu_per_proxy, IDLE),
            (present(answer.vcpu_per_gbit_per_second), PER_GBIT),
            (present(answer.vcpu_per_1000_new_connections_per_second), PER_1000_CONNECTIONS),
        )
        held += [interval.low <= truth <= interval.high for interval, truth in costs]

    # Of Binomial(60, 0.9), 45 or fewer has probability 7e-4; all of 180 would be 6e-9.
    assert (held > 45).all()
    assert held.sum() < 180


def test_bursts_count_in_full() -> None:
    """Their mean is one, and the centre of the noise is below it."""
    answers = []
    for seed in range(12):
        gbit, connections = loads(seed)
        noise = np.exp(np.random.default_rng(seed).normal(-(0.5**2) / 2, 0.5, gbit.shape))
        answers.append(fitted(gbit, connections, law(gbit, connections) * noise))

    of_bytes = [present(answer.vcpu_per_gbit_per_second).mid for answer in answers]
    assert np.mean(of_bytes) == pytest.approx(PER_GBIT, rel=0.04)


def test_the_cost_of_a_request_stays_published_for_a_ztunnel_counts_none() -> None:
    published = assumptions()["ztunnel_vcpu_per_1000_rps"]

    answer = noisy(2)

    assert answer.vcpu_per_1000_rps == published.value
    assert published.source in answer.source
    assert "do not count requests" in answer.source
    assert answer.curve.predict(np.array([0.0, 1000.0])) == pytest.approx(
        [answer.idle_vcpu_per_proxy.mid, answer.idle_vcpu_per_proxy.mid + published.value.mid]
    )


def test_bytes_and_connections_that_rise_together_are_fitted_as_bytes() -> None:
    gbit, _ = loads(1)

    answer = fitted(gbit, 250 * gbit)

    assert answer.vcpu_per_1000_new_connections_per_second is None
    # A Gbit/s comes with 250 connections/s.
    both = PER_GBIT + PER_1000_CONNECTIONS * 0.25
    assert present(answer.vcpu_per_gbit_per_second).mid == pytest.approx(both, rel=1e-6)
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(IDLE, rel=1e-6)


def test_bytes_that_do_not_vary_are_part_of_the_idle() -> None:
    _, connections = loads(1)
    steady = np.full_like(connections, 0.1)

    answer = fitted(steady, connections)

    assert answer.vcpu_per_gbit_per_second is None
    assert present(answer.vcpu_per_1000_new_connections_per_second).mid == pytest.approx(
        PER_1000_CONNECTIONS, rel=1e-6
    )
    assert answer.idle_vcpu_per_proxy.mid == pytest.approx(IDLE + PER_GBIT * 0.1, rel=1e-6)


def test_connections_that_are_not_known_are_not_fitted() -> None:
    gbit, connections = loads(1)

    answer = fitted(gbit, np.nan * connections, IDLE + PER_GBIT * gbit)

    assert answer.vcpu_per_1000_new_connections_per_second is None
    assert present(answer.vcpu_per_gbit_per_second).mid == pytest.approx(PER_GBIT, rel=1e-6)


@pytest.mark.parametrize("sign", [(1, -1), (-1, 1)])
def test_no_cost_is_negative(sign: tuple[int, int]) -> None:
    gbit, connections = loads(3)
    load = sign[0] * 0.1 * gbit / gbit.max() + sign[1] * 0.1 * connections / connections.max()

    answer = fitted(gbit, connections, 0.2 + load)

    costs = (
        present(answer.vcpu_per_gbit_per_second),
        present(answer.vcpu_per_1000_new_connections_per_second),
    )
    rising, falling = costs if sign[0] > 0 else costs[::-1]
    assert rising.mid > 0
    assert (falling.low, falling.mid) == (0, 0)
    # Held at zero is not known to be zero.
    assert falling.high > 0


# --- what is not ---


def test_a_mesh_without_ztunnels_gets_what_is_published() -> None:
    gbit, connections = loads(1)
    sidecars = mesh(gbit, connections, law(gbit, connections), role=Role.SIDECAR)

    assert_published(fit_ztunnels(observe(sidecars, Role.ZTUNNEL)), Reason.NO_DATA, "no ztunnel")


def test_ztunnels_with_a_steady_load_get_what_is_published() -> None:
    gbit, connections = (np.full((PROXIES, STEPS), value) for value in (0.2, 50.0))

    assert_published(fitted(gbit, connections), Reason.CONSTANT_TRAFFIC, "does not vary")


def test_ztunnels_of_unknown_load_get_what_is_published() -> None:
    unknown = np.full((PROXIES, STEPS), np.nan)

    assert_published(
        fitted(unknown, unknown, ramp(PROXIES, STEPS)), Reason.CONSTANT_TRAFFIC, "not scraped"
    )


def test_ztunnels_of_which_no_step_can_be_used_are_not_called_absent() -> None:
    gbit, connections = loads(1)
    usage = mesh(gbit, connections, law(gbit, connections))
    unscraped = dataclasses.replace(usage, steps=usage.steps.assign(proxy_rps=np.nan))

    assert_published(
        fit_ztunnels(observe(unscraped, Role.ZTUNNEL)),
        Reason.NO_DATA,
        f"960 samples left out: {Unusable.NOT_SCRAPED}",
    )


@pytest.mark.parametrize(
    ("proxies", "steps", "is_enough"), [(8, 2, False), (1, 11, False), (4, 3, True), (1, 12, True)]
)
def test_a_fit_needs_twelve_samples_at_three_steps(
    proxies: int, steps: int, *, is_enough: bool
) -> None:
    gbit, connections = (values[:proxies, :steps] for values in loads(1))

    answer = fitted(gbit, connections)

    if is_enough:
        assert answer.provenance == Provenance.MEASURED
    else:
        assert_published(answer, Reason.TOO_FEW_SAMPLES, f"Only {proxies * steps} samples")


def test_ztunnels_whose_cpu_reads_zero_get_what_is_published() -> None:
    gbit, connections = loads(1)

    assert_published(fitted(gbit, connections, 0 * gbit), Reason.NO_DATA, "is zero")
