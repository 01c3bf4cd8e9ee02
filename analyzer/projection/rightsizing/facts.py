"""What is known of each workload's sidecars: use, requests of today, and signs of short bursts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.projection.rightsizing.busiest import Pods
from analyzer.projection.rightsizing.ranges import ends_of
from analyzer.projection.rightsizing.result import Policy

_TODAY: Final = ("reserved_vcpu", "limit_vcpu", "reserved_memory_bytes", "limit_memory_bytes")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The sidecars' samples as arrays, shape (samples,): what was seen, with growth.

    Attributes:
        names: namespace and workload of each number in `workload`.
        is_late: whether a sample is of the second half of the window.
        points: the observed ones.
    """

    names: pd.MultiIndex
    workload: Ints
    proxy: Ints
    point: Ints
    vcpu: Floats
    memory_bytes: Floats
    throttled_share: Floats
    is_late: Bools
    points: Ints
    rows: pd.DataFrame

    @classmethod
    def of(cls, rows: pd.DataFrame, points: Ints) -> "Samples":
        """Return the samples of rows of `MeshUsage.of_role`; `points` are the observed ones."""
        names = pd.MultiIndex.from_frame(rows[["namespace", "workload"]])
        workload, found = names.factorize(sort=True)
        column = {
            name: rows[name].to_numpy(float)
            for name in ("cpu_vcpu", "memory_bytes", "throttled_share")
        }
        point = rows["point"].to_numpy(np.int64)
        middle = points[len(points) // 2] if len(points) else 0
        return cls(
            names=pd.MultiIndex.from_tuples(list(found), names=["namespace", "workload"]),
            workload=workload.astype(np.int64),
            proxy=rows["proxy"].to_numpy(np.int64),
            point=point,
            vcpu=column["cpu_vcpu"],
            memory_bytes=column["memory_bytes"],
            throttled_share=column["throttled_share"],
            is_late=point >= middle,
            points=points,
            rows=rows,
        )

    def by_workload(self, values: Floats, how: str) -> pd.Series:
        """Return a statistic of the samples of each workload, by its number."""
        return pd.Series(pd.Series(values).groupby(self.workload).agg(how))


def facts_of(samples: Samples, policy: Policy, step_count: int) -> pd.DataFrame:
    """Return one row a workload, numbered as in the samples.

    Columns: sidecar_count (at a time), known_steps, those of `hours_of_workloads`, used_vcpu,
    high_vcpu with its ends high_vcpu_low and high_vcpu_high, early_vcpu (the same of the first half
    alone), peak_memory_bytes, early_memory_bytes, throttled_share (in the busiest steps of the
    busiest pods), early_throttled_share, and requests and limits in the last step of the workload,
    with early_limit_vcpu in the last of the first half. NaN: not known.
    """
    share = policy.percentile / 100
    early = ~samples.is_late
    numbers = (samples.workload, samples.proxy)
    pods = Pods.of(*numbers, samples.vcpu)
    low, high = ends_of(pods, samples.vcpu, samples.point, share, policy.step_seconds)
    of_early = Pods.of(*numbers, np.where(early, samples.vcpu, np.nan))
    throttled = Pods.of(*numbers, samples.throttled_share)
    throttled_early = Pods.of(*numbers, np.where(early, samples.throttled_share, np.nan))
    of, vcpu = samples.by_workload, samples.vcpu
    known = pd.DataFrame(
        {
            "sidecar_count": of(vcpu, "size") / step_count,
            "known_steps": of(vcpu, "count"),
            "used_vcpu": of(vcpu, "mean"),
            "peak_memory_bytes": of(samples.memory_bytes, "max"),
            "early_memory_bytes": of(np.where(early, samples.memory_bytes, np.nan), "max"),
        }
    )
    columns = {
        "high_vcpu_low": pods.busiest(low.of_steps, low.of_pods),
        "high_vcpu": pods.busiest(share, share),
        "high_vcpu_high": pods.busiest(high.of_steps, high.of_pods),
        "early_vcpu": of_early.busiest(share, share),
        "throttled_share": throttled.busiest(share, share),
        "early_throttled_share": throttled_early.busiest(share, share),
    }
    limits = _last(samples, ["limit_vcpu"], early).add_prefix("early_")
    today = _last(samples, _TODAY, np.ones(len(early), bool))
    hours = hours_of_workloads(samples, policy.step_seconds)
    return known.join(hours).join(pd.DataFrame(columns)).join(today).join(limits)


def hours_of_workloads(samples: Samples, step_seconds: int) -> pd.DataFrame:
    """Return for how long each workload was seen, by its number.

    Columns: span_hours (from the first to the last step in which its CPU is known), hours (the
    hours of the window in which it is known), run_days (days of the window on which it was first
    known after an hour or more without), and comes_and_goes (whether it had no sidecars for some of
    the hours since the first one).
    """
    is_known = ~np.isnan(samples.vcpu)
    each = max(step_seconds / 3600, 1.0)
    known, there = (
        _hours_with(samples.workload[chosen], samples.point[chosen], step_seconds)
        for chosen in (is_known, np.ones(len(is_known), bool))
    )
    starts = known[known.groupby("workload")["block"].diff().fillna(2) > 1]
    days = starts["block"] * each // 24
    observed = np.unique(samples.points * step_seconds // round(3600 * each))
    first = there.groupby("workload")["block"].min()
    since = len(observed) - np.searchsorted(observed, first.to_numpy())
    point = np.where(is_known, samples.point, np.nan)
    of = samples.by_workload
    return pd.DataFrame(
        {
            "span_hours": (of(point, "max") - of(point, "min") + 1) * step_seconds / 3600,
            "hours": known.groupby("workload").size() * each,
            "run_days": days.groupby(starts["workload"]).nunique(),
            "comes_and_goes": there.groupby("workload").size() < since,
        }
    )


def _hours_with(workload: Ints, point: Ints, step_seconds: int) -> pd.DataFrame:
    """Return the hours of the window that each workload has steps in: workload and block.

    A block is a step where that is longer than an hour.
    """
    block = point * step_seconds // max(step_seconds, 3600)
    rows = pd.DataFrame({"workload": workload, "block": block}).drop_duplicates()
    return rows.sort_values(["workload", "block"], ignore_index=True)


def _last(samples: Samples, names: Sequence[str], chosen: Bools) -> pd.DataFrame:
    """Return columns of each workload in the last of the chosen samples in which it has any."""
    rows = samples.rows[[*names]].reset_index(drop=True)
    rows = rows.assign(workload=samples.workload, point=samples.point)[chosen]
    found = {}
    for name in names:
        known = rows[rows[name].notna()]
        last = known["point"] == known.groupby("workload")["point"].transform("max")
        # The mean, of pods before and after a change; rounded, as sums of 0.1 are not exact.
        found[name] = known[last].groupby("workload")[name].mean().round(9)
    return pd.DataFrame(found)


def exceeded_shares(samples: Samples, values: Floats, early: pd.Series) -> pd.Series:
    """Return the share of each workload's late samples above what its early ones recommend.

    `early` is by workload; a workload that one of the halves lacks is absent.
    """
    limits = early.reindex(samples.workload).to_numpy(float)
    counted = samples.is_late & ~np.isnan(values) & ~np.isnan(limits)
    above = pd.Series((values > limits)[counted].astype(float))
    return above.groupby(samples.workload[counted]).mean()
