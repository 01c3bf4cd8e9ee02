"""How far another window may be from this one: the range of a high percentile.

By Woodruff's method (Journal of the American Statistical Association 47, 1952): the range of the
share of steps above the percentile, and the values at its ends. Neighbouring steps are alike, as a
burst lasts and comes back, so the share is compared between blocks of hours and not between steps.
A change from one window to the next that no block shows, such as a busier week, is not in it.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.projection.rightsizing.busiest import Pods

BLOCK_HOURS: Final = 2.0
"""Longer than most bursts, and short enough for a dozen blocks a day. Ranges hold with it in the
simulated meshes of tests/benchmarks/bench_rightsizing.py."""

_DEVIATIONS: Final = 1.645
"""Standard deviations of half a 90 % interval."""

_SECONDS_PER_HOUR: Final = 3600

_WINDOWS: Final = 2
"""Both windows are samples: this one, and the other one that is compared with it."""


def ends_of_share(
    pods: Pods, values: Floats, point: Ints, share: float, step_seconds: int
) -> tuple[Floats, Floats]:
    """Return the shares of steps, by pod, where another window may have the percentile.

    Args:
        pods: those of all workloads.
        values: of each sample; point: its step.
        share: that of the percentile, 0-1.
        step_seconds: length of a step.
    """
    exceeds = (values[pods.is_known] > pods.percentile(share)[pods.pod]).astype(float)
    block = point[pods.is_known] * step_seconds // round(BLOCK_HOURS * _SECONDS_PER_HOUR)
    of_pods = _variance(exceeds, pods.pod, block).to_numpy(float)
    # Where all pods are short, as those of jobs are, they count as one pod that lives on.
    together = _variance(exceeds, pods.workload[pods.pod], block)
    # A pod that lived in one block only shows nothing of other blocks: the others count.
    steps = np.where(np.isnan(of_pods), 0, pods.steps)
    sums = pd.DataFrame({"squares": steps * np.nan_to_num(of_pods), "steps": steps})
    sums = sums.groupby(pods.workload).sum()
    mean = sums["squares"] / sums["steps"].where(sums["steps"] > 0)
    of_one_step = share * (1 - share)
    # The busiest of several pods varies less than one pod, and more than all pods together.
    variance = ((mean + together) / 2).fillna(together).fillna(of_one_step).clip(upper=of_one_step)
    half = (_DEVIATIONS * np.sqrt(_WINDOWS * variance)).reindex(pods.workload).to_numpy(float)
    return np.maximum(share - half, 0.0), np.minimum(share + half, 1.0)


def _variance(exceeds: Floats, group: Ints, block: Ints) -> pd.Series:
    """Return the variance of the mean of each group, from the differences between its blocks.

    NaN where a group has one block only.
    """
    rows = pd.DataFrame({"group": group, "block": block, "exceeds": exceeds})
    off = rows["exceeds"] - rows.groupby("group")["exceeds"].transform("mean")
    sums = off.groupby([group, block]).sum()
    blocks = sums.groupby(level=0).size()
    squares = (sums**2).groupby(level=0).sum() / rows.groupby("group").size() ** 2
    return pd.Series(squares * blocks / (blocks - 1).where(blocks > 1))
