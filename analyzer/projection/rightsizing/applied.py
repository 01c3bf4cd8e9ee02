"""The sidecars with their recommended requests: the same use, another bill."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.projection.sidecars import (
    SidecarFootprint,
    SidecarTally,
    footprint_of,
    placement_of,
    tally,
    with_billed,
)
from analyzer.projection.unseen import with_ends
from analyzer.units import BYTES_PER_GIB

_ENDS: Final = ("mid", "low", "high")
_NAMES: Final = ["namespace", "workload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsizedLoad:
    """The sidecars of a measured mesh with their recommended requests.

    Attributes:
        sidecars: their footprint; those without a recommendation keep today's requests.
        tally: the sums that it is divided from.
        placement: as `MeasuredLoad.placement`, with the ends of the recommendations: usage_vcpu_low
            and so on.
        changed_share: share of the sidecars' time that has a recommendation, 0-1.
    """

    sidecars: SidecarFootprint
    tally: SidecarTally
    placement: pd.DataFrame
    changed_share: float


def requests_of(found: Rightsizing) -> pd.DataFrame | None:
    """Return the recommended requests by namespace and workload: vCPU with its ends, and bytes.

    None where nothing is recommended.
    """
    rows = [
        {
            "namespace": item.namespace,
            "workload": item.workload,
            **{end: getattr(item.request_vcpu, end) for end in _ENDS},
            "bytes": (item.recommended.request_memory_gib or float("nan")) * BYTES_PER_GIB,
        }
        for item in found.workloads
        if item.recommended and item.request_vcpu
    ]
    return pd.DataFrame(rows).set_index(_NAMES) if rows else None


def rightsized(
    before: pd.DataFrame, samples: pd.DataFrame, requests: pd.DataFrame, points: int
) -> RightsizedLoad:
    """Return the sidecars of these samples with other requests.

    Where today's request is not known, it stays so: there is nothing to compare another one with.

    Args:
        before: their samples without growth, as `sidecars.tally` has them.
        samples: the same with growth and what is billed.
        requests: of `requests_of`.
        points: intervals of the window.
    """
    theirs = requests.reindex(pd.MultiIndex.from_frame(samples[_NAMES])).set_index(samples.index)

    def at(end: str) -> pd.DataFrame:
        changed = {
            name: theirs[column].fillna(samples[name]).where(samples[name].notna())
            for name, column in (("reserved_vcpu", end), ("reserved_memory_bytes", "bytes"))
        }
        return with_billed(samples.assign(**changed))

    mid, low, high = map(at, _ENDS)
    requested = mid[["reserved_vcpu", "reserved_memory_bytes"]]
    added_vcpu = samples["cpu_vcpu"] - before["cpu_vcpu"]
    return RightsizedLoad(
        sidecars=footprint_of(mid, points),
        tally=tally(before.assign(**requested), mid, added_vcpu, points),
        placement=with_ends(
            placement_of(mid, points),
            (placement_of(low, points), placement_of(high, points)),
            names=["namespace", "node"],
        ),
        changed_share=float(theirs["mid"].notna().mean()) if len(theirs) else 0.0,
    )
