"""TCP traffic of each sample, and which workloads have hardly any other.

Istio reports no request count for TCP, only bytes and connections. What can matter is judged by
ceilings of cost, never by the CPU that a fit finds: that would favour estimates that noise made
high.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.calibration.fit.segments import Segments
from analyzer.units import GBIT_PER_BYTE

_PER_REQUEST: Final = 1e-3
_PER_BYTE: Final = 1e-6
_PER_CONNECTION: Final = 2e-3
"""Ceilings of the CPU-seconds of a request, a byte and a new connection: beyond published sidecars,
small messages of a cache, and the handshake of mTLS by four times."""

_OF_TCP: Final = ("tcp_bytes_per_second", "new_connections_per_second")

_LEAST_SHARE: Final = 0.01
"""Share of a workload's CPU that bytes or connections must be able to use, to have a cost."""

_MOST_REQUESTS: Final = 0.05
"""Share of a workload's CPU that its requests may use at most beside TCP, such as those of a
scraper: they have no cost of their own then."""

_MANY_TIMES: Final = 5.0
"""By how many times the ceiling of TCP must exceed that of requests in a workload of TCP."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TcpLoads:
    """TCP of n samples in g workloads, and what of it can matter."""

    gbit_per_second: Floats  # (n,): 0 where not known
    connections: Floats  # (n,): thousands of new ones per second; 0 where not known
    bytes_matter: Bools  # (g,)
    connections_matter: Bools  # (g,)
    requests_matter: Bools  # (g,)
    is_most: Bools  # (g,): whether TCP may cost many times what requests may

    @classmethod
    def of(cls, rows: pd.DataFrame, workloads: Segments) -> TcpLoads:
        """Read `Observations.rows`."""
        rates = np.nan_to_num([rows[name].to_numpy(float) for name in ("rps", *_OF_TCP)])
        ceilings = np.array([_PER_REQUEST, _PER_BYTE, _PER_CONNECTION])
        most = ceilings[:, None] * workloads.sum(rates)
        vcpu = workloads.sum(rows["cpu_vcpu"].to_numpy(float))
        requests, payload, connections = most
        return cls(
            gbit_per_second=rates[1] * GBIT_PER_BYTE,
            connections=rates[2] / 1000,
            bytes_matter=(payload > 0) & (payload >= _LEAST_SHARE * vcpu),
            connections_matter=(connections > 0) & (connections >= _LEAST_SHARE * vcpu),
            requests_matter=(requests > 0) & (requests >= _MOST_REQUESTS * vcpu),
            is_most=payload + connections >= _MANY_TIMES * requests,
        )

    @classmethod
    def alone_in(cls, rows: pd.DataFrame, workloads: Segments) -> Bools:
        """Return which workloads have TCP and hardly any requests, (g,)."""
        if not any((rows[name].to_numpy() > 0).any() for name in _OF_TCP):
            # Most meshes: a pass over all rows would take time.
            return np.zeros(len(workloads), dtype=bool)
        return cls.of(rows, workloads).are_alone

    @property
    def are_alone(self) -> Bools:
        """Which workloads have TCP and hardly any requests, (g,)."""
        return (self.bytes_matter | self.connections_matter) & ~self.requests_matter & self.is_most

    def part(self, rows: Bools, workloads: Bools) -> TcpLoads:
        """Return the loads of some rows, (n,), and workloads, (g,)."""
        return TcpLoads(
            gbit_per_second=self.gbit_per_second[rows],
            connections=self.connections[rows],
            bytes_matter=self.bytes_matter[workloads],
            connections_matter=self.connections_matter[workloads],
            requests_matter=self.requests_matter[workloads],
            is_most=self.is_most[workloads],
        )
