"""Which pods live, where, and when."""

from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from tests.support.spec import GRID_SECONDS, MeshSpec, WorkloadSpec

PRE_ROLL_SECONDS = 60
"""How long before the window load already flows, so that lagging reads find a past."""

_MEAN_AGE_SECONDS = 3 * 86_400
_NAME_ALPHABET = np.array(list("bcdfghjklmnpqrstvwxz2456789"))
_HEX_ALPHABET = np.array(list("0123456789abcdef"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod; its moments are seconds from the begin of the window, on the grid."""

    workload: WorkloadSpec
    ordinal: int
    name: str
    uid: str
    created_by_name: str
    node: int
    ip: str
    birth_seconds: int
    death_seconds: int
    restart_seconds: int | None
    """When the proxy's counters begin again, if they do."""
    age_seconds: float
    """How long it had lived before the window: what its counters start from."""
    container_ids: tuple[str, ...]
    """Ids of the proxy's container: one, or two when it restarts."""


def generator(spec: MeshSpec, *key: str) -> np.random.Generator:
    """Return the random numbers of one purpose, untouched by changes elsewhere in the spec."""
    return np.random.default_rng([spec.seed, *(crc32(part.encode()) for part in key)])


def node_name(node: int) -> str:
    """Return the name of a node by its number."""
    return f"node-{node:02d}"


def node_ip(node: int) -> str:
    """Return the address of a node by its number."""
    return f"10.0.0.{node + 10}"


def lay_out(spec: MeshSpec) -> tuple[tuple[Pod, ...], ...]:
    """Return the pods of each workload, replaced pods followed by those that replace them."""
    laid = [_first_pods(spec, workload, number) for number, workload in enumerate(spec.workloads)]
    slots = [(w, p) for w, pods in enumerate(laid) for p in range(len(pods))]
    churned, restarted = _chosen(spec, slots)
    random = generator(spec, "lives")
    for workload_number, pod_number in slots:
        pods = laid[workload_number]
        moment = _moment(random, spec)
        if (workload_number, pod_number) in churned:
            pods[pod_number] = replace(pods[pod_number], death_seconds=moment)
            pods.append(_successor(random, spec, pods[pod_number]))
        elif (workload_number, pod_number) in restarted:
            second_id = _letters(random, _HEX_ALPHABET, 64)
            ids = (*pods[pod_number].container_ids, second_id)
            pods[pod_number] = replace(pods[pod_number], restart_seconds=moment, container_ids=ids)
    return tuple(tuple(pods) for pods in laid)


def _first_pods(spec: MeshSpec, workload: WorkloadSpec, number: int) -> list[Pod]:
    random = generator(spec, "pods", workload.key)
    replica_set = f"{workload.name}-{_letters(random, _NAME_ALPHABET, 10)}"
    by_name = replica_set if workload.kind == "Deployment" else workload.name
    return [
        Pod(
            workload=workload,
            ordinal=ordinal,
            name=_pod_name(random, workload, by_name, ordinal),
            uid=_uid(random),
            created_by_name=by_name,
            node=ordinal if workload.kind == "DaemonSet" else int(random.integers(spec.nodes)),
            ip=f"10.{1 + number}.{ordinal // 250}.{ordinal % 250 + 1}",
            birth_seconds=-PRE_ROLL_SECONDS,
            death_seconds=spec.window_seconds,
            restart_seconds=None,
            age_seconds=float(random.exponential(_MEAN_AGE_SECONDS)),
            container_ids=(_letters(random, _HEX_ALPHABET, 64),),
        )
        for ordinal in range(workload.pods)
    ]


def _chosen(
    spec: MeshSpec, slots: list[tuple[int, int]]
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pick the slots that are replaced and, of the others, those that restart."""
    order = [slots[place] for place in generator(spec, "chosen").permutation(len(slots))]
    renamed = [slot for slot in order if spec.workloads[slot[0]].kind != "StatefulSet"]
    churned = set(renamed[: round(spec.churn * len(renamed))])
    kept = [slot for slot in order if slot not in churned]
    return churned, set(kept[: round(spec.restarts * len(slots))])


def _successor(random: np.random.Generator, spec: MeshSpec, pod: Pod) -> Pod:
    """Return the pod that takes over, newborn, under another name."""
    stays = pod.workload.kind == "DaemonSet"
    return replace(
        pod,
        name=_pod_name(random, pod.workload, pod.created_by_name, pod.ordinal),
        uid=_uid(random),
        node=pod.node if stays else int(random.integers(spec.nodes)),
        ip=pod.ip.replace("10.", "11.", 1),
        birth_seconds=pod.death_seconds,
        death_seconds=spec.window_seconds,
        age_seconds=0.0,
        container_ids=(_letters(random, _HEX_ALPHABET, 64),),
    )


def _moment(random: np.random.Generator, spec: MeshSpec) -> int:
    """Return a moment on the grid, away from the edges, so that both sides hold samples."""
    share = random.uniform(0.1, 0.9)
    return round(share * spec.window_seconds / GRID_SECONDS) * GRID_SECONDS


def _pod_name(
    random: np.random.Generator, workload: WorkloadSpec, by_name: str, ordinal: int
) -> str:
    if workload.kind == "StatefulSet":
        return f"{workload.name}-{ordinal}"
    return f"{by_name}-{_letters(random, _NAME_ALPHABET, 5)}"


def _uid(random: np.random.Generator) -> str:
    digits = _letters(random, _HEX_ALPHABET, 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _letters(random: np.random.Generator, alphabet: np.ndarray, count: int) -> str:
    return "".join(random.choice(alphabet, count).tolist())
