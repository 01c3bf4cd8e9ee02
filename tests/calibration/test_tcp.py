"""Workloads with TCP only: idle CPU, and cost of bytes and new connections."""

import dataclasses
from typing import Final

import numpy as np
import pytest

from analyzer.calibration import Calibration, RoleCalibration, calibrate_usage
from analyzer.calibration.events import TCP_BYTES
from analyzer.calibration.panel import Panel
from analyzer.calibration.result import TcpCalibration, WorkloadCalibration
from analyzer.calibration.tcp_fits import TcpFits
from analyzer.calibration.tcp_loads import TcpLoads
from analyzer.calibration.tcp_mean import Loan, TcpMean, divided
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT, Interval, Provenance, Reason
from tests.calibration.asking import observed
from tests.calibration.meshes import Fleet, Floats, lawful, ramp, usage_of
from tests.calibration.tcp_meshes import SEPARABLE, SHARED, tcp_mesh

STEPS: Final = 96
IDLE, PER_GBIT, PER_1000 = 0.005, 2.0, 0.5


def wave(proxies: int = 4, periods: int = 2, low: float = 0.001, high: float = 0.01) -> Floats:
    """Return Gbit/s that rise and fall, alike at every proxy."""
    swing = 0.5 + 0.5 * np.sin(np.linspace(0, 2 * np.pi * periods, STEPS, endpoint=False))
    return np.tile(low + (high - low) * swing, (proxies, 1))


def tcp(
    gbit: Floats,
    connections: Floats | float = 0.0,
    *,
    workload: str = "cache",
    costs: tuple[float, float, float] = (IDLE, PER_GBIT, PER_1000),
    seed: int | None = None,
    rps: float = 0.0,
) -> Fleet:
    """Return sidecars with TCP of this law, with noise of a tenth if there is a seed."""
    noise = 1.0 if seed is None else 1 + 0.1 * np.random.default_rng(seed).normal(size=gbit.shape)
    idle, per_gbit, per_1000 = costs
    vcpu = idle + per_gbit * gbit + per_1000 * np.asarray(connections) / 1000
    return Fleet(
        rps=np.full_like(gbit, rps),
        vcpu=vcpu * noise,
        workload=workload,
        tcp_bytes_per_second=gbit * BITS_PER_GBIT / 8,
        new_connections_per_second=connections,
    )


def others() -> list[Fleet]:
    """Return workloads with requests whose idle CPU is near that of `tcp`."""
    return [
        lawful(ramp(4, STEPS), workload=f"http{number}", idle=IDLE * share)
        for number, share in enumerate((0.9, 1.0, 1.1))
    ]


def calibrated(*fleets: Fleet) -> tuple[Calibration, TcpCalibration]:
    calibration = calibrate_usage(usage_of(*fleets))
    assert calibration.tcp is not None
    return calibration, calibration.tcp


def of_workload(calibration: Calibration, name: str = "cache") -> WorkloadCalibration:
    return next(item for item in calibration.workloads if item.workload == name)


def mids(found: TcpCalibration | WorkloadCalibration) -> tuple[float, ...]:
    """Return idle, cost of bytes and cost of connections; NaN for one that is not quoted."""
    costs = (
        found.idle_vcpu_per_proxy,
        found.vcpu_per_gbit_per_second,
        found.vcpu_per_1000_new_connections_per_second,
    )
    return tuple(cost.mid if cost else np.nan for cost in costs)


def fits_of(*fleets: Fleet, factors: Floats | None = None) -> TcpFits:
    """Return the fits of TCP workloads; `factors` are of kinds of node, in `node_kind`."""
    rows = observed(*fleets).rows
    if factors is not None:
        rows = rows.assign(node_kind=rows["proxy"] % len(factors))
    panel = Panel.of(rows, (), factors)
    return TcpFits.of(panel, TcpLoads.of(rows, panel.workloads))


# --- what is exact ---


def test_without_noise_idle_bytes_and_connections_are_exact() -> None:
    calibration, found = calibrated(*others(), tcp(wave(), 1000 * wave(periods=3)))

    assert mids(found) == pytest.approx((IDLE, PER_GBIT, PER_1000), rel=1e-6)
    assert mids(of_workload(calibration)) == pytest.approx(mids(found))
    assert found.remarks == ()
    assert (found.workload_count, found.proxy_count, found.sample_count) == (1, 4, 4 * STEPS)
    assert found.gbit_per_second == pytest.approx(4 * wave().mean())
    assert found.new_connections_per_second == pytest.approx(4000 * wave().mean())
    assert not [item for item in calibration.refusals if "cache" in item.subject]


def test_connections_that_follow_bytes_are_in_their_cost() -> None:
    calibration, found = calibrated(*others(), tcp(wave(), 1000 * wave()))

    assert mids(found) == pytest.approx((IDLE, PER_GBIT + PER_1000, np.nan), rel=1e-6, nan_ok=True)
    assert found.remarks
    assert calibration.decomposition.tcp_vcpu is not None
    assert calibration.decomposition.tcp_vcpu.mid == pytest.approx(
        4 * (PER_GBIT + PER_1000) * wave().mean()
    )


def test_connections_that_follow_bytes_have_the_cost_that_another_workload_shows() -> None:
    apart = tcp(wave(), 2000 * wave(periods=3), workload="apart")
    _, found = calibrated(*others(), apart, tcp(wave(), 1000 * wave()))

    assert mids(found) == pytest.approx((IDLE, PER_GBIT, PER_1000), rel=1e-6)
    alone = calibrated(*others(), apart)[1]
    assert width(found.vcpu_per_gbit_per_second) > 10 * width(alone.vcpu_per_gbit_per_second)


def test_constant_connections_have_that_cost_too() -> None:
    apart = tcp(wave(), 2000 * wave(periods=3), workload="apart")
    calibration, _ = calibrated(*others(), apart, tcp(wave(), 6.0))

    found = of_workload(calibration)
    assert mids(found) == pytest.approx((IDLE, PER_GBIT, PER_1000), rel=1e-6)
    assert found.provenance == Provenance.MEASURED


def test_connections_without_payload_have_a_cost() -> None:
    _, found = calibrated(*others(), tcp(0 * wave(), 5000 * wave()))

    assert mids(found) == pytest.approx((IDLE, np.nan, PER_1000), rel=1e-6, nan_ok=True)


def test_too_few_connections_to_matter_have_no_cost_of_their_own() -> None:
    rare = np.random.default_rng(1).poisson(0.5, wave().shape) / 300
    _, found = calibrated(*others(), tcp(wave(), rare, seed=1))

    assert found.vcpu_per_1000_new_connections_per_second is None
    assert found.remarks == ()


def test_constant_bytes_have_the_idle_of_the_other_sidecars() -> None:
    calibration, found = calibrated(*others(), tcp(np.full((4, STEPS), 0.01)))

    assert mids(found) == pytest.approx((IDLE, PER_GBIT, np.nan), rel=1e-6, nan_ok=True)
    cost = found.vcpu_per_gbit_per_second
    assert cost is not None
    assert cost.low < PER_GBIT - 0.05 < PER_GBIT + 0.05 < cost.high
    assert of_workload(calibration).provenance == Provenance.DERIVED


def test_constant_bytes_with_varying_connections_are_divided_too() -> None:
    _, found = calibrated(*others(), tcp(np.full((4, STEPS), 0.01), 2000 * wave()))

    assert mids(found) == pytest.approx((IDLE, PER_GBIT, PER_1000), rel=1e-6)


def test_constant_traffic_without_other_idle_is_refused() -> None:
    calibration = calibrate_usage(usage_of(tcp(np.full((4, STEPS), 0.01), seed=1)))

    assert calibration.tcp is None
    refusal = next(item for item in calibration.refusals if "cache" in item.subject)
    assert refusal.reason == Reason.CONSTANT_TRAFFIC


def test_cpu_that_falls_with_tcp_is_refused() -> None:
    calibration = calibrate_usage(usage_of(*others(), tcp(wave(), costs=(0.1, -5.0, 0.0), seed=1)))

    assert calibration.tcp is None
    refusal = next(item for item in calibration.refusals if "cache" in item.subject)
    assert refusal.reason == Reason.NEGATIVE_SLOPE


def test_a_cost_that_noise_hides_is_zero_with_a_range() -> None:
    _, found = calibrated(*others(), tcp(wave(), costs=(0.5, 0.0, 0.0), seed=3))

    cost = found.vcpu_per_gbit_per_second
    assert cost is not None
    assert cost.low == pytest.approx(0, abs=1e-12)
    assert cost.high > 0


def test_a_mesh_of_tcp_alone_has_its_costs() -> None:
    calibration, found = calibrated(tcp(wave(), seed=1))

    assert found.vcpu_per_gbit_per_second is not None
    assert found.vcpu_per_gbit_per_second.mid == pytest.approx(PER_GBIT, rel=0.1)
    assert calibration.decomposition.excluded_vcpu == 0


def test_without_tcp_there_is_no_cost() -> None:
    calibration = calibrate_usage(usage_of(*others()))

    assert (calibration.tcp, calibration.decomposition.tcp_vcpu) == (None, None)


# --- which workloads these are ---


def test_the_requests_of_a_scraper_do_not_matter() -> None:
    calibration, found = calibrated(*others(), tcp(wave(), rps=0.07))

    assert found.workload_count == 1
    assert of_workload(calibration).vcpu_per_1000_rps is None


def test_where_requests_matter_they_are_fitted() -> None:
    calibration = calibrate_usage(usage_of(*others(), tcp(wave(), rps=50)))

    assert calibration.tcp is None


def test_a_trickle_of_tcp_is_idle() -> None:
    calibration = calibrate_usage(usage_of(*others(), tcp(np.full((4, STEPS), 1e-9))))

    assert calibration.tcp is None
    idle = of_workload(calibration).idle_vcpu_per_proxy
    assert idle is not None
    assert idle.mid == pytest.approx(IDLE, rel=1e-3)


# --- against the textbook ---


@pytest.mark.parametrize("seed", range(4))
def test_costs_are_those_of_statsmodels_with_the_same_weights(seed: int) -> None:
    import statsmodels.api as sm

    gbit, connections = wave(), 2000 * wave(periods=3)
    fits = fits_of(tcp(gbit, connections, seed=seed))
    design = np.column_stack([np.ones(gbit.size), gbit.ravel(), connections.ravel() / 1000])

    oracle = sm.WLS(fits.panel.vcpu, design, weights=fits.fit.weights).fit()

    assert fits.costs[0] == pytest.approx(oracle.params, rel=2e-3)


def test_costs_are_those_of_the_nodes_that_the_workload_is_on() -> None:
    factors = np.array([0.8, 1.2])
    even = tcp(wave())
    fleet = dataclasses.replace(even, vcpu=even.vcpu * np.tile(factors, 2)[:, None])

    fits = fits_of(fleet, factors=factors)

    assert fits.costs[0] == pytest.approx((IDLE, PER_GBIT, 0), rel=1e-6)


# --- the mean ---


def test_the_mean_is_weighted_by_proxies_bytes_and_connections() -> None:
    small = tcp(wave(2), 4000 * wave(2, periods=3), workload="small", costs=(0.01, 4.0, 1.0))
    large = tcp(2 * wave(6), 500 * wave(6, periods=3), workload="large", costs=(0.002, 1.0, 0.2))
    _, found = calibrated(*others(), small, large)

    assert mids(found) == pytest.approx(
        ((2 * 0.01 + 6 * 0.002) / 8, (2 * 4 + 12 * 1) / 14, (8 * 1.0 + 3 * 0.2) / 11), rel=1e-6
    )


def test_the_draws_have_the_ranges_and_the_covariance() -> None:
    _, found = calibrated(*others(), tcp(wave(), 2000 * wave(periods=3), seed=1))

    costs = found.idle_vcpu_per_proxy, found.vcpu_per_gbit_per_second
    for column, cost in enumerate(costs):
        assert cost is not None
        ends = np.quantile(found.draws[:, column], [0.05, 0.95])
        assert ends == pytest.approx((cost.low, cost.high), rel=0.01)
    seen = np.asarray(np.corrcoef(found.draws.T))[0, 1]
    deviations = np.sqrt(np.diag(found.covariance))
    assert seen == pytest.approx(found.covariance[0, 1] / deviations[0] / deviations[1], abs=0.1)


def test_a_sum_over_workloads_has_the_variance_of_plain_loops() -> None:
    fleets = [
        tcp(wave(), 2000 * wave(periods=3 + number), workload=f"w{number}", seed=number)
        for number in range(3)
    ]
    fits = fits_of(*fleets)
    loans = Loan.of_connections(fits), None
    weights = np.array([[[0.2, 0, 0], [0, 1.0, 2.0]]] * 3)

    found = TcpMean.of(fits, divided(fits, *loans), loans, weights)

    by_pods = sum(weights[i] @ fits.pod_covariances[i] @ weights[i].T for i in range(3))
    assert found.mid == pytest.approx(sum(weights[i] @ fits.costs[i] for i in range(3)))
    assert np.all(np.diag(found.covariance) >= np.diag(np.asarray(by_pods)) * (1 - 1e-9))


# --- known truth ---


@pytest.mark.parametrize("kind", [SEPARABLE, SHARED])
def test_ranges_hold_the_truth_of_most_simulated_meshes(kind: str) -> None:
    held, shares = [], []
    for seed in range(12):
        mesh = tcp_mesh(kind, seed)
        calibration = calibrate_usage(mesh.usage)
        found, whole = calibration.tcp, calibration.decomposition.tcp_vcpu
        assert found is not None
        truths = (
            (found.idle_vcpu_per_proxy, mesh.idle_vcpu_per_proxy),
            (found.vcpu_per_gbit_per_second, mesh.vcpu_per_gbit_per_second),
            (
                found.vcpu_per_1000_new_connections_per_second,
                mesh.vcpu_per_1000_new_connections_per_second,
            ),
            (whole, mesh.tcp_vcpu),
        )
        for cost, truth in truths:
            assert cost is not None
            assert truth is not None
            held.append(cost.low <= truth <= cost.high)
            shares.append(width(cost) / truth)

    assert np.mean(held) > 0.8
    assert np.median(shares) < 0.5


def test_the_costs_of_requests_do_not_depend_on_tcp_workloads() -> None:
    with_tcp = calibrate_usage(usage_of(*others(), tcp(wave(), seed=1)))
    without = calibrate_usage(usage_of(*others()))

    assert same_sidecar(with_tcp, without)


def same_sidecar(one: Calibration, other: Calibration) -> bool:
    """Return whether idle CPU and cost per request are the same."""
    first, second = (
        (item.sidecar.vcpu_per_1000_rps, item.sidecar.idle_vcpu_per_proxy)  # type: ignore[union-attr]
        for item in (one, other)
    )
    return first == second


def width(cost: Interval | None) -> float:
    assert cost is not None
    return cost.high - cost.low


def test_metrics_that_are_missing_leave_tcp_unknown() -> None:
    fleet = dataclasses.replace(
        tcp(wave()), tcp_bytes_per_second=np.nan, new_connections_per_second=np.nan
    )

    usage: MeshUsage = usage_of(*others(), fleet)

    assert calibrate_usage(usage).tcp is None


# --- TCP beside requests ---


def mixed(share: float, *, seed: int = 1) -> list[Fleet]:
    """Return workloads with requests and TCP; the CPU of TCP is a share of that of each."""
    random = np.random.default_rng(seed)
    rps = ramp(4, 2 * STEPS, low=20, high=80)
    gbit = 0.001 + 0.01 * random.random((4, 2 * STEPS)).cumsum(axis=1) % 0.01
    fleets = []
    for number in range(4):
        law = 0.005 + 0.0005 * rps
        vcpu = law + share * law.mean() / gbit.mean() * gbit
        noise = 1 + 0.05 * random.normal(size=vcpu.shape)
        fleets.append(
            Fleet(
                rps=rps,
                vcpu=vcpu * noise,
                workload=f"mixed{number}",
                http_bytes_per_second=rps * 4000,
                tcp_bytes_per_second=gbit * BITS_PER_GBIT / 8,
            )
        )
    return fleets


def test_tcp_beside_requests_is_no_part_of_their_cost() -> None:
    calibration = calibrate_usage(usage_of(*mixed(0.3)))

    answer = calibration.sidecar
    assert isinstance(answer, RoleCalibration)
    assert answer.vcpu_per_1000_rps.low < 0.5 < answer.vcpu_per_1000_rps.high
    assert answer.vcpu_per_1000_rps.mid == pytest.approx(0.5, rel=0.05)
    parts = calibration.decomposition
    assert parts.events_vcpu[TCP_BYTES.name].mid == pytest.approx(
        parts.measured_vcpu * 0.3 / 1.3, rel=0.1
    )
    assert TCP_BYTES.cost in answer.cost_of_each
    assert "vcpu_per_gbit_per_second" not in answer.cost_of_each


def test_tcp_without_a_cost_is_no_term() -> None:
    calibration = calibrate_usage(usage_of(*mixed(0.0)))

    assert calibration.decomposition.events_vcpu == {}


def test_bytes_of_http_are_without_tcp_where_that_has_a_term() -> None:
    rows = observed(*mixed(0.3)).rows

    both, http = Panel.of(rows), Panel.of(rows, [TCP_BYTES])

    assert http.gbit_per_second == pytest.approx(rows["rps"].to_numpy() * 4000 * 8 / 1e9)
    assert np.all(both.gbit_per_second > http.gbit_per_second)
