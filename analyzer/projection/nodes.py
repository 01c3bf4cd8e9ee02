"""Nodes: what the ztunnel of each would use, and how many could go away."""

import math

from analyzer.projection.choices import Basis
from analyzer.projection.components import ztunnel_vcpu
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.modes import ModeNeeds
from analyzer.projection.needs import Case
from analyzer.projection.result import NodeZtunnel
from analyzer.projection.uncertainty import to_interval

_HAIR = 1e-9


def freed_nodes(load: MeasuredLoad, sidecar: ModeNeeds, mode: ModeNeeds) -> int | None:
    """Return how many mean nodes the reservations that fall away would fill.

    By the scarcer of CPU and memory, at the best estimates. An upper bound: what is left has to be
    packed into fewer nodes, and reservations of DaemonSets go with a node.
    """
    vcpu_each, memory_each = load.allocatable_vcpu_per_node, load.allocatable_memory_gib_per_node
    is_known = all(Basis.RESERVED in known.bases for known in (sidecar, mode))
    if not is_known or vcpu_each is None or memory_each is None:
        return None
    before, after = (known.memory_gib(Basis.RESERVED) for known in (sidecar, mode))
    if before is None or after is None:
        return None
    vcpu = float(sidecar.vcpu(Basis.RESERVED)[0] - mode.vcpu(Basis.RESERVED)[0])
    memory_gib = float(before[0] - after[0])
    # What was added up in another order is a hair off, and must not cost a whole node.
    return math.floor(min(vcpu / vcpu_each, memory_gib / memory_each) + _HAIR)


def ztunnel_nodes(case: Case) -> tuple[NodeZtunnel, ...]:
    """Return what the ztunnel of each node would use, the busiest first."""
    used_vcpu = ztunnel_vcpu(case.nodes, case.parameters)
    columns = (case.nodes[name] for name in ("node", "passes_rps", "gbit_per_second"))
    found = [
        NodeZtunnel(
            node=str(node),
            passes_rps=float(passes),
            gbit_per_second=float(gbit),
            ztunnel_vcpu=to_interval(drawn),
        )
        for node, passes, gbit, drawn in zip(*columns, used_vcpu, strict=True)
    ]
    return tuple(sorted(found, key=lambda item: (-item.ztunnel_vcpu.mid, item.node)))
