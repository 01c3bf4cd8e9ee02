"""What a dialect is: one way in which installations store what a mesh does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from tests.support.mesh import Mesh, build_mesh
from tests.support.spec import MeshSpec

Answer = Literal[
    "sidecar_vcpu",
    "sidecar_rps",
    "sidecar_count",
    "roles",
    "reservations",
    "rps_per_pod",
    "tcp_bytes",
    "placement",
]
"""Something that the series of a mesh can tell.

- sidecar_vcpu: CPU of the sidecars, all together and each.
- sidecar_rps: requests per second through the sidecars, all together and each workload.
- sidecar_count: how many proxies are sidecars.
- roles: how many proxies have each role.
- reservations: what the proxies reserve, in containers and init containers.
- rps_per_pod: requests per second of each pod, without which no pod's CPU can be fitted.
- tcp_bytes: bytes per second of TCP workloads and ztunnels.
- placement: the node of each pod.
"""

EVERY_ANSWER: frozenset[Answer] = frozenset(get_args(Answer))


def _the_same(spec: MeshSpec) -> MeshSpec:
    return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way in which installations store what a mesh does."""

    name: str
    tell: Callable[[Mesh], Mesh]
    """Return a mesh with its series as this installation stores them, and their truth.

    The mesh must have the generator's labels: change it before the dialect, not after.
    """
    possible: frozenset[Answer] = EVERY_ANSWER
    limits: str = ""
    """What it makes impossible or difficult, and why."""
    respec: Callable[[MeshSpec], MeshSpec] = _the_same
    """What is different before anything is scraped: intervals, namespaces."""

    def told(self, spec: MeshSpec) -> Mesh:
        """Return the mesh of a spec, as this installation stores it."""
        return self.tell(build_mesh(self.respec(spec)))
