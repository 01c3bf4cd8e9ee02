"""The waypoints of a mesh: whom each serves, how many replicas it has, and what one of them uses.

    replicas            the fewest that stay below the target share of their CPU limit, and no fewer
                        than stated; in the busiest interval, or in each (`Scaling`)
    one replica         CPU of a proxy at its share of the requests and the TCP
    at a time           replicas x share of the time in which its namespaces have sidecars

A namespace has a waypoint of its own, unless the placement shares one between several.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.projection.choices import (
    PREFER_CLOSE,
    Placement,
    Scaling,
    Shared,
    TrafficDistribution,
    waypoint_weights,
)
from analyzer.projection.demand import MeasuredLoad, MeshLoad
from analyzer.projection.memory import waypoint_memory_gib
from analyzer.projection.needs import Case, Counts, Each, Need, added_up
from analyzer.projection.places import PEAKS, WAYPOINT_LOADS
from analyzer.projection.uncertainty import Parameters
from analyzer.projection.unseen import HIGH, LOW, on_draws
from analyzer.projection.zones import Transfer, transfer_of
from analyzer.units import Provenance, Role

_MOST_REPLICAS: Final = 1000
"""Upper limit of the replicas of one waypoint: beyond it, an input is wrong."""

_PRESENT: Final = "present_share"


@dataclass(frozen=True, kw_only=True, eq=False)
class Waypoints:
    """The waypoints that a mesh would have.

    Attributes:
        table: one row per waypoint: namespace, which is its name, and what it handles, in columns
            of `MeshLoad.namespaces`. A shared one is named after all that it serves: "a + b".
        weights: how much of it there is, 0-1, shape (waypoints,).
        row: of the waypoint that serves each namespace, shape (namespaces,).
        part_share: what share of it is for that namespace, 0-1: all, or its share of the requests.
        steps: what each handles in each interval, columns as in `MeshLoad.waypoint_steps`.
    """

    table: pd.DataFrame
    weights: Floats
    row: Ints
    part_share: Floats
    steps: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def names(self) -> list[str]:
        """The names of the waypoints."""
        return list(self.table["namespace"])

    @cached_property
    def exist(self) -> Bools:
        """Which of them there are, in whole or in part."""
        return np.asarray(self.weights > 0)

    @cached_property
    def shares(self) -> Floats:
        """The share of the time in which each is there, 0-1, shape (waypoints,)."""
        return self.table[_PRESENT].to_numpy(float)

    @cached_property
    def peaks(self) -> tuple[Floats, ...]:
        """What each handles in its busiest interval, as `PEAKS`, each of shape (waypoints,)."""
        return tuple(self.table[name].to_numpy(float) for name in PEAKS)


def placed(load: MeshLoad, placement: Placement) -> Waypoints:
    """Return the waypoints of a placement, with those of weight 0."""
    found = load.placed.get(placement)
    if not isinstance(found, Waypoints):
        found = load.placed[placement] = _placed(load, placement)
    return found


def _placed(load: MeshLoad, placement: Placement) -> Waypoints:
    namespaces = load.namespaces
    weights = waypoint_weights(placement, namespaces)
    names = list(map(str, namespaces["namespace"]))
    if not isinstance(placement, Shared):
        rows, whole = np.arange(len(names)), np.ones(len(names))
        return Waypoints(
            table=namespaces, weights=weights, row=rows, part_share=whole, steps=load.waypoint_steps
        )
    served_by = placement.waypoint_of(names)
    labels = pd.Series([served_by.get(name, name) for name in names], index=namespaces.index)
    table = _summed(namespaces, labels)
    row = table["namespace"].searchsorted(labels)
    streams = namespaces["waypoint_rps"] + namespaces["waypoint_connections_per_second"]
    total = streams.groupby(labels).transform("sum")
    even = 1 / labels.groupby(labels).transform("size")
    part = (streams / total).where(total > 0, even).to_numpy(float)
    whole = np.zeros(len(table))
    np.maximum.at(whole, row, weights)
    steps = load.waypoint_steps
    if not steps.empty:
        owners = steps["namespace"].map(dict(zip(names, labels, strict=True)))
        steps = steps.assign(namespace=owners).groupby(["namespace", "point"], as_index=False).sum()
        table = table.assign(**_peaks(steps, table["namespace"]))
        table[_PRESENT] = _present(steps, table, load)
    return Waypoints(
        table=table,
        weights=whole,
        row=np.asarray(row),
        part_share=part,
        steps=steps,
    )


def whole_if_all(counts: Floats) -> Floats | Ints:
    """Return whole numbers of replicas as integers; means over time stay as they are."""
    return counts.astype(int) if (counts == np.round(counts)).all() else counts


def _summed(namespaces: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Return a row per label: the sums of what waypoints handle, and the longest presence.

    The sum of peaks is an upper limit of the peak of the sum.
    """
    summed = (*WAYPOINT_LOADS, *PEAKS, "called_count", "sidecar_count")
    columns = [f"{name}{end}" for name in summed for end in ("", LOW, HIGH)]
    grouped = namespaces.groupby(labels)
    sums = grouped[[name for name in columns if name in namespaces]].sum()
    table = sums.assign(**{_PRESENT: grouped[_PRESENT].max()})
    return table.rename_axis("namespace").reset_index()


def _present(steps: pd.DataFrame, table: pd.DataFrame, load: MeshLoad) -> pd.Series:
    """Return the share of the time in which any namespace of a waypoint has sidecars."""
    if not isinstance(load, MeasuredLoad):
        return table[_PRESENT]
    there = steps[steps["has_sidecars"] > 0]
    counts = there.groupby("namespace")["point"].nunique().reindex(table["namespace"])
    return (counts / load.tally.step_count).set_axis(table.index)


def _peaks(steps: pd.DataFrame, names: pd.Series) -> dict[str, Floats]:
    """Return what each of these waypoints handles in its busiest interval, by column."""
    most = steps.groupby("namespace")[["streams", "gbit"]].max().reindex(names).fillna(0.0)
    return dict(zip(PEAKS, most.to_numpy(float).T, strict=True))


def replicas_of(waypoints: Waypoints, parameters: Parameters) -> Floats:
    """Return how many replicas each waypoint has while it is there, shape (waypoints,).

    Each replica stays below the target share of its CPU limit at the best estimates. There are at
    least as many as the scenario states, plus its spare ones. If they follow the load, the number
    is the mean of all intervals.
    """
    if parameters.scaling == Scaling.HPA and not waypoints.steps.empty:
        steps = waypoints.steps
        steps = steps[steps["has_sidecars"] > 0]
        loads = steps["streams"].to_numpy(float), steps["gbit"].to_numpy(float)
        counts = _enough(loads, list(steps["namespace"]), parameters)
        means = pd.Series(counts).groupby(steps["namespace"].to_numpy()).mean()
        least = parameters["waypoint_replicas"][0]
        found = means.reindex(waypoints.names).fillna(least).to_numpy(float)
        return np.asarray(found + parameters["waypoint_spare_replicas"][0])
    return _at_peak(waypoints, parameters)


def _at_peak(waypoints: Waypoints, parameters: Parameters) -> Floats:
    """Return the replicas in the busiest interval, shape (waypoints,)."""
    spare = parameters["waypoint_spare_replicas"][0]
    return np.asarray(_enough(waypoints.peaks, waypoints.names, parameters) + spare)


def _enough(loads: Sequence[Floats], names: Sequence[str], parameters: Parameters) -> Floats:
    """Return the fewest replicas that can handle these streams and Gbit/s, shape (loads,)."""
    streams, gbit = loads
    limit_vcpu = parameters["waypoint_limit_vcpu_per_replica"][0]
    most_vcpu = limit_vcpu * parameters["waypoint_target_utilisation_share"][0]
    nothing = np.zeros(len(names))
    idle = parameters.likely_waypoint_vcpu(nothing, names, nothing)
    replicas = np.full(len(names), parameters["waypoint_replicas"][0])
    for _ in range(_MOST_REPLICAS):
        used = parameters.likely_waypoint_vcpu(streams / replicas, names, gbit / replicas)
        # More replicas do not help if the idle CPU of one is above the target.
        busy = (used > most_vcpu) & (idle < most_vcpu)
        if not busy.any():
            break
        replicas[busy] += 1
    return replicas


def beyond_one_thread(waypoints: Waypoints, parameters: Parameters) -> Bools:
    """Return which waypoints would be too busy if one thread of each replica had all the load.

    That is in the busiest interval, with its replicas, at the best estimates. An Envoy has a thread
    for each vCPU of its limit, rounded up.
    """
    limit_vcpu = parameters["waypoint_limit_vcpu_per_replica"][0]
    each_vcpu = limit_vcpu / np.ceil(limit_vcpu)
    most_vcpu = each_vcpu * parameters["waypoint_target_utilisation_share"][0]
    replicas = _at_peak(waypoints, parameters)
    rps, gbit = (peak / replicas for peak in waypoints.peaks)
    used = parameters.likely_waypoint_vcpu(rps, waypoints.names, gbit)
    return np.asarray((used > most_vcpu) & waypoints.exist & (each_vcpu < limit_vcpu))


def while_present(waypoints: Waypoints) -> tuple[Floats, Floats]:
    """Return the requests and TCP connections a second of waypoints, and their Gbit/s of TCP.

    They are those of the time in which their namespaces have sidecars, shape (waypoints,).
    """
    table, shares = waypoints.table, waypoints.shares
    rps, connections, gbit = (table[name].to_numpy(float) / shares for name in WAYPOINT_LOADS)
    return rps + connections, gbit


def counts_of(waypoints: Waypoints, replicas: Floats) -> Floats:
    """Return how many replicas each waypoint has at a time, on average.

    `replicas` are those of a whole one while it is there.
    """
    return np.asarray(waypoints.weights * replicas * waypoints.shares)


def each_waypoint(case: Case, waypoints: Waypoints, replicas: Floats) -> Each:
    """Return what one replica of each waypoint uses and requests, if it has so many."""
    parameters, table = case.parameters, waypoints.table
    rps, connections, gbit = (
        on_draws(table, name, parameters.unseen_time)
        / waypoints.shares[:, None]
        / replicas[:, None]
        for name in WAYPOINT_LOADS
    )
    used = parameters.waypoint_vcpu(rps + connections, waypoints.names, gbit)
    prices = None
    if case.prices:
        # They are assumed to run on the nodes of the sidecars that they replace.
        of_namespaces = case.prices.of_namespaces(case.load)
        prices = np.zeros((len(table), of_namespaces.shape[1]))
        np.add.at(prices, waypoints.row, of_namespaces * waypoints.part_share[:, None])
    return Each(
        used=(used, waypoint_memory_gib(table, parameters)),
        requested=(
            parameters["waypoint_reserved_vcpu_per_replica"],
            parameters["waypoint_reserved_memory_gib_per_replica"],
        ),
        prices=prices,
    )


def transfer_of_waypoints(
    case: Case,
    placement: Placement,
    *,
    replicas: Floats | None = None,
    distribution: TrafficDistribution | None = None,
) -> Transfer | None:
    """Return the extra traffic between zones of the waypoints; None where no zone is known.

    Args:
        case: what is evaluated.
        placement: of the waypoints.
        replicas: of a whole waypoint while it is there; None: as many as the load needs.
        distribution: how callers choose among replicas; None: as the scenario has it.
    """
    waypoints = placed(case.load, placement)
    if replicas is None:
        replicas = replicas_of(waypoints, case.parameters)
    chosen = distribution or case.parameters.traffic_distribution
    return transfer_of(
        case,
        replicas=replicas,
        row=waypoints.row,
        weights=waypoints.weights[waypoints.row],
        waypoint_count=float(counts_of(waypoints, replicas).sum()),
        prefers_close=chosen == PREFER_CLOSE,
    )


def waypoint_need(case: Case, placement: Placement) -> Need:
    """Return the need of the waypoints of a placement."""
    waypoints = placed(case.load, placement)
    replicas = replicas_of(waypoints, case.parameters)
    each, times = each_waypoint(case, waypoints, replicas), counts_of(waypoints, replicas)
    used = each.used[0]
    return added_up(
        each,
        role=Role.WAYPOINT,
        provenance=case.parameters.waypoint_provenance or Provenance.DERIVED,
        units=Counts(
            names=waypoints.table["namespace"],
            unit_count=times,
            whole_count=replicas,
            present_share=waypoints.shares,
        ),
        hottest_vcpu=(used * (times > 0)[:, None]).max(axis=0) if len(used) else None,
    )
