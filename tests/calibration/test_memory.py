"""A sidecar's memory is what it takes empty, and what the configuration pushed to it takes."""

import dataclasses

import numpy as np
import pytest

from analyzer.arrays import Floats
from analyzer.calibration.memory import fit_memory
from analyzer.calibration.result import MemoryCalibration
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BYTES_PER_GIB, Interval, Reason, Refusal, Role, counted
from tests.calibration.meshes import Fleet, ramp, usage_of

IDLE_GIB, GIB_PER_1000 = 0.04, 0.05
STEPS = 6


def law(clusters: Floats) -> Floats:
    return IDLE_GIB + GIB_PER_1000 * clusters / 1000


def mesh(
    gib: Floats,
    clusters: Floats | None = None,
    *,
    rps: float = 100.0,
    role: Role = Role.SIDECAR,
) -> MeshUsage:
    """Return proxies that take this much each; element [i, j] is proxy j of workload i."""
    workloads, proxies = gib.shape
    usage = usage_of(
        *(
            Fleet(
                rps=ramp(proxies, STEPS, high=rps),
                vcpu=ramp(proxies, STEPS) / 1000,
                workload=f"w{number}",
                role=role,
            )
            for number in range(workloads)
        )
    )
    known = np.full(gib.shape, np.nan) if clusters is None else clusters
    steps = usage.steps.assign(
        memory_bytes=np.repeat(gib.ravel(), STEPS) * BYTES_PER_GIB,
        configured_clusters=np.repeat(known.ravel(), STEPS),
    )
    return dataclasses.replace(usage, steps=steps)


def answered(usage: MeshUsage) -> MemoryCalibration:
    answer = fit_memory(usage)
    assert isinstance(answer, MemoryCalibration), answer
    return answer


def present(interval: Interval | None) -> Interval:
    assert interval is not None
    return interval


def drawn(seed: int, *, noise: float = 0.05) -> tuple[Floats, Floats]:
    """Return memory and clusters of 12 workloads of 5 proxies."""
    rng = np.random.default_rng(seed)
    clusters = rng.uniform(200, 3000, (12, 5)).round()
    return law(clusters) * (1 + noise * rng.normal(size=clusters.shape)), clusters


def test_without_noise_the_law_is_found_exactly() -> None:
    gib, clusters = drawn(1, noise=0)

    answer = answered(mesh(gib, clusters))

    assert present(answer.idle_gib_per_proxy).mid == pytest.approx(IDLE_GIB)
    assert present(answer.gib_per_1000_clusters).mid == pytest.approx(GIB_PER_1000)
    assert answer.gib_per_proxy.mid == pytest.approx(gib.mean())
    assert answer.cluster_count == pytest.approx(clusters.mean())
    assert answer.proxy_count == 60


def test_with_noise_the_intervals_hold_the_law_nine_times_in_ten() -> None:
    answers = [answered(mesh(*drawn(seed))) for seed in range(60)]

    idles = [present(answer.idle_gib_per_proxy) for answer in answers]
    costs = [present(answer.gib_per_1000_clusters) for answer in answers]

    assert np.mean([cost.mid for cost in costs]) == pytest.approx(GIB_PER_1000, rel=0.02)
    # Of Binomial(60, 0.9), 45 or fewer has probability 7e-4, and all 60 has 2e-3.
    assert 45 < sum(idle.low <= IDLE_GIB <= idle.high for idle in idles) < 60
    assert 45 < sum(cost.low <= GIB_PER_1000 <= cost.high for cost in costs) < 60


def test_the_request_rate_plays_no_part() -> None:
    gib, clusters = drawn(1)

    assert answered(mesh(gib, clusters, rps=20)) == answered(mesh(gib, clusters, rps=2000))


def test_without_configured_clusters_only_the_mean_is_known() -> None:
    gib, _ = drawn(1)

    answer = answered(mesh(gib))

    assert answer.gib_per_proxy.mid == pytest.approx(gib.mean())
    assert answer.proxy_count == 60
    assert answer.idle_gib_per_proxy is None
    assert answer.gib_per_1000_clusters is None
    assert answer.cluster_count is None


def test_configuration_of_the_same_size_everywhere_explains_nothing() -> None:
    gib, clusters = drawn(1)

    answer = answered(mesh(gib, 1000 + clusters / 100))

    assert answer.gib_per_1000_clusters is None
    assert answer.gib_per_proxy.mid == pytest.approx(gib.mean())


@pytest.mark.parametrize(("proxies", "has_line"), [(7, False), (8, True)])
def test_a_line_needs_eight_proxies(proxies: int, *, has_line: bool) -> None:
    gib, clusters = drawn(1)
    known = clusters.copy()
    known.flat[proxies:] = np.nan

    answer = answered(mesh(gib, known))

    assert (answer.gib_per_1000_clusters is not None) is has_line
    assert (answer.cluster_count is not None) is has_line


def test_proxies_of_unknown_configuration_count_in_the_mean_only() -> None:
    gib, clusters = drawn(1, noise=0)
    clusters[0] = np.nan
    gib[0] = 5

    answer = answered(mesh(gib, clusters))

    assert answer.gib_per_proxy.mid == pytest.approx(gib.mean())
    assert present(answer.gib_per_1000_clusters).mid == pytest.approx(GIB_PER_1000)
    assert answer.cluster_count == pytest.approx(clusters[1:].mean())


def test_a_proxy_that_leaks_counts_in_the_mean_and_hardly_bends_the_line() -> None:
    gib, clusters = drawn(2)
    gib[3, 3] = 4

    answer = answered(mesh(gib, clusters))

    assert answer.gib_per_proxy.mid == pytest.approx(gib.mean())
    assert present(answer.gib_per_1000_clusters).mid == pytest.approx(GIB_PER_1000, rel=0.1)


def test_proxies_of_one_workload_know_no_more_than_the_workload() -> None:
    means = np.random.default_rng(5).uniform(0.1, 0.3, 10)

    one = answered(mesh(np.tile(means[:, None], (1, 8)))).gib_per_proxy
    expected = answered(mesh(means[:, None])).gib_per_proxy

    assert (one.low, one.high) == pytest.approx((expected.low, expected.high))
    # Student's t of ten values: 1.833 x s / sqrt(10).
    assert one.high - one.mid == pytest.approx(1.833 * means.std(ddof=1) / 10**0.5, rel=1e-3)


def test_with_few_workloads_each_proxy_is_a_cluster() -> None:
    gib = np.random.default_rng(6).uniform(0.1, 0.3, (2, 10))

    shown = answered(mesh(gib)).gib_per_proxy

    # Student's t of twenty values: 1.729 x s / sqrt(20).
    assert shown.high - shown.mid == pytest.approx(1.729 * gib.std(ddof=1) / 20**0.5, rel=1e-3)


def test_memory_that_falls_with_configuration_is_only_a_mean() -> None:
    _, clusters = drawn(3)

    answer = answered(mesh(law(3000 - clusters), clusters))

    assert answer.gib_per_1000_clusters is None
    assert answer.gib_per_proxy.mid > 0


def test_only_sidecars_are_asked() -> None:
    gib, clusters = drawn(1)
    sidecars, waypoints = mesh(gib, clusters), mesh(9 * gib, clusters, role=Role.WAYPOINT)

    refused = fit_memory(waypoints)
    assert isinstance(refused, Refusal)
    assert refused.reason == Reason.NO_DATA
    assert answered(sidecars).gib_per_proxy.mid == pytest.approx(gib.mean())


@pytest.mark.parametrize(("known", "reason"), [(0, Reason.NO_DATA), (1, Reason.TOO_FEW_PROXIES)])
def test_fewer_than_two_sidecars_give_no_mean(known: int, reason: Reason) -> None:
    gib, clusters = drawn(1)
    gib.flat[known:] = np.nan

    answer = fit_memory(mesh(gib, clusters))

    assert isinstance(answer, Refusal)
    assert answer.reason == reason
    assert answer.subject == "memory per sidecar"
    assert f"for {counted(known, 'sidecar')}." in answer.detail
