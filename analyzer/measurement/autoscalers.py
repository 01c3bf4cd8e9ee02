"""What else sets replicas and requests: autoscalers, and the limits of a namespace."""

from typing import Final

import pandas as pd

from analyzer.measurement.frames import TIME
from analyzer.measurement.tables import Tables

AUTOSCALERS: Final = "autoscalers"
POLICIES: Final = "request_policies"
"""The query for VerticalPodAutoscalers and LimitRanges."""

SCALE_TARGET: Final = "scale_target"
PROXY: Final = "proxy"
OTHERS: Final = "others"

_NUMBERS: Final = ("min_replicas", "max_replicas", "replicas", "target_utilization_percent")
_TARGET: Final = {"target_kind": "kind", "target_name": "name"}

COLUMNS: Final = ("namespace", "kind", "name", "autoscaler", *_NUMBERS)
VERTICAL_COLUMNS: Final = ("namespace", "kind", "name", "update_mode", "recommends_for_proxy")
LIMIT_COLUMNS: Final = ("namespace", "resource", "constraint", "value")


def no_autoscalers() -> pd.DataFrame:
    """Return no row of `autoscalers_of`."""
    return pd.DataFrame(columns=COLUMNS).astype(dict.fromkeys(_NUMBERS, float))


def no_vertical_autoscalers() -> pd.DataFrame:
    """Return no row of `vertical_autoscalers_of`."""
    return pd.DataFrame(columns=VERTICAL_COLUMNS).astype({"recommends_for_proxy": "boolean"})


def no_limit_ranges() -> pd.DataFrame:
    """Return no row of `limit_ranges_of`."""
    return pd.DataFrame(columns=LIMIT_COLUMNS).astype({"value": float})


def autoscalers_of(tables: Tables) -> pd.DataFrame:
    """Return one row a HorizontalPodAutoscaler, sorted by namespace and autoscaler.

    Columns: namespace, kind and name of what it scales ("" where kube-state-metrics 1.x has none),
    autoscaler, min_replicas, max_replicas, replicas (mean over the window) and
    target_utilization_percent: of the CPU of whole pods; NaN where it follows another metric.
    """
    rows, own = tables[AUTOSCALERS], ["namespace", "autoscaler"]
    if rows.empty:
        return no_autoscalers()
    last = rows[rows[TIME] == rows.groupby(own)[TIME].transform("max")]
    numbers = last.pivot_table(AUTOSCALERS, own, "quantity").reindex(columns=[*_NUMBERS])
    replicas = rows[rows["quantity"] == "replicas"].groupby(own)[AUTOSCALERS].mean()
    targets = last[last["quantity"] == SCALE_TARGET].groupby(own)[[*_TARGET]].last()
    found = numbers.assign(replicas=replicas.reindex(numbers.index)).join(targets)
    named = found.rename(columns=_TARGET).fillna(dict.fromkeys(_TARGET.values(), ""))
    return named.reset_index()[[*COLUMNS]] if len(named) else no_autoscalers()


def vertical_autoscalers_of(tables: Tables) -> pd.DataFrame:
    """Return one row an object that a VerticalPodAutoscaler scales, sorted.

    Columns: namespace, kind and name of the object, update_mode ("" where not known), and
    recommends_for_proxy: whether it has a recommendation for a proxy; <NA> where it has none yet.
    """
    rows = tables[POLICIES].rename(columns=_TARGET)
    rows = rows[rows["name"] != ""].sort_values(TIME, kind="stable")
    if rows.empty:
        return no_vertical_autoscalers()
    own = ["namespace", "kind", "name"]
    objects = rows[own].drop_duplicates().sort_values(own, ignore_index=True)
    keys = pd.MultiIndex.from_frame(objects)
    modes = rows[rows["update_mode"] != ""].groupby(own)["update_mode"].last()
    covers, others = (
        keys.isin(pd.MultiIndex.from_frame(rows.loc[rows["covers"] == what, own]))
        for what in (PROXY, OTHERS)
    )
    known = pd.Series(covers, dtype="boolean").mask(~covers & ~others)
    return objects.assign(
        update_mode=modes.reindex(keys).fillna("").to_numpy(), recommends_for_proxy=known
    )


def limit_ranges_of(tables: Tables) -> pd.DataFrame:
    """Return the constraints on each container in a namespace, as they were last, sorted.

    Columns: namespace, resource (cpu, memory), constraint (min, max, default, defaultRequest,
    maxLimitRequestRatio), value in vCPU or bytes; the ratio has no unit.
    """
    rows = tables[POLICIES]
    rows = rows[rows["constraint"] != ""].sort_values(TIME, kind="stable")
    if rows.empty:
        return no_limit_ranges()
    last = rows.groupby([*LIMIT_COLUMNS[:-1]])[POLICIES].last()
    return last.rename("value").reset_index()
