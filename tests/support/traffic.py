"""Load and CPU of a workload's pods, on a grid fine enough to be called continuous."""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.support.layout import PRE_ROLL_SECONDS, Pod, generator
from tests.support.spec import GRID_SECONDS, MeshSpec, WorkloadSpec

Floats = npt.NDArray[np.float64]

TCP_SHARES = {"istio_tcp_sent_bytes_total": 0.8, "istio_tcp_received_bytes_total": 0.2}
"""What of a TCP workload's bytes goes in each direction."""

_APP_IDLE_VCPU = 0.02
_APP_VCPU_PER_1000_RPS = 2.0
_BITS_PER_BYTE = 8
_MEMORY_CV = 0.02
_MEMORY_POD_SIGMA = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Load:
    """What each pod of a workload does: a row a pod, a column a grid cell, 0 when not alive."""

    edges_seconds: Floats
    """Edges of the cells, from the begin of the window: one more than there are cells."""
    alive: npt.NDArray[np.bool_]
    inbound_rps: Floats
    outbound_rps: Floats
    tcp_bytes_per_second: Floats
    proxy_vcpu: Floats
    app_vcpu: Floats
    """CPU of the other containers of the pod."""
    memory_bytes: Floats

    def of_pod(self, row: int) -> "PodLoad":
        """Return the load of one pod."""
        return PodLoad(
            edges_seconds=self.edges_seconds,
            inbound_rps=self.inbound_rps[row],
            outbound_rps=self.outbound_rps[row],
            tcp_bytes_per_second=self.tcp_bytes_per_second[row],
            proxy_vcpu=self.proxy_vcpu[row],
            app_vcpu=self.app_vcpu[row],
            memory_bytes=self.memory_bytes[row],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PodLoad:
    """What one pod does, a value a grid cell."""

    edges_seconds: Floats
    inbound_rps: Floats
    outbound_rps: Floats
    tcp_bytes_per_second: Floats
    proxy_vcpu: Floats
    app_vcpu: Floats
    memory_bytes: Floats


def workload_load(spec: MeshSpec, workload: WorkloadSpec, pods: tuple[Pod, ...]) -> Load:
    """Return the load that the pods of a workload really bear."""
    edges = np.arange(-PRE_ROLL_SECONDS, spec.window_seconds + 1, GRID_SECONDS, dtype=np.float64)
    middles = edges[:-1] + GRID_SECONDS / 2
    births = np.array([pod.birth_seconds for pod in pods])[:, None]
    deaths = np.array([pod.death_seconds for pod in pods])[:, None]
    alive = (middles >= births) & (middles < deaths)

    noise = _Noise(spec=spec, workload=workload, pods=len(pods), middles=middles)
    random = generator(spec, "shares", workload.key)
    sigma = spec.pod_load_sigma
    share = np.exp(random.normal(-(sigma**2) / 2, sigma, (len(pods), 1)))
    level = alive * share * _day_shape(spec, workload, middles)

    inbound = workload.inbound_rps_per_pod * level * noise.factors("inbound", spec.rps_noise_cv)
    own = workload.outbound_rps_per_pod * level
    outbound = (workload.outbound_ratio * inbound + own) * noise.factors(
        "outbound", spec.rps_noise_cv
    )
    tcp = workload.tcp_bytes_per_second_per_pod * level * noise.factors("tcp", spec.rps_noise_cv)
    proxy_vcpu = (
        workload.idle_vcpu
        + workload.vcpu_per_1000_rps * (inbound + outbound) / 1000
        + workload.vcpu_per_gbit_per_second * tcp * _BITS_PER_BYTE / 1e9
    ) * noise.factors("cpu", spec.noise_cv, spec.noise_rho)
    size = np.exp(random.normal(0, _MEMORY_POD_SIGMA, (len(pods), 1)))
    app = _APP_IDLE_VCPU + _APP_VCPU_PER_1000_RPS * (inbound + outbound) / 1000
    return Load(
        edges_seconds=edges,
        alive=alive,
        inbound_rps=inbound,
        outbound_rps=outbound,
        tcp_bytes_per_second=tcp,
        proxy_vcpu=alive * proxy_vcpu,
        app_vcpu=alive * app * (workload.role == "sidecar"),
        memory_bytes=alive * workload.memory_bytes * size * noise.factors("memory", _MEMORY_CV),
    )


def _day_shape(spec: MeshSpec, workload: WorkloadSpec, middles: Floats) -> Floats:
    """Return the day's course, of mean 1 over 24 hours."""
    swing = (1 - workload.trough_to_peak) / (1 + workload.trough_to_peak)
    hours = (spec.start.timestamp() + middles) / 3600 - workload.peak_hour_utc
    return np.asarray(1 + swing * np.cos(2 * np.pi * hours / 24))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Noise:
    """Noise of a workload's pods, each purpose with its own random numbers."""

    spec: MeshSpec
    workload: WorkloadSpec
    pods: int
    middles: Floats

    def factors(self, purpose: str, cv: float, rho: float = 0.0) -> Floats:
        """Return lognormal factors of mean 1, with correlation rho from step to step."""
        random = generator(self.spec, "noise", purpose, self.workload.key)
        step = self.spec.noise_step_seconds
        first_steps = random.uniform(0, step, (self.pods, 1))
        place = ((self.middles - self.middles[0] + first_steps) // step).astype(np.int64)
        normal = _autocorrelated(random, self.pods, int(place.max()) + 1, rho)
        sigma = np.sqrt(np.log1p(cv**2))
        factors = np.exp(sigma * normal - sigma**2 / 2)
        return np.asarray(np.take_along_axis(factors, place, axis=1))


def _autocorrelated(random: np.random.Generator, rows: int, columns: int, rho: float) -> Floats:
    """Return standard normals whose neighbours in a row correlate by rho."""
    normal = random.standard_normal((rows, columns))
    if not rho:
        return normal
    by_column = np.ascontiguousarray(normal.T)
    by_column[1:] *= np.sqrt(1 - rho**2)
    for before, column in itertools.pairwise(by_column):
        np.add(column, rho * before, out=column)
    return np.ascontiguousarray(by_column.T)
