"""What a comparison of predicted with measured finds: the values that reports read.

The names and the order of the fields of differences, namespaces and unit costs are those of the
keys of the JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from analyzer.calibration.result import RoleCalibration
from analyzer.measurement.findings import Finding
from analyzer.units import Interval, Refusal, Role

WORTH_NAMING_SHARE = 0.01
"""Share of all measured CPU below which no part of a difference is worth a sentence."""


class Cause(StrEnum):
    """What a part of the difference between predicted and measured comes from."""

    TRAFFIC = "traffic"
    """There were more or fewer requests than before."""
    COUNT = "count"
    """There are more or fewer proxies than predicted."""
    IDLE = "idle"
    """A proxy at rest uses more or less than predicted."""
    UNIT_COST = "unit_cost"
    """A request costs more or less than predicted."""
    UNEXPLAINED = "unexplained"
    """The rest."""


class Whole(StrEnum):
    """What stands in the place of a role where proxies of all roles are meant."""

    TOTAL = "total"


class Status(StrEnum):
    """What became of a namespace's sidecars."""

    MOVED = "moved"
    PARTLY = "partly moved"
    STAYED = "stayed"
    AMBIENT = "ambient before"
    """It had no sidecars before, and a waypoint."""
    NEW = "new"
    """It had neither before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """What one proxy costs, at the rates it ran at after the migration.

    Attributes:
        vcpu_per_1000_rps: CPU beyond idle, by requests; None where there were none.
    """

    idle_vcpu_per_proxy: Interval
    vcpu_per_1000_rps: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What some proxies were predicted to use, and what they use.

    Attributes:
        predicted_vcpu: at the traffic before; what is `at_after` is at the traffic after.
        difference_vcpu: measured less predicted.
        bias_percent: predicted over measured, less one; None where nothing is used.
        is_within: whether what is measured lies in the range predicted.
        parts_vcpu: of the difference, by cause; they add up to it. What AFTER could not be fitted
            for is absent, and then in the part that is not explained.
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

    def __post_init__(self) -> None:
        """Hold what is measured against what was predicted."""
        measured, predicted = self.measured_vcpu, self.predicted_vcpu
        at_after = self.predicted_at_after_vcpu
        object.__setattr__(self, "difference_vcpu", measured - predicted.mid)
        object.__setattr__(self, "is_within", predicted.low <= measured <= predicted.high)
        object.__setattr__(self, "is_within_at_after", at_after.low <= measured <= at_after.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Difference):
    """The same of the proxies of one role, whose number and requests can be added up.

    Attributes:
        before_rps: requests per second that the prediction is of.
        after_rps: requests per second after; of ztunnels in part as before: they count none.
        predicted_cost: of one proxy, and of a request; None where AFTER has no fit beside it.
    """

    role: Role
    predicted_count: float
    measured_count: float
    before_rps: float
    after_rps: float
    predicted_cost: UnitCost | None = None
    measured_cost: UnitCost | None = None

    def weight_vcpu(self, cause: Cause) -> float:
        """Return how much a part of the difference weighs beside the others.

        A fit that idles too high rises too gently: what idle and the cost of a request take from
        each other is noise, and neither weighs more than both together.
        """
        part = self.parts_vcpu[cause]
        if cause not in (Cause.IDLE, Cause.UNIT_COST):
            return abs(part)
        both = self.parts_vcpu[Cause.IDLE] + self.parts_vcpu[Cause.UNIT_COST]
        return min(abs(part), abs(both))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceCompared:
    """One namespace: its sidecars and its waypoint; a ztunnel serves a node, not a namespace."""

    namespace: str
    status: Status
    before_sidecar_count: float
    after_sidecar_count: float
    components: tuple[Compared, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Predicted against measured, after all or some namespaces have moved.

    Attributes:
        namespaces: each that has sidecars or a waypoint, before or after.
        waypoint: what AFTER says a waypoint costs, or why it says nothing.
        ztunnel: likewise.
        warnings: what makes the comparison less sure.
    """

    components: tuple[Compared, ...]
    total: Difference
    namespaces: tuple[NamespaceCompared, ...]
    waypoint: RoleCalibration | Refusal
    ztunnel: RoleCalibration | Refusal
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def largest(self) -> tuple[Compared, Cause] | None:
        """Which part of which component's difference is largest; None where none matters."""
        parts = [(item, cause) for item in self.components for cause in item.parts_vcpu]
        if not parts:
            return None
        # The first of equals.
        component, cause = max(parts, key=lambda part: part[0].weight_vcpu(part[1]))
        enough = WORTH_NAMING_SHARE * self.total.measured_vcpu
        return (component, cause) if component.weight_vcpu(cause) > enough else None
