"""Calls between workloads, each counted once, however its two ends are attached to the mesh.

`who_reports` has which proxies report a call. The server's sidecar counts it, else the waypoint in
front of it, else the client. What no proxy reports is not known, and in no figure.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.measurement.columns import assigned, where
from analyzer.measurement.groups import Groups
from analyzer.measurement.numbers import are_among, in_order, numbered
from analyzer.measurement.other_side import CALLS, DESTINATION, RECEIVERS, SOURCE, WORKLOAD
from analyzer.measurement.past_sidecars import past_sidecars
from analyzer.measurement.same_calls import NEARLY
from analyzer.measurement.sums import summed_in_steps
from analyzer.units import Role

_ENDS: Final = [*SOURCE, *DESTINATION]
_AT_SERVER: Final = "destination"
_UNKNOWN: Final = "unknown"
_MOSTLY: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attached:
    """What is known of how the workloads of a mesh are attached to it.

    Attributes:
        namespaces: those with proxies.
        is_whole: whether the whole mesh was asked for, not some namespaces of it.
        is_ambient: whether the mesh has a ztunnel or a waypoint.
        sidecars: `WORKLOAD` and point of each workload's sidecars.
        gateways: `WORKLOAD` of gateways.
    """

    namespaces: frozenset[str]
    is_whole: bool
    is_ambient: bool = False
    sidecars: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=[*WORKLOAD, "point"])
    )
    gateways: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=WORKLOAD))


def attached(proxies: pd.DataFrame, steps: pd.DataFrame, *, is_whole: bool) -> Attached:
    """Return how the workloads of these proxies are attached, in the steps they existed in."""
    proxy = steps["proxy"].to_numpy(np.int64)
    rows = assigned(steps[["point"]], {"number": numbered(proxies[WORKLOAD])[proxy]})
    rows = where(rows, (proxies["role"] == Role.SIDECAR).to_numpy()[proxy])
    of_sidecars = Groups.of(rows, ["number", "point"]).names.to_frame(index=False)
    sidecars = of_sidecars.join(in_order(proxies[WORKLOAD]), on="number")
    return Attached(
        namespaces=frozenset(proxies["namespace"]),
        is_whole=is_whole,
        is_ambient=bool(proxies["role"].isin([Role.ZTUNNEL, Role.WAYPOINT]).any()),
        sidecars=sidecars[[*WORKLOAD, "point"]],
        gateways=proxies.loc[proxies["role"] == Role.GATEWAY, WORKLOAD].drop_duplicates(),
    )


def count_calls_once(reports: pd.DataFrame, mesh: Attached) -> pd.DataFrame:
    """Return mesh requests, each call counted once.

    Reports of sidecars that received a call count, and those of waypoints. The client's report
    counts where neither reports the call: the server is outside the mesh, or in ambient mode and
    the client goes past its waypoint, as all sidecars do and most gateways. Of a workload that has
    sidecars for a part of the time, or in a part of its pods, that holds for the rest.

    Where only some namespaces were asked for, the reports of a destination elsewhere are not in
    the snapshot: it may be in the mesh.

    `reports` has `reporter`, the four labels of the two ends, `point` and `mesh_requests_rps`.
    What is returned has the four labels, `reporter` (whose report counts), `point` and `rps`.
    """
    received = reports[reports["reporter"].isin(RECEIVERS)]
    sent = _within(reports[reports["reporter"] == "source"], received, mesh)
    if len(sent):
        part = _beyond_sidecars(sent, received, mesh)
        part *= ~_at_waypoint(sent, received)
        part *= 1 - _forwarded(sent, reports, mesh)
        sent = sent.assign(**{CALLS: sent[CALLS] * part})[part > 0]
    counted = pd.concat([received, sent])
    return summed_in_steps(counted, [*_ENDS, "reporter"], CALLS).rename(columns={CALLS: "rps"})


def _keys(rows: pd.DataFrame, names: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[names])


def _within(sent: pd.DataFrame, received: pd.DataFrame, mesh: Attached) -> pd.DataFrame:
    """Return the clients' reports without those of a server whose reports were not asked for."""
    if mesh.is_whole:
        return sent
    in_scope = sent[DESTINATION[0]].isin(mesh.namespaces | {"", _UNKNOWN}).to_numpy()
    return sent[in_scope | are_among(sent[DESTINATION], received[DESTINATION])]


def _beyond_sidecars(sent: pd.DataFrame, received: pd.DataFrame, mesh: Attached) -> Floats:
    """Return which part of each client's report no sidecar of the server reports."""
    at_server = received[received["reporter"] == _AT_SERVER]
    times = at_server.groupby(DESTINATION)["point"].agg(["min", "max"])
    span = times.reindex(_keys(sent, DESTINATION))
    # A time without requests is not one without sidecars.
    points = sent["point"].to_numpy()
    is_covered: Bools = (points >= span["min"].to_numpy()) & (points <= span["max"].to_numpy())
    reports = span["min"].notna().to_numpy()
    rest = sent[reports & ~is_covered]
    there = mesh.sidecars[[*WORKLOAD, "point"]]
    is_covered[reports & ~is_covered] = are_among(rest[[*DESTINATION, "point"]], there)
    part = (~is_covered).astype(float)
    if mesh.is_ambient and is_covered.any():
        part[is_covered] = past_sidecars(sent[is_covered], at_server)
    borders = is_covered & _is_beside(sent, sent[~is_covered & reports])
    if borders.any():
        part[borders] = np.maximum(part[borders], _unreported(sent[borders], at_server))
    return part


def _is_beside(sent: pd.DataFrame, uncovered: pd.DataFrame) -> Bools:
    """Return which calls are in the step next to one in which the server has no sidecars."""
    keys = [*DESTINATION, "point"]
    found = np.zeros(len(sent), dtype=bool)
    if uncovered.empty:
        return found
    for away in (-1, 1):
        steps = uncovered[keys].assign(point=uncovered["point"] + away)
        found |= are_among(sent[keys], steps)
    return found


def _unreported(sent: pd.DataFrame, at_server: pd.DataFrame) -> Floats:
    """Return which part of each client's calls of a step its server does not report."""
    received = at_server.groupby([*_ENDS, "point"])[CALLS].sum()
    known = received.reindex(_keys(sent, [*_ENDS, "point"])).fillna(0.0).to_numpy(np.float64)
    rps = sent[CALLS].to_numpy(np.float64)
    share = 1 - np.divide(known, rps, out=np.ones_like(rps), where=rps > 0)
    return np.where(share < NEARLY, 0.0, share)


def _at_waypoint(sent: pd.DataFrame, received: pd.DataFrame) -> Bools:
    """Return which calls a waypoint reports too, by the same names of both ends.

    Only where the two agree most of the time: some pods of a workload may have sidecars, while the
    calls of the others go through the waypoint.
    """
    handled = received[received["reporter"] == "waypoint"].groupby([*_ENDS, "point"])[CALLS].sum()
    if handled.empty:
        return np.zeros(len(sent), dtype=bool)
    same = handled.reindex(_keys(sent, [*_ENDS, "point"])).to_numpy(float)
    both = sent[CALLS].where(same > 0, 0.0)
    sums = sent.assign(same=same, both=both).groupby(_ENDS)[[CALLS, "same", "both"]].sum()
    agree = (sums["same"] / sums["both"].where(sums["both"] > 0) - 1).abs() < NEARLY
    agree &= sums["both"] > _MOSTLY * sums[CALLS]
    found = _keys(sent, _ENDS).isin(sums.index[agree])
    return found & (same > 0)


def _forwarded(sent: pd.DataFrame, reports: pd.DataFrame, mesh: Attached) -> Floats:
    """Return which part of calls a gateway in the mesh reports again, as it passes them on."""
    is_passed = are_among(sent[DESTINATION], mesh.gateways[WORKLOAD])
    if not is_passed.any():
        return is_passed.astype(float)
    at_source = reports[reports["reporter"] == "source"]
    into, out = (
        rows.groupby([*ends, "point"])[CALLS].sum().rename_axis([*WORKLOAD, "point"])
        for rows, ends in ((sent[is_passed], DESTINATION), (at_source, SOURCE))
    )
    share = (out.reindex(into.index).fillna(0.0) / into).clip(upper=1.0)
    found = share.reindex(_keys(sent, [*DESTINATION, "point"])).fillna(0.0).to_numpy(np.float64)
    return found * is_passed
