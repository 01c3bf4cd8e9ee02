"""Reports of calls, without what no proxy can have carried, and with what unseen ones did."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.columns import assigned, where
from analyzer.measurement.groups import Groups
from analyzer.measurement.numbers import in_order, numbered
from analyzer.measurement.other_side import (
    CALLS,
    DESTINATION,
    INBOUND,
    OTHERS,
    OUTBOUND,
    SOURCE,
    WORKLOAD,
)
from analyzer.units import Role

_ENDS: Final = [*SOURCE, *DESTINATION]
_NEGLIGIBLE: Final = 1e-9
"""Relative difference that is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One reporter of calls.

    Attributes:
        column: what its proxies report, of the step table.
        ends: its own labels on a report; a waypoint is in the namespace of the destination.
        keys: the same of a proxy.
        others: the reporters at the other side of the calls.
        only: the role that reports in this way; None: several.
    """

    column: str
    ends: list[str]
    keys: list[str]
    others: tuple[str, ...]
    only: Role | None = None


_SIDES: Final = {
    "destination": _Side(
        column="inbound_rps", ends=DESTINATION, keys=WORKLOAD, others=OTHERS[INBOUND]
    ),
    "source": _Side(column="outbound_rps", ends=SOURCE, keys=WORKLOAD, others=OTHERS[OUTBOUND]),
    "waypoint": _Side(
        column="proxy_rps",
        ends=DESTINATION[:1],
        keys=WORKLOAD[:1],
        others=OTHERS[INBOUND],
        only=Role.WAYPOINT,
    ),
}


def corrected(
    reports: pd.DataFrame, reported: pd.DataFrame, filled: pd.DataFrame, proxies: pd.DataFrame
) -> pd.DataFrame:
    """Return reports of calls without impossible steps, and with those of unseen proxies.

    The server adds up what all proxies report. Each reporting workload's calls are multiplied by
    what its proxies handled, `filled`, over what they `reported`. Where none of them reported, the
    other side's report of the same calls is used, else the mean of their known steps.

    `reported` and `filled` have the same rows, those of the step table.
    """
    of_sides = [_totals(reported, filled, proxies, side) for side in _SIDES.values()]
    if not any(map(len, of_sides)):
        return reports
    parts = [reports[~reports["reporter"].isin([*_SIDES])]]
    for (reporter, side), totals in zip(_SIDES.items(), of_sides, strict=True):
        own = reports[reports["reporter"] == reporter]
        if len(totals) and len(own):
            others = reports[reports["reporter"].isin(side.others)]
            own = _scaled(own, others, totals, side)
        parts.append(own)
    return pd.concat(parts, ignore_index=True)


def _totals(
    reported: pd.DataFrame, filled: pd.DataFrame, proxies: pd.DataFrame, side: _Side
) -> pd.DataFrame:
    """Return what each workload reported and handled, in the steps in which the two differ."""
    columns = {
        "reported": reported[side.column].to_numpy(float),
        "handled": filled[side.column].to_numpy(float),
    }
    if np.array_equal(columns["reported"], columns["handled"], equal_nan=True):
        # As a rule nothing was unseen, and nothing impossible.
        return pd.DataFrame(columns=["point", *columns, *side.ends])
    # Names of millions of rows would take most of the time.
    number, proxy = numbered(proxies[side.keys]), filled["proxy"].to_numpy(np.int64)
    rows = assigned(filled[["point"]], {"number": number[proxy], **columns})
    if side.only is not None:
        rows = where(rows, (proxies["role"] == side.only).to_numpy()[proxy])
    groups = Groups.of(rows, ["number", "point"])
    totals = groups.sums({name: rows[name].to_numpy() for name in columns})
    differs = (totals["handled"] - totals["reported"]).abs() > _NEGLIGIBLE * totals["handled"]
    found = totals[differs].reset_index()
    names = in_order(proxies[side.keys]).set_axis(side.ends, axis=1)
    return found.join(names, on="number").drop(columns="number")


def _scaled(
    own: pd.DataFrame, others: pd.DataFrame, totals: pd.DataFrame, side: _Side
) -> pd.DataFrame:
    """Return one reporter's calls, multiplied to what its workloads handled."""
    key = [*side.ends, "point"]
    rows = own.merge(totals, on=key, how="left")
    is_dark = (rows["reported"] == 0).to_numpy()
    factor = rows["handled"] / rows["reported"].where(rows["reported"] > 0)
    scaled = own.assign(**{CALLS: own[CALLS].to_numpy() * factor.fillna(1.0).to_numpy()})[~is_dark]
    dark = totals[(totals["reported"] == 0) & (totals["handled"] > 0)]
    if dark.empty:
        return scaled
    usual = scaled.groupby(_ENDS)[CALLS].sum().rename("usual").reset_index()
    usual["usual"] /= (
        scaled.groupby(side.ends)["point"]
        .transform("nunique")
        .groupby([scaled[name] for name in _ENDS])
        .first()
        .to_numpy()
    )
    by_others = others.groupby([*_ENDS, "point"])[CALLS].sum().rename("heard").reset_index()
    calls = dark[[*key, "handled"]].merge(usual, on=side.ends)
    calls = calls.merge(by_others, on=[*_ENDS, "point"], how="left")
    calls["weight"] = calls["heard"].fillna(calls["usual"])
    whole = calls.groupby(key)["weight"].transform("sum")
    calls[CALLS] = calls["handled"] * calls["weight"] / whole.where(whole > 0)
    calls["reporter"] = own["reporter"].iloc[0]
    return pd.concat([scaled, calls.dropna(subset=[CALLS])[list(own.columns)]])
