"""Calls whose reports lack the workloads, because the labels were dropped when scraping.

What a proxy received is known by its pod. So the destination of a report is its proxy's workload,
and only who called is unknown. That is estimated from what the clients report of the same service.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.numbers import first_rows
from analyzer.measurement.other_side import (
    CALLS,
    DESTINATION,
    INBOUND,
    OUTBOUND,
    SERVICE,
    SOURCE,
    WORKLOAD,
)
from analyzer.measurement.rows import with_points
from analyzer.measurement.same_calls import NEARLY, without_cluster
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables
from analyzer.units import Role
from analyzer.window import TimeWindow

_MOST_ROWS: Final = 3_000_000
"""Rows above which callers are no longer spread over single workloads."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Restored:
    """Reports with the ends that their proxies have.

    Attributes:
        reports: as in `counted_once.count_calls_once`, with the service.
        lacking_share: of what servers report, the part that lacked its destination or its caller.
    """

    reports: pd.DataFrame
    lacking_share: float


def with_ends(
    reports: pd.DataFrame, tables: Tables, proxies: pd.DataFrame, window: TimeWindow
) -> Restored:
    """Return reports in which no label of a workload is dropped, as far as the proxies show it."""
    at_server = reports["reporter"] == "destination"
    no_destination, no_caller = _lacks(reports, DESTINATION), _lacks(reports, SOURCE)
    several = tables.has_several_clusters
    lacks_own = at_server & (
        no_destination | _is_bare(reports[DESTINATION[0]]) if several else no_destination
    )
    lacks_caller = at_server & no_caller
    received = float(reports.loc[at_server, CALLS].sum())
    dropped = (at_server & no_destination) | lacks_caller
    lacking = float(reports.loc[dropped, CALLS].sum())
    if not (lacks_own | no_destination | no_caller).any():
        return Restored(reports=reports, lacking_share=0.0)
    if lacks_own.any():
        bare = reports.loc[lacks_own, DESTINATION].drop_duplicates()
        own = _received(tables, proxies, window, bare)
        spread = _spread(reports[lacks_own], own) if len(own) else reports[lacks_own]
        reports = pd.concat([reports[~lacks_own], spread[list(reports.columns)]])
    reports = _with_namespaces(reports.reset_index(drop=True), proxies)
    if several:
        reports = _near_callers(reports, proxies)
    share = lacking / received if received > 0 else 0.0
    return Restored(reports=reports, lacking_share=share)


def _lacks(reports: pd.DataFrame, names: list[str]) -> pd.Series:
    """Return which reports lack one of these labels; those of a series, which follow, all do."""
    labels = reports[names]
    firsts = first_rows(labels)
    found = (labels.iloc[firsts] == "").any(axis=1).to_numpy()
    return pd.Series(np.repeat(found, np.diff(firsts, append=len(labels))), index=reports.index)


def _is_bare(namespace: pd.Series) -> pd.Series:
    """Return which namespaces have no cluster, although there are several."""
    return ~namespace.str.contains("/", regex=False) & ~namespace.isin(UNKNOWN_NAMES)


def _received(
    tables: Tables, proxies: pd.DataFrame, window: TimeWindow, bare: pd.DataFrame
) -> pd.DataFrame:
    """Return what workloads received by reports that do not name them, or not their cluster.

    Columns: `WORKLOAD`, label (what is known of the name), point, rps.
    """
    frame = with_points(tables[INBOUND], window)
    names = [without_cluster(frame[DESTINATION[0]]), frame[DESTINATION[1]]]
    is_bare = pd.MultiIndex.from_arrays(names).isin(pd.MultiIndex.from_frame(bare))
    frame = frame.assign(label=_label(frame))[_lacks(frame, DESTINATION) | is_bare]
    frame = frame.merge(proxies[[*KEY, "workload"]], on=KEY).rename(columns={INBOUND: "rps"})
    return frame.groupby([*WORKLOAD, "label", "point"])["rps"].sum().reset_index()


def _label(rows: pd.DataFrame) -> pd.Series:
    """Return the destination as the label names it; "" where it does not name the workload."""
    namespace, workload = (rows[name] for name in DESTINATION)
    whole = without_cluster(namespace) + "/" + workload
    return whole.where(workload != "", "")


def _spread(reports: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Divide what each workload received as the reports of its name or namespace are divided."""
    label = _label(reports)
    link = ("w/" + label).mask(label == "", "n/" + reports[SERVICE[0]])
    rows = reports.assign(link=link)
    of_own = ("n/" + without_cluster(own["namespace"])).mask(
        own["label"] != "", "w/" + own["label"]
    )
    own = own.assign(link=of_own.where(of_own.isin(rows["link"]), "n/"))
    both = rows.groupby(["link", "point"]).size().mul(own.groupby(["link", "point"]).size())
    if both.sum() > _MOST_ROWS or (own["link"] == "n/").any():
        rows = _without_names(rows)
    columns = ["link", "point", *SOURCE, *SERVICE]
    parts = rows.groupby(columns)[CALLS].sum().rename("part").reset_index()
    parts["part"] /= parts.groupby(["link", "point"])["part"].transform("sum")
    found = own.merge(parts, on=["link", "point"], how="left")
    found = found.fillna({"part": 1.0, **dict.fromkeys([*SOURCE, *SERVICE], "")})
    names = dict(zip(WORKLOAD, DESTINATION, strict=True))
    found = found.drop(columns="label").rename(columns=names)
    return found.assign(reporter="destination", **{CALLS: found["rps"] * found["part"]})


def _without_names(rows: pd.DataFrame) -> pd.DataFrame:
    """Return reports that only distinguish whether the caller is in the mesh."""
    is_outside = rows["source_workload"] == "unknown"
    unnamed = {name: rows[name].where(is_outside, "") for name in SOURCE}
    return rows.assign(**unnamed, **dict.fromkeys(SERVICE, ""))


def _with_namespaces(reports: pd.DataFrame, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return reports with the namespace of each end whose workload has a name of its own."""
    named = proxies[WORKLOAD].drop_duplicates().drop_duplicates("workload", keep=False)
    namespaces = named.set_index("workload")["namespace"]
    for namespace, workload in (SOURCE, DESTINATION):
        known = reports[workload].map(namespaces).astype(object).fillna("")
        missing = reports[namespace] == ""
        reports = reports.assign(**{namespace: reports[namespace].mask(missing, known)})
    return reports


def _near_callers(reports: pd.DataFrame, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return reports in which a caller without a cluster is in that of the destination."""
    namespace, workload = (reports[name] for name in SOURCE)
    near = reports[DESTINATION[0]].str.extract("^(.*/)", expand=False).fillna("") + namespace
    known = pd.MultiIndex.from_frame(proxies[WORKLOAD].drop_duplicates())
    is_bare = _is_bare(namespace) & pd.MultiIndex.from_arrays([near, workload]).isin(known)
    return reports.assign(**{SOURCE[0]: namespace.mask(is_bare, near)})


def with_callers(
    reports: pd.DataFrame, sent: pd.DataFrame, tables: Tables, proxies: pd.DataFrame
) -> pd.DataFrame:
    """Divide calls from unnamed callers as the clients' reports of the same service are divided.

    Where these do not name themselves, gateways have their part of all that was sent. What exceeds
    the clients' reports has unmeshed callers. `sent` are all reports of clients.
    """
    unnamed = (reports["reporter"] == "destination") & (reports["source_workload"] == "")
    rows = reports[unnamed]
    if rows.empty:
        return reports
    if sent.empty:
        parts = pd.DataFrame(
            {"source_workload_namespace": [""], "source_workload": "", "part": 1.0}
        )
        parts = rows[SERVICE].drop_duplicates().merge(parts, how="cross")
    else:
        parts = pd.concat(_callers_of_services(rows, sent))
    gateways = _gateway_parts(tables, proxies)
    nameless = parts["source_workload"] == ""
    divided = parts[nameless].drop(columns=SOURCE).merge(gateways, how="cross")
    divided["part"] *= divided.pop("of_all")
    parts = pd.concat([parts[~nameless], divided])
    found = rows.drop(columns=SOURCE).merge(parts, on=SERVICE)
    found[CALLS] *= found.pop("part")
    return pd.concat([reports[~unnamed], found[list(reports.columns)]], ignore_index=True)


def _callers_of_services(rows: pd.DataFrame, sent: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the part of each caller in what services received, those outside the mesh last."""
    received = rows.groupby(SERVICE)[CALLS].sum()
    if not pd.MultiIndex.from_frame(sent[SERVICE]).isin(received.index).any():
        # The two sides do not even name the same services.
        received = pd.Series(float(received.sum()), index=received.index)
        services = received.index.to_frame(index=False)
        sent = sent.drop(columns=SERVICE).merge(services, how="cross")
    by_caller = sent.groupby([*SERVICE, *SOURCE])[CALLS].sum().rename("part").reset_index()
    by_caller = by_caller[pd.MultiIndex.from_frame(by_caller[SERVICE]).isin(received.index)]
    heard = by_caller.groupby(SERVICE)["part"].sum().reindex(received.index).fillna(0.0)
    outside = (1 - heard / received.where(received > 0)).fillna(0.0).clip(lower=0.0)
    outside = outside.mask(outside < NEARLY, 0.0)
    whole = heard / (1 - outside).where(outside < 1)
    at = pd.MultiIndex.from_frame(by_caller[SERVICE])
    yield by_caller.assign(part=by_caller["part"].to_numpy() / whole.reindex(at).to_numpy())
    rest = outside[outside > 0].rename("part").reset_index()
    yield rest.assign(**dict.fromkeys(SOURCE, "unknown"))


def _gateway_parts(tables: Tables, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return each gateway's part of all that sidecars and gateways sent, and the rest, unnamed."""
    sent = tables[OUTBOUND].groupby(KEY)[OUTBOUND].sum()
    rows = proxies.assign(sent=sent.reindex(pd.MultiIndex.from_frame(proxies[KEY])).to_numpy())
    rows = rows[rows["role"].isin([Role.GATEWAY, Role.SIDECAR])].fillna({"sent": 0.0})
    of_gateways = rows[rows["role"] == Role.GATEWAY].groupby(WORKLOAD)["sent"].sum()
    parts = of_gateways / max(float(rows["sent"].sum()), 1e-12)
    names = dict(zip(WORKLOAD, SOURCE, strict=True))
    found = parts.rename("of_all").reset_index().rename(columns=names)
    rest = pd.DataFrame({"of_all": [1 - float(parts.sum())]}).assign(**dict.fromkeys(SOURCE, ""))
    return pd.concat([found, rest], ignore_index=True)
