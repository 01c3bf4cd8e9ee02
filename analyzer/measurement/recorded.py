"""Series that the recording rules of `istio-usage rules` keep, and how they are asked for.

A rule is evaluated once a step, and its sample is the answer of one query at that moment. A sample
carries the version of the rules that made it, so that samples of other expressions are never mixed
with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import quoted
from analyzer.prometheus.query import Query

PREFIX: Final = "istio_usage:"
"""What the names of all recorded series begin with."""

VERSION_LABEL: Final = "istio_usage_rules"
"""Label with the version of the rules, on every recorded series."""

INFO: Final = f"{PREFIX}rules_info"
"""A series whose value is the moment of its evaluation, in seconds since the epoch."""

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
    """

    version: str
    step_seconds: int

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

    def promql(self, query: Query, label_mapping: LabelMapping) -> str:
        """Return PromQL for the recorded answers to a query.

        Labels that a storage adds to all series, such as those of replicas, are left out.
        """
        latest = self.latest(recorded_name(query.name))
        if not query.labels or query.exporter is None:
            return f"max({latest})"
        ours = label_mapping.canonical(query.exporter)
        theirs = (label for label, name in ours.items() if name in query.labels)
        labels = map(label_mapping.spelled, dict.fromkeys((*theirs, *query.labels)))
        return f"max by ({', '.join(labels)}) ({latest})"
