"""The share of HTTP requests on a new connection, as ztunnels would see it.

Envoy counts the connections of its listeners (`listener.<address>.downstream_cx_total`), of any
protocol. Scrapes and probes are among them, as many at any time: changes within a proxy are
free of them. TCP connections have a counter of their own. What remains are

    connections = share x outbound requests + reused x inbound requests + probes

`share` is the applications' own: a sidecar accepts each connection of its application. Both
ztunnels of a call would see these connections. A called sidecar sees fewer (`reused`), because the
calling sidecar takes connections from its pool. Requests of gateways and unmeshed callers have a
share of their own, which is unknown: `reused` is at least that of all inbound requests together.

Each connection is counted once, by Envoy's source (source/common/listener_manager):

- `ActiveTcpConnection` in active_stream_listener_base.cc counts it, for the listener that has it.
- A listener that hands sockets to others, as Istio's on port 15001 does by `use_original_dst`, does
  so before that: `ActiveTcpSocket::newConnection` in active_tcp_socket.cc.
- The admin listener and single workers have metrics of their own, which are not read:
  `envoy_listener_admin_downstream_cx_total` and `envoy_listener_worker_downstream_cx_total`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit.segments import TIME_BLOCKS, time_blocks
from analyzer.calibration.fit.student import quantile
from analyzer.data import assumptions
from analyzer.measurement.other_side import DESTINATION, WORKLOAD
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import through_waypoints
from analyzer.projection.scenario import HTTP_NEW_CONNECTIONS, Scenario
from analyzer.units import Interval, Role

ACCEPTED: Final = "accepted_connections_per_second"

LEAST_PROXIES: Final = 4
"""Proxies from which the differences between them show how sure the share is."""

LEAST_STEPS: Final = 24
"""Known steps that a proxy needs."""

_LEAST_VARIATION: Final = 0.02
"""Standard deviation of a mesh's requests within its proxies, as a share of their mean, below which
their connections cannot be separated from probes."""

_LEAST_OWN: Final = 0.005
"""Share of the variation of all requests that outbound ones must have of their own."""

_WIDEST: Final = 0.5
"""Width of a range that shows too little: a third to two thirds of what is possible."""


def measured_connection_share(usage: MeshUsage) -> Interval | None:
    """Return the share of HTTP requests on a new connection, 0 to 1; None: not known.

    It is the mean over the requests of sidecars, each of which would be one pass through a ztunnel.

    Where outbound requests change apart from inbound ones, it follows from the coefficients of the
    two. Elsewhere only b is known, the coefficient of both together. A call between two sidecars
    is two requests, and its connection may be new at the first sidecar only. So the share is b if
    no call is between two sidecars or none is reused, and 2 b if all are. Of both ranges the
    narrower one is returned, with the errors of a 90 % interval.
    """
    found = _moments(usage.of_role(Role.SIDECAR))
    if found is None:
        return None
    both = found.combined(np.array([[1.0], [1.0]]), [1.0])
    ranges = [(both.low, 1.5 * both.mid, 2 * both.high)]
    if found.own_share() >= _LEAST_OWN:
        ranges.append(_of_both(found, usage))
    narrower = min(ranges, key=lambda one: one[2] - one[0])
    low, mid, high = (min(max(end, 0.0), 1.0) for end in narrower)
    return Interval(low=low, mid=mid, high=high) if high - low <= _WIDEST else None


def with_measured_share(scenario: Scenario, usage: MeshUsage) -> Scenario:
    """Return the scenario with the share that was measured, unless the user has stated one."""
    item, share = scenario.assumptions[HTTP_NEW_CONNECTIONS], measured_connection_share(usage)
    if share is None or item != assumptions()[HTTP_NEW_CONNECTIONS]:
        return scenario
    return scenario.with_assumptions({item.name: item.measured(share)})


def _of_both(found: "_Moments", usage: MeshUsage) -> "_Estimate":
    """Return the share, from the coefficients of outbound and of inbound requests.

    Of the inbound connections, all or none may be those of gateways and unmeshed callers.
    """
    rps = usage.mean_total(Role.SIDECAR, "proxy_rps") or math.inf
    outside = min(_outside_rps(usage) / rps, 1.0)
    inbound = (usage.mean_total(Role.SIDECAR, "inbound_rps") or 0.0) / rps
    least = found.combined(np.eye(2), [1 - outside, 0.0])
    most = found.combined(np.eye(2), [1 - outside, inbound])
    mid, high = (
        max(without, min(end, without + outside))
        for without, end in zip(least[1:], most[1:], strict=True)
    )
    return _Estimate(least.low, mid, high)


def _outside_rps(usage: MeshUsage) -> float:
    """Return the requests per second that gateways and unmeshed callers send to sidecars."""
    if usage.calls.empty:
        return 0.0
    meshed = through_waypoints(usage, ingress_through_waypoint=False)
    outside = usage.calls.drop(index=meshed.index)
    sidecars = usage.proxies[usage.proxies["role"] == Role.SIDECAR]
    known = pd.MultiIndex.from_frame(sidecars[WORKLOAD])
    into = outside.loc[pd.MultiIndex.from_frame(outside[DESTINATION]).isin(known), "rps"].sum()
    return float(into) / len(usage.observed_points)


class _Estimate(NamedTuple):
    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Moments:
    """Products of changes within proxies: of outbound requests, inbound requests, connections.

    Attributes:
        whole: of all samples, shape (3, 3).
        without_each: the same without one proxy, or without one block of time, whose noise all
            proxies share; shape (parts, 3, 3) each.
    """

    whole: Floats
    without_each: tuple[Floats, Floats]

    @classmethod
    def of(cls, values: Floats, proxy: Ints, block: Ints) -> "_Moments":
        """Return those of values of shape (rows, 3)."""
        shape = int(proxy.max()) + 1, TIME_BLOCKS
        cell = np.ravel_multi_index((proxy, block), shape)
        # Products with 1 are sums: the last row of each matrix.
        factors = [*values.T, np.ones(len(values))]
        sums = np.empty((*shape, 4, 4))
        for first, second in combinations_with_replacement(range(4), 2):
            found = np.bincount(cell, factors[first] * factors[second], shape[0] * shape[1])
            sums[..., first, second] = sums[..., second, first] = found.reshape(shape)
        of_proxies = sums.sum(axis=1)
        each = _central(of_proxies)
        whole = each.sum(axis=0)
        return cls(
            whole=whole,
            without_each=(whole - each, _central(of_proxies[:, None] - sums).sum(axis=0)),
        )

    def own_share(self) -> float:
        """Return the part of the requests' variation that is of outbound ones alone."""
        (out, both), (_, inward) = self.whole[:2, :2]
        alone = out - (both**2 / inward if inward > 0 else 0.0)
        return float(alone / (out + inward + 2 * both))

    def combined(self, columns: Floats, weights: Sequence[float]) -> _Estimate:
        """Return a weighted sum of coefficients on combinations of the requests.

        Args:
            columns: the combinations, shape (2, k).
            weights: of their coefficients, k.
        """
        mid = float(_coefficients(self.whole, columns) @ weights)
        variance = 0.0
        for without in self.without_each:
            shifts = _coefficients(without, columns) @ weights - mid
            variance += (len(shifts) - 1) / len(shifts) * float((shifts**2).sum())
        freedom = min(map(len, self.without_each)) - 1
        to_end = float(quantile(freedom) * np.sqrt(variance))
        return _Estimate(mid - to_end, mid, mid + to_end)


def _central(sums: Floats) -> Floats:
    """Return products of deviations from the mean; of sums of products, shape (..., 4, 4)."""
    totals, count = sums[..., :3, 3], np.maximum(sums[..., 3, 3], 1)
    products = totals[..., :, None] * totals[..., None, :]
    return np.asarray(sums[..., :3, :3] - products / count[..., None, None])


def _coefficients(moments: Floats, columns: Floats) -> Floats:
    """Return those of each regression, shape (..., k), by its moments of shape (..., 3, 3)."""
    gram = columns.T @ moments[..., :2, :2] @ columns
    product = columns.T @ moments[..., :2, 2:]
    return np.asarray((np.linalg.pinv(gram, hermitian=True) @ product)[..., 0])


def _moments(rows: pd.DataFrame) -> _Moments | None:
    """Return those of proxies whose connections and requests are known often enough.

    The samples of a proxy weigh as the inverse of its requests, because the variance of counts is
    like their mean. Where all have the same daily pattern, the share is the mean over requests.
    """
    if ACCEPTED not in rows:
        return None
    has_no_tcp = rows["tcp_bytes_per_second"] == 0
    opened = rows["new_connections_per_second"]
    opened = opened.mask(opened.isna() & has_no_tcp, 0.0)
    values = rows[["outbound_rps", "inbound_rps"]].assign(connections=rows[ACCEPTED] - opened)
    values = values[values.notna().all(axis=1)]
    groups = values.groupby(rows["proxy"].reindex(values.index))
    rps = groups["outbound_rps"].transform("mean") + groups["inbound_rps"].transform("mean")
    is_usable = (groups["connections"].transform("size") >= LEAST_STEPS) & (rps > 0)
    values, weight = values[is_usable], rps[is_usable].to_numpy(float)
    chosen = rows.loc[values.index]
    proxy = pd.factorize(chosen["proxy"])[0].astype(np.int64)
    if len(values) == 0 or proxy.max() + 1 < LEAST_PROXIES:
        return None
    found = _Moments.of(
        values.to_numpy(float) / np.sqrt(weight)[:, None],
        proxy,
        time_blocks(chosen["point"].to_numpy(np.int64)),
    )
    is_steady = found.whole[:2, :2].sum() < _LEAST_VARIATION**2 * weight.sum()
    return None if is_steady else found
