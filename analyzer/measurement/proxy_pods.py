"""What kube-state-metrics shows about the pods of proxies: native sidecars, kills, applications."""

from typing import Final

import pandas as pd

from analyzer.measurement.frames import TIME
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import Tables
from analyzer.units import Role

PODS: Final = "proxy_pods"
"""The query for all of it."""

KILL: Final = "memory_kill"
NATIVE: Final = "native"
NOT_NATIVE: Final = "not_native"
APPLICATION: Final = "application_vcpu"

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
    rows = tables[PODS]
    begins = rows.groupby(KEY)[TIME].min()
    kills = rows[rows["fact"] == KILL].groupby(KEY)
    found = pd.DataFrame(
        {
            "first": kills[TIME].min(),
            "restarted": kills[PODS].max() > kills[PODS].min(),
        }
    )
    pod_begins = begins.reindex(found.index)
    is_new = (found["first"] > pod_begins) | (pod_begins > rows[TIME].min())
    killed = found.index[is_new | found["restarted"]].to_frame(index=False)
    sidecars = proxies.loc[proxies["role"] == Role.SIDECAR, list(KILLS_COLUMNS)]
    named = sidecars.merge(killed, on=KEY)[list(KILLS_COLUMNS)]
    return named.sort_values(list(KILLS_COLUMNS), ignore_index=True)


def native_sidecars_of(tables: Tables, proxies: pd.DataFrame) -> pd.Series:
    """Return by number of the proxy whether it is a native sidecar; <NA> where not known."""
    rows = tables[PODS]
    keys = pd.MultiIndex.from_frame(proxies[KEY])
    native, other = (
        keys.isin(pd.MultiIndex.from_frame(rows.loc[rows["fact"] == fact, KEY]))
        for fact in (NATIVE, NOT_NATIVE)
    )
    # A StatefulSet may give the name of a pod to one of each kind: neither is right.
    known = pd.Series(native, index=proxies.index, dtype="boolean")
    return known.mask(native == other).rename("is_native")


def application_requests_of(tables: Tables, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return the CPU requests of the other containers beside each workload's sidecars, sorted.

    Columns: namespace, workload, application_reserved_vcpu: of one pod, on average over pods and
    steps. A workload has no row where no such request is known.
    """
    rows = tables[PODS]
    sidecars = proxies.loc[proxies["role"] == Role.SIDECAR, [*KEY, "workload"]]
    known = rows[rows["fact"] == APPLICATION].merge(sidecars, on=KEY)
    means = known.groupby(["namespace", "workload"])[PODS].mean()
    return means.rename(APPLICATIONS_COLUMNS[-1]).reset_index()
