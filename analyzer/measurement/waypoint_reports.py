"""What waypoints report, apart from what sidecars do, and each call through one counted once.

Before Istio 1.22 a waypoint reports as destination, in the name of the workload that it calls
(istio/istio issues 42320 and 50225). Such reports are moved to where those of newer waypoints are.
"""

from typing import Final

import pandas as pd

from analyzer.arrays import Bools
from analyzer.measurement.counters import REPORTERS, REQUEST_COUNTER
from analyzer.measurement.frames import TIME
from analyzer.measurement.numbers import are_among
from analyzer.measurement.other_side import CALLS, DESTINATION, INBOUND, SOURCE, WORKLOAD
from analyzer.measurement.signs import KEY
from analyzer.measurement.tables import Tables
from analyzer.units import Role

_AT_DESTINATION: Final = "destination"
_AT_WAYPOINT: Final = "waypoint"
_HANDLED: Final = REPORTERS[_AT_WAYPOINT]


def with_waypoints_apart(tables: Tables, proxies: pd.DataFrame) -> Tables:
    """Return tables in which every waypoint reports as waypoint.

    The calls between workloads have no pod. Those to a workload that both waypoints and its own
    sidecars report are divided by how much each reports.
    """
    waypoints = proxies.loc[proxies["role"] == Role.WAYPOINT, KEY]
    # By series: as a rule no waypoint is among millions of rows.
    if not are_among(tables.pieces(INBOUND).labels[KEY], waypoints).any():
        return tables
    inbound, counters = tables[INBOUND], tables[REQUEST_COUNTER]
    is_theirs = are_among(inbound[KEY], waypoints)
    theirs = inbound[is_theirs].rename(columns={INBOUND: _HANDLED})
    handled = pd.concat([tables[_HANDLED], theirs[[*KEY, TIME, _HANDLED]]])
    is_counter = are_among(counters[KEY], waypoints)
    reporter = counters["reporter"].mask(
        is_counter & (counters["reporter"] == _AT_DESTINATION), _AT_WAYPOINT
    )
    return tables.replaced(
        {
            INBOUND: inbound[~is_theirs],
            _HANDLED: _summed(handled, [*KEY, TIME], _HANDLED),
            REQUEST_COUNTER: _summed(
                counters.assign(reporter=reporter), [*KEY, "reporter", TIME], REQUEST_COUNTER
            ),
            CALLS: _divided(tables[CALLS], inbound, is_theirs, proxies),
        }
    )


def _summed(frame: pd.DataFrame, keys: list[str], column: str) -> pd.DataFrame:
    return frame.groupby(keys)[column].sum().reset_index()


def _divided(
    calls: pd.DataFrame, inbound: pd.DataFrame, is_theirs: Bools, proxies: pd.DataFrame
) -> pd.DataFrame:
    """Return calls with the waypoints' part of what is reported at the destination."""
    keys = [*DESTINATION, TIME]
    at_destination = calls["reporter"] == _AT_DESTINATION
    # A sidecar behind a waypoint names the waypoint as its source: that is the sidecar's report.
    is_behind = at_destination & _is_waypoint(calls, SOURCE, proxies)
    by = {"theirs": inbound[is_theirs], "others": inbound[~is_theirs]}
    sums = {name: frame.groupby(keys)[INBOUND].sum() for name, frame in by.items()}
    sums["behind"] = calls[is_behind].groupby(keys)[CALLS].sum()
    of_each = pd.DataFrame(sums).fillna(0.0)
    others = (of_each["others"] - of_each["behind"]).clip(lower=0.0)
    whole = of_each["theirs"] + others
    share = (of_each["theirs"] / whole.where(whole > 0)).fillna(0.0).rename("share")
    mixed = calls[at_destination & ~is_behind].join(share, on=keys).fillna({"share": 0.0})
    parts = [calls[~at_destination | is_behind]]
    for reporter, part in ((_AT_DESTINATION, 1 - mixed["share"]), (_AT_WAYPOINT, mixed["share"])):
        rows = mixed[part > 0].drop(columns="share").assign(reporter=reporter)
        rows[CALLS] *= part[part > 0]
        parts.append(rows)
    return _summed(pd.concat(parts), calls.columns.drop(CALLS).tolist(), CALLS)


def counted_at_one_side(reports: pd.DataFrame, proxies: pd.DataFrame) -> pd.DataFrame:
    """Return reports of calls in which a call through a waypoint is reported by one proxy.

    A call from a sidecar through a waypoint to a sidecar is reported by all three, and each may
    name the waypoint as the other end. The waypoint's report has both ends.

    `reports` is as in `counted_once.count_calls_once`, and so is what is returned.
    """
    at_waypoint = reports[reports["reporter"] == _AT_WAYPOINT]
    if at_waypoint.empty:
        return reports
    is_behind = _is_waypoint(reports, SOURCE, proxies) & (reports["reporter"] == _AT_DESTINATION)
    through = [*DESTINATION, "point"]
    is_behind &= are_among(reports[through], at_waypoint[through])
    is_before = _is_waypoint(reports, DESTINATION, proxies) & (reports["reporter"] == "source")
    kept = reports[~is_behind & ~is_before]
    ends = [*SOURCE, *DESTINATION, "point"]
    at_destination = kept[kept["reporter"] == _AT_DESTINATION].groupby(ends)[CALLS].sum()
    again = kept[ends].join(at_destination.rename("again"), on=ends)["again"].fillna(0.0)
    is_again = kept["reporter"] == _AT_WAYPOINT
    return kept.assign(**{CALLS: (kept[CALLS] - again.where(is_again, 0.0)).clip(lower=0.0)})


def _is_waypoint(reports: pd.DataFrame, ends: list[str], proxies: pd.DataFrame) -> pd.Series:
    """Return which reports name a waypoint at one end."""
    names = proxies.loc[proxies["role"] == Role.WAYPOINT, WORKLOAD]
    return pd.Series(are_among(reports[ends], names), index=reports.index)
