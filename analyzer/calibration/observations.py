"""Which samples can be fitted. A sample is one proxy in one interval."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.arrays import ALL, Bools, Floats, Ints, Places, Rows, numbers_of, taken
from analyzer.calibration.events import EVENTS, Event
from analyzer.calibration.fit.segments import Segments, places_of
from analyzer.measurement.usage import MeshUsage
from analyzer.units import BITS_PER_GBIT, Role, counted

MAX_THROTTLED_SHARE: Final = 0.05
"""Share of a sample's CPU periods in which a proxy may be throttled. Work delayed in a few periods
is done in the next ones; beyond that, work is left undone and CPU no longer follows requests."""

MAX_LIMIT_SHARE: Final = 0.9
"""Share of its CPU limit above which a proxy's CPU cannot rise with its requests."""

MAX_RESET_SHARE: Final = 0.1
"""Share of a proxy's samples. Counters that reset more often are evicted while idle
(statsEvictionInterval), and do not show restarts."""

_SIDES: Final = ["cpu_vcpu", "proxy_rps"]

_COLUMNS: Final = [
    "proxy",
    "point",
    "rps",
    "inbound_rps",
    "outbound_rps",
    "gbit_per_second",
    "tcp_bytes_per_second",
    "new_connections_per_second",
    "cpu_vcpu",
]


class Unusable(StrEnum):
    """Why a sample is not fitted; if several reasons hold, the first."""

    NO_CPU = "CPU not scraped"
    NOT_SCRAPED = "metrics not scraped"
    CUT = "proxy started or ended"
    RESTARTED = "proxy restarted"
    THROTTLED = "proxy throttled"
    AT_LIMIT = "CPU at its limit"
    BEFORE_CHANGE = "before a change of cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Samples that were not fitted, for one reason."""

    reason: Unusable
    step_count: int
    mean_vcpu: float  # averaged over the window like every total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeFactors:
    """CPU of the same work on each of k kinds of node, over the mean of the mesh's requests."""

    factors: Floats  # (k,)
    variances: Floats  # (k,)
    is_known: Bools  # (k,): whether workloads compare the kind with others
    covariance: Floats  # (2, 2): of the mesh's idle vcpu and vcpu per 1000 rps, from the factors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """The samples of all proxies of one role: those that can be fitted, and totals of all.

    Rows have the workload (row of `workloads`), then _COLUMNS (gbit_per_second: HTTP and TCP; NaN:
    not known) and the column of each event that is known in any of them; sorted by workload, proxy
    and point. If there are several kinds of node, `node_kind` is the row's in `node_kinds`.
    """

    rows: pd.DataFrame
    workloads: pd.DataFrame  # namespace and workload of each that has samples to fit
    exclusions: tuple[Exclusion, ...]
    left_out_vcpu: Mapping[Unusable, Floats]  # (points,): CPU at each point of the window
    measured_vcpu: float  # of all samples, filled ones included, averaged over the window
    measured_rps: float  # proxy requests per second, averaged in the same way
    filled: pd.DataFrame  # of each workload: sums over filled samples, columns count and rps
    point_count: int  # intervals that averages are over
    doubt_share: float = 0.0  # by which every cost may be off: it changed, and both are fitted
    events: tuple[Event, ...] = ()  # those that are terms of the fit
    node_kinds: tuple[str, ...] = ()  # instance types of the proxies' nodes; "": not known
    node_factors: NodeFactors | None = None  # None: kinds of node are not compared, or are alike

    @property
    def terms(self) -> tuple[tuple[Event, ...], Floats | None]:
        """What a `Panel` of the rows has beside them: events, and factors of kinds of node."""
        return self.events, None if self.node_factors is None else self.node_factors.factors

    @property
    def why_excluded(self) -> str:
        """Why samples are not fitted, as sentences; empty if all are."""
        return " ".join(
            f"{counted(item.step_count, 'sample')} left out: {item.reason}."
            for item in self.exclusions
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Samples:
    """The rows of one role in the tables of a mesh; a column is taken when it is read."""

    steps: pd.DataFrame
    filled: pd.DataFrame
    numbers: Rows  # of the rows; all in order as a slice

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.steps) if isinstance(self.numbers, slice) else len(self.numbers)

    def column(self, name: str, rows: Rows = ALL) -> npt.NDArray[Any]:
        """Return a column of the steps, shape (n,), or some of its rows."""
        numbers = rows if isinstance(self.numbers, slice) else self.numbers[rows]
        return taken(self.steps[name].to_numpy(), numbers)

    def filled_column(self, name: str) -> Floats:
        """Return the same column with what was filled, (n,)."""
        return taken(self.filled[name].to_numpy(float), self.numbers)


def observe(usage: MeshUsage, role: Role) -> Observations:
    """Choose the samples of one role's proxies that can be fitted."""
    is_chosen = (usage.proxies["role"] == role).to_numpy()
    groups = usage.proxies.loc[is_chosen].groupby(["namespace", "workload"], sort=True)
    workload_of = np.full(len(usage.proxies), -1, dtype=np.int32)
    workload_of[is_chosen] = groups.ngroup().to_numpy()
    workload = workload_of[usage.steps["proxy"].to_numpy()]
    mine = numbers_of(workload >= 0)
    samples = _Samples(steps=usage.steps, filled=usage.filled, numbers=mine)
    workload = taken(workload, mine)
    kept, exclusions, left_out_vcpu = _exclude(usage, samples)
    kept, workload = _by_workload(kept, workload)
    seen, workload = places_of(workload)
    rps = samples.filled_column("proxy_rps")
    # Requests of an interval without CPU would make the ratio of the two too low.
    is_observed = np.isin(samples.column("point"), usage.observed_points)
    points = len(usage.observed_points)
    rows = _rows(samples, kept).assign(workload=workload.astype(np.int32))
    kind, node_kinds = _node_kinds(usage, samples.column("proxy", kept))
    if node_kinds:
        rows["node_kind"] = kind.astype(np.int16)
    return Observations(
        rows=rows,
        node_kinds=node_kinds,
        workloads=groups.size().index.to_frame(index=False).iloc[seen].reset_index(drop=True),
        exclusions=exclusions,
        left_out_vcpu=left_out_vcpu,
        measured_vcpu=float(np.nansum(samples.filled_column("cpu_vcpu"))) / points,
        filled=_filled(samples, workload_of, seen),
        measured_rps=float(np.nansum(rps[is_observed])) / points,
        point_count=points,
    )


def _by_workload(kept: Rows, workload: Places) -> tuple[Rows, Places]:
    """Return the kept rows sorted by workload, and the workload of each."""
    workload = workload[kept]
    if not (workload[1:] < workload[:-1]).any():
        # As `usage` has them, if a pod's name starts like its workload's: no copy is needed.
        return kept, workload
    order = np.argsort(workload, kind="stable")
    return (order if isinstance(kept, slice) else kept[order]), workload[order]


def _filled(samples: _Samples, workload_of: Places, seen: Ints) -> pd.DataFrame:
    """Return the number and requests of the samples that were filled, a row for each workload."""
    is_filled = np.zeros(len(samples), dtype=bool)
    for name in _SIDES:
        is_filled |= np.isnan(samples.column(name)) & ~np.isnan(samples.filled_column(name))
    rps = pd.Series(samples.filled_column("proxy_rps")[is_filled])
    groups = rps.groupby(workload_of[samples.column("proxy")[is_filled]])
    sums = pd.DataFrame({"count": groups.size(), "rps": groups.sum()})
    return sums.reindex(seen).fillna(0.0).reset_index(drop=True)


def _node_kinds(usage: MeshUsage, proxy: Ints) -> tuple[Ints, tuple[str, ...]]:
    """Return the kind of each row's node and the kinds' names; none if fewer than two are known."""
    none: Ints = np.zeros(0, dtype=np.int64)
    if usage.nodes.empty:
        return none, ()
    types = usage.nodes.set_index("node")["instance_type"]
    kinds = usage.proxies["node"].map(types).fillna("")
    if not usage.moves.empty:
        # A pod of a StatefulSet may be on several nodes in turn.
        kinds[kinds.index.isin(usage.moves["proxy"])] = ""
    codes, names = pd.factorize(kinds, sort=True)
    kind: Ints = codes.astype(np.int64)[proxy]
    seen = {names[code] for code in np.unique(kind)} - {""}
    return (kind, tuple(map(str, names))) if len(seen) > 1 else (none, ())


def _rows(samples: _Samples, kept: Rows) -> pd.DataFrame:
    columns = {name: samples.column(name, kept) for name in _COLUMNS if name in samples.steps}
    rps, tcp = samples.column("proxy_rps", kept), columns["tcp_bytes_per_second"]
    http = samples.column("http_bytes_per_second", kept)
    gbit = np.where(np.isnan(tcp), 0.0, tcp)
    gbit += http
    # Without requests all bytes are TCP, and HTTP bytes need not be known.
    np.copyto(gbit, tcp, where=np.isnan(http) & ~(rps > 0))
    gbit *= 8
    gbit /= BITS_PER_GBIT
    columns |= {"rps": rps, "gbit_per_second": gbit}
    counts = {
        event.column: samples.column(event.column, kept)
        for event in EVENTS
        if event.column in samples.steps and event.column not in columns
    }
    counts = {name: rates for name, rates in counts.items() if not np.isnan(rates).all()}
    return pd.DataFrame({**columns, **counts}, columns=[*_COLUMNS, *counts], copy=False)


def _exclude(
    usage: MeshUsage, samples: _Samples
) -> tuple[Rows, tuple[Exclusion, ...], dict[Unusable, Floats]]:
    """Return the rows to fit, the reasons of the others, and their CPU at each point."""
    points, point = usage.observed_points, samples.column("point")
    # What was filled is a part of the total, and never fitted.
    vcpu, left = samples.filled_column("cpu_vcpu"), np.ones(len(samples), dtype=bool)
    exclusions, left_out_vcpu = [], {}
    for reason, holds in _reasons(samples):
        out = left & holds
        left &= ~holds
        lost = np.nan_to_num(vcpu[out])
        totals = np.bincount(point[out], lost, minlength=points.max() + 1)
        left_out_vcpu[reason] = totals.astype(float)
        if out.any():
            mean = float(lost.sum()) / len(points)
            exclusions.append(Exclusion(reason=reason, step_count=int(out.sum()), mean_vcpu=mean))
    return numbers_of(left), tuple(exclusions), left_out_vcpu


def _reasons(samples: _Samples) -> Iterator[tuple[Unusable, Bools]]:
    """Yield each reason with the samples, (n,), for which it holds."""
    cpu = samples.column("cpu_vcpu")
    yield Unusable.NO_CPU, np.isnan(cpu)
    yield Unusable.NOT_SCRAPED, np.isnan(samples.column("proxy_rps"))
    lives = Segments.of(samples.column("proxy"))
    yield Unusable.CUT, _is_cut(lives, samples.column("point"))
    yield Unusable.RESTARTED, _restarted(lives, samples.column("resets") > 0)
    # NaN compares as false: no sample is left out because its limit or throttling is not known.
    yield Unusable.THROTTLED, samples.column("throttled_share") > MAX_THROTTLED_SHARE
    yield Unusable.AT_LIMIT, cpu > MAX_LIMIT_SHARE * samples.column("limit_vcpu")


def _is_cut(lives: Segments, point: Ints) -> Bools:
    """Return the first and last sample of each proxy: it ran only for a part of them."""
    is_cut = np.zeros(lives.row_count, dtype=bool)
    if len(lives):
        # Not at the window's own ends: whether it ran before or after is not known.
        first, last = lives.starts, lives.starts + lives.lengths - 1
        is_cut[first] = point[first] != point.min()
        is_cut[last] |= point[last] != point.max()
    return is_cut


def _restarted(lives: Segments, resets: Bools) -> Bools:
    """Return the samples in which a proxy's counters reset, unless they often do."""
    if not resets.any():
        return resets
    often = lives.sum(resets) > np.maximum(MAX_RESET_SHARE * lives.lengths, 1)
    return np.asarray(resets & ~lives.spread(often))
