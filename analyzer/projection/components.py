"""The need of each kind of component for the same traffic: the formulas, on draws.

Every quantity is an array over draws (see `uncertainty`), or a number if it is exact.

    sidecar             as measured, equal in all draws unless a part of the time was not seen;
                        right-sized: the same use with the requests of `rightsizing`
    ztunnel of a node   idle + requests/s of its pods' proxies x cost of a pass + Gbit/s x cost
                        + new connections/s x cost + open connections x cost (see `passing`); plus
                        istio-cni if it is not installed yet
    waypoint            replicas x CPU of one at its share of the requests and the TCP (`waypoints`)
                        both while the node or the namespace existed, times the share of the time
    requested           as the charts request; by each ztunnel at least what the busiest one uses
    billed              `sidecars.billed`, per ztunnel and per replica

To add a component, add its kind to `COMPONENTS`, and a `Part` with its formula that a mode lists.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.data import PublishedConstants
from analyzer.projection.choices import Basis, Spread
from analyzer.projection.demand import MeshLoad
from analyzer.projection.memory import ztunnel_memory_gib
from analyzer.projection.needs import Case, Counts, Each, Need, added_up, prices_by_basis
from analyzer.projection.passing import carried, vcpu_of
from analyzer.projection.places import at_a_time
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.waypoints import transfer_of_waypoints, waypoint_need
from analyzer.projection.zones import Transfer
from analyzer.units import Provenance, Role


class Size(NamedTuple):
    """Number of proxies, nodes or replicas, and the requests per second through them."""

    unit_count: float
    rps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentKind:
    """One kind of proxy of a mode, as charts and tables show it.

    Attributes:
        colour: of its bars, as #rrggbb; from the palette of Okabe and Ito.
        hatch: matplotlib's pattern over that colour, for readers who cannot see the colour.
        cost_vcpu: published cost of one, and of 1000 requests per second.
        sidecar_share: published cost as a share of the sidecars' CPU.
        memory: name of the assumption for the memory of one, in GiB.
    """

    role: Role
    plural: str
    colour: str
    hatch: str
    cost_vcpu: Callable[[PublishedConstants], tuple[float | None, float | None]]
    memory: str
    sidecar_share: Callable[[PublishedConstants], float | None] = lambda _: None


COMPONENTS: Final[Mapping[Role, ComponentKind]] = {
    kind.role: kind
    for kind in (
        ComponentKind(
            role=Role.SIDECAR,
            plural="sidecars",
            colour="#0072b2",
            hatch="",
            cost_vcpu=lambda doc: (doc.sidecar_vcpu_per_proxy, doc.sidecar_vcpu_per_1000_rps),
            memory="sidecar_memory_gib_per_proxy",
            sidecar_share=lambda doc: None if doc.ztunnel_share is None else 1.0,
        ),
        ComponentKind(
            role=Role.ZTUNNEL,
            plural="ztunnels",
            colour="#e69f00",
            hatch="////",
            cost_vcpu=lambda doc: (doc.ztunnel_vcpu_per_node, doc.ztunnel_vcpu_per_1000_rps),
            memory="ztunnel_memory_gib_per_node",
            sidecar_share=lambda doc: doc.ztunnel_share,
        ),
        ComponentKind(
            role=Role.WAYPOINT,
            plural="waypoints",
            colour="#009e73",
            hatch="....",
            cost_vcpu=lambda doc: (doc.waypoint_vcpu_per_replica, doc.waypoint_vcpu_per_1000_rps),
            memory="waypoint_memory_gib_per_replica",
            sidecar_share=lambda doc: doc.waypoint_share,
        ),
    )
}
"""Every kind of component that a mode may have, by role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component of a mode.

    Attributes:
        size: number and requests for published constants; None if only a snapshot has them.
        transfer: its extra traffic between zones; None if it has none, or if it is not known.
    """

    role: Role
    need: Callable[[Case], Need]
    size: Callable[[MeshLoad, Scenario], Size | None]
    transfer: Callable[[Case], Transfer | None] = lambda _: None


def _sidecar_need(case: Case) -> Need:
    """Return the measured need of the sidecars: they are not modelled."""
    load, parameters = case.load, case.parameters
    draw_count = len(parameters.waypoint_idle_vcpu)
    vcpu, memory_gib = (
        {
            basis: np.full(draw_count, amount) * parameters.sidecar_times(basis)[column]
            for basis, amount in amounts.items()
        }
        for column, amounts in enumerate(
            (load.sidecars.vcpu_by_basis, load.sidecars.memory_gib_by_basis)
        )
    )
    return _of_sidecars(case, (vcpu, memory_gib), load.placement, case.placed)


def _rightsized_need(case: Case) -> Need:
    """Return the need of the sidecars with recommended requests: what they use is measured."""
    rightsized = case.load.rightsized
    if rightsized is None:
        raise ValueError("no requests were recommended")
    footprint, placed = rightsized.sidecars, case.placed_rightsized
    vcpu, memory_gib = (
        {basis: case.rightsized_total(basis, unit) for basis in known}
        for unit, known in (
            ("vcpu", footprint.vcpu_by_basis),
            ("memory_gib", footprint.memory_gib_by_basis),
        )
    )
    return _of_sidecars(case, (vcpu, memory_gib), rightsized.placement, placed)


def _of_sidecars(
    case: Case,
    amounts: tuple[dict[Basis, Floats], dict[Basis, Floats]],
    placement: pd.DataFrame,
    placed: Callable[[Basis, str], Floats],
) -> Need:
    """Return a need of sidecars, from vCPU and GiB by basis, and what is at each of their places.

    What they use is measured, with any requests. Only memory is assumed, if it was not
    measured: modes with the cost of memory are compared with sidecars.
    """
    load, parameters = case.load, case.parameters
    vcpu, memory_gib = amounts
    if Basis.USAGE not in memory_gib and parameters.waypoint_provenance is not None:
        each_gib = parameters["sidecar_memory_gib_per_proxy"]
        memory_gib = {**memory_gib, Basis.USAGE: load.sidecar_count * each_gib}
    month_usd = None
    if case.prices:
        at_places = (
            {basis: placed(basis, unit) for basis in Basis} for unit in ("vcpu", "memory_gib")
        )
        month_usd = prices_by_basis(case.prices.of(placement["node"]), *at_places)
    return Need(
        role=Role.SIDECAR,
        count=load.sidecar_count,
        provenance=Provenance.MEASURED,
        vcpu=vcpu,
        memory_gib=memory_gib,
        month_usd=month_usd,
    )


def ztunnel_vcpu(nodes: pd.DataFrame, parameters: Parameters) -> Floats:
    """Return the CPU of each node's ztunnel while the node exists, shape (nodes, draws)."""
    amounts = carried(nodes, "passes_rps", parameters.values, parameters.unseen_time)
    idle = parameters["ztunnel_idle_vcpu_per_node"]
    return np.asarray(idle + vcpu_of(amounts, parameters.values))


def each_ztunnel(case: Case) -> Each:
    """Return what the ztunnel of each node uses and requests."""
    return ztunnels_that_use(ztunnel_vcpu(case.nodes, case.parameters), case, case.nodes)


def ztunnels_that_use(used: Floats, case: Case, nodes: pd.DataFrame) -> Each:
    """Return the ztunnels that use so much CPU, shape (nodes, draws), and what each requests.

    `nodes` has the connections that take memory.

    A DaemonSet has one CPU request for every node. It is the chart's, or what the busiest ztunnel
    uses if that is more. This is its mean while its node exists, not its peak: the chart sets no
    limit, so a short peak takes CPU that its node has free.

    The published idle CPU is of a ztunnel with istio-cni, so the two are one unit. If istio-cni is
    not installed yet, its CPU and memory requests are added.
    """
    parameters = case.parameters
    chart, busiest = parameters["ztunnel_reserved_vcpu_per_node"], used.max(axis=0, initial=0.0)
    requested = np.maximum(chart, busiest)
    requested_gib = parameters["ztunnel_reserved_memory_gib_per_node"]
    if not parameters.istio_cni_installed:
        requested = requested + parameters["istio_cni_reserved_vcpu_per_node"]
        requested_gib = requested_gib + parameters["istio_cni_reserved_memory_gib_per_node"]
    return Each(
        used=(used, ztunnel_memory_gib(nodes, parameters)),
        requested=(requested, requested_gib),
        prices=case.prices.of(nodes["node"]) if case.prices else None,
    )


def _ztunnel_need(case: Case) -> Need:
    """Return the need of the ztunnels, one per node for as long as it exists."""
    each, shares = each_ztunnel(case), case.nodes["present_share"].to_numpy(float)
    used = each.used[0]
    return added_up(
        each,
        role=Role.ZTUNNEL,
        provenance=case.parameters.ztunnel_provenance,
        units=Counts(
            names=case.nodes["node"],
            unit_count=shares.astype(int) if (shares == 1).all() else shares,
            whole_count=np.ones(len(shares)),
            present_share=shares,
        ),
        hottest_vcpu=used[int(used[:, 0].argmax())],
    )


SIDECARS: Final = Part(
    role=Role.SIDECAR,
    need=_sidecar_need,
    size=lambda load, _: Size(load.sidecar_count, load.proxy_rps),
)
RIGHTSIZED_SIDECARS: Final = Part(
    role=Role.SIDECAR, need=_rightsized_need, size=lambda _load, _scenario: None
)
# Each proxy request of a sidecar becomes one pass through a ztunnel.
ZTUNNELS: Final = Part(
    role=Role.ZTUNNEL,
    need=_ztunnel_need,
    size=lambda load, _: None if load.node_count is None else Size(load.node_count, load.proxy_rps),
)
WAYPOINTS_PLACED: Final = Part(
    role=Role.WAYPOINT,
    need=lambda case: waypoint_need(case, case.parameters.placement),
    size=lambda _load, _scenario: None,
    transfer=lambda case: transfer_of_waypoints(case, case.parameters.placement),
)
WAYPOINTS_EVERYWHERE: Final = Part(
    role=Role.WAYPOINT,
    need=lambda case: waypoint_need(case, Spread.ALL),
    size=lambda load, scenario: Size(
        at_a_time(load.namespaces) * scenario.waypoint_replicas,
        float(load.namespaces["waypoint_rps"].sum()),
    ),
    transfer=lambda case: transfer_of_waypoints(case, Spread.ALL),
)
