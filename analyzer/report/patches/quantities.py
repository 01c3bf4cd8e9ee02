"""Requests and limits as Kubernetes writes them, and under the names of Istio's annotations."""

import math
from collections.abc import Mapping
from typing import Final

from analyzer.projection.rightsizing.result import Resources
from analyzer.units import MIB_PER_GIB

CPU: Final = "sidecar.istio.io/proxyCPU"
CPU_LIMIT: Final = "sidecar.istio.io/proxyCPULimit"
MEMORY: Final = "sidecar.istio.io/proxyMemory"
MEMORY_LIMIT: Final = "sidecar.istio.io/proxyMemoryLimit"

_MILLI_PER_VCPU: Final = 1000
_TRIFLE: Final = 1e-6
"""Of a unit: 0.015 * 1000 is a little more than 15, and must not become 16."""


def cpu_quantity(vcpu: float) -> str:
    """Return CPU in whole millicores, rounded up.

    >>> cpu_quantity(0.015), cpu_quantity(1.2), cpu_quantity(0.0101)
    ('15m', '1200m', '11m')
    """
    return f"{math.ceil(vcpu * _MILLI_PER_VCPU - _TRIFLE)}m"


def memory_quantity(gib: float) -> str:
    """Return memory in whole MiB, rounded up.

    >>> memory_quantity(0.125), memory_quantity(2), memory_quantity(0.1)
    ('128Mi', '2048Mi', '103Mi')
    """
    return f"{math.ceil(gib * MIB_PER_GIB - _TRIFLE)}Mi"


def annotations_of(resources: Resources) -> dict[str, str]:
    """Return the value of each annotation that resources set, in a fixed order."""
    amounts = (
        (CPU, resources.request_vcpu, cpu_quantity),
        (CPU_LIMIT, resources.limit_vcpu, cpu_quantity),
        (MEMORY, resources.request_memory_gib, memory_quantity),
        (MEMORY_LIMIT, resources.limit_memory_gib, memory_quantity),
    )
    return {name: write(amount) for name, amount, write in amounts if amount is not None}


def container_resources(resources: Resources) -> Mapping[str, Mapping[str, str]]:
    """Return resources as a container has them: requests and limits, without what is not set."""
    found = annotations_of(resources)
    parts = {
        "requests": {"cpu": found.get(CPU), "memory": found.get(MEMORY)},
        "limits": {"cpu": found.get(CPU_LIMIT), "memory": found.get(MEMORY_LIMIT)},
    }
    known = {
        name: {key: amount for key, amount in part.items() if amount is not None}
        for name, part in parts.items()
    }
    return {name: part for name, part in known.items() if part}
