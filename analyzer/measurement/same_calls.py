"""Calls that the client reports under another name of the destination than the server does.

A client often does not know the workload of a server in another cluster or network, and reports it
as "unknown". So does a waypoint that calls another cluster. The server's own report is whole. Both
name the same service, and both are one call.
"""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from analyzer.arrays import Bools
from analyzer.measurement.numbers import are_among
from analyzer.measurement.other_side import CALLS, DESTINATION, RECEIVERS, SERVICE, SOURCE
from analyzer.measurement.sums import summed_in_steps
from analyzer.measurement.tables import UNKNOWN_NAMES

NEARLY: Final = 0.1
"""Scrapes of two sides are offset in time: a share this near to 0 or 1 is 0 or 1."""

_LEVELS: Final = (("caller", *SERVICE), ("caller", SERVICE[0]))
"""What the two reports of a call have in common. A service may have another name at the server,
where several services select the same pods."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """Reports in which no call is reported by both sides under two names of the destination.

    Attributes:
        reports: as in `counted_once.count_calls_once`, without those of clients that servers
            report too.
        share: of all calls, those that were there twice.
    """

    reports: pd.DataFrame
    share: float


def without_same(reports: pd.DataFrame) -> Matched:
    """Remove what clients report of servers that report the same calls under their own names.

    `reports` also has the service. The report of a client, or of a waypoint that does not know its
    server, is looked at if no proxy reports as that destination. Its calls are those that servers
    received from the client, or from an unnamed caller, of the same service, beyond what clients
    report under the servers' names.
    """
    reports = reports.reset_index(drop=True)
    is_abroad = (reports["reporter"] == "waypoint") & (reports[DESTINATION[1]] == "unknown")
    at_server = reports["reporter"].isin(RECEIVERS) & ~is_abroad
    at_client = (reports["reporter"] == "source") | is_abroad
    is_known = _are_among(reports, reports[at_server], DESTINATION)
    is_open = at_client & ~is_known
    if not is_open.any() or not at_server.any():
        return Matched(reports=reports, share=0.0)
    rows = reports.assign(caller=_callers(reports), kept=1.0)
    # Clients go past waypoints: no server has their reports, unless it has a sidecar.
    at_sidecar = reports[reports["reporter"] == "destination"]
    is_received = _are_among(reports, at_sidecar, DESTINATION)
    received, sent = rows[at_server], rows[at_client & is_received]
    unmatched = rows[is_open]
    for level in _LEVELS:
        share = _explained(unmatched, received, sent, list(level))
        if share.empty:
            continue
        rows.loc[share.index, "kept"] -= share
        # What one level has compared is not compared again.
        unmatched, received, sent = (
            part[~_are_among(part, unmatched.loc[share.index], level)]
            for part in (unmatched, received, sent)
        )
    rows = _from_unnamed(rows, unmatched, received, sent)
    is_client = rows.index.isin(is_open.index[is_open])
    removed = float((rows[CALLS] * (1 - rows["kept"]))[is_client].sum())
    rows[CALLS] *= rows["kept"]
    left = rows[rows["kept"] > 0].drop(columns=["caller", "kept"])
    whole = float(left.loc[left["reporter"].isin(RECEIVERS), CALLS].sum())
    part = removed / whole if whole > 0 else 0.0
    return Matched(reports=left.reset_index(drop=True), share=part)


def without_services(reports: pd.DataFrame) -> pd.DataFrame:
    """Return the reports of all services of a workload together."""
    return summed_in_steps(reports, ["reporter", *SOURCE, *DESTINATION], CALLS)


def without_cluster(namespaces: pd.Series) -> pd.Series:
    """Return namespaces by their own names: a caller's cluster is not the one that reports it."""
    code, names = pd.factorize(namespaces)
    # Each name is looked at once, and there are a thousand in a million rows.
    own = pd.Series(names, dtype="str").str.replace("^.*/", "", regex=True)
    return pd.Series(own.array.take(code, allow_fill=True), index=namespaces.index)


def _callers(reports: pd.DataFrame) -> pd.Series:
    namespace, workload = (reports[name] for name in SOURCE)
    return without_cluster(namespace) + "/" + workload


def _keys(rows: pd.DataFrame, level: tuple[str, ...] | list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[list(level)])


def _are_among(
    rows: pd.DataFrame, others: pd.DataFrame, level: tuple[str, ...] | list[str]
) -> Bools:
    return are_among(rows[list(level)], others[list(level)])


def _explained(
    unmatched: pd.DataFrame, received: pd.DataFrame, sent: pd.DataFrame, level: list[str]
) -> pd.Series:
    """Return which share of the unmatched reports the servers received too, by their index.

    Only of callers and services that the servers report.
    """
    if unmatched.empty or received.empty:
        return pd.Series(dtype=float)
    known = unmatched[_are_among(unmatched, received, level)]
    if known.empty:
        return pd.Series(dtype=float)
    open_rps, received_rps, sent_rps = (
        part.groupby([*level, "point"])[CALLS].sum() for part in (known, received, sent)
    )
    beyond = received_rps.reindex(open_rps.index, fill_value=0.0)
    beyond -= sent_rps.reindex(open_rps.index, fill_value=0.0)
    share = _settled((beyond / open_rps.where(open_rps > 0)).groupby(level=level).median())
    found = share.reindex(_keys(known, level)).to_numpy()
    return pd.Series(found, index=known.index)


def _settled(share: pd.Series) -> pd.Series:
    share = share.fillna(0.0).clip(0.0, 1.0)
    return share.mask(share < NEARLY, 0.0).mask(share > 1 - NEARLY, 1.0)


def _from_unnamed(
    rows: pd.DataFrame, unmatched: pd.DataFrame, received: pd.DataFrame, sent: pd.DataFrame
) -> pd.DataFrame:
    """Match the rest with calls whose caller the servers do not know, by service.

    That part of their calls has a meshed caller, whose name is lost.
    """
    nameless = received[received["source_workload"].isin(UNKNOWN_NAMES)]
    if unmatched.empty or nameless.empty:
        return rows
    # Without a service, only calls whose caller was dropped: the others come from outside the mesh.
    is_served = (nameless[SERVICE] != "").any(axis=1)
    nameless = nameless[is_served | (nameless["source_workload"] == "")]
    sent = sent[~_are_among(sent, received, ["caller", *SERVICE])]
    share = _explained(unmatched, nameless, sent, list(SERVICE))
    if share.empty:
        return rows
    rows.loc[share.index, "kept"] -= share
    matched = unmatched.loc[share.index, [*SERVICE, CALLS]]
    same = matched.assign(same=matched[CALLS] * share).groupby(SERVICE)["same"].sum()
    unnamed_rps = nameless.groupby(SERVICE)[CALLS].sum().reindex(same.index)
    part = _settled(same / unnamed_rps)
    unknown = nameless[nameless["source_workload"] == "unknown"]
    meshed = part.reindex(_keys(unknown, SERVICE)).fillna(0.0).to_numpy()
    rows.loc[unknown.index, "kept"] -= meshed
    added = unknown.assign(kept=meshed, **dict.fromkeys(SOURCE, ""))
    return pd.concat([rows, added[added["kept"] > 0]])
