"""Kind E: nodes, namespaces and containers that live for a part of the time."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from tests.support.bent.edit import (
    Random,
    ended,
    is_counter,
    is_kubelets,
    kept,
    label,
    labelled_more,
    moment_ms,
    nodes_of,
    pod_of,
)
from tests.support.bent.healthy import healthy
from tests.support.bent.scene import CPU, Kind, Scene
from tests.support.sampling import changed
from tests.support.scraping import labelled
from tests.support.series import STALE, Series
from tests.support.spec import MeshSpec, WorkloadSpec
from tests.support.traffic import Floats

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_NODE_FACTS = ("kube_node_info", "kube_node_status_allocatable", "node_cpu_hourly_cost")
_UID_OR_ID = r"pod\w{4}|\b\w{4}(?=\w{60})"
_PREVIEWS, _PREVIEW_HOURS = 5, 0.5

_ADDRESSES = ("pod_ip", "host_ip", "internal_ip")


def _successor(series: Series, turn: int) -> dict[str, str]:
    """Return the labels of what takes a series' place on the nodes of a later turn."""
    own = dict(series.labels)
    if turn == 0:
        return own
    if own.get("node"):
        own["node"] = f"{own['node']}-{turn}"
    for name in _ADDRESSES:
        own |= {name: _address(own[name], turn)} if name in own else {}
    if series.name.startswith(("container_", "istio_", "envoy_")):
        own["instance"] = _address(own["instance"], turn)
    if "hourly_cost" in series.name:
        own["instance"] = own["node"]
    if "uid" in own:
        own["uid"] = f"{turn:04d}{own['uid'][4:]}"
    for name in {"id", "name"} & own.keys():
        own[name] = re.sub(_UID_OR_ID, lambda m: f"{m[0][:-4]}{turn:04d}", own[name])
    is_renamed = _is_of_a_pod(series) and not re.search(r"-\d+$", own["pod"])
    letters = _LETTERS[turn // 27] + _LETTERS[turn % 27]
    return {**own, "pod": own["pod"][:-2] + letters} if is_renamed else own


def _address(address: str, turn: int) -> str:
    return re.sub(r"^\d+", lambda m: str(int(m[0]) + 20 + turn), address)


def _is_of_a_pod(series: Series) -> bool:
    own = dict(series.labels)
    return "pod" in own and "kube-state-metrics" not in own["pod"] and "opencost" not in own["pod"]


def _rolled(scene: Scene, edges_ms: Sequence[float]) -> Iterator[Series]:
    """Yield a mesh that moves to new nodes, every pod replaced, at each edge."""
    for one in scene.mesh.series:
        places = [int(np.searchsorted(one.times_ms, edge)) for edge in edges_ms]
        bounds = [0, *places, len(one.times_ms)]
        for turn, (first, last) in enumerate(pairwise(bounds)):
            if first >= last or np.isnan(one.values[first:last]).all():
                continue
            life = ended(one, first, last)
            if is_counter(one) and turn:
                life = changed(life, partial(_less, _value_at(one, edges_ms[turn - 1])))
            yield labelled(life, _successor(one, turn))


def _value_at(series: Series, time_ms: float) -> float:
    real = ~np.isnan(series.values)
    value = float(np.interp(time_ms, series.times_ms[real], series.values[real]))
    return float(np.floor(value)) if series.name.startswith("istio_") else value


def _less(before: float, values: Floats) -> Floats:
    return values - before


def node_churn(scene: Scene, random: Random) -> Scene:
    """Replace all nodes and pods every half hour or so."""
    every_ms = float(random.integers(25, 50)) * 60_000
    edges = np.arange(moment_ms(scene, 0) + every_ms, moment_ms(scene, 1), every_ms)
    return scene.storing(_rolled(scene, edges.tolist()), Kind.LIVES)


def node_pool_upgrade(scene: Scene, random: Random) -> Scene:
    """Replace all nodes and pods once."""
    edge = moment_ms(scene, float(random.uniform(0.25, 0.75)))
    return scene.storing(_rolled(scene, [edge]), Kind.LIVES)


def surge_nodes(scene: Scene, random: Random) -> Scene:
    """Add six nodes without a mesh pod for a tenth of the time, as an autoscaler does."""
    first = float(random.uniform(0.1, 0.8))
    begin, end = moment_ms(scene, first), moment_ms(scene, first + 0.1)
    added = 6
    series = [
        *scene.mesh.series,
        *_nodes(scene, [f"surge-{number}" for number in range(added)], begin, end),
    ]
    there = (end - begin) / (moment_ms(scene, 1) - moment_ms(scene, 0))
    bent = scene.storing(series, Kind.LIVES)
    return replace(bent, nodes=scene.nodes + added * there)


def _nodes(
    scene: Scene,
    names: Sequence[str],
    begin_ms: float,
    end_ms: float,
    facts: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Series]:
    """Yield nodes like the first one, that are there for a time."""
    model = min(nodes_of(scene).values())
    for one in scene.mesh.series:
        if one.name.startswith(_NODE_FACTS) and label(one, "node") == model:
            chosen = (one.times_ms >= begin_ms) & (one.times_ms < end_ms)
            for name in names:
                own = labelled_more(kept(one, chosen), node=name)
                if "hourly_cost" in one.name:
                    own = labelled_more(own, instance=name)
                yield labelled_more(own, **facts) if one.name == "kube_node_info" else own


def virtual_nodes(scene: Scene, random: Random) -> Scene:
    """Add nodes that run no DaemonSet: AWS Fargate's, a virtual kubelet's, or Windows ones."""
    begin, end = moment_ms(scene, -1), moment_ms(scene, 2)
    kinds: tuple[tuple[Sequence[str], dict[str, str]], ...] = (
        (
            [f"fargate-ip-10-0-9-{n}.eu-west-1.compute.internal" for n in range(12)],
            {"kubelet_version": "v1.31.4-eks-5e0fdde", "os_image": "Amazon Linux 2"},
        ),
        (
            ["virtual-node-aci-linux"],
            {"kubelet_version": "v1.25.0-vk-azure-aci-1.6.2", "os_image": ""},
        ),
        (
            ["akswin000000", "akswin000001"],
            {"os_image": "Windows Server 2022 Datacenter", "kubelet_version": "v1.31.4"},
        ),
    )
    chosen = kinds[int(random.integers(len(kinds)))]
    series = [*scene.mesh.series, *_nodes(scene, chosen[0], begin, end, chosen[1])]
    return scene.storing(series, Kind.LIVES)


def previews(scene: Scene, random: Random) -> Scene:
    """Add namespaces of half an hour with two pods each, as for pull requests."""
    hours = (scene.end - scene.start).total_seconds() / 3600
    begins = np.round(random.uniform(0.3, hours - 1, _PREVIEWS) * 12) / 12
    bent = scene
    for number, begin in enumerate(begins.tolist()):
        bent = _with_preview(bent, number, timedelta(hours=begin))
    moments = np.linspace(0, hours, 1000)[:, None]
    at_a_time = ((moments >= begins) & (moments < begins + _PREVIEW_HOURS)).sum(axis=1)
    return replace(bent, sidecars=scene.sidecars + 2 * float(np.median(at_a_time)))


def _with_preview(scene: Scene, number: int, after: timedelta) -> Scene:
    seed = scene.mesh.spec.seed * 100 + number
    web = WorkloadSpec(
        namespace=f"preview-{number}", name="site", pods=2, idle_vcpu=0.008,
        vcpu_per_1000_rps=0.3, inbound_rps_per_pod=20,
    )  # fmt: skip
    spec = replace(
        scene.mesh.spec,
        seed=seed,
        start=scene.start + after,
        hours=_PREVIEW_HOURS,
        workloads=(web,),
    )
    guest = healthy(seed, spec=spec)
    series = [one for one in guest.mesh.series if _is_of_a_pod(one)]
    born = [_begun(one, spec) for one in series]
    if scene.clusters:
        born = [labelled_more(one, cluster=scene.clusters[0]) for one in born]
    grown = replace(
        scene.counted,
        cpu=scene.counted.cpu + _from_zero(guest.counted.cpu),
        requests=scene.counted.requests + _from_zero(guest.counted.requests),
        calls=scene.counted.calls + _from_zero(guest.counted.calls),
    )
    bent = scene.storing([*scene.mesh.series, *born], Kind.LIVES)
    return replace(
        bent,
        counted=grown,
        mesh=replace(bent.mesh, pods=bent.mesh.pods + guest.mesh.pods),
    )


def _begun(series: Series, spec: MeshSpec) -> Series:
    """Return a series of a pod that is born with its mesh, and ends with it."""
    found = _from_zero((series,))[0] if is_counter(series) else series
    if is_kubelets(series):
        return found
    after = np.append(found.times_ms, spec.start_ms + spec.window_seconds * 1000 + 15_000)
    return replace(found, times_ms=after, values=np.append(found.values, STALE))


def _from_zero(series: Sequence[Series]) -> tuple[Series, ...]:
    return tuple(changed(one, lambda values: values - values[0]) for one in series)


def _gateway_pod(scene: Scene) -> tuple[str, str, str]:
    gateways = {
        (pod.workload.namespace, pod.workload.name)
        for pod in scene.mesh.pods
        if pod.workload.role == "gateway"
    }
    return min(
        pod
        for pod in nodes_of(scene)
        if any(pod[1] == space and pod[2].startswith(name) for space, name in gateways)
    )


def _beside_gateway(
    scene: Scene, container: str, chosen: Callable[[Series], np.ndarray]
) -> list[Series]:
    """Return CPU of a container that is seen for a moment in a gateway's pod."""
    pod = _gateway_pod(scene)
    model = next(
        one
        for one in scene.mesh.named(CPU)
        if pod_of(one) == pod and label(one, "container") == "istio-proxy"
    )
    named = labelled_more(
        model,
        container=container,
        id=f"{label(model, 'id')}{container}",
        name=f"{label(model, 'name')}{container}",
        image="tools/box:1",
    )
    seen = kept(named, chosen(named))
    return [replace(seen, values=np.linspace(0.02, 0.03, len(seen.values)))]


def init_container(scene: Scene, random: Random) -> Scene:
    """Roll a gateway's pod out; its init container is seen in one scrape."""
    born_ms = moment_ms(scene, float(random.uniform(0.3, 0.7)))
    pod = _gateway_pod(scene)

    def chosen(one: Series) -> np.ndarray:
        first = int(np.searchsorted(one.times_ms, born_ms))
        return np.asarray(np.arange(len(one.times_ms)) == first - 1)

    first_seen = _beside_gateway(scene, "sysctl", chosen)

    def found() -> Iterator[Series]:
        yield from first_seen
        for one in scene.mesh.series:
            is_its = pod_of(one) == pod and _is_of_a_pod(one)
            yield kept(one, one.times_ms >= born_ms) if is_its else one

    return scene.storing(found(), Kind.LIVES)


def debug_container(scene: Scene, random: Random) -> Scene:
    """Debug a gateway's pod for twelve minutes with a container of its own."""
    begin = moment_ms(scene, float(random.uniform(0.2, 0.7)))

    def chosen(one: Series) -> np.ndarray:
        return np.asarray((one.times_ms >= begin) & (one.times_ms < begin + 720_000))

    added = _beside_gateway(scene, "debugger-x7k2p", chosen)
    return scene.storing([*scene.mesh.series, *added], Kind.LIVES)
