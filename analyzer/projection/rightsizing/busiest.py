"""What the busiest sidecars of each workload use in nearly all steps.

A workload has one pod template, so its sidecars have one request, and that has to serve those with
most traffic. The high percentile is taken twice: over the steps of each pod, and then over the
pods, each weighted by its steps. So a pod that lived for a minute, or one of a hundred, does not
set the request of all.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints

_HAIR: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pods:
    """The known values of each pod, sorted.

    Attributes:
        values: those of one pod after those of another, each from the least to the highest.
        start: where the values of each pod begin, shape (pods,).
        steps: how many each has.
        workload: number of the workload of each.
        is_known: whether the value of a sample is known, shape (samples,).
        pod: number of the pod of each known sample, in the order of the samples.
    """

    values: Floats
    start: Ints
    steps: Ints
    workload: Ints
    is_known: Bools
    pod: Ints

    @classmethod
    def of(cls, workload: Ints, proxy: Ints, values: Floats) -> "Pods":
        """Return the pods of samples, shape (samples,); a value is NaN where it is not known."""
        is_known = ~np.isnan(values)
        workload, proxy, values = workload[is_known], proxy[is_known], values[is_known]
        # The samples of a pod follow each other, as a rule.
        firsts = np.flatnonzero(np.diff(proxy, prepend=-1))
        _, first, of_run = np.unique(proxy[firsts], return_index=True, return_inverse=True)
        pod = np.repeat(of_run, np.diff(firsts, append=len(proxy)))
        steps = np.bincount(pod, minlength=len(first))
        start = np.cumsum(steps) - steps
        in_order = (np.diff(of_run) > 0).all()
        ordered = values if in_order else values[np.argsort(pod, kind="stable")]
        for of_pod in np.split(ordered, start[1:]):
            of_pod.sort()
        return cls(
            values=ordered,
            start=np.asarray(start, np.int64),
            steps=np.asarray(steps, np.int64),
            workload=workload[firsts[first]],
            is_known=is_known,
            pod=np.asarray(pod, np.int64),
        )

    def percentile(self, share: float | Floats) -> Floats:
        """Return the value of each pod at a share of its steps, 0-1, or at one a pod."""
        place = np.asarray(share * (self.steps - 1), float)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, self.steps - 1)
        low, high = self.values[self.start + below], self.values[self.start + above]
        return np.asarray(low + (high - low) * (place - below))

    def busiest(self, share: float | pd.Series, over_pods: float | pd.Series) -> pd.Series:
        """Return the high value of each workload that has any, by its number.

        Args:
            share: of the steps of each pod, 0-1, or one a workload, by its number.
            over_pods: share of the pods' steps whose pods the value is enough for, the same.
        """
        steps, least = (self._of_pods(item) for item in (share, over_pods))
        values = self.percentile(steps)
        order = np.lexsort((values, self.workload))
        workload, counts = self.workload[order], np.cumsum(self.steps[order])
        names, first = np.unique(workload, return_index=True)
        last = np.append(first, len(workload))[1:] - 1
        before, whole = (counts - self.steps[order])[first], counts[last]
        of_row = np.searchsorted(names, workload)
        reached = (counts - before[of_row]) / (whole - before)[of_row]
        is_enough = reached >= least[order] - _HAIR
        enough, first = np.unique(workload[is_enough], return_index=True)
        found = values[order][is_enough][first]
        return pd.Series(found, index=pd.Index(enough, name="workload"), name="value")

    def _of_pods(self, share: float | pd.Series) -> Floats:
        if isinstance(share, pd.Series):
            return share.reindex(self.workload).to_numpy(float)
        return np.full(len(self.steps), float(share))
