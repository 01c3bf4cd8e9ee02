"""How far another window may be from this one: the range of a high percentile.

By Woodruff's method (Journal of the American Statistical Association 47, 1952): the range of the
share of steps above the percentile, and the values at its ends. Neighbouring steps are alike, as a
burst lasts and comes back, so the share is compared between blocks of hours and not between steps.
A change from one window to the next that no block shows, such as a busier week, is not in it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.measurement.groups import packed
from analyzer.projection.rightsizing.busiest import Pods

BLOCK_HOURS: Final = 2.0
"""Longer than most bursts, and short enough for a dozen blocks a day. Ranges hold with it in the
simulated meshes of tests/benchmarks/bench_rightsizing.py."""

_DEVIATIONS: Final = 1.645
"""Standard deviations of half a 90 % interval."""

_SECONDS_PER_HOUR: Final = 3600

_WINDOWS: Final = 2
"""Both windows are samples: this one, and the other one that is compared with it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class End:
    """Where a percentile may be in another window: a share of the steps, and one of the pods.

    Both are by workload, 0-1.
    """

    of_steps: pd.Series
    of_pods: pd.Series


def ends_of(
    pods: Pods, values: Floats, point: Ints, share: float, step_seconds: int
) -> tuple[End, End]:
    """Return the low and the high end of the range of each workload's percentile.

    Args:
        pods: those of all workloads.
        values: of each sample, NaN where it is not known.
        point: the step of each sample.
        share: that of the percentile, 0-1.
        step_seconds: length of a step.
    """
    known, workload = values[pods.is_known], pods.workload[pods.pod]
    block = point[pods.is_known] * step_seconds // round(BLOCK_HOURS * _SECONDS_PER_HOUR)
    above = _above(known, pods.percentile(share)[pods.pod])
    of_pods = _variance(above, pods.pod, block).to_numpy(float)
    # A pod that lived in one block only shows nothing of other blocks: the others count.
    steps = np.where(np.isnan(of_pods), 0, pods.steps)
    sums = pd.DataFrame({"squares": steps * np.nan_to_num(of_pods), "steps": steps})
    sums = sums.groupby(pods.workload).sum()
    of_one = sums["squares"] / sums["steps"].where(sums["steps"] > 0)
    # The busiest of several pods varies less than one pod, and more than all pods together.
    lasting = (of_one + _variance(above, workload, block)) / 2
    # Where all pods are short, as those of jobs are, they count as one pod that lives on.
    limits = pods.busiest(share, share)
    in_turn = _variance(_above(known, limits.reindex(workload).to_numpy(float)), workload, block)
    most = share * (1 - share)
    variance = lasting.fillna(in_turn).fillna(most).clip(upper=most)
    half = _DEVIATIONS * np.sqrt(_WINDOWS * variance)
    low, high = (share - half).clip(lower=0.0), (share + half).clip(upper=1.0)
    fixed = pd.Series(share, index=half.index).where(lasting.notna())
    return (
        End(of_steps=low, of_pods=fixed.fillna(low)),
        End(of_steps=high, of_pods=fixed.fillna(high)),
    )


def _above(values: Floats, limits: Floats) -> Floats:
    """Return 1 for values above their limit, 0 for those below, and one half for equal ones.

    So both sides of a step count where many values are equal, as in a pod that rests and works.
    """
    return np.asarray(((values > limits).astype(float) + (values >= limits)) / 2)


def _variance(exceeds: Floats, group: Ints, block: Ints) -> pd.Series:
    """Return the variance of the mean of each group, from the differences between its blocks.

    NaN where a group has one block only.
    """
    groups, of_row = packed(group)
    size = np.bincount(of_row, minlength=len(groups))
    off = exceeds - (np.bincount(of_row, exceeds, len(groups)) / size)[of_row]
    width = int(block.max(initial=0)) + 1
    cells, cell = packed(of_row * width + block)
    sums, of_cell = np.bincount(cell, off, len(cells)), cells // width
    blocks = np.bincount(of_cell, minlength=len(groups))
    squares = np.bincount(of_cell, sums**2, len(groups)) / size**2
    found = squares * blocks / np.where(blocks > 1, blocks - 1, np.nan)
    return pd.Series(found, index=groups)
