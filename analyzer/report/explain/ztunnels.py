"""What the ztunnels need, one on each node."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from analyzer.projection.choices import Basis
from analyzer.projection.needs import Need
from analyzer.projection.result import Workings
from analyzer.projection.uncertainty import Parameters
from analyzer.report import format as fmt
from analyzer.report.explain.lines import assumed, equation, figure, query_file, sum_lines

_COSTS: Final = (
    "ztunnel_idle_vcpu_per_node",
    "ztunnel_vcpu_per_1000_rps",
    "ztunnel_vcpu_per_gbit_per_second",
    "ztunnel_vcpu_per_1000_new_connections_per_second",
)
_LOADS: Final = ("passes_rps", "gbit_per_second", "new_connections_per_second")


def ztunnel_lines(need: Need, nodes: pd.DataFrame, workings: Workings) -> Iterator[str]:
    """Return how the ztunnels' footprint comes about."""
    parameters, units = workings.parameters, need.units
    if units is None:
        return
    yield f"Ztunnels, one on each of {len(nodes)} nodes ({need.provenance})"
    yield from assumed(workings.scenario, *_COSTS, "ztunnel_memory_gib_per_node")
    passes, gbit, connections = (float(nodes[column].sum()) for column in _LOADS)
    yield (
        "  each proxy request is a pass through the ztunnel of its pod's node, "
        f"{figure(passes)} passes/s on all nodes"
    )
    yield (
        f"  TCP is from {query_file('proxy_tcp_bytes_per_second')}, {figure(gbit)} Gbit/s; new "
        f"connections from {query_file('proxy_new_connections_per_second')}, "
        f"{figure(connections)}/s"
    )
    yield equation(
        "used, all nodes",
        _used(parameters, len(nodes), (passes, gbit, connections)),
        float(need.vcpu[Basis.USAGE][0]),
        "vCPU",
    )
    at = int(units.used_vcpu.argmax())
    hottest = nodes.iloc[at]
    yield equation(
        f"the hottest node, {fmt.inert(str(hottest['node']))}",
        _used(parameters, 1, tuple(float(hottest[column]) for column in _LOADS)),
        float(units.used_vcpu[at]),
        "vCPU",
    )
    yield from _reserved_each(parameters, workings, units.reserved_vcpu, units.reserved_memory_gib)
    yield from sum_lines(need)


def _used(parameters: Parameters, count: int, loads: tuple[float, ...]) -> str:
    idle, per_pass, per_gbit, per_connection = (figure(parameters[name][0]) for name in _COSTS)
    passes, gbit, connections = map(figure, loads)
    return (
        f"{count} x {idle} + {passes} / 1000 x {per_pass} + {gbit} x {per_gbit} + "
        f"{connections} / 1000 x {per_connection}"
    )


def _reserved_each(
    parameters: Parameters, workings: Workings, vcpu: float, memory_gib: float
) -> Iterator[str]:
    for label, unit, name, result in (
        ("reserved on a node", "vCPU", "reserved_vcpu_per_node", vcpu),
        ("memory reserved on a node", "GiB", "reserved_memory_gib_per_node", memory_gib),
    ):
        names = [f"ztunnel_{name}"]
        if not parameters.istio_cni_installed:
            names.append(f"istio_cni_{name}")
        yield from assumed(workings.scenario, *names)
        parts = " + ".join(figure(parameters[part][0]) for part in names)
        yield equation(label, parts, result, unit)
