"""Meshes whose costs are drawn without a look at the tool's assumptions: see `playing`.

The laws, with sources that measured them, not the ranges that the tool assumes:

    cost of a request       0.15-0.9 vCPU per 1000 requests/s without bytes, the mean of the mesh:
                            Istio's page has 0.20, uds-core 0.26, Buoyant's machines 0.82.
    between workloads       standard deviation 0.3-0.7 of its logarithm: filters, sizes and
                            protocols differ, and no survey is known.
    idle CPU                0.002-0.02 vCPU: 42 sidecars of kubeflow used 0.002-0.006 at rest, and
                            large meshes use more.
    pass through a ztunnel  0.18-0.48 requests through a sidecar: uds-core has 0.19, Istio 1.24 has
                            0.30, and Buoyant 0.40-0.46.
    waypoint                0.85-1.5 sidecars at the same requests: Buoyant's runs have 0.88-1.10,
                            Istio 1.24 has 1.25, and drafts of its page have 1.52.
    bytes of HTTP           300-60,000 a request: from a short answer of an API to a page.
    cost of a Gbit/s        0.1-0.25 vCPU of a ztunnel, on the machines where a request costs 0.23:
                            Netcracker has 0.13-0.20, and both ends are a quarter further. A sidecar
                            0.2-0.35 and a waypoint 0.26-0.4: its gateway has 0.26 and its waypoint
                            0.32.
    new connections         0.3-0.7 vCPU per 1000/s, on the same machines: Netcracker has 0.32-0.45,
                            and ztunnel's issue 1288 has 1.67 with requests.
    their share             of requests: 0-0.05 in 60 % of meshes, as pools keep connections, and
                            0.05-0.3 in others, with clients that close each one.
    open connections        0.3-30 of each sidecar with HTTP: a pool has a few for each worker and
                            each service that is called. 0.02-0.08 vCPU per 1000: Netcracker's
                            0.04, by half and twice.
    ztunnel at rest         0.001-0.01 vCPU: uds-core has 0.003, with errors of as much.
    TCP                     in a third of the pods, as in `migrating`.
    scraped                 accepted connections in a third of meshes, HTTP bytes in two thirds,
                            each drawn apart: neither is exported by default in all installations.

Where both ends are given, the logarithm is drawn evenly between them, because sources differ by
factors; the share and the deviation are drawn evenly themselves. Costs on other machines follow the
mesh's cost of a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.comparison.migrating import drawn_calls, drawn_pods, send, send_tcp
from tests.comparison.playing import GBIT_PER_BYTE, STEPS, Law, Pod, Truth, played
from tests.projection.builders import STEP_SECONDS

__all__ = ["Independent", "independent_mesh"]

BASE_VCPU_PER_1000_RPS = 0.23
"""Of a request, on the machines whose costs of bytes and connections are known."""

MANY_POOLED = 0.6
"""Share of meshes with few new connections."""

SCRAPED_CONNECTIONS, SCRAPED_BYTES = 1 / 3, 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Independent:
    """A mesh, and what was drawn for it."""

    truth: Truth
    ratio: float
    vcpu_per_1000_rps: float
    workload_sd: float
    bytes_per_request: float
    has_http_bytes: bool
    has_accepted: bool


def independent_mesh(seed: int) -> Independent:
    """Return a mesh of two to four namespaces on three to six nodes over a third of a day."""
    rng = np.random.default_rng([seed, 18])
    node_count = int(rng.integers(3, 7))
    pods = drawn_pods(rng, node_count)
    workloads = sorted({pod.workload for pod in pods})
    calls = drawn_calls(rng, workloads)
    send(calls, pods)
    send_tcp(rng, pods)
    ratio, slope = _log_uniform(rng, 0.18, 0.48), _log_uniform(rng, 0.15, 0.9)
    workload_sd = float(rng.uniform(0.3, 0.7))
    bytes_per_request = _log_uniform(rng, 300, 60_000)
    has_accepted = bool(rng.random() < SCRAPED_CONNECTIONS)
    has_http_bytes = bool(rng.random() < SCRAPED_BYTES)
    byte_vcpu = _log_uniform(rng, 0.2, 0.35) * slope / BASE_VCPU_PER_1000_RPS
    of_bytes = bytes_per_request * GBIT_PER_BYTE * byte_vcpu
    requests = _slopes(rng, pods, slope / 1000, workload_sd)
    law = Law(
        idle_vcpu=_log_uniform(rng, 0.002, 0.02),
        request_vcpu={name: vcpu + of_bytes for name, vcpu in requests.items()},
        tcp_vcpu_per_gbit_per_second=byte_vcpu,
        bytes_per_request=bytes_per_request,
        ambient=_ambient(rng, ratio, slope),
    )
    if has_accepted:
        _accept(rng, pods, law.ambient["http_new_connection_share"])
    return Independent(
        truth=played(rng, pods, calls, law, node_count=node_count, has_http_bytes=has_http_bytes),
        ratio=ratio,
        vcpu_per_1000_rps=slope,
        workload_sd=workload_sd,
        bytes_per_request=bytes_per_request,
        has_http_bytes=has_http_bytes,
        has_accepted=has_accepted,
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _slopes(
    rng: np.random.Generator, pods: Sequence[Pod], mean_vcpu: float, deviation: float
) -> dict[str, float]:
    """Return what a request costs by workload, of which the mean over requests is given."""
    factors = {
        name: float(np.exp(deviation * rng.normal()))
        for name in sorted({pod.workload for pod in pods})
    }
    total = sum(pod.rps.sum() for pod in pods)
    mean = sum(factors[pod.workload] * pod.rps.sum() for pod in pods) / total
    return {name: mean_vcpu * factor / mean for name, factor in factors.items()}


def _ambient(rng: np.random.Generator, ratio: float, slope: float) -> dict[str, float]:
    """Return the costs of ambient by the names of the assumptions."""
    is_pooled = rng.random() < MANY_POOLED
    share = rng.uniform(0, 0.05) if is_pooled else rng.uniform(0.05, 0.3)
    hardware = slope / BASE_VCPU_PER_1000_RPS
    on_that_hardware = {
        "ztunnel_idle_vcpu_per_node": (0.001, 0.01),
        "ztunnel_vcpu_per_gbit_per_second": (0.1, 0.25),
        "ztunnel_vcpu_per_1000_new_connections_per_second": (0.3, 0.7),
        "ztunnel_vcpu_per_1000_open_connections": (0.02, 0.08),
        "waypoint_vcpu_per_gbit_per_second": (0.26, 0.4),
    }
    return {
        "waypoint_to_sidecar_ratio": _log_uniform(rng, 0.85, 1.5),
        "ztunnel_vcpu_per_1000_rps": ratio * slope,
        **{name: hardware * _log_uniform(rng, *ends) for name, ends in on_that_hardware.items()},
        "http_new_connection_share": float(share),
        "open_connections_per_proxy": _log_uniform(rng, 0.3, 30),
    }


def _accept(rng: np.random.Generator, pods: Sequence[Pod], share: float) -> None:
    """Draw what Envoys accept, with probes: pools send part of the calls on old connections."""
    reused, probes = float(rng.uniform(0, 0.2)), float(rng.uniform(0.1, 0.5))
    for pod in pods:
        fresh = pod.rps - (1 - reused) * pod.pooled_rps
        rate = share * fresh + pod.new_connections_per_second + probes
        counted = rng.poisson(rate * STEP_SECONDS, STEPS)
        pod.accepted_connections_per_second = counted / STEP_SECONDS
