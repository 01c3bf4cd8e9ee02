"""The result of a comparison of predicted with measured figures, as reports read it.

Names and order of the fields of differences, namespaces and unit costs are those of the JSON keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.cost_result import BasisCompared, CostsCompared, NodesCompared, PerProxy
from analyzer.measurement.findings import Finding
from analyzer.projection.choices import Basis
from analyzer.units import Interval, Refusal, Role

WORTH_NAMING_SHARE = 0.01
"""Share of all measured CPU, below which a part of a difference is not worth a sentence."""


class Cause(StrEnum):
    """Cause of a part of the difference between predicted and measured CPU."""

    TRAFFIC = "traffic"
    """More or fewer requests than before."""
    COUNT = "count"
    """More or fewer proxies than predicted."""
    IDLE = "idle"
    """Idle CPU is higher or lower than predicted."""
    UNIT_COST = "unit_cost"
    """Cost per request is higher or lower than predicted."""
    UNEXPLAINED = "unexplained"
    """The rest."""


class Whole(StrEnum):
    """Used in place of a role for the proxies of all roles."""

    TOTAL = "total"


class Status(StrEnum):
    """Status of a namespace's sidecars after the migration."""

    MOVED = "moved"
    PARTLY = "partly moved"
    STAYED = "stayed"
    AMBIENT = "ambient before"
    """No sidecars before, but a waypoint."""
    NEW = "new"
    """Neither sidecars nor a waypoint before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """The cost of one proxy, at its rates after the migration.

    Attributes:
        vcpu_per_1000_rps: CPU beyond idle per 1000 requests/s; None without requests.
    """

    idle_vcpu_per_proxy: Interval
    vcpu_per_1000_rps: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Predicted and measured CPU of a set of proxies.

    Attributes:
        predicted_vcpu: at the traffic before; `at_after` in a name: at the traffic after.
        difference_vcpu: measured minus predicted.
        bias_percent: predicted / measured - 1; None if no CPU is used.
        is_within: whether measured CPU is inside the predicted range.
        parts_vcpu: parts of the difference, by cause; they add up to it. Causes without a fit in
            AFTER are absent; their part is in UNEXPLAINED.
        bases: CPU, memory and dollars on each basis that is known in both snapshots; None for a
            namespace.
    """

    role: Role | Whole
    predicted_vcpu: Interval
    predicted_at_after_vcpu: Interval
    measured_vcpu: float
    difference_vcpu: float = field(init=False)
    bias_percent: Interval | None
    bias_at_after_percent: Interval | None
    is_within: bool = field(init=False)
    is_within_at_after: bool = field(init=False)
    parts_vcpu: Mapping[Cause, float]
    bases: Mapping[Basis, BasisCompared] | None = None

    def __post_init__(self) -> None:
        """Compare measured with predicted CPU."""
        measured, predicted = self.measured_vcpu, self.predicted_vcpu
        at_after = self.predicted_at_after_vcpu
        object.__setattr__(self, "difference_vcpu", measured - predicted.mid)
        object.__setattr__(self, "is_within", predicted.low <= measured <= predicted.high)
        object.__setattr__(self, "is_within_at_after", at_after.low <= measured <= at_after.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Difference):
    """Predicted and measured CPU of the proxies of one role, with their number and requests.

    Attributes:
        before_rps: requests per second that the prediction is for.
        after_rps: requests per second in AFTER. For ztunnels a part may be assumed unchanged: they
            do not count requests.
        predicted_cost: idle and cost per request; None without a fit in AFTER to compare with.
        memory_gib_per_proxy: None for a namespace, and where memory is not known.
    """

    role: Role
    predicted_count: float
    measured_count: float
    before_rps: float
    after_rps: float
    predicted_cost: UnitCost | None = None
    measured_cost: UnitCost | None = None
    memory_gib_per_proxy: PerProxy | None = None

    def weight_vcpu(self, cause: Cause) -> float:
        """Return the weight of a part of the difference, in vCPU.

        The errors of idle CPU and cost per request are negatively correlated in a fit. What cancels
        between the two is noise, so neither weighs more than their sum.
        """
        part = self.parts_vcpu[cause]
        if cause not in (Cause.IDLE, Cause.UNIT_COST):
            return abs(part)
        both = self.parts_vcpu[Cause.IDLE] + self.parts_vcpu[Cause.UNIT_COST]
        return min(abs(part), abs(both))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceCompared:
    """The sidecars and the waypoint of one namespace; ztunnels serve nodes, not namespaces."""

    namespace: str
    status: Status
    before_sidecar_count: float
    after_sidecar_count: float
    components: tuple[Compared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Predicted against measured CPU, memory and cost, after namespaces have moved.

    Attributes:
        namespaces: those with sidecars or a waypoint, before or after.
        waypoint: the cost of a waypoint as measured in AFTER, or why it is not known.
        ztunnel: the same for a ztunnel.
        costs: prices, and the saving on each basis.
        nodes: the nodes of both snapshots, or why they are not known.
        warnings: findings that make the comparison less certain.
    """

    components: tuple[Compared, ...]
    total: Difference
    namespaces: tuple[NamespaceCompared, ...]
    waypoint: RoleCalibration | Refusal
    ztunnel: RoleCalibration | Refusal
    costs: CostsCompared
    nodes: NodesCompared | Refusal
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def largest(self) -> tuple[Compared, Cause] | None:
        """Component and cause of the largest part of a difference; None if all are small."""
        parts = [(item, cause) for item in self.components for cause in item.parts_vcpu]
        if not parts:
            return None
        # The first one, if several are equal.
        component, cause = max(parts, key=lambda part: part[0].weight_vcpu(part[1]))
        enough = WORTH_NAMING_SHARE * self.total.measured_vcpu
        return (component, cause) if component.weight_vcpu(cause) > enough else None
