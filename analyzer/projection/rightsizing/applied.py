"""The sidecars with their recommended requests: the same use, another bill."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.measurement.columns import assigned, elementwise, first_known
from analyzer.measurement.groups import Groups
from analyzer.measurement.lived import LIVED, weighed
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
    theirs = _Requests.of(requests, samples)
    # One end at a time: each has as much as all samples.
    low, high = (placement_of(theirs.given(samples, end), points) for end in _ENDS[1:])
    mid = theirs.given(samples, "mid")
    requested = {name: mid[name].to_numpy() for name in ("reserved_vcpu", "reserved_memory_bytes")}
    added_vcpu = samples["cpu_vcpu"].to_numpy() - before["cpu_vcpu"].to_numpy()
    return RightsizedLoad(
        sidecars=footprint_of(mid, points),
        tally=tally(assigned(before, requested), mid, added_vcpu, points),
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
    if samples["reserved_vcpu"].isna().all():
        return {}
    theirs = _Requests.of(requests, samples)
    before, after = (
        rows["billed_vcpu"].to_numpy() for rows in (samples, theirs.given(samples, "mid"))
    )
    saved = theirs.groups.sum(before - after, min_count=1) / points
    has_one = (theirs.row >= 0) & ~np.isnan(saved)
    return dict(zip(theirs.groups.names[has_one], saved[has_one].tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Requests:
    """Recommended requests, and the samples of the workloads that they are for.

    Attributes:
        table: of `requests_of`.
        row: the one in it of each group; -1 where nothing is recommended.
    """

    table: pd.DataFrame
    groups: Groups
    row: Ints

    @classmethod
    def of(cls, table: pd.DataFrame, samples: pd.DataFrame) -> "_Requests":
        groups = Groups.of(samples, _NAMES)
        return cls(table=table, groups=groups, row=table.index.get_indexer(groups.names))

    def given(self, samples: pd.DataFrame, end: str) -> pd.DataFrame:
        """Return samples with these requests, at one of their ends, and what is billed then.

        A pod that requests nothing today gets a request too. Only where no request of any sidecar
        is known, nothing can be compared: none is set. A bill that is not known today stays
        unknown.
        """
        after, lived = {}, samples[LIVED].to_numpy(float)
        for name, column in (("reserved_vcpu", end), ("reserved_memory_bytes", "bytes")):
            today = samples[name].to_numpy()
            if not np.isnan(today).all():
                after[name] = first_known(weighed(self._of_samples(column), lived), today)
        changed = with_billed(assigned(samples, after))
        bills = {
            name: elementwise(_where_known, changed[name].to_numpy(), samples[name].to_numpy())
            for name in ("billed_vcpu", "billed_memory_bytes")
            if samples[name].isna().any()
        }
        return assigned(changed, bills) if bills else changed

    def _of_samples(self, column: str) -> Floats:
        """Return a column of the requests for each sample; NaN where there are none."""
        values = np.append(self.table[column].to_numpy(float), np.nan)[self.row]
        return np.asarray(values[self.groups.number])


def _where_known(values: Floats, today: Floats) -> Floats:
    return np.where(np.isnan(today), np.nan, values)
