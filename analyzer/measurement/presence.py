"""When each proxy existed: one that was not scraped for a while has not ended."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.arrays import Bools, Ints
from analyzer.measurement.neighbours import runs

LOOKBACK_SECONDS: Final = 300
"""How long Prometheus returns the last sample of a gauge that has ended (its default)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sightings:
    """Which exporter shows which proxy in which step: arrays of shape (proxies, steps).

    Attributes:
        cpu: the kubelet has its CPU.
        metrics: its own metrics were scraped.
        memory: the kubelet has its memory at the end of the step.
        state: kube-state-metrics has its pod at the end of the step.
        node: number of its node, shape (proxies,); -1 if it is not known.
        cluster: number of its cluster, shape (proxies,); workload: the same.
        lookback_steps: steps after its end in which kube-state-metrics may still show a pod.
    """

    cpu: Bools
    metrics: Bools
    memory: Bools
    state: Bools
    node: Ints
    cluster: Ints
    workload: Ints
    lookback_steps: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Presence:
    """Which proxy existed in which step: arrays of shape (proxies, steps).

    Attributes:
        exists: it existed, as far as can be known.
        doubtful: its whole cluster is dark in this step, and the dark time ends at an end of the
            window: the cluster may not have existed. Such a step may be in `exists` or not.
    """

    exists: Bools
    doubtful: Bools


def presence(seen: Sightings) -> Presence:
    """Return when each proxy existed.

    It existed between its first and its last sample of CPU or of its own metrics. It did not in
    steps in which an exporter that would show it shows others only. kube-state-metrics keeps
    completed pods: before and after these samples it counts only where both sources are dark.
    """
    scraped = seen.cpu | seen.metrics
    life = _between(scraped)
    life &= scraped | seen.memory | seen.state | ~_is_gone(seen)
    dark, doubtful, is_likely = _of_dark_clusters(seen, scraped)
    exists = life | _shown_by_state_alone(seen, scraped, life) | dark
    exists |= seen.state & _between(exists)
    return Presence(exists=exists | (doubtful & is_likely), doubtful=doubtful & ~life)


def _between(flags: Bools) -> Bools:
    """Return the steps from the first to the last that is set, of each proxy."""
    begun = np.maximum.accumulate(flags, axis=1)
    return np.asarray(begun & np.maximum.accumulate(flags[:, ::-1], axis=1)[:, ::-1])


def _ever(flags: Bools) -> Bools:
    """Return whether a proxy has any set, shape (proxies, 1)."""
    return np.asarray(flags.any(axis=1, keepdims=True))


def _is_gone(seen: Sightings) -> Bools:
    """Return where an exporter answers that would show the proxy if it existed."""
    has_state = _ever(seen.state)
    by_state = has_state & (_number_in(seen.cluster, seen.state) > 0)
    has_cpu, has_node = _ever(seen.cpu), (seen.node >= 0)[:, None]
    by_kubelet = ~has_state & has_cpu & has_node & (_number_in(seen.node, seen.cpu) > 0)
    return np.asarray(by_state | by_kubelet)


def _number_in(group: Ints, flags: Bools) -> Ints:
    """Return for each proxy how many of its group are set in each step, shape (proxies, steps)."""
    if not len(group):
        return np.zeros(flags.shape, dtype=np.int64)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=group[order][0] - 1))
    sums = np.add.reduceat(flags[order].astype(np.int64), starts, axis=0)
    return np.asarray(sums[np.searchsorted(group[order][starts], group)])


def _shown_by_state_alone(seen: Sightings, scraped: Bools, life: Bools) -> Bools:
    """Return the steps outside a proxy's life in which only kube-state-metrics can show it."""
    outside = seen.state & ~_between(scraped) & _ever(scraped)
    if not outside.any():
        return outside
    # A pod is shown for a while after its end. It is shown before its containers start.
    for shift in range(1, seen.lookback_steps + 1):
        later = np.ones_like(outside)
        later[:, :-shift] = seen.state[:, shift:]
        earlier = np.ones_like(outside)
        earlier[:, shift:] = seen.state[:, :-shift]
        has_begun = np.maximum.accumulate(scraped, axis=1)
        outside = outside & np.where(has_begun, later, earlier)
    cpu = _is_dark(seen.cpu, seen.node, life, seen.state) & (seen.node >= 0)[:, None]
    cpu |= (seen.node < 0)[:, None] & _is_partly_dark(seen.cpu, seen.cluster, life)
    metrics = _is_dark(seen.metrics, seen.cluster, life, seen.state)
    metrics |= _is_partly_dark(seen.metrics, seen.cluster, life)
    never_cpu, never_metrics = ~_ever(seen.cpu), ~_ever(seen.metrics)
    dark = (cpu | never_cpu) & (metrics | never_metrics)
    return np.asarray(outside & (dark | _end_together(seen, scraped, outside)))


def _end_together(seen: Sightings, scraped: Bools, outside: Bools) -> Bools:
    """Return where nothing of a node is scraped, and several of its workloads ended at once.

    Jobs that complete together are one workload.
    """
    found = np.zeros_like(outside)
    first = scraped.argmax(axis=1)
    last = scraped.shape[1] - 1 - scraped[:, ::-1].argmax(axis=1)
    steps = np.arange(scraped.shape[1])
    for node in np.unique(seen.node[outside.any(axis=1) & (seen.node >= 0)]):
        members = np.flatnonzero(seen.node == node)
        is_dark = ~scraped[members].any(axis=0)
        for proxy in members[outside[members].any(axis=1)]:
            others = members[seen.workload[members] != seen.workload[proxy]]
            for edge, side in ((last, steps > last[proxy]), (first, steps < first[proxy])):
                peers = others[np.abs(edge[others] - edge[proxy]) <= 1]
                found[proxy] |= is_dark & side & seen.state[peers].any(axis=0)
    return found


def _is_dark(source: Bools, group: Ints, life: Bools, state: Bools) -> Bools:
    """Return where a source shows none of a group, although several of it should be there."""
    others = _number_in(group, life | state) > 1
    return np.asarray((_number_in(group, source) == 0) & others)


def _is_partly_dark(source: Bools, group: Ints, life: Bools) -> Bools:
    """Return where a source lacks one of a group that it shows at other times."""
    lacking = life & ~source & _ever(source)
    return np.asarray(_number_in(group, lacking) > 0)


def _of_dark_clusters(seen: Sightings, scraped: Bools) -> tuple[Bools, Bools, Bools]:
    """Return the steps added while a whole cluster is dark and another is seen.

    Proxies that are not on both sides of a dark time exist in the half of it beside them. At an end
    of the window this is doubtful. It is likely if the cluster was seen for longer.
    """
    sure, doubtful, likely = (np.zeros_like(scraped) for _ in range(3))
    clusters = np.unique(seen.cluster)
    if len(clusters) < 2 or not scraped.any():  # noqa: PLR2004 - several
        return sure, doubtful, likely
    steps = scraped.shape[1]
    for cluster in clusters:
        members = np.flatnonzero(seen.cluster == cluster)
        is_seen = np.asarray(scraped[members].any(axis=0))
        if not is_seen.any():
            continue
        first = scraped[members].argmax(axis=1)
        last = steps - 1 - scraped[members, ::-1].argmax(axis=1)
        for begin, end in runs(~is_seen):
            before, after = members[_near(last, begin - 1)], members[_near(first, end, after=True)]
            if begin > 0 and end < steps:
                middle = (begin + end) // 2
                sure[before, begin:middle] = True
                sure[after, middle:end] = True
            else:
                beside = after if begin == 0 else before
                doubtful[beside, begin:end] = True
                likely[beside, begin:end] = end - begin <= is_seen.sum()
    known = ~(_is_gone(seen) & ~seen.state)
    return sure & known, doubtful & known & ~seen.state, likely


def _near(step: Ints, edge: int, *, after: bool = False) -> Bools:
    """Return which proxies were seen up to a dark time, or from its end on, within a step."""
    distance = step - edge if after else edge - step
    return np.asarray((distance >= 0) & (distance <= 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coverage:
    """How much of its steps a source covers, where it has a rate: shape (proxies, steps).

    Attributes:
        is_cut: the step before or after has no rate: the series covers a part of the step only.
        is_end: the step before has a rate and the step after has none.
        beside_gap: as is_cut, because the source was dark for two steps or more.
        beside_hole: the same, because the source was dark for one step.
    """

    is_cut: Bools
    is_end: Bools
    beside_gap: Bools
    beside_hole: Bools


def coverage(source: Bools, exists: Bools) -> Coverage:
    """Return which steps a source covers in part. A proxy's start and end are no gap."""
    hole = exists & ~source & _ever(source)
    is_edge = ~(_shifted(exists, 1, beyond=True) & _shifted(exists, -1, beyond=True))
    solid = hole & ~is_edge
    wide = solid & (_shifted(hole, 1) | _shifted(hole, -1))

    def beside(flags: Bools) -> Bools:
        return np.asarray(source & (_shifted(flags, 1) | _shifted(flags, -1)))

    unseen = ~source
    gap = beside(wide)
    return Coverage(
        is_cut=beside(unseen),
        is_end=source & _shifted(source, 1) & _shifted(unseen, -1),
        beside_gap=gap,
        beside_hole=beside(solid) & ~gap,
    )


def _shifted(flags: Bools, by: int, *, beyond: bool = False) -> Bools:
    """Return the flags of the step so many before; `beyond` outside the window."""
    moved = np.full_like(flags, beyond)
    if by > 0:
        moved[:, by:] = flags[:, :-by]
    else:
        moved[:, :by] = flags[:, -by:]
    return moved
