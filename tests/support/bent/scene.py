"""A mesh as a server stores it, what its proxies really counted, and how it is asked about."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from tests.support.mesh import Mesh
from tests.support.sampling import counted
from tests.support.series import Series

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
REQUESTS = "istio_requests_total"

_BORN_AFTER_MS = 120_000
"""A series that begins later than this after its mesh began has counted from zero."""


class Kind(StrEnum):
    """How stored data differ from what happened. The letters are those of the changelog."""

    RATES = "A"
    """A counter jumps or falls though nothing restarted."""
    COPIES = "B"
    """One thing is stored twice."""
    GAPS = "C"
    """Something ran and was not scraped."""
    PARTS = "D"
    """A part of the mesh is seen at other times, or less often, than the rest."""
    LIVES = "E"
    """Nodes, namespaces and containers live for a part of the time."""
    PRICES = "F"
    """Prices of nodes are zero, absent or impossible."""
    BURSTS = "G"
    """Load comes in bursts, and series begin with traffic."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """The counters of what really happened. They stay whole when stored ones are bent."""

    begin_ms: int
    end_ms: int
    cpu: tuple[Series, ...]
    """CPU seconds of the sidecars."""
    requests: tuple[Series, ...]
    """Requests through the sidecars: a call between two counts twice."""
    calls: tuple[Series, ...]
    """Requests counted once."""

    def per_second(self, series: Iterable[Series], start: datetime, end: datetime) -> float:
        """Return the growth per second of counters between two times, while the mesh lived."""
        edges = np.array([start.timestamp(), end.timestamp()]) * 1000
        edges = np.clip(edges, self.begin_ms, self.end_ms)
        grown = sum(self._grown(one, edges) for one in series)
        return float(grown / (edges[1] - edges[0]) * 1000)

    def _grown(self, series: Series, edges: np.ndarray) -> float:
        real = ~np.isnan(series.values)
        times, totals = series.times_ms[real], counted(series.values[real])
        if not len(times):
            return 0.0
        if times[0] > self.begin_ms + _BORN_AFTER_MS:
            totals = np.concatenate(([0.0], totals + series.values[real][0]))
            times = np.concatenate(([times[0] - 1], times))
        low, high = np.interp(edges, times, totals)
        return float(high - low)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """One question to a server about a bent mesh, and the right answer."""

    mesh: Mesh
    """Its series are those that the server stores."""
    counted: Counted
    start: datetime
    end: datetime
    """The times asked for."""
    sidecars: float
    """How many lived at a time: the median."""
    nodes: float
    """How many that run DaemonSets were there at a time, on average."""
    slope: float
    """vCPU for 1000 more requests per second, weighted by requests."""
    cpu_price: float | None = None
    """USD per vCPU-hour: the mean over the nodes, by hours."""
    clusters: tuple[str, ...] = ()
    """Values of the label `cluster`, where series have it."""
    flags: tuple[str, ...] = ()
    """More flags of the command."""
    kinds: frozenset[Kind] = frozenset()
    """What was bent."""

    def storing(self, series: Iterable[Series], kind: Kind) -> "Scene":
        """Return the scene with other stored series, bent in one more way."""
        kept = tuple(one for one in series if one.times_ms.size)
        kinds = self.kinds | {kind}
        return replace(self, mesh=replace(self.mesh, series=kept), kinds=kinds)

    def vcpu(self, start: datetime, end: datetime) -> float:
        """Return the vCPU that the sidecars used between two times."""
        return self.counted.per_second(self.counted.cpu, start, end)

    def proxy_rps(self, start: datetime, end: datetime) -> float:
        """Return the requests per second through the sidecars between two times."""
        return self.counted.per_second(self.counted.requests, start, end)

    def mesh_rps(self, start: datetime, end: datetime) -> float:
        """Return the calls per second between two times."""
        return self.counted.per_second(self.counted.calls, start, end)
