"""What the busiest sidecars of each workload use in nearly all steps.

A workload has one pod template, so its sidecars have one request, and that has to serve those with
most traffic. The high percentile is taken twice: over the steps of each pod, and then over the
pods, each weighted by its steps. So a pod that lived for a minute, or one of a hundred, does not
set the request of all.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints


def busiest(
    workload: Ints, proxy: Ints, values: Floats, shares: Sequence[float], over_pods: float
) -> pd.DataFrame:
    """Return high values of each workload: a row a workload, a column a share.

    Args:
        workload: number of the workload of each sample, shape (samples,).
        proxy: number of its proxy.
        values: NaN where it is not known.
        shares: of the steps of a pod, from 0 to 1.
        over_pods: share of the pods' steps, from 0 to 1, whose pods the value is enough for.
    """
    known = ~np.isnan(values)
    samples = pd.DataFrame(
        {"workload": workload[known], "proxy": proxy[known], "value": values[known]}
    )
    pods = samples.groupby(["workload", "proxy"])["value"]
    steps = pods.size()
    found = {share: _over_pods(pods.quantile(share), steps, over_pods) for share in shares}
    return pd.DataFrame(found, columns=list(shares))


def _over_pods(high: pd.Series, steps: pd.Series, share: float) -> pd.Series:
    """Return each workload's value at a share of its pods' steps: that of the pod there."""
    rows = pd.DataFrame({"value": high, "steps": steps}).reset_index("workload")
    rows = rows.sort_values(["workload", "value"], kind="stable")
    by_workload = rows.groupby("workload")["steps"]
    reached = by_workload.cumsum() / by_workload.transform("sum")
    return rows[reached >= share - 1e-12].groupby("workload")["value"].first()
