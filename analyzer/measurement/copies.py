"""Whether series of one proxy are copies of each other, and which labels separate the copies.

A pair of Prometheus servers, two agents or a federated server store a counter twice, with labels of
any name. Copies agree in every label that the proxy itself writes, and in their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from analyzer.prometheus.label_mapping import (
    ISTIO_LABELS,
    SCRAPE_LABELS,
    Exporter,
    LabelMapping,
)
from analyzer.prometheus.response import Series

_AGREEING_SHARE: Final = 0.9
"""Share of the pairs that differ in the same labels from which these separate copies."""

_DOUBTFUL_SHARE: Final = 0.1
"""Share from which pairs are too often equal for chance."""

_PAIRS: Final = 2
"""Growing pairs that agree, so that not one has equal values by chance."""

_NARROW: Final = 0.05
"""Growth between moments, as a share of a counter, by which agreement is no chance."""

_LARGEST_GROUP: Final = 20
"""Series that are compared with each other: a Telemetry tag may have thousands of values."""

_POINTS: Final = 3
"""Moments that two series must share: one between two others."""

Labels = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """What a comparison of series found.

    Attributes:
        labels: labels that separate copies.
        is_doubtful: whether series look alike that are neither copies nor clearly different.
    """

    labels: tuple[str, ...] = ()
    is_doubtful: bool = False


def find_copies(series: Iterable[Series], mapping: LabelMapping) -> Copies:
    """Compare the series of some proxies.

    Args:
        series: istio_build and request counters of a few proxies, at the same moments, which are
            at least two scrapes apart.
        mapping: what labels are called here.
    """
    agreed: Counter[Labels] = Counter()
    strong: Counter[Labels] = Counter()
    differed: Counter[Labels] = Counter()
    separated: set[Labels] = set()
    for group in _alike(series, mapping):
        for one, other in combinations(group[:_LARGEST_GROUP], 2):
            labels = _differing(one.labels, other.labels)
            if "reporter" not in one.labels:
                separated.add(labels)
                continue
            verdict = _agree(one, other)
            if verdict is None:
                continue
            agreed[labels] += verdict
            differed[labels] += not verdict
            strong[labels] += verdict and _grows(one)
    shares = {labels: agreed[labels] / (agreed[labels] + differed[labels]) for labels in agreed}
    proven = {
        labels
        for labels, share in shares.items()
        if share >= _AGREEING_SHARE and (strong[labels] >= _PAIRS or labels in separated)
    }
    doubtful = {
        labels
        for labels, share in shares.items()
        if share >= _DOUBTFUL_SHARE and strong[labels] >= _PAIRS and labels not in proven
    }
    unequal = {labels for labels in separated - proven if differed[labels]}
    # Pairs of copies that differ in a Telemetry tag too are no copies of each other.
    explained = frozenset().union(*proven)
    return Copies(
        labels=tuple(sorted(explained)),
        is_doubtful=any(not labels & explained for labels in doubtful | unequal),
    )


def _alike(series: Iterable[Series], mapping: LabelMapping) -> Iterator[Sequence[Series]]:
    """Yield the series that one scrape of a proxy has of the same kind, where there are several."""
    known = (
        *mapping.labels_of_pod(Exporter.PROXY),
        *SCRAPE_LABELS,
        *mapping.replica_labels,
        *ISTIO_LABELS,
        "component",
        "tag",
    )
    groups: dict[tuple[str, ...], list[Series]] = {}
    for one in series:
        groups.setdefault(tuple(one.labels.get(label, "") for label in known), []).append(one)
    return (group for group in groups.values() if len(group) > 1)


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> Labels:
    return frozenset(
        name
        for name in one.keys() | other.keys()
        if name != "__name__" and one.get(name, "") != other.get(name, "")
    )


def _agree(one: Series, other: Series) -> bool | None:
    """Return whether one counter is between its twin's neighbouring values at each moment.

    None where they are not there at the same time.
    """
    _, left, right = np.intersect1d(one.times, other.times, return_indices=True)
    if len(left) < _POINTS:
        return None
    values, twin = one.samples[left], other.samples[right]
    # Each is up to a scrape old, and a moment is two scrapes: the twin is no further away.
    above = twin[1:-1] >= values[:-2] - 1
    below = twin[1:-1] <= values[2:] + 1
    return bool((above & below).all())


def _grows(one: Series) -> bool:
    """Return whether a counter grows, but by so little that another hardly has its value."""
    growth = float(one.samples[-1] - one.samples[0])
    return 0 < growth < _NARROW * float(one.samples[-1]) * (len(one.samples) - 1)
