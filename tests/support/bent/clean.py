"""Random meshes that nothing is wrong with, by seed."""

from dataclasses import replace
from datetime import timedelta

import numpy as np

from tests.support.bent.bursts import Rush, with_bursts
from tests.support.bent.edit import Random
from tests.support.bent.healthy import beside_another, healthy
from tests.support.bent.scene import Scene
from tests.support.default import DEFAULT_START
from tests.support.spec import MeshSpec, WorkloadSpec

_MOST_PODS = 9


def clean(seed: int, *, day: int = 0) -> Scene:
    """Return a mesh of random size, load, nodes, churn, clusters and hours of the day.

    Some have a quiet night, deployments that are rolled out, restarts, or a rush of real load.
    """
    random = np.random.default_rng([seed, 200])
    spec = _spec(seed, day, random)
    is_rush = random.random() < 0.2
    if is_rush:
        # Load that moves in time needs counters that do not begin again.
        spec = replace(spec, restarts=0.0)
    scene = healthy(seed, spec=spec)
    if random.random() < 0.15:
        scene = beside_another(scene)
    if is_rush:
        scene = with_bursts(scene, _rush(scene, random))
    return replace(scene, kinds=frozenset())


def _spec(seed: int, day: int, random: Random) -> MeshSpec:
    scrape_seconds = float(random.choice([15, 30, 60]))
    nodes = int(random.integers(2, 9))
    is_long = random.random() < 0.1
    return MeshSpec(
        seed=seed,
        start=DEFAULT_START + timedelta(days=day, hours=int(random.integers(0, 20))),
        hours=24 if is_long else float(random.choice([3, 4, 6])),
        nodes=nodes,
        node_vcpu=float(random.choice([2, 4, 8, 16])),
        workloads=tuple(_workloads(random, nodes)),
        envoy_scrape_seconds=scrape_seconds,
        cadvisor_scrape_seconds=float(random.choice([scrape_seconds, 30])),
        state_scrape_seconds=float(random.choice([30, 60])),
        cpu_lag_seconds=float(random.uniform(0, 15)),
        noise_cv=float(random.uniform(0.02, 0.15)),
        rps_noise_cv=float(random.uniform(0.1, 0.4)),
        churn=float(random.choice([0, 0, 0.1, 0.4])),
        restarts=float(random.choice([0, 0, 0.05])),
    )


def _workloads(random: Random, nodes: int) -> list[WorkloadSpec]:
    servers = [_server(number, random) for number in range(int(random.integers(2, 9)))]
    called = [one.key for one in servers]
    # Each calls one that comes after it, so that calls have no circle.
    linked = [
        replace(one, outbound_ratio=float(random.uniform(0.3, 2)), calls=(called[number + 1],))
        if number + 1 < len(servers) and random.random() < 0.6
        else one
        for number, one in enumerate(servers)
    ]
    others = [
        WorkloadSpec(
            namespace="edge", name="front-door", role="gateway", pods=2, idle_vcpu=0.03,
            vcpu_per_1000_rps=0.4, outbound_rps_per_pod=float(random.uniform(20, 300)),
            calls=(called[0],),
        ),
        WorkloadSpec(
            namespace="media", name="waypoint", role="waypoint", pods=2, idle_vcpu=0.02,
            vcpu_per_1000_rps=0.35, inbound_rps_per_pod=float(random.uniform(20, 300)),
            calls=("media/library",),
        ),
        WorkloadSpec(
            namespace="istio-system", name="ztunnel", role="ztunnel", kind="DaemonSet",
            pods=nodes, traffic="tcp", idle_vcpu=0.01, vcpu_per_gbit_per_second=1.5,
            tcp_bytes_per_second_per_pod=2e6,
        ),
    ]  # fmt: skip
    return [*linked, *(one for one in others if random.random() < 0.5)]


def _server(number: int, random: Random) -> WorkloadSpec:
    return WorkloadSpec(
        namespace=f"team-{int(random.integers(0, 4))}",
        name=f"service-{number}",
        pods=int(random.integers(2, _MOST_PODS)),
        kind="StatefulSet" if random.random() < 0.2 else "Deployment",
        native=bool(random.random() < 0.5),
        idle_vcpu=float(random.uniform(0.003, 0.015)),
        vcpu_per_1000_rps=float(random.uniform(0.2, 0.6)),
        inbound_rps_per_pod=float(random.lognormal(np.log(30), 1)),
        trough_to_peak=float(random.uniform(0.05, 0.8)),
        peak_hour_utc=float(random.uniform(0, 24)),
    )


def _rush(scene: Scene, random: Random) -> Rush:
    minutes = float(random.uniform(5, 20))
    whole = scene.counted.end_ms - scene.counted.begin_ms
    most = 0.5 * whole / (minutes * 60_000)
    return Rush(
        begin_ms=scene.counted.begin_ms,
        end_ms=scene.counted.end_ms,
        at_share=float(random.uniform(0.1, 0.8)),
        minutes=minutes,
        times=min(float(random.uniform(2, 12)), most),
    )
