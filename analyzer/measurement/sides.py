"""Directions of traffic that proxies do not report, from what the other side of the calls reports.

Every call between two sidecars is reported twice. Where the reports of one side were dropped when
scraping, or the label `reporter` was, the other side still has them, by workload.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from analyzer.errors import InsufficientData
from analyzer.measurement.counters import REQUEST_COUNTER
from analyzer.measurement.frames import TIME
from analyzer.measurement.numbers import are_among
from analyzer.measurement.other_side import (
    CALLS,
    DESTINATION,
    INBOUND,
    OTHERS,
    OUTBOUND,
    OWN_WORKLOAD,
    SOURCE,
    WORKLOAD,
)
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables, workload_of_creator

_CPU: Final = "proxy_cpu_vcpu"
_BUILD: Final = "proxy_build"


SEVERAL: Final = 2
"""Workloads of a namespace that must lack inbound reports: a single one may bypass its sidecar."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Completed:
    """The tables with both directions of traffic, and what was added.

    Attributes:
        tables: `inbound_requests_rps` and `outbound_requests_rps` have the added rows, and
            `mesh_requests_rps` has a reporter in every row.
        added: the pods whose requests of a table come from the other side, by table: `KEY`.
        unlabelled: the pods whose request counters have no reporter: `KEY`.
    """

    tables: Tables
    added: dict[str, pd.DataFrame] = field(default_factory=dict)
    unlabelled: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=KEY))


def completed(tables: Tables) -> Completed:
    """Return the tables of a snapshot with the directions that some proxies do not report."""
    is_unlabelled = (tables.pieces(CALLS).labels["reporter"] == "").any()
    if not is_unlabelled and not any(_unheard(tables, name) for name in OWN_WORKLOAD):
        return Completed(tables=tables)
    calls = tables[CALLS]
    pods = _workloads(tables)
    unlabelled = _unlabelled(tables, pods)
    calls = _with_reporters(calls, unlabelled)
    tables = tables.replaced({CALLS: calls})
    added = {}
    shares = _growth(tables, unlabelled)
    for name, own in OWN_WORKLOAD.items():
        reporter = "destination" if name == INBOUND else "source"
        totals = [
            _totals(calls, (reporter,), own, unlabelled),
            _totals(calls, OTHERS[name], own, _silent(tables, name, pods, unlabelled)),
        ]
        rows = _spread(tables, name, pd.concat(totals), pods, shares)
        if len(rows):
            added[name] = rows[KEY].drop_duplicates()
            tables = tables.replaced({name: pd.concat([tables[name], rows], ignore_index=True)})
    return Completed(tables=tables, added=added, unlabelled=unlabelled[KEY])


def require_callers(tables: Tables) -> None:
    """Raise InsufficientData if one direction of traffic is missing, and nothing replaces it."""
    calls = tables.pieces(CALLS).labels
    for reporter, other, end in (
        ("source", "destination", SOURCE[1]),
        ("destination", "source", DESTINATION[1]),
    ):
        heard = calls[calls["reporter"] == other]
        if len(heard) and (heard[end] == "").all() and not (calls["reporter"] == reporter).any():
            raise InsufficientData(
                f'No proxy reports requests with reporter="{reporter}", and the label {end} was '
                "dropped from the other reports. Cost per request would be too high without these "
                f'requests. Keep the label {end}, or the series with reporter="{reporter}".'
            )


def _unheard(tables: Tables, name: str) -> bool:
    """Return whether workloads that the other side names report none of their own requests."""
    calls, own = tables.pieces(CALLS).labels, OWN_WORKLOAD[name]
    named = calls[calls["reporter"].isin(OTHERS[name]) & ~calls[own[1]].isin(UNKNOWN_NAMES)]
    return not are_among(named[own], tables.pieces(name).labels[own]).all()


def _workloads(tables: Tables) -> pd.DataFrame:
    """Return the workload of each pod: what Istio calls it, else by its creator, else its name."""
    known = [tables[name][KEY] for name in (_CPU, _BUILD, REQUEST_COUNTER, *OWN_WORKLOAD)]
    pods = pd.concat(known).drop_duplicates()
    keys = pd.MultiIndex.from_frame(pods)
    names = pd.Series("", index=keys)
    placed = tables["pod_placement"]
    placed = placed.assign(workload=workload_of_creator(placed))
    reported = [
        tables[name].rename(columns={own[1]: "workload"}) for name, own in OWN_WORKLOAD.items()
    ]
    for frame in (*reported, placed):
        rows = frame[~frame["workload"].isin(UNKNOWN_NAMES)]
        found = rows.groupby(KEY)["workload"].last().reindex(keys).astype(object).fillna("")
        names = names.where(names != "", found)
    pods = pods.assign(workload=names.to_numpy())
    by_name = _by_name(pods[pods["workload"] == ""], tables[CALLS])
    return pods.assign(workload=pods["workload"].mask(pods["workload"] == "", by_name))


def _by_name(pods: pd.DataFrame, calls: pd.DataFrame) -> pd.Series:
    """Return the longest workload of its namespace with whose name each pod begins; else ""."""
    ends = [
        calls[own].drop_duplicates().set_axis(WORKLOAD, axis=1) for own in (SOURCE, DESTINATION)
    ]
    named = pd.concat(ends).drop_duplicates()
    both = pods.reset_index()[["index", *KEY]].merge(named, on="namespace")
    starts = [
        pod.startswith(f"{name}-") for pod, name in zip(both["pod"], both["workload"], strict=True)
    ]
    both = both[np.array(starts, dtype=bool)] if len(both) else both
    longest = both.assign(length=both["workload"].str.len()).sort_values("length")
    return longest.groupby("index")["workload"].last().reindex(pods.index).astype(object).fillna("")


def _unlabelled(tables: Tables, pods: pd.DataFrame) -> pd.DataFrame:
    """Return the pods whose counters have no reporter, with their workloads."""
    counters = tables[REQUEST_COUNTER]
    if not (tables[CALLS]["reporter"] == "").any():
        return pods.iloc[:0]
    if counters.empty:
        return pods
    without = counters.loc[counters["reporter"] == "", KEY].drop_duplicates()
    return pods.merge(without, on=KEY)


def _with_reporters(calls: pd.DataFrame, unlabelled: pd.DataFrame) -> pd.DataFrame:
    """Return the calls with a reporter in each row.

    Without the label both sides of a call are in one sum. A side without such proxies has no part
    in it.
    """
    is_unnamed = (calls["reporter"] == "").to_numpy()
    if not is_unnamed.any():
        return calls
    rows = calls[is_unnamed]
    own = unlabelled[WORKLOAD]
    at_source, at_destination = (are_among(rows[ends], own) for ends in (SOURCE, DESTINATION))
    count = np.maximum(at_source.astype(int) + at_destination, 1)
    halves = [
        rows[is_there].assign(
            reporter=reporter, **{CALLS: (rows[CALLS].to_numpy() / count)[is_there]}
        )
        for reporter, is_there in (("source", at_source), ("destination", at_destination))
    ]
    return pd.concat([calls[~is_unnamed], *halves], ignore_index=True)


def _silent(
    tables: Tables, name: str, pods: pd.DataFrame, unlabelled: pd.DataFrame
) -> pd.DataFrame:
    """Return the pods of workloads of which none reports a direction, in which others hear them.

    A sidecar may be bypassed by what comes in. So a direction counts as dropped only where no
    workload of a namespace reports it, and the other side names several, or the whole mesh.
    """
    reporting = pods.merge(tables[name][KEY].drop_duplicates(), on=KEY)
    rows = pods[~are_among(pods[WORKLOAD], reporting[WORKLOAD])]
    rows = rows[~are_among(rows[KEY], unlabelled[KEY])]
    if name == OUTBOUND or rows.empty:
        return rows
    # A gateway receives requests from the mesh too, and reports only those that it sends.
    beside = tables["application_containers"]
    if len(beside):
        rows = rows[are_among(rows[KEY], beside[KEY])]
    calls = tables[CALLS]
    heard = calls.loc[calls["reporter"] == "source", DESTINATION]
    rows = rows[are_among(rows[WORKLOAD], heard)]
    if reporting.empty:
        return rows
    count = rows.groupby("namespace")["workload"].transform("nunique")
    return rows[(count >= SEVERAL) & ~rows["namespace"].isin(reporting["namespace"])]


def _totals(
    calls: pd.DataFrame, reporters: tuple[str, ...], own: list[str], pods: pd.DataFrame
) -> pd.DataFrame:
    """Return what workloads sent or received by some reports: `WORKLOAD`, `TIME`, rps."""
    rows = calls[calls["reporter"].isin(reporters)]
    rows = rows[are_among(rows[own], pods[WORKLOAD])]
    totals = rows.groupby([*own, TIME])[CALLS].sum().rename("rps").reset_index()
    return totals.rename(columns=dict(zip(own, WORKLOAD, strict=True)))


def _growth(tables: Tables, unlabelled: pd.DataFrame) -> pd.DataFrame:
    """Return by how much the counters of pods without a reporter grew: `KEY`, `TIME`, part."""
    counters = tables[REQUEST_COUNTER]
    counters = counters[counters["reporter"] == ""].merge(unlabelled[KEY], on=KEY)
    counters = counters.sort_values([*KEY, TIME])
    growth = counters.groupby(KEY)[REQUEST_COUNTER].diff()
    return counters.assign(part=growth.where(growth >= 0))[[*KEY, TIME, "part"]].dropna()


def _spread(
    tables: Tables, name: str, totals: pd.DataFrame, pods: pd.DataFrame, growth: pd.DataFrame
) -> pd.DataFrame:
    """Divide the requests of each workload among its pods that were scraped.

    In proportion to the growth of their counters. Else what was received is divided equally, as
    load balancers do, and what was sent as what was received.
    """
    if totals.empty:
        return tables[name].iloc[:0]
    times = [*KEY, TIME]
    there = tables[_BUILD][times].drop_duplicates()
    unbuilt = ~are_among(pods[KEY], there[KEY])
    there = pd.concat([there, tables[_CPU][times].merge(pods.loc[unbuilt, KEY], on=KEY)])
    rows = totals.merge(pods, on=WORKLOAD).merge(there.drop_duplicates(), on=times)
    received = tables[INBOUND].groupby(times)[INBOUND].sum().rename("received")
    rows = rows.join(received, on=times).join(growth.set_index(times)["part"], on=times)
    parts = rows.groupby([*WORKLOAD, TIME])
    part = rows["part"].where(parts["part"].transform("count") == parts["part"].transform("size"))
    received = rows["received"].fillna(0.0).where(parts["received"].transform("sum") > 0)
    weight = part if name == INBOUND else part.fillna(received)
    weight = weight.fillna(1.0)
    whole = weight.groupby([rows[key] for key in (*WORKLOAD, TIME)]).transform("sum")
    count = parts["rps"].transform("size")
    share = (weight / whole.where(whole > 0)).fillna(1.0 / count)
    own = {own: rows[ours] for own, ours in zip(OWN_WORKLOAD[name], WORKLOAD, strict=True)}
    found = rows.assign(**own, **{name: rows["rps"] * share})
    return found.loc[found[name] > 0, list(tables[name].columns)]
