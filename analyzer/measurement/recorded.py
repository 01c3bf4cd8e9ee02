"""Series that the recording rules of `istio-usage rules` keep, and how they are asked for.

A rule is evaluated once a step, and its sample is the answer of one query at that moment. A sample
carries the version of the rules that made it, so that samples of other expressions are never mixed
with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.parts import combined
from analyzer.prometheus.promql import quoted
from analyzer.prometheus.query import Query
from analyzer.prometheus.response import Response

PREFIX: Final = "istio_usage:"
"""What the names of all recorded series begin with."""

VERSION_LABEL: Final = "istio_usage_rules"
"""Label with the version of the rules, on every recorded series."""

INFO: Final = f"{PREFIX}rules_info"
"""A series whose value is the moment of its evaluation, in seconds since the epoch."""

_JOB: Final = "job"
"""The label in which Prometheus has the name of the scrape job."""

SETTINGS_LABEL: Final = "settings"
"""Label of `INFO` with how the rules were made, as JSON."""


def recorded_name(query: str) -> str:
    """Return the name of the series that hold the answers to a query.

    >>> recorded_name("proxy_cpu_vcpu")
    'istio_usage:proxy_cpu_vcpu'
    """
    return PREFIX + query


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The recording rules that a collection is answered from.

    Attributes:
        version: of their expressions, as `VERSION_LABEL` has it.
        step_seconds: time between two evaluations, which is also the length of their steps.
        series_counts: the most series that they hold of a query, by its name.
    """

    version: str
    step_seconds: int
    series_counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def matcher(self) -> str:
        """Return the matcher for series of these rules."""
        return f"{VERSION_LABEL}={quoted(self.version)}"

    def selector(self, name: str) -> str:
        """Return the selector of a recorded series."""
        return f"{name}{{{self.matcher}}}"

    def latest(self, name: str) -> str:
        """Return PromQL for the sample of a recorded series in the step before a moment.

        A range holds exactly one evaluation, also where an instant selector looks back further or
        less far: a series that was not in the last evaluation is not in the answer.
        """
        return f"last_over_time({self.selector(name)}[{self.step_seconds * 1000 - 1}ms])"

    def promql(self, query: Query) -> str:
        """Return PromQL for the recorded answers to a query; `answers` reads them.

        An aggregation would take the server longer than the samples themselves.
        """
        return self.latest(recorded_name(query.name))


def answers(
    query: Query,
    label_mapping: LabelMapping,
    responses: Iterable[Response],
    *,
    takes_largest: bool = True,
) -> tuple[Response, ...]:
    """Return recorded or ungrouped answers to a query with one series of each proxy or object.

    What rules or a storage add to all series, such as the version and labels of replicas, does not
    count; it may still be there. Of series that differ in nothing else, the largest sample counts,
    or else their sum. What two scrape jobs have of the same proxy is not added up.
    """
    known = _labels(query, label_mapping)
    return tuple(_grouped(one, known, takes_largest=takes_largest) for one in responses)


def _grouped(response: Response, known: frozenset[str], *, takes_largest: bool) -> Response:
    if _has_each_once(response, known):
        return response
    jobs = {one.labels.get(_JOB) for one in response.series}
    if not takes_largest and len(jobs) > 1:
        # The survey saw one job. Another one may have been there for a part of an hour.
        of_jobs = _with_only(known | {_JOB}, response)
        return _grouped(combined([of_jobs], takes_latest=False), known, takes_largest=True)
    return combined([_with_only(known, response)], takes_latest=takes_largest)


def _labels(query: Query, label_mapping: LabelMapping) -> frozenset[str]:
    """Return the labels of an answer to a query, by the names of the installation."""
    if query.exporter is None:
        return frozenset(query.labels)
    ours = label_mapping.canonical(query.exporter)
    theirs = {label for label, name in ours.items() if name in query.labels}
    # A label that has our name, and not the meaning, is none of them.
    return frozenset(theirs | (set(query.labels) - set(ours.values())))


def _has_each_once(response: Response, known: frozenset[str]) -> bool:
    """Return whether all series differ in these labels, as nearly all answers do."""
    names = sorted(known)
    keys = {tuple(map(one.labels.get, names)) for one in response.series}
    return len(keys) == len(response.series)


def _with_only(known: frozenset[str], response: Response) -> Response:
    series = tuple(
        replace(one, labels={name: value for name, value in one.labels.items() if name in known})
        for one in response.series
    )
    return replace(response, series=series)
