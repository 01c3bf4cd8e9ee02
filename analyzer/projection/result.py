"""What a projection finds: the values that reports read.

The names and the order of the fields are those of the keys of the JSON answer; a field that is not
in it is marked so in its metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import takewhile

import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.findings import Finding
from analyzer.projection.choices import OBSERVED, Basis, Placement, TrafficDistribution
from analyzer.projection.decision import Decision
from analyzer.projection.demand import MeshLoad
from analyzer.projection.istio_cni import IstioCni
from analyzer.projection.modes import MODES
from analyzer.projection.needs import Need
from analyzer.projection.own_costs import OwnCosts
from analyzer.projection.prices import NodePrices
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.projection.scenario import Scenario
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.zones import Transfer
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

ZONE_TRANSFER = "zone-transfer"

NOTHING_TO_SAVE = Refusal(
    subject="savings",
    reason=Reason.NO_DATA,
    detail="at this price and on this basis the sidecars cost nothing: there is nothing to save",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a vCPU and a GiB cost in a month; `_range`: of a price that is stated with one."""

    vcpu_month_usd: float
    memory_gib_month_usd: float
    source: str
    vcpu_month_usd_range: Interval | None = None
    memory_gib_month_usd_range: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a mode needs on one basis; the dollars are of CPU alone where memory is not known.

    Attributes:
        vcpu_draws: the best estimate, then draws; only the first where it is exact.
        usd_draws: the same of `usd_per_year`.
    """

    vcpu: Interval
    memory_gib: Interval | None
    usd_per_year: Interval
    vcpu_draws: Floats = field(compare=False, repr=False, metadata={"json": False})
    usd_draws: Floats = field(compare=False, repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One kind of proxy in a mode: how many, and the vCPU they use together.

    Attributes:
        hottest_vcpu: what the busiest one uses; None where each was measured.
        each_requested_vcpu: CPU request of one; None where each was measured, or is not known.
    """

    role: Role
    count: float
    vcpu: Interval
    hottest_vcpu: Interval | None = None
    each_requested_vcpu: Interval | None = None
    provenance: Provenance
    need: Need = field(compare=False, repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferComponent:
    """The traffic between zones that the waypoints of a mode add, and its dollars on any basis.

    Attributes:
        role: of a component in the JSON.
        count: waypoint replicas at a time, on average.
        vcpu: it has none of its own.
        gb_per_month: that cross from one zone to another, each byte once.
    """

    role: str = ZONE_TRANSFER
    count: float
    vcpu: Interval = field(default_factory=partial(Interval.exactly, 0.0))
    provenance: Provenance = Provenance.DERIVED
    gb_per_month: Interval
    usd_per_year: Interval
    transfer: Transfer = field(compare=False, repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """istiod in one mode: in no total of the mode.

    Attributes:
        proxies_served: how many proxies it configures at a time; proxies_by_role: the same by role.
        vcpu: that it uses; memory_gib: the same.
        usd_per_year: of what it uses, at the scenario's prices.
        requested_vcpu: what its pods request today; None where that is not known, and in ambient
            modes: how many pods it would have is not modelled. requested_memory_gib: the same.
        provenance: of its CPU.
        is_measured: whether today's CPU and memory are.
    """

    proxies_served: float
    proxies_by_role: Mapping[Role, float]
    vcpu: Interval
    memory_gib: Interval
    usd_per_year: Interval
    requested_vcpu: float | None = None
    requested_memory_gib: float | None = None
    provenance: Provenance
    source: str
    is_measured: tuple[bool, bool] = field(default=(False, False), metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One way to run the mesh, on the headline's basis, and on each that is known of it.

    Attributes:
        components: what it is made of, on the basis of usage.
        transfer: the traffic between zones that it adds, the last of the components in the JSON;
            None if it adds none, or if no zone is known.
        control_plane: istiod, which is not in the totals; None of published constants, and where
            ambient is not evaluated.
    """

    name: str
    vcpu: Interval
    memory_gib: Interval | None
    usd_per_year: Interval
    bases: Mapping[Basis, Footprint]
    components: tuple[Component, ...]
    transfer: TransferComponent | None = field(default=None, metadata={"json": False})
    control_plane: ControlPlane | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a mode saves on one basis, in dollars and as a part of the sidecars' dollars."""

    usd_per_year: Interval
    percent: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What a mode saves against sidecars; negative where it costs more.

    Attributes:
        bases: the same on every basis on which both are known and the sidecars cost something.
        vcpu: on the basis of usage.
        usd_per_year: on the headline's basis.
        percent: of the sidecars' dollars.
        probability_cheaper: share of the draws in which the mode costs less: given that each
            assumption lies in its range as it is drawn.
        break_even_ztunnel_vcpu_per_1000_rps: up to which cost of a pass through a ztunnel the mode
            saves, all else at the best estimates; 0 if it saves at none, None if it saves at any or
            nothing passes.
        freed_node_count: whole nodes that CPU and memory requests free; negative: that they need;
            None where requests or the sizes of the nodes are not known.
        against_rightsized: what an ambient mode saves against right-sized sidecars, on the
            headline's basis; None where these are not known.
    """

    mode: str
    vcpu: Interval
    usd_per_year: Interval
    percent: Interval
    probability_cheaper: float
    break_even_ztunnel_vcpu_per_1000_rps: float | None = None
    freed_node_count: int | None = None
    bases: Mapping[Basis, Saved] = field(default_factory=dict)
    against_rightsized: Saved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The saving with one assumption at either end of its range, the others at their mid."""

    mode: str
    assumption: str
    low_usd_per_year: float
    high_usd_per_year: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPoint:
    """One choice, and the saving with it on the headline's basis."""

    choice: float
    usd_per_year: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What the saving is along one choice, all else as in the answer.

    Attributes:
        name: l7_share (of the namespaces with HTTP, what part needs a waypoint) or
            waypoint_replicas; the unit of the choices.
        break_even: where the best estimate of the saving is 0; None where it is 0 nowhere.
    """

    name: str
    points: tuple[SweepPoint, ...]
    break_even: float | None

    @property
    def first(self) -> float:
        """The least choice."""
        return self.points[0].choice

    @property
    def last(self) -> float:
        """The greatest choice."""
        return self.points[-1].choice

    def at(self, choice: float) -> Interval | None:
        """The saving with one choice; None where that is not on the way."""
        found = (point.usd_per_year for point in self.points if point.choice == choice)
        return next(found, None)

    @property
    def saves_until(self) -> float | None:
        """The last choice up to which the whole range is a saving; None: not even at the first."""
        sure = tuple(takewhile(lambda point: point.usd_per_year.low > 0, self.points))
        return sure[-1].choice if sure else None

    @property
    def loses_from(self) -> float | None:
        """The first choice from which on the whole range is extra cost; None: not at the last."""
        backwards = reversed(self.points)
        sure = tuple(takewhile(lambda point: point.usd_per_year.high < 0, backwards))
        return sure[-1].choice if sure else None


class ReplicaChoice(StrEnum):
    """How many replicas each waypoint has."""

    ASSUMED = "assumed"
    """As many as the scenario states, or the traffic needs."""
    ONE_A_ZONE = "one-a-zone"
    """At least one in each zone with nodes of its cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChoice:
    """Traffic between zones of `ambient-waypoint` with one choice of replicas and their use.

    Attributes:
        waypoint_count: replicas at a time, on average.
        gb_per_month: what waypoints add; transfer_usd_per_year: what it costs.
        waypoint_vcpu: of all replicas on the headline's basis; waypoint_usd_per_year: their cost.
        usd_per_year: replicas and traffic together.
    """

    replicas: ReplicaChoice
    traffic_distribution: TrafficDistribution
    waypoint_count: float
    gb_per_month: Interval
    transfer_usd_per_year: Interval
    waypoint_vcpu: Interval
    waypoint_usd_per_year: Interval
    usd_per_year: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneTransfer:
    """Traffic between zones that waypoints add.

    Attributes:
        zone_count: zones of the cluster that has most.
        usd_per_gb: price of a GB that crosses, each byte once; source: of that price.
        choices: that of the scenario first.
    """

    zone_count: int
    usd_per_gb: Interval
    source: str
    choices: tuple[ZoneChoice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeZtunnel:
    """What the ztunnel of one node would use for the requests and the TCP of its sidecars.

    Attributes:
        present_share: for how much of the time the node existed, 0 to 1; the other figures are for
            that time.
    """

    node: str
    passes_rps: float
    gbit_per_second: float
    ztunnel_vcpu: Interval
    present_share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Published constants applied to the same mesh; a mode without figures is absent.

    Attributes:
        conditions: of the measurement; "" where the source has none.
        usd_per_year_range: the same dollars over the range of the price of a vCPU; empty where the
            price has none.
        is_per_proxy: whether they are the same for each proxy at any traffic.
        is_share: whether they are shares of this mesh's own sidecars.
    """

    name: str
    title: str
    source: str
    remark: str
    conditions: str = ""
    vcpu: Mapping[str, float]
    usd_per_year: Mapping[str, float]
    usd_per_year_range: Mapping[str, Interval] = field(default_factory=dict)
    component_vcpu: Mapping[str, Mapping[Role, float]] = field(
        default_factory=dict, metadata={"json": False}
    )
    is_per_proxy: bool = field(default=False, metadata={"json": False})
    is_share: bool = field(default=False, metadata={"json": False})

    def usd_interval(self, mode: str) -> Interval:
        """Return the dollars of one of its modes, exact where the price is."""
        return self.usd_per_year_range.get(mode) or Interval.exactly(self.usd_per_year[mode])


@dataclass(frozen=True, slots=True, kw_only=True)
class Workings:
    """What a projection was made with; its scenario holds what was measured of ztunnels.

    `own_costs` are those of the namespaces' called workloads. `http_gbit_per_1000_rps` is the HTTP
    traffic of 1000 requests/s through sidecars, None if it was not measured. `zones_are_missing`
    if they were asked for, and no node has one.
    """

    scenario: Scenario
    parameters: Parameters
    node_prices: NodePrices | None
    own_costs: Mapping[str, OwnCosts] = field(default_factory=dict)
    http_gbit_per_1000_rps: float | None = None
    zones_are_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What each mode of the mesh needs and costs for the same traffic.

    Attributes:
        basis: of the headline dollars.
        namespaces: one row a namespace, those that save most money first: namespace,
            sidecar_count, proxy_rps; CPU used by sidecar_vcpu, ambient_l4_vcpu, waypoint_vcpu (of
            waypoint_replicas), saved as saving_l4_vcpu, saving_waypoint_vcpu and
            cumulative_saving_vcpu (in this order, net of the idle CPU of the ztunnels, which run
            before the first one moves); waypoint_costs_more (than L4 saves), waypoint_extrapolated
            (to a rate at which no proxy was seen); and the fields of `NamespaceDecision`. Empty
            where only counts were stated.
        decision: what to do, from these ranges.
        ztunnel_vcpu_per_1000_rps: what a pass through a ztunnel costs, by the assumptions; None
            where ambient is not evaluated.
        sweeps: the saving along the share of namespaces that need L7, and along replicas; empty
            where there is nothing to save.
        nodes: the busiest first; empty where nodes are not known.
        zone_transfer: traffic between zones; None where no zone is known.
        rightsizing: recommended requests for the sidecars; None of published constants.
        istio_cni: whether it is installed already; None where ambient is not evaluated.
        warnings: what makes the projection less sure.
        workings: what it was made with; None of published constants.
    """

    price: Price
    basis: Basis
    modes: tuple[Mode, ...]
    savings: tuple[Saving, ...]
    namespaces: pd.DataFrame
    decision: Decision = field(metadata={"json": False})
    ztunnel_vcpu_per_1000_rps: Interval | None = None
    sensitivity: tuple[Sensitivity, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    nodes: tuple[NodeZtunnel, ...] = ()
    zone_transfer: ZoneTransfer | None = None
    rightsizing: Rightsizing | None = None
    istio_cni: IstioCni | None = None
    load: MeshLoad = field(metadata={"json": False})
    waypoint_placement: Placement = field(default=OBSERVED, metadata={"json": False})
    references: tuple[Reference, ...] = field(default=(), metadata={"json": False})
    refusals: tuple[Refusal, ...] = field(metadata={"json": False})
    warnings: tuple[Finding, ...] = field(default=(), metadata={"json": False})
    workings: Workings | None = field(default=None, metadata={"json": False})

    @property
    def ambient_savings(self) -> tuple[Saving, ...]:
        """What moving saves: without that of right-sized sidecars."""
        return tuple(item for item in self.savings if MODES[item.mode].is_ambient)

    def saving_of(self, mode: str) -> Saving | None:
        """Return what a mode saves; None where that is not known."""
        return next((item for item in self.savings if item.mode == mode), None)

    def sweep_of(self, name: str) -> Sweep | None:
        """Return the saving along a choice; None where it was not evaluated."""
        return next((sweep for sweep in self.sweeps if sweep.name == name), None)
