"""What passes through ztunnels and waypoints, and what it costs there.

    a request   one pass through the ztunnel of each pod whose sidecar handles it today: two for a
                call within the mesh, one for a call from outside the mesh, to it, or with a gateway
    HTTP bytes  as Istio measured them, else an assumed number for each request
    TCP bytes   payload in both directions
    connection  of TCP as counted; of HTTP a share of the requests, as pools use connections again

A waypoint handles the HTTP requests that meshed callers send into its namespace, and the TCP
connections that its pods accept: at most these, because who opened them is not known. Each
connection arrives there as one CONNECT request of HTTP/2, and costs as much as one.
The cost of a request through a waypoint includes the bytes of HTTP; those of TCP are added.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.hardware import (
    BYTES_COST,
    NEW_CONNECTIONS_COST,
    OPEN_CONNECTIONS_COST,
    REQUEST_BYTES,
    REQUEST_COST,
)
from analyzer.projection.scenario import HTTP_NEW_CONNECTIONS
from analyzer.projection.unseen import on_draws
from analyzer.units import GBIT_PER_BYTE, Role


class Cost(NamedTuple):
    """The assumption that prices a kind of traffic, and the amount that its figure is for."""

    name: str
    amount: float


COSTS: Final[Mapping[str, Cost]] = {
    "passes_rps": Cost(REQUEST_COST, 1000),
    "gbit_per_second": Cost(BYTES_COST, 1),
    "new_connections_per_second": Cost(NEW_CONNECTIONS_COST, 1000),
    "open_connections": Cost(OPEN_CONNECTIONS_COST, 1000),
}
"""What ztunnels carry, each with its cost."""


def carried(
    rows: pd.DataFrame, passes: str, assumed: Mapping[str, Floats], deviates: Floats
) -> dict[str, Floats]:
    """Return the amount of each of `COSTS` that ztunnels carry, shape (rows, draws) or (rows, 1).

    Args:
        rows: nodes or namespaces of a load.
        passes: the column of their passes per second.
        assumed: assumptions over draws, by name.
        deviates: where unseen time is in its range.
    """

    def of(column: str) -> Floats:
        return on_draws(rows, column, deviates)

    requests, unsized = of(passes), of("unsized_rps") * assumed[REQUEST_BYTES]
    opened = of("new_connections_per_second")
    return {
        "passes_rps": requests,
        "gbit_per_second": of("gbit_per_second")
        + of("http_gbit_per_second")
        + unsized * GBIT_PER_BYTE,
        "new_connections_per_second": opened + requests * assumed[HTTP_NEW_CONNECTIONS],
        "open_connections": open_connections(rows, assumed, deviates),
    }


def open_connections(rows: pd.DataFrame, assumed: Mapping[str, Floats], deviates: Floats) -> Floats:
    """Return the open connections among what is `carried`, shape (rows, draws) or (rows, 1)."""
    uncounted = on_draws(rows, "uncounted_sidecars", deviates)
    counted = on_draws(rows, "open_connections", deviates)
    return counted + uncounted * assumed["open_connections_per_proxy"]


def vcpu_of(amounts: Mapping[str, Floats], assumed: Mapping[str, Floats]) -> Floats:
    """Return what ztunnels use for these amounts, by name as in `COSTS`."""
    parts = [
        amount / COSTS[name].amount * assumed[COSTS[name].name] for name, amount in amounts.items()
    ]
    return np.asarray(sum(parts))


def of_more_passes(rps: float, nodes: pd.DataFrame, assumed: Mapping[str, Floats]) -> Floats:
    """Return what so many more passes per second cost, shape (draws,).

    Their bytes are the nodes' mean of a pass. No connection stays open for them that was not there.
    """
    shares = nodes["present_share"]
    passes, unsized, gbit = (
        float((nodes[name] * shares).sum())
        for name in ("passes_rps", "unsized_rps", "http_gbit_per_second")
    )
    sized = passes - unsized
    each = gbit / sized if sized > 0 else assumed[REQUEST_BYTES] * GBIT_PER_BYTE
    amounts = {
        "passes_rps": np.array([rps]),
        "gbit_per_second": rps * np.atleast_1d(each),
        "new_connections_per_second": rps * assumed[HTTP_NEW_CONNECTIONS],
    }
    return vcpu_of(amounts, assumed)


def http_gbit_per_1000_rps(usage: MeshUsage) -> float | None:
    """Return the Gbit/s of 1000 requests/s through the sidecars; None: not measured."""
    rows = usage.of_role(Role.SIDECAR, filled=True)
    sized = rows["http_bytes_per_second"].notna() & (rows["proxy_rps"] > 0)
    rps = float(rows.loc[sized, "proxy_rps"].sum())
    if rps == 0:
        return None
    return 1000 * GBIT_PER_BYTE * float(rows.loc[sized, "http_bytes_per_second"].sum()) / rps
