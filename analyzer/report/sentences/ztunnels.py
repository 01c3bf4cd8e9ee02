"""What ztunnels need beside CPU: memory, and istio-cni on the same nodes."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from analyzer.projection.choices import Basis
from analyzer.projection.istio_cni import IstioCni, Origin
from analyzer.projection.memory import OBSERVED_ZTUNNEL_MIB
from analyzer.projection.modes import AMBIENT_L4
from analyzer.projection.result import Projection
from analyzer.projection.uncertainty import to_interval
from analyzer.report import format as fmt
from analyzer.units import MIB_PER_GIB, Role


def memory_line(projection: Projection) -> Iterator[str]:
    """Return the memory of a ztunnel by the formula, beside what was observed elsewhere."""
    l4 = (mode.components for mode in projection.modes if mode.name == AMBIENT_L4)
    for part in chain.from_iterable(l4):
        if part.role == Role.ZTUNNEL and part.count and Basis.USAGE in part.need.memory_gib:
            mib = part.need.memory_gib[Basis.USAGE] * MIB_PER_GIB / part.count
            formula = fmt.ranged(to_interval(np.asarray(mib)))
            observed = fmt.ends(OBSERVED_ZTUNNEL_MIB)
            yield (
                f"Memory per ztunnel: {formula} MiB, by a padded formula of pods, services and "
                f"connections. Observed in other meshes: {observed} MiB."
            )


def istio_cni_line(found: IstioCni) -> str:
    """Return whether istio-cni is installed, where that is known from, and what follows."""
    adds, adds_none = "ambient adds its requests on every node", "ambient adds no request for it"
    match found.origin, found.is_installed:
        case Origin.STATED, True:
            return f"The scenario states that istio-cni is installed, so {adds_none}."
        case Origin.STATED, False:
            return f"The scenario states that istio-cni is not installed, so {adds}."
        case Origin.DETECTED, True:
            return f"istio-cni was detected in this mesh, so {adds_none}."
        case Origin.DETECTED, False:
            where = "in some clusters only" if found.is_in_some else "nowhere"
            return f"istio-cni was detected {where}, so {adds}."
        case _:
            return (
                f"Whether istio-cni is installed is not known from this snapshot, so {adds}. If it "
                "is installed, set istio_cni_installed to true in the scenario."
            )
