"""What the answer would be if the proxies of ambiguous role were sidecars."""

from collections.abc import Sequence
from dataclasses import replace

from analyzer.measurement.findings import Bias, Finding
from analyzer.measurement.metrics import START_WITH_POD_LABELS
from analyzer.measurement.role_rules import UNKNOWN
from analyzer.measurement.roles import AMBIGUOUS_SHARE
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.modes import MODES
from analyzer.projection.result import Saving
from analyzer.units import Role


def with_ambiguous(usage: MeshUsage) -> MeshUsage | None:
    """Return the mesh with its ambiguous proxies as sidecars; None if they use little CPU."""
    roles = usage.proxies["role"]
    cpu = usage.filled["cpu_vcpu"].groupby(usage.filled["proxy"]).sum().reindex(roles.index)
    theirs, whole = (float(cpu[roles == role].sum()) for role in (UNKNOWN, Role.SIDECAR.value))
    if theirs <= AMBIGUOUS_SHARE * whole:
        return None
    changed = roles.mask(roles == UNKNOWN, Role.SIDECAR.value)
    return replace(usage, proxies=usage.proxies.assign(role=changed))


def both_savings(
    usage: MeshUsage, without: Sequence[Saving], with_them: Sequence[Saving]
) -> Finding:
    """Return the savings of each mode without and with the ambiguous proxies of `usage`."""
    other = {saving.mode: saving for saving in with_them}
    sentences = " ".join(
        f"{_title(saving.mode)} {_both(saving.vcpu.mid, other[saving.mode].vcpu.mid)} with them "
        "as sidecars."
        for saving in without
        if saving.mode in other
    )
    unknown = usage.proxies[usage.proxies["role"] == UNKNOWN]
    return Finding(
        name="ambiguous_saving",
        text=f"Proxies of ambiguous role change the saving. {sentences}",
        affected=tuple(sorted(unknown["namespace"] + "/" + unknown["pod"])),
        fix=START_WITH_POD_LABELS,
        bias=Bias.EITHER,
    )


def _title(mode: str) -> str:
    title = MODES[mode].title
    return title[0].upper() + title[1:]


def _both(without: float, with_them: float) -> str:
    if min(without, with_them) >= 0:
        return f"saves {without:.3g} vCPU without them and {with_them:.3g}"
    first, second = (
        f"saves {vcpu:.3g} vCPU" if vcpu >= 0 else f"costs {-vcpu:.3g} vCPU more"
        for vcpu in (without, with_them)
    )
    return f"{first} without them and {second}"
