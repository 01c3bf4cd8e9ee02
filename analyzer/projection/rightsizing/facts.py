"""What is known of each workload's sidecars: use, requests of today, and signs of short bursts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.measurement.groups import Groups, packed
from analyzer.measurement.lived import mean_counts
from analyzer.projection.rightsizing.busiest import Pods
from analyzer.projection.rightsizing.ranges import ends_of
from analyzer.projection.rightsizing.result import Policy

_TODAY: Final = ("reserved_vcpu", "limit_vcpu", "reserved_memory_bytes", "limit_memory_bytes")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The sidecars' samples as arrays, shape (samples,): what was seen, with growth.

    Attributes:
        groups: the samples of each workload, by namespace and workload.
        workload: its number in them.
        is_late: whether a sample is of the second half of the window.
        points: the observed ones.
    """

    groups: Groups
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
        groups = Groups.of(rows, ["namespace", "workload"])
        column = {
            name: rows[name].to_numpy(float)
            for name in ("cpu_vcpu", "memory_bytes", "throttled_share")
        }
        point = rows["point"].to_numpy(np.int64)
        middle = points[len(points) // 2] if len(points) else 0
        return cls(
            groups=groups,
            workload=groups.number,
            proxy=rows["proxy"].to_numpy(np.int64),
            point=point,
            vcpu=column["cpu_vcpu"],
            memory_bytes=column["memory_bytes"],
            throttled_share=column["throttled_share"],
            is_late=point >= middle,
            points=points,
            rows=rows,
        )

    @property
    def names(self) -> pd.Index:
        """Namespace and workload of each number in `workload`."""
        return self.groups.names


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
    of, vcpu = samples.groups, samples.vcpu
    known = pd.DataFrame(
        {
            "sidecar_count": mean_counts(of, samples.rows, step_count),
            "known_steps": of.known(vcpu).astype(np.int64),
            "used_vcpu": of.mean(vcpu),
            "peak_memory_bytes": of.most(samples.memory_bytes),
            "early_memory_bytes": of.most(np.where(early, samples.memory_bytes, np.nan)),
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
    of = samples.groups
    return pd.DataFrame(
        {
            "span_hours": (of.most(point) - of.least(point) + 1) * step_seconds / 3600,
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
    blocks = int(block.max(initial=0)) + 1
    found, _ = packed(workload * blocks + block)
    return pd.DataFrame(dict(zip(("workload", "block"), np.divmod(found, blocks), strict=True)))


def _last(samples: Samples, names: Sequence[str], chosen: Bools) -> pd.DataFrame:
    """Return columns of each workload in the last of the chosen samples in which it has any."""
    found = {}
    for name in names:
        values = samples.rows[name].to_numpy()
        points = np.where(chosen & ~np.isnan(values), samples.point, np.nan)
        is_last = points == samples.groups.most(points)[samples.workload]
        # The mean, of pods before and after a change; rounded, as sums of 0.1 are not exact.
        found[name] = samples.groups.mean(np.where(is_last, values, np.nan)).round(9)
    return pd.DataFrame(found)


def exceeded_shares(samples: Samples, values: Floats, early: pd.Series) -> pd.Series:
    """Return the share of each workload's late samples above what its early ones recommend.

    `early` is by workload; a workload that one of the halves lacks is absent.
    """
    limits = early.reindex(samples.workload).to_numpy(float)
    counted = samples.is_late & ~np.isnan(values) & ~np.isnan(limits)
    above = pd.Series((values > limits)[counted].astype(float))
    return above.groupby(samples.workload[counted]).mean()
