"""Whether an application lives beside a proxy, or a container only passed through its pod.

A sidecar's application is there all the time, or comes back again and again if it crashes. An init
container is seen in the first step of a pod at most, and a debug container for one visit.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Ints
from analyzer.measurement.frames import TIME
from analyzer.measurement.neighbours import follows
from analyzer.measurement.numbers import Numbers

_POD: Final = ["namespace", "pod"]

LASTING_SHARE: Final = 1 / 3
"""Share of the steps after a pod's first from which a container in it is an application."""

RETURNING_SHARE: Final = 0.05
"""The same, of a container that comes back: one that crashes waits for up to five minutes."""

_VISITS: Final = 3
_SHORT_LIFE: Final = 2
"""Steps up to which a pod had no whole one: its first and last are cut."""


def with_application(
    containers: pd.DataFrame, proxies_seen: pd.DataFrame, workloads: pd.DataFrame
) -> Bools:
    """Return which workloads have an application beside their proxies, by row of `workloads`.

    The pods of a workload are judged together: they are made from one template.

    Args:
        containers: namespace, pod and time of each step at whose end other containers were seen.
        proxies_seen: the same of each step in which the proxy was.
        workloads: namespace, pod and workload of each proxy.
    """
    rows = workloads.reset_index(drop=True)
    workload = pd.Series(rows.groupby(["namespace", "workload"]).ngroup())
    numbers = Numbers(rows[_POD])
    seen, beside = (
        _points(numbers, table, np.union1d(proxies_seen[TIME], containers[TIME]))
        for table in (proxies_seen, containers)
    )
    life = pd.concat([seen, beside]).drop_duplicates().groupby("row")["point"].agg(["min", "size"])
    late = beside[beside["point"].to_numpy() > life["min"].reindex(beside["row"]).to_numpy()]
    begins = ~follows(*(late[name].to_numpy(np.int64) for name in ("row", "point")))
    found = pd.DataFrame(
        {
            "pods": workload.reindex(life.index).value_counts(),
            "pods_beside": workload.reindex(beside["row"].unique()).value_counts(),
            "longest": life["size"].groupby(workload).max(),
            "steps": (life["size"] - 1).groupby(workload).sum(),
            "late": workload.reindex(late["row"]).value_counts(),
            "visits": workload.reindex(late["row"][begins]).value_counts(),
        }
    ).fillna(0.0)
    share = found["late"] / found["steps"].clip(lower=1)
    # Two visits of one step each are a crash too: no one debugs so briefly.
    returns = (found["visits"] >= _VISITS) | (
        (found["visits"] > 1) & (found["late"] == found["visits"])
    )
    lasts = (share >= LASTING_SHARE) | (returns & (share >= RETURNING_SHARE))
    is_short = found["longest"] <= _SHORT_LIFE
    has = lasts.where(~is_short, found["pods_beside"] * 2 >= found["pods"])
    return has.reindex(workload).eq(True).to_numpy(bool)


def _points(numbers: Numbers, table: pd.DataFrame, times: Ints) -> pd.DataFrame:
    """Return the number of the pod and the number of the step of each row of a table, sorted."""
    row = numbers.of(table)
    point = np.searchsorted(times, table[TIME].to_numpy(np.int64))
    found = pd.DataFrame({"row": row, "point": point})
    return found[found["row"] >= 0].drop_duplicates().sort_values(["row", "point"])
