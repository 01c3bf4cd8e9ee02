"""What the files of right-sizing bring, in sentences: their sum, and whom they leave short."""

from collections.abc import Iterator
from typing import Final

from analyzer.projection.rightsizing.result import Recommendation, Resources
from analyzer.report import format as fmt
from analyzer.report.escapes import inert
from analyzer.report.patches.choosing import Patches
from analyzer.report.patches.quantities import cpu_quantity, memory_quantity
from analyzer.report.patches.reach import Reach

_NAMED: Final = 10
"""Workloads that get too little, which a line names of more than so many."""


def total_line(patches: Patches, reach: Reach) -> str:
    """Return what sidecars request once the files are applied; "" where it is not known."""
    if reach.vcpu is None or (patches.default is None and not patches.items):
        return ""
    text = f"With the files all sidecars request {fmt.number(reach.vcpu)} vCPU"
    if reach.today_vcpu is None:
        return f"{text}."
    text += f", today {fmt.number(reach.today_vcpu)}."
    return text if reach.vcpu < reach.today_vcpu else f"{text} That saves no requested CPU."


def exception_lines(patches: Patches, reach: Reach) -> Iterator[str]:
    """Yield which workloads must differ from the default, and which of them cannot."""
    default = patches.default
    if default is None:
        return
    if reach.outgrown:
        count = fmt.counted(len(reach.outgrown), "workload")
        patched = len(reach.outgrown) - len(reach.short)
        yield f"The default is too small for {count}. Patched: {patched:,}."
    if reach.wasteful:
        count = fmt.counted(reach.wasteful, "workload")
        yield f"Patches keep the saving of {count}: the default is more than twice their need."
    if reach.kept:
        yield (
            f"Without a recommendation: {fmt.counted(reach.kept, 'workload')}. Patches keep "
            "today's resources there, because the default may be too small."
        )


def short_lines(patches: Patches, reach: Reach) -> Iterator[str]:
    """Yield which workloads get less than they need, because they have no patch."""
    if patches.default is None or not reach.short:
        return
    names = [_named(item, patches.default) for item in reach.short[:_NAMED]]
    if more := len(reach.short) - len(names):
        names.append(f"{more:,} more")
    count = fmt.counted(len(reach.short), "workload")
    yield f"The default gives too little to {count} without a patch: {fmt.listed(names)}."


def _named(item: Recommendation, default: Resources) -> str:
    """Return a workload with what it needs beyond the default."""
    needed = item.recommended or Resources()
    amounts = (
        (needed.request_vcpu, default.request_vcpu, cpu_quantity),
        (needed.request_memory_gib, default.request_memory_gib, memory_quantity),
    )
    parts = [
        f"{write(need)} instead of {write(given) if given is not None else 'none'}"
        for need, given, write in amounts
        if need is not None and (given is None or need > given)
    ]
    return f"{inert(f'{item.namespace}/{item.workload}')} ({fmt.listed(parts)})"
