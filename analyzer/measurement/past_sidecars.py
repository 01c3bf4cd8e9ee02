"""Calls to the pods without a sidecar, of workloads that have sidecars in some of their pods.

A pod keeps its sidecar until it restarts. Pods that are created after their namespace has moved
have none. So a workload may be attached in both ways for weeks.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.numbers import are_among
from analyzer.measurement.other_side import CALLS, DESTINATION, SOURCE
from analyzer.measurement.same_calls import NEARLY, without_cluster

_PAIR: Final = ["server", "caller"]

_CLIENTS: Final = 2
"""Clients that must agree on how much of a server has no sidecars."""

_SMALL_CLIENT: Final = 0.05
"""Share of a server's calls below which a client is not compared: scrapes are offset in time."""

_STEADY: Final = 0.03
"""Most that the part of a server without sidecars differs between two steps, as scrapes are offset
in time."""


def past_sidecars(sent: pd.DataFrame, at_server: pd.DataFrame) -> Floats:
    """Return which part of calls went to pods without a sidecar, of workloads that have some.

    A client's calls go to all pods of a server in the same way. So that part is the same for all
    clients, and from one step to the next. Where it is not, or there is one client only, it has
    another reason and is zero.

    Args:
        sent: reports of clients, as in `counted_once.count_calls_once`.
        at_server: reports of the servers' sidecars.

    Returns:
        0 to 1, an element for each row of `sent`.
    """
    sent, at_server = (
        rows.assign(
            server=without_cluster(rows[DESTINATION[0]]) + "/" + rows[DESTINATION[1]],
            caller=without_cluster(rows[SOURCE[0]]) + "/" + rows[SOURCE[1]],
        )
        for rows in (sent, at_server)
    )
    there = ["server", "point"]
    at_server = at_server[are_among(at_server[there], sent[there])]
    both = pd.DataFrame(
        {
            "sent": sent.groupby(_PAIR)[CALLS].sum(),
            "received": at_server.groupby(_PAIR)[CALLS].sum(),
        }
    ).dropna()
    servers = both.groupby(level="server")
    whole = servers[["sent", "received"]].transform("sum")
    share = 1 - both["received"] / both["sent"].where(both["sent"] > 0)
    counts = both["sent"] > _SMALL_CLIENT * whole["sent"]
    of_server = share.where(counts).groupby(level="server")
    agree = of_server.transform("max") - of_server.transform("min") < NEARLY
    agree &= of_server.transform("count") >= _CLIENTS
    agree &= _steadiness(sent, at_server).reindex(agree.index, level="server") < _STEADY
    past = (1 - whole["received"] / whole["sent"]).where(agree, 0.0)
    past = past.mask(past < NEARLY, 0.0).groupby(level="server").first()
    return past.reindex(sent["server"]).fillna(0.0).to_numpy(np.float64)


def _steadiness(sent: pd.DataFrame, at_server: pd.DataFrame) -> pd.Series:
    """Return by how much the unreported part of each server's calls differs between two steps."""
    sent_rps, received_rps = (
        rows.groupby(["server", "point"])[CALLS].sum() for rows in (sent, at_server)
    )
    part = (received_rps.reindex(sent_rps.index).fillna(0.0) / sent_rps).sort_index()
    return part.groupby(level="server").diff().abs().groupby(level="server").median()
