"""The mesh that is bent: small, without a flaw of its own."""

from dataclasses import replace
from datetime import datetime, timedelta

from tests.support.bent.edit import labelled_more
from tests.support.bent.scene import CPU, REQUESTS, Counted, Scene
from tests.support.default import DEFAULT_START
from tests.support.dialects_operator import kube_prometheus
from tests.support.mesh import Mesh, build_mesh
from tests.support.scraping import pod_key
from tests.support.series import Series
from tests.support.spec import MeshSpec, WorkloadSpec

NODES = 4
DAY = timedelta(days=1)

_OTHER_SEED = 7_000

PRICE = 0.0316
"""USD per vCPU-hour of every node, where nodes have prices."""


def healthy_spec(seed: int, *, start: datetime, hours: float, scrape_seconds: float) -> MeshSpec:
    """Return 21 sidecars, 2 gateways and 2 waypoints on 4 nodes, in 5 namespaces."""
    return MeshSpec(
        seed=seed,
        start=start,
        hours=hours,
        nodes=NODES,
        node_vcpu=7.5,
        workloads=(*_sidecars(), *_others()),
        node_prices=True,
        envoy_scrape_seconds=scrape_seconds,
        cadvisor_scrape_seconds=scrape_seconds,
        state_scrape_seconds=scrape_seconds,
        noise_cv=0.05,
        rps_noise_cv=0.3,
        cpu_lag_seconds=scrape_seconds / 4,
    )


def _sidecars() -> tuple[WorkloadSpec, ...]:
    return (
        WorkloadSpec(
            namespace="shop", name="web", pods=6, native=True, idle_vcpu=0.01,
            vcpu_per_1000_rps=0.3, inbound_rps_per_pod=40, outbound_ratio=1.5,
            calls=("shop/cart", "pay/api"),
        ),
        WorkloadSpec(
            namespace="shop", name="cart", pods=5, idle_vcpu=0.008, vcpu_per_1000_rps=0.25,
            inbound_rps_per_pod=50,
        ),
        WorkloadSpec(
            namespace="pay", name="api", pods=4, idle_vcpu=0.012, vcpu_per_1000_rps=0.5,
            inbound_rps_per_pod=30, outbound_ratio=0.8, calls=("stock/items",),
        ),
        WorkloadSpec(
            namespace="stock", name="items", kind="StatefulSet", pods=4, idle_vcpu=0.01,
            vcpu_per_1000_rps=0.35, inbound_rps_per_pod=45, native=True,
        ),
        WorkloadSpec(
            namespace="stock", name="import", pods=2, idle_vcpu=0.006, vcpu_per_1000_rps=0.3,
            outbound_rps_per_pod=35, calls=("shop/cart",),
        ),
    )  # fmt: skip


def _others() -> tuple[WorkloadSpec, ...]:
    return (
        WorkloadSpec(
            namespace="edge", name="front-door", role="gateway", pods=2, idle_vcpu=0.05,
            vcpu_per_1000_rps=0.4, outbound_rps_per_pod=120, calls=("shop/web",),
        ),
        WorkloadSpec(
            namespace="media", name="waypoint", role="waypoint", pods=2, idle_vcpu=0.03,
            vcpu_per_1000_rps=0.4, inbound_rps_per_pod=150, calls=("media/library",),
        ),
    )  # fmt: skip


def healthy(
    seed: int,
    *,
    day: int = 0,
    hours: float = 4,
    first_hour: float = 10,
    scrape_seconds: float = 30,
    spec: MeshSpec | None = None,
) -> Scene:
    """Return the mesh on a day of its own, so that one server can store many."""
    start = DEFAULT_START + day * DAY + timedelta(hours=first_hour)
    if spec is None:
        spec = healthy_spec(seed, start=start, hours=hours, scrape_seconds=scrape_seconds)
    plain = build_mesh(spec)
    truth = plain.truth
    return Scene(
        mesh=kube_prometheus(plain),
        counted=_counted(plain),
        start=spec.start,
        end=spec.end,
        sidecars=truth.mean_pods_alive("sidecar"),
        nodes=truth.node_count,
        slope=truth.mesh_vcpu_per_1000_rps,
        cpu_price=PRICE,
    )


def _counted(mesh: Mesh) -> Counted:
    sidecars = {
        (pod.workload.namespace, pod.name) for pod in mesh.pods if pod.workload.role == "sidecar"
    }
    requests = mesh.named(REQUESTS)
    begin_ms = mesh.spec.start_ms
    return Counted(
        begin_ms=begin_ms,
        end_ms=begin_ms + mesh.spec.window_seconds * 1000,
        cpu=tuple(
            one for one in mesh.named(CPU, container="istio-proxy") if pod_key(one) in sidecars
        ),
        requests=tuple(one for one in requests if pod_key(one) in sidecars),
        calls=tuple(one for one in requests if _counts_a_call(one)),
    )


def _counts_a_call(series: Series) -> bool:
    own = dict(series.labels)
    leaves = own["destination_workload"] == "unknown"
    return own["reporter"] != "source" or leaves


def beside_another(scene: Scene) -> Scene:
    """Return a mesh with a second one of the same hours in its store."""
    seed = scene.mesh.spec.seed + _OTHER_SEED
    return two_clusters(scene, healthy(seed, spec=replace(scene.mesh.spec, seed=seed)))


def two_clusters(one: Scene, other: Scene) -> Scene:
    """Return two meshes in one store, separated by `cluster`; the question is about both."""
    names = ("east", "west")
    stored = [
        labelled_more(series, cluster=name)
        for name, scene in zip(names, (one, other), strict=True)
        for series in scene.mesh.series
    ]
    whole = Counted(
        begin_ms=min(one.counted.begin_ms, other.counted.begin_ms),
        end_ms=max(one.counted.end_ms, other.counted.end_ms),
        cpu=one.counted.cpu + other.counted.cpu,
        requests=one.counted.requests + other.counted.requests,
        calls=one.counted.calls + other.counted.calls,
    )
    rps = [scene.proxy_rps(scene.start, scene.end) for scene in (one, other)]
    return replace(
        one,
        mesh=replace(one.mesh, series=tuple(stored), pods=one.mesh.pods + other.mesh.pods),
        counted=whole,
        start=min(one.start, other.start),
        end=max(one.end, other.end),
        clusters=names,
        sidecars=one.sidecars + other.sidecars,
        nodes=one.nodes + other.nodes,
        slope=(one.slope * rps[0] + other.slope * rps[1]) / sum(rps),
    )
