"""What kube-state-metrics shows about the pods of proxies: native sidecars, kills, applications."""

from typing import Final

import pandas as pd

from analyzer.measurement.frames import TIME
from analyzer.measurement.numbers import Numbers
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import Tables
from analyzer.units import Role

PODS: Final = "proxy_pods"
"""The query for kills and native sidecars."""

KILL: Final = "memory_kill"
NATIVE: Final = "native"

REQUESTS: Final = "application_reserved_vcpu"
"""The query for requests of the other containers."""

_PLACED: Final = "pod_placement"
_RESERVED: Final = "proxy_reserved_vcpu"

KILLS_COLUMNS: Final = ("namespace", "workload", "pod")
APPLICATIONS_COLUMNS: Final = ("namespace", "workload", "application_reserved_vcpu")


def no_kills() -> pd.DataFrame:
    """Return no row of `memory_kills_of`."""
    return pd.DataFrame(columns=KILLS_COLUMNS, dtype="str")


def no_applications() -> pd.DataFrame:
    """Return no row of `application_requests_of`."""
    return pd.DataFrame(columns=APPLICATIONS_COLUMNS).astype({APPLICATIONS_COLUMNS[-1]: float})


def memory_kills_of(tables: Tables, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return the sidecars that were killed for memory in the window, sorted.

    Columns: namespace, workload, pod. The reason of the last restart stays for the rest of a pod's
    life. A kill is in the window if the reason appeared in it, or came with the pod, or the
    count of restarts grew.
    """
    rows, placed = tables[PODS], tables[_PLACED]
    placed = placed[KEY].assign(**{TIME: tables.first_times(_PLACED)})
    begins = placed.groupby(KEY)[TIME].min()
    kills = rows[rows["fact"] == KILL].groupby(KEY)
    found = pd.DataFrame(
        {
            "first": kills[TIME].min(),
            "restarted": kills[PODS].max() > kills[PODS].min(),
        }
    )
    pod_begins = begins.reindex(found.index)
    is_new = (found["first"] > pod_begins) | (pod_begins > placed[TIME].min())
    killed = found.index[is_new | found["restarted"]].to_frame(index=False)
    sidecars = proxies.loc[proxies["role"] == Role.SIDECAR, list(KILLS_COLUMNS)]
    named = sidecars.merge(killed, on=KEY)[list(KILLS_COLUMNS)]
    return named.sort_values(list(KILLS_COLUMNS), ignore_index=True)


def native_sidecars_of(tables: Tables, proxies: pd.DataFrame) -> pd.Series:
    """Return by number of the proxy whether it is a native sidecar; <NA> where not known.

    That is known by its CPU request, which is that of an init container.
    """
    numbers, rows = Numbers(proxies[KEY]), tables[PODS]
    native, known = (
        numbers.among(frame) for frame in (rows[rows["fact"] == NATIVE], tables[_RESERVED])
    )
    found = pd.Series(native, index=proxies.index, dtype="boolean").rename("is_native")
    return found.mask(~(native | (known & tables.has(PODS))))


def application_requests_of(tables: Tables, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return the CPU requests of the other containers beside each workload's sidecars, sorted.

    Columns: namespace, workload, application_reserved_vcpu: of one pod, on average over pods and
    steps. A workload has no row where no such request is known, or no autoscaler may count it.
    """
    sidecars = proxies.loc[proxies["role"] == Role.SIDECAR, [*KEY, "workload"]]
    known = tables[REQUESTS].merge(sidecars, on=KEY)
    means = known.groupby(["namespace", "workload"])[REQUESTS].mean()
    return means.rename(APPLICATIONS_COLUMNS[-1]).reset_index()
