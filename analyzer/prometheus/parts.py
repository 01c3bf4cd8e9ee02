"""Cutting a query so that it reads fewer series: by namespace, or by the terms that `or` joins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from analyzer.prometheus.promql import any_of
from analyzer.prometheus.response import Response, Series

NEVER: Final = 'no_such_label="never"'
"""A matcher that no series has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Series of some namespaces.

    Attributes:
        namespaces: their names.
        is_rest: whether all others are meant, and series without a namespace.
    """

    namespaces: tuple[str, ...]
    is_rest: bool = False

    def matcher(self, label: str) -> str:
        """Return a matcher for it."""
        return f"{label}{'!~' if self.is_rest else '=~'}{any_of(self.namespaces)}"

    def halves(self) -> tuple[Part, ...]:
        """Return two halves of it; itself, if it cannot be cut."""
        middle = len(self.namespaces) // 2
        if self.is_rest or not middle:
            return (self,)
        return (
            Part(namespaces=self.namespaces[:middle]),
            Part(namespaces=self.namespaces[middle:]),
        )


class Divisible(str):
    """PromQL that can be asked for one part of the namespaces after the other.

    Attributes:
        within: returns it for one part; for None as a whole.
        names: PromQL whose answer has the namespaces.
        labels: what they may be called.
        part: the part that this is for; None: all.
        takes_latest: whether answers of parts combine to the larger value; else to their sum.
    """

    __slots__ = ("labels", "names", "part", "takes_latest", "within")

    within: Callable[[Part | None], str]
    names: str
    labels: tuple[str, ...]
    part: Part | None
    takes_latest: bool

    @classmethod
    def of(
        cls,
        within: Callable[[Part | None], str],
        *,
        names: str,
        labels: tuple[str, ...],
        takes_latest: bool = False,
        part: Part | None = None,
    ) -> Divisible:
        """Return the text for a part, which can be cut further."""
        made = cls(within(part))
        made.within, made.names, made.labels = within, names, labels
        made.part, made.takes_latest = part, takes_latest
        return made

    def cut(self, found: Callable[[], Sequence[str]]) -> tuple[Divisible, ...]:
        """Return it in smaller parts, which have all of it together; none, if there are none.

        Args:
            found: returns the names of the namespaces; called only where they are not known.
        """
        if self.part is None:
            names = tuple(sorted(filter(None, found())))
            rest = Part(namespaces=names, is_rest=True)
            parts = (*Part(namespaces=names).halves(), rest) if names else ()
        else:
            parts = self.part.halves()
            parts = parts if len(parts) > 1 else ()
        return tuple(self._for(part) for part in parts)

    def only(self, namespaces: tuple[str, ...]) -> Divisible:
        """Return it for some namespaces."""
        return self._for(Part(namespaces=namespaces))

    def _for(self, part: Part) -> Divisible:
        return Divisible.of(
            self.within,
            names=self.names,
            labels=self.labels,
            takes_latest=self.takes_latest,
            part=part,
        )


@runtime_checkable
class KnowsLabels(Protocol):
    """A source that lists the values of a label without reading series."""

    def label_values(self, label: str) -> tuple[str, ...]:
        """Return all values that it has."""


def combined(responses: Sequence[Response], *, takes_latest: bool) -> Response:
    """Return answers about different series as one: series with the same labels are added up.

    Args:
        responses: over the same times.
        takes_latest: take the largest value of such series in place of their sum.
    """
    warnings = dict.fromkeys(text for one in responses for text in one.warnings)
    alike: dict[frozenset[tuple[str, str]], list[Series]] = {}
    for response in responses:
        for one in response.series:
            alike.setdefault(frozenset(one.labels.items()), []).append(one)
    adding = np.fmax if takes_latest else np.add
    series = tuple(_added(members, adding) for members in alike.values())
    return Response(series=series, warnings=tuple(warnings))


def first_of(responses: Sequence[Response]) -> Response:
    """Return answers to the terms of an `or` as one: the first term that has a sample counts."""
    warnings = dict.fromkeys(text for one in responses for text in one.warnings)
    known: dict[frozenset[tuple[str, str]], Series] = {}
    for response in responses:
        for series in response.series:
            key = frozenset(series.labels.items())
            known[key] = _filled(known[key], series) if key in known else series
    return Response(series=tuple(known.values()), warnings=tuple(warnings))


def _added(members: Sequence[Series], adding: np.ufunc) -> Series:
    if len(members) == 1:
        return members[0]
    first = members[0].times
    if all(np.array_equal(one.times, first) for one in members[1:]):
        samples = adding.reduce([one.samples for one in members])
        return Series(labels=members[0].labels, times=first, samples=samples)
    times, places = np.unique(np.concatenate([one.times for one in members]), return_inverse=True)
    samples = np.full(len(times), np.nan if adding is np.fmax else 0.0)
    adding.at(samples, places, np.concatenate([one.samples for one in members]))
    return Series(labels=members[0].labels, times=times, samples=samples)


def _filled(series: Series, other: Series) -> Series:
    is_new = ~np.isin(other.times, series.times)
    times = np.concatenate([series.times, other.times[is_new]])
    samples = np.concatenate([series.samples, other.samples[is_new]])
    order = np.argsort(times, kind="stable")
    return Series(labels=series.labels, times=times[order], samples=samples[order])


def terms(promql: str) -> tuple[str, ...]:
    """Return what the outermost `or` of a query join.

    >>> terms('sum(a or b) or c{d=" or "}')
    ('sum(a or b)', 'c{d=" or "}')
    """
    return tuple(_terms(promql))


def _terms(promql: str) -> Iterator[str]:
    begin = depth = place = 0
    quote = ""
    while place < len(promql):
        letter = promql[place]
        if quote:
            place += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "\"'`":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif not depth and promql.startswith(" or ", place):
            yield promql[begin:place].strip()
            begin = place = place + 3
        place += 1
    yield promql[begin:].strip()
