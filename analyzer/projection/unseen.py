"""The ranges of the measured totals, where a part of the time was not seen and had to be filled."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.measurement.groups import names_or
from analyzer.measurement.lived import LIVED
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis
from analyzer.projection.places import CARRIED, CARRIED_BY_NODES, WAYPOINT_LOADS, sums_by
from analyzer.projection.sidecars import SidecarFootprint
from analyzer.units import Interval, Role

_AS_MEASURED: Final = Interval.exactly(1.0)

UNSEEN_TIME: Final = "unseen_time"
"""The name of what happened in that time, as one of the assumptions that move a saving."""

DEVIATES: Final = Interval(low=-1.0, mid=0.0, high=1.0)
"""Where in their ranges the totals are: all at their low ends, as estimated, all at their high
ends. There is one for all of them: if unseen time was busier, it had more CPU and more requests."""

LOW: Final = "_low"
HIGH: Final = "_high"
"""How columns of the ends of an amount are named."""

_IN_PROPORTION: Final = dict(
    zip(
        WAYPOINT_LOADS,
        ("proxy_rps", "new_connections_per_second", "gbit_per_second"),
        strict=True,
    )
)
"""What waypoints handle, and what sidecars carry of the same kind."""

_SAMPLE: Final = ["proxy", "point"]

_NAMES: Final = ["namespace", "workload", "node"]

_REQUESTED: Final = ["reserved_vcpu", "reserved_memory_bytes"]


def _all_as_measured() -> Mapping[Basis, Interval]:
    return dict.fromkeys(Basis, _AS_MEASURED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRanges:
    """The ranges of the sidecars' totals as multiples of the best estimates, which are 1.

    Attributes:
        vcpu: by basis; memory_gib: the same.
        traffic: of their requests; their bytes and connections come from the same scrapes.
        filled_cpu_share: share of their CPU that was not seen and is filled from seen time, 0-1;
            filled_rps_share: the same of their requests.
    """

    vcpu: Mapping[Basis, Interval] = field(default_factory=_all_as_measured)
    memory_gib: Mapping[Basis, Interval] = field(default_factory=_all_as_measured)
    traffic: Interval = _AS_MEASURED
    filled_cpu_share: float = 0.0
    filled_rps_share: float = 0.0

    def of_vcpu(self, vcpu: float, basis: Basis = Basis.USAGE) -> Interval:
        """Return the range of the sidecars' CPU, given its best estimate."""
        return self.vcpu[basis].scaled(vcpu)

    def of_memory(self, gib: float, basis: Basis = Basis.USAGE) -> Interval:
        """Return the range of the sidecars' memory, given its best estimate."""
        return self.memory_gib[basis].scaled(gib)

    def of_traffic(self, rps: float) -> Interval:
        """Return the range of requests per second, given their best estimate."""
        return self.traffic.scaled(rps)

    @property
    def are_exact(self) -> bool:
        """Whether no total has a range."""
        found = (*self.vcpu.values(), *self.memory_gib.values(), self.traffic)
        return all(item.low == item.high for item in found)


EXACT: Final = MeasuredRanges()
"""All of the time was seen."""


def samples_at_ends(
    usage: MeshUsage, samples: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the sidecars' samples with all that was not seen at its low end, and at its high end.

    None if nothing that was filled has a range. `samples` are the rows of `usage.filled`. A
    proxy that may have run in more steps has rows for these too.
    """
    sidecars = usage.proxies.index[usage.proxies["role"] == Role.SIDECAR]
    filling = usage.filling[usage.filling["proxy"].isin(sidecars)]
    if (filling["low"] == filling["mid"]).all() and (filling["high"] == filling["mid"]).all():
        return None
    low, high = (_at_end(samples, filling, end, usage.proxies) for end in ("low", "high"))
    return low, high


def _at_end(
    samples: pd.DataFrame, filling: pd.DataFrame, end: str, proxies: pd.DataFrame
) -> pd.DataFrame:
    seen = samples.set_index(_SAMPLE)
    unseen = pd.MultiIndex.from_frame(filling[_SAMPLE].drop_duplicates())
    added = unseen[~unseen.isin(seen.index)]
    found = seen.reindex(seen.index.append(added))
    for column, rows in filling.groupby("column"):
        values = rows.set_index(_SAMPLE)[end]
        found[column] = values.reindex(found.index).fillna(found[column])
    if len(added):
        # They are the same proxies as in other steps, with the same requests.
        proxy = found.index.get_level_values("proxy")
        for name in _NAMES:
            found[name] = names_or(pd.Categorical(found[name]), proxies.loc[proxy, name])
        for name in _REQUESTED:
            lived = found[LIVED].where(found[name].notna())
            sums = found.assign(lived=lived).groupby(level="proxy")[[name, "lived"]]
            whole = sums.transform("sum", min_count=1)
            found[name] = found[name].fillna(whole[name] / whole["lived"])
        found[LIVED] = found[LIVED].fillna(1.0)
    return found.reset_index()


def ranges_of(
    usage: MeshUsage, footprints: tuple[SidecarFootprint, ...], samples: tuple[pd.DataFrame, ...]
) -> MeasuredRanges:
    """Return the ranges of a mesh's totals: of its footprint at the low ends, as is, and high."""
    vcpu, memory_gib = (
        {basis: _between(*(item[basis] for item in of_ends)) for basis in of_ends[0]}
        for of_ends in (
            [item.vcpu_by_basis for item in footprints],
            [item.memory_gib_by_basis for item in footprints],
        )
    )
    carried = "proxy_rps" if samples[0]["proxy_rps"].sum() > 0 else "tcp_bytes_per_second"
    return MeasuredRanges(
        vcpu={**_all_as_measured(), **vcpu},
        memory_gib={**_all_as_measured(), **memory_gib},
        traffic=_between(*(float(item[carried].sum()) for item in samples)),
        filled_cpu_share=usage.filled_share(Role.SIDECAR, "cpu_vcpu"),
        filled_rps_share=usage.filled_share(Role.SIDECAR, "proxy_rps"),
    )


def with_ends(
    mid: pd.DataFrame, low_and_high: Iterable[pd.DataFrame], names: list[str]
) -> pd.DataFrame:
    """Return a table of amounts, with columns for their low and their high ends beside them.

    `names` are the columns that name a row in all three; a row that one of them lacks is NaN there.
    """
    ends = [
        table.set_index(names).add_suffix(suffix)
        for table, suffix in zip(low_and_high, (LOW, HIGH), strict=True)
    ]
    return pd.concat([mid.set_index(names), *ends], axis=1).reset_index()


def nodes_with_ends(
    nodes: pd.DataFrame | None, of_ends: Iterable[pd.DataFrame | None]
) -> pd.DataFrame | None:
    """Return the nodes of a load with the ends of their traffic; None if they are not known."""
    columns = ["node", *CARRIED_BY_NODES]
    ends = (table[columns] for table in of_ends if table is not None)
    return None if nodes is None else with_ends(nodes, ends, names=["node"])


def namespaces_with_ends(
    namespaces: pd.DataFrame, of_ends: Iterable[pd.DataFrame], points: int
) -> pd.DataFrame:
    """Return the namespaces of a load with the ends of their traffic.

    `of_ends` are the samples at both ends, of so many points. Waypoints carry the traffic in
    proportion.
    """
    names = namespaces["namespace"]
    ends = (
        (sums_by(samples, "namespace", CARRIED) / points).reindex(names).reset_index()
        for samples in of_ends
    )
    found = with_ends(namespaces, ends, names=["namespace"])
    for suffix in (LOW, HIGH):
        for handled, carried in _IN_PROPORTION.items():
            mid, end = (found[name].to_numpy(float) for name in (carried, f"{carried}{suffix}"))
            multiple = np.divide(end, mid, out=np.ones_like(mid), where=mid > 0)
            found = found.assign(**{f"{handled}{suffix}": found[handled] * multiple})
    return found


def on_draws(table: pd.DataFrame, column: str, deviates: Floats) -> Floats:
    """Return a column of amounts at each deviate, shape (rows, draws), or (rows, 1) if exact."""
    mid, *ends = (
        table[name].to_numpy(float)[:, None]
        for name in (column, f"{column}{LOW}", f"{column}{HIGH}")
        if name in table
    )
    return _at(deviates, mid, *ends) if ends else mid


def times(relative: Interval, deviates: Floats) -> Floats:
    """Return a total's multiple at each deviate."""
    mid, low, high = map(np.array, (relative.mid, relative.low, relative.high))
    return _at(deviates, mid, low, high)


def _at(deviates: Floats, mid: Floats, low: Floats, high: Floats) -> Floats:
    return np.asarray(mid + deviates * np.where(deviates < 0, mid - low, high - mid))


def _between(low: float, mid: float, high: float) -> Interval:
    """Return the range of a total as multiples of its best estimate."""
    if mid <= 0 or low == mid == high:
        return _AS_MEASURED
    return Interval(low=min(low / mid, 1.0), mid=1.0, high=max(high / mid, 1.0))
