"""Series of the nodes: allocatable resources, their existence, their price."""

from collections.abc import Iterator

import numpy as np

from tests.support import labels
from tests.support.series import Clock, Series, make_series
from tests.support.spec import MeshSpec

_USD_PER_VCPU_HOUR = 0.0316
_USD_PER_GIB_HOUR = 0.0042


def node_series(spec: MeshSpec, clock: Clock) -> Iterator[Series]:
    """Return the series of all nodes."""

    def constant(name: str, node_labels: labels.Labels, value: float) -> Series:
        values = np.full(len(clock.scrape_seconds), value)
        return make_series(spec, name, node_labels, clock.scrape_seconds, values)

    for node in range(spec.nodes):
        yield constant("kube_node_info", labels.node_info(node), 1.0)
        for resource, amount in (("cpu", spec.node_vcpu), ("memory", spec.node_memory_bytes)):
            found = labels.allocatable(node, resource)
            yield constant("kube_node_status_allocatable", found, amount)
        if spec.node_prices:
            price = labels.node_price(node)
            yield constant("node_cpu_hourly_cost", price, _USD_PER_VCPU_HOUR)
            yield constant("node_ram_hourly_cost", price, _USD_PER_GIB_HOUR)
