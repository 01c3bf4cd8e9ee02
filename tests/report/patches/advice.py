"""Recommendations with chosen figures, as no engine has computed them."""

from collections.abc import Iterable

from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.result import (
    Bursts,
    Policy,
    Recommendation,
    Resources,
    Rightsizing,
)
from analyzer.units import Interval, Reason, Refusal

TODAY = Resources(request_vcpu=0.1, limit_vcpu=2.0, request_memory_gib=0.125, limit_memory_gib=1.0)
"""The defaults of Istio's chart."""

RECOMMENDED = Resources(
    request_vcpu=0.015, limit_vcpu=2.0, request_memory_gib=0.0625, limit_memory_gib=1.0
)

POLICY = Policy(
    percentile=95,
    window_hours=48.0,
    step_seconds=300,
    headroom_share=0.1,
    unseen_headroom_share=0.15,
    memory_headroom_share=0.15,
    memory_limit_share=1.0,
    cpu_limit=LimitPolicy.KEEP,
    limit_factor=10.0,
)


def advice(
    owner: str = "cart",
    kind: str = "Deployment",
    namespace: str = "shop",
    *,
    workload: str = "",
    recommended: Resources | None = RECOMMENDED,
    today: Resources = TODAY,
) -> Recommendation:
    """Return a recommendation for three sidecars, or a refusal where none is recommended."""
    name = workload or owner or "alone"
    request = recommended.request_vcpu if recommended else None
    refusal = Refusal(
        subject=f"requests of {namespace}/{name}",
        reason=Reason.TOO_FEW_SAMPLES,
        detail="It was seen for 3 h only.",
    )
    return Recommendation(
        namespace=namespace,
        workload=name,
        kind=kind,
        owner=owner,
        sidecar_count=3.0,
        used_vcpu=0.004,
        high_vcpu=0.012,
        peak_memory_gib=0.05,
        today=today,
        recommended=recommended,
        request_vcpu=None
        if request is None
        else Interval(low=0.8 * request, mid=request, high=1.5 * request),
        bursts=Bursts.UNSEEN,
        exceeded_share=None if request is None else 0.013,
        memory_exceeded_share=None if request is None else 0.0,
        saved_vcpu=None if request is None else 3 * (0.1 - request),
        refusal=None if recommended else refusal,
    )


def rightsizing(
    *items: Recommendation, default: Resources | None = RECOMMENDED, policy: Policy = POLICY
) -> Rightsizing:
    return Rightsizing(policy=policy, default=default, workloads=items)


def of_owners(owners: Iterable[tuple[str, str, str]]) -> Rightsizing:
    """Return a recommendation for each kind, namespace and name."""
    return rightsizing(*(advice(name, kind, namespace) for kind, namespace, name in owners))
