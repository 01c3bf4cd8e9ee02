"""What the files bring to the sidecars: all of them together, and those that they leave short."""

from dataclasses import dataclass

from analyzer.projection.rightsizing.default import is_served
from analyzer.projection.rightsizing.result import Recommendation, Rightsizing
from analyzer.report.patches.choosing import Patches


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What sidecars request once the files are applied.

    Attributes:
        vcpu: of all sidecars together; None where what one of them keeps is not known.
        today_vcpu: the same today.
        outgrown: workloads that need more than the default.
        short: those of them that have no patch and so get too little, the largest shortfall of CPU
            first.
        wasteful: number of workloads with a patch, because the default is far more than they need.
        kept: number of workloads without a recommendation whose patches keep today's.
    """

    vcpu: float | None
    today_vcpu: float | None
    outgrown: tuple[Recommendation, ...]
    short: tuple[Recommendation, ...]
    wasteful: int
    kept: int


def reach_of(found: Rightsizing, patches: Patches) -> Reach:
    """Return what the files bring to the sidecars of each workload."""
    objects = {
        (f"{item.cluster}/{item.namespace}".lstrip("/"), item.kind, item.owner): item
        for item in patches.items
    }
    default = patches.default
    after: list[float | None] = []
    outgrown: list[Recommendation] = []
    short: list[tuple[float, Recommendation]] = []
    wasteful = 0
    for item in found.workloads:
        patch = objects.get((item.namespace, item.kind, item.owner))
        vcpu = (patch.resources if patch else default or item.today).request_vcpu
        after.append(None if vcpu is None else item.sidecar_count * vcpu)
        if default is None or item.recommended is None:
            continue
        if is_served(default, item):
            wasteful += patch is not None
            continue
        outgrown.append(item)
        if patch is None:
            needed, given = item.recommended.request_vcpu or 0.0, default.request_vcpu or 0.0
            short.append((item.sidecar_count * (given - needed), item))
    today = [
        None if item.today.request_vcpu is None else item.sidecar_count * item.today.request_vcpu
        for item in found.workloads
    ]
    short.sort(key=lambda pair: (pair[0], pair[1].namespace, pair[1].workload))
    return Reach(
        vcpu=_total(after),
        today_vcpu=_total(today),
        outgrown=tuple(outgrown),
        short=tuple(item for _, item in short),
        wasteful=wasteful,
        kept=sum(patch.is_today for patch in patches.items),
    )


def _total(amounts: list[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known and len(known) == len(amounts) else None
