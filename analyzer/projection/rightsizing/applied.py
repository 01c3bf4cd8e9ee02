"""The sidecars with their recommended requests: the same use, another bill."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Ints
from analyzer.measurement.numbers import Numbers
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
    """

    sidecars: SidecarFootprint
    tally: SidecarTally
    placement: pd.DataFrame


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

    Args:
        before: their samples without growth, as `sidecars.tally` has them.
        samples: the same with growth and what is billed.
        requests: of `requests_of`.
        points: intervals of the window.
    """
    theirs = _of_samples(requests, samples)
    mid = _with_requests(samples, theirs, "mid")
    # One end at a time: each has as much as all samples.
    low, high = (placement_of(_with_requests(samples, theirs, end), points) for end in _ENDS[1:])
    requested = mid[["reserved_vcpu", "reserved_memory_bytes"]]
    added_vcpu = samples["cpu_vcpu"] - before["cpu_vcpu"]
    return RightsizedLoad(
        sidecars=footprint_of(mid, points),
        tally=tally(before.assign(**requested), mid, added_vcpu, points),
        placement=with_ends(
            placement_of(mid, points),
            (low, high),
            names=["namespace", "node"],
        ),
    )


def with_savings(found: Rightsizing, samples: pd.DataFrame, points: int) -> Rightsizing:
    """Return the recommendations with the billed CPU that each saves, those that save most first.

    Arguments are those of `rightsized`: the time and the traffic that the modes have too.
    """
    requests = requests_of(found)
    saved = {} if requests is None else _saved_vcpu(samples, requests, points)
    workloads = [
        replace(item, saved_vcpu=saved.get((item.namespace, item.workload)))
        for item in found.workloads
    ]
    workloads.sort(
        key=lambda item: (
            item.saved_vcpu is None,
            -(item.saved_vcpu or 0.0),
            item.namespace,
            item.workload,
        )
    )
    return replace(found, workloads=tuple(workloads))


def _saved_vcpu(
    samples: pd.DataFrame, requests: pd.DataFrame, points: int
) -> dict[tuple[str, str], float]:
    """Return the saving of workloads with a recommendation; none if no request of today is known.

    Other workloads are absent, and those of which no sample is billed.
    """
    theirs = _of_samples(requests, samples)
    if samples["reserved_vcpu"].isna().all():
        return {}
    after = _with_requests(samples, theirs, "mid")
    number = _workloads(requests, samples)
    saved = (samples["billed_vcpu"] - after["billed_vcpu"])[number >= 0]
    totals = (saved.groupby(number[number >= 0]).sum(min_count=1) / points).dropna()
    names = requests.index[totals.index]
    return dict(zip(names, totals.to_numpy(float).tolist(), strict=True))


def _of_samples(requests: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return the recommended requests of each sample; NaN where there are none."""
    number = _workloads(requests, samples)
    columns = {
        name: np.where(number >= 0, requests[name].to_numpy(float)[number], np.nan)
        for name in requests
    }
    return pd.DataFrame(columns, index=samples.index, copy=False)


def _workloads(requests: pd.DataFrame, samples: pd.DataFrame) -> Ints:
    """Return the row of `requests` that each sample's workload has; -1 where it has none."""
    return Numbers(requests.index.to_frame(index=False)).of(samples[_NAMES])


def _with_requests(samples: pd.DataFrame, theirs: pd.DataFrame, end: str) -> pd.DataFrame:
    """Return samples with recommended requests, at one of their ends, and what is billed then.

    A pod that requests nothing today gets a request too. Only where no request of any sidecar is
    known, nothing can be compared: none is set. A bill that is not known today stays unknown.
    """
    changed = {
        name: theirs[column].fillna(samples[name])
        for name, column in (("reserved_vcpu", end), ("reserved_memory_bytes", "bytes"))
        if samples[name].notna().any()
    }
    bills = ["billed_vcpu", "billed_memory_bytes"]
    after = with_billed(samples.assign(**changed))
    after[bills] = after[bills].where(samples[bills].notna())
    return after
