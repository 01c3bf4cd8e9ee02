"""What right-sizing finds: the values that reports and patches read.

The names and the order of the fields are those of the keys of the JSON answer; a field that is not
in it is marked so in its metadata.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from analyzer.measurement.findings import Finding
from analyzer.projection.choices import LimitPolicy
from analyzer.units import Interval, Provenance, Refusal


class Bursts(StrEnum):
    """What shows the bursts that are shorter than a step."""

    STEPS = "steps"
    """The steps themselves: they are a minute or shorter."""
    THROTTLING = "throttling"
    """The kubelet counts the CPU periods in which a sidecar reached its limit, which is known."""
    UNSEEN = "unseen"
    """Nothing: steps are longer, and its CPU limit or the count of its periods is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """CPU and memory requests and limits of one sidecar; None: not set, or not known."""

    request_vcpu: float | None = None
    limit_vcpu: float | None = None
    request_memory_gib: float | None = None
    limit_memory_gib: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How requests are recommended.

    Attributes:
        percentile: of the CPU of the busiest pods' steps, 0-100.
        window_hours: of how much time.
        step_seconds: length of each step.
        headroom_share: added to the CPU where something shows short bursts; unseen_headroom_share:
            where nothing does; memory_headroom_share: added to the highest memory for the request;
            memory_limit_share: added to it for the limit.
        limit_factor: the CPU limit as a multiple of the request, where it is set.
        is_short: whether the window is shorter than is needed, and was used all the same.
    """

    percentile: float
    window_hours: float
    step_seconds: int
    headroom_share: float
    unseen_headroom_share: float
    memory_headroom_share: float
    memory_limit_share: float
    cpu_limit: LimitPolicy
    limit_factor: float
    is_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The requests of one workload's sidecars, today and recommended.

    Attributes:
        namespace: written cluster/namespace where the snapshot holds several clusters.
        kind: of the object whose pod template has the sidecars, such as Deployment; "" where it is
            not known. owner: its name.
        sidecar_count: sidecars at a time, on average.
        used_vcpu: by one, on average.
        high_vcpu: what the busiest use in the policy's percentile of steps.
        peak_memory_gib: the highest of any sidecar and step.
        recommended: None where there is none: `refusal` has the reason.
        request_vcpu: the recommended CPU request with the range that another window may give.
        bursts: what shows short bursts, and so sets the headroom.
        exceeded_share: share of steps of the second half of the window that use more than the
            request that its first half recommends, 0-1; memory_exceeded_share: the same of memory.
        saved_vcpu: billed CPU that the recommendation saves in all sidecars together, at the best
            estimate, in the hours that are billed; negative where they request too little today, or
            nothing. None where no request of any sidecar is known.
    """

    namespace: str
    workload: str
    kind: str = ""
    owner: str = ""
    sidecar_count: float
    used_vcpu: float | None
    high_vcpu: float | None = None
    peak_memory_gib: float | None = None
    today: Resources
    recommended: Resources | None = None
    request_vcpu: Interval | None = None
    bursts: Bursts | None = None
    exceeded_share: float | None = None
    memory_exceeded_share: float | None = None
    saved_vcpu: float | None = None
    refusal: Refusal | None = field(default=None, metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedConfiguration:
    """What `Sidecar` resources that keep only called services would save; derived, in no total.

    Attributes:
        sidecar_count: sidecars that are counted, at a time. left_out_count: those that open TCP
            connections, whose callees are not known.
        configured_clusters: Envoy clusters of one sidecar, on average; needed_clusters: those that
            the calls need.
        saved_memory_gib: of all counted sidecars together.
        saved_vcpu: of configuration updates; None where their cost is not measured.
    """

    sidecar_count: float
    left_out_count: float
    configured_clusters: float
    needed_clusters: Interval
    saved_memory_gib: Interval
    saved_vcpu: Interval | None = None
    provenance: Provenance = Provenance.DERIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Rightsizing:
    """Recommended requests for the sidecars of a mesh.

    Attributes:
        default: for istiod's global.proxy.resources: what serves most sidecars; None where no
            workload has a recommendation.
        workloads: every workload with sidecars, those that waste most first.
        scope: what limiting the configuration saves; None where it does not decide memory.
        warnings: what the cluster's own objects do to the recommendations, or these to them.
    """

    policy: Policy
    default: Resources | None = None
    workloads: tuple[Recommendation, ...] = ()
    scope: ScopedConfiguration | None = None
    warnings: tuple[Finding, ...] = field(default=(), metadata={"json": False})

    @property
    def are_limits_known(self) -> bool:
        """Whether any sidecar has a limit today: otherwise an absent one does not mean none."""
        limits = ((item.today.limit_vcpu, item.today.limit_memory_gib) for item in self.workloads)
        return any(limit is not None for pair in limits for limit in pair)
