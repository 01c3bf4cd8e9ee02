"""Whether a comparison rests on CPU that was not seen."""

from collections.abc import Iterator
from typing import Final

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.quality.of_unseen import LEAST_FILLED_SHARE
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Interval, Role, in_percent

_COMPARED: Final = (Role.SIDECAR, Role.WAYPOINT, Role.ZTUNNEL)


def unseen(snapshot: str, usage: MeshUsage) -> Iterator[Finding]:
    """Warn of a total that was filled in part: best estimates are compared, not their ranges.

    `snapshot` is BEFORE or AFTER.
    """
    totals = {role: usage.total(role, "cpu_vcpu") for role in _COMPARED}
    known = {role: total for role, total in totals.items() if total}
    vcpu = sum(known.values(), start=Interval.exactly(0.0))
    filled = sum(total.mid * usage.filled_share(role, "cpu_vcpu") for role, total in known.items())
    share = filled / vcpu.mid if vcpu.mid else 0.0
    if share < LEAST_FILLED_SHARE:
        return
    yield Finding(
        name="compared_unseen",
        severity=Severity.of_share(share),
        text=f"{in_percent(share)} of the CPU in {snapshot} was not seen and is filled from seen "
        f"time. In all it is {vcpu.mid:.3g} vCPU, with a range of {vcpu.low:.3g} to "
        f"{vcpu.high:.3g} that the comparison leaves out.",
        fix=f"Check `up` of the kubelet's scrape job in {snapshot}, or collect a time without "
        "gaps.",
        cpu_share=share,
        bias=Bias.EITHER,
    )
