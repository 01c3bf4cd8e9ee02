"""Recording and alerting rules for what this tool asks, made from its own query files.

Where a server evaluates the rules, `from_rules` answers a collection from their series. The rules
carry how they were made. Only if this version would make the same rules from that, it reads them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from analyzer.data.alerts import Alert, alerts, derived_records
from analyzer.measurement.coarse import STATE_STEPS
from analyzer.measurement.detect import checked_label
from analyzer.measurement.manifest import label_mapping_of, scrape_seconds_of
from analyzer.measurement.ranges import Ranges
from analyzer.measurement.recorded import (
    INFO,
    SETTINGS_LABEL,
    VERSION_LABEL,
    RuleSet,
    recorded_name,
)
from analyzer.measurement.surveyed import FINE_SCRAPE_SECONDS
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_query, measured_queries
from analyzer.settings import Setting
from analyzer.typed import Mistyped, Part
from analyzer.window import MIN_STEP_SECONDS, choose_step_seconds

COUNTS: Final = "survey_series_count"
"""The query of the survey that is recorded too: it shows what the quantities are read from."""

_LONGEST_STEP: Final = 86_400
_VERSION_LETTERS: Final = 12
_VERSION_PLACE: Final = "$rules"
_STEP_PLACE: Final = "$step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One recording rule: a name, PromQL, and labels of every sample."""

    name: str
    promql: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alerting rule, whose PromQL reads recorded series."""

    alert: Alert
    promql: str


@dataclass(frozen=True, kw_only=True)
class Recording:
    """How recording rules are made for one server.

    Attributes:
        step_seconds: time between two evaluations.
        cpu_scrape_seconds: interval between two CPU samples of a proxy.
        request_scrape_seconds: interval between two samples of its request counters.
        reads_sample_before: as `Survey.reads_sample_before`.
        is_surveyed: whether a server was surveyed for them; else labels are the usual ones.
    """

    step_seconds: int = MIN_STEP_SECONDS
    cpu_scrape_seconds: float = FINE_SCRAPE_SECONDS
    request_scrape_seconds: float = FINE_SCRAPE_SECONDS
    reads_sample_before: bool = False
    is_surveyed: bool = False
    label_mapping: LabelMapping = field(default_factory=LabelMapping)
    scope: Scope = field(default_factory=Scope)

    @classmethod
    def unsurveyed(
        cls,
        scope: Scope,
        *,
        step_seconds: int | None = None,
        cluster_label: str | None = None,
        replica_labels: tuple[str, ...] = (),
    ) -> Recording:
        """Return the rules for an installation with the usual labels and scrape intervals.

        Raises UsageError if a label cannot be named in a query, or the step is too short.
        """
        mapping = LabelMapping(replica_labels=replica_labels)
        if cluster_label is not None:
            mapping = replace(mapping, cluster=checked_label(cluster_label, Setting.CLUSTER_LABEL))
        for label in replica_labels:
            checked_label(label, Setting.REPLICA_LABELS)
        seconds = choose_step_seconds(FINE_SCRAPE_SECONDS, step_seconds)
        return cls(step_seconds=seconds, label_mapping=mapping, scope=scope)

    @property
    def ranges(self) -> Ranges:
        """How far back the rates of the rules read."""
        return Ranges.on_server(
            self.step_seconds,
            self.cpu_scrape_seconds,
            self.request_scrape_seconds,
            is_cpu_recorded=self.label_mapping.is_recorded,
            reads_sample_before=self.reads_sample_before,
        )

    @cached_property
    def rule_set(self) -> RuleSet:
        """What a collection needs to ask for the series of these rules."""
        rules = (*self._measured(), *self._derived(_VERSION_PLACE))
        text = json.dumps([self.step_seconds, *map(asdict, rules)])
        version = hashlib.sha256(text.encode()).hexdigest()[:_VERSION_LETTERS]
        return RuleSet(version=version, step_seconds=self.step_seconds)

    def rules(self) -> tuple[Rule, ...]:
        """Return the recording rules in the order of their evaluation, which is one group's.

        All quantities must be evaluated at the same moment: CPU and requests of other times do not
        belong together.
        """
        version = {VERSION_LABEL: self.rule_set.version}
        info = Rule(
            name=INFO, promql="vector(time())", labels={**version, SETTINGS_LABEL: self.to_json()}
        )
        made = (*self._measured(), *self._derived(self.rule_set.matcher))
        return (info, *(Rule(name=one.name, promql=one.promql, labels=version) for one in made))

    def alerts(self) -> tuple[AlertRule, ...]:
        """Return the alerting rules, which read what the recording rules keep."""
        return tuple(
            AlertRule(alert=alert, promql=self._filled(alert.promql, self.rule_set.matcher))
            for alert in alerts()
        )

    def queries(self) -> Mapping[str, Query]:
        """Return the queries that are recorded, by name: all that a collection may ask."""
        replaced = "proxy_cpu_vcpu" if self.label_mapping.is_recorded else "proxy_recorded_cpu_vcpu"
        unrecorded = {replaced, STATE_STEPS}
        return {name: one for name, one in measured_queries().items() if name not in unrecorded}

    def to_json(self) -> str:
        """Return how the rules are made as JSON, without what is usual."""
        return json.dumps(_unusual(asdict(self), asdict(Recording())), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Recording:
        """Read how rules were made; raises Mistyped if it is not that."""
        document = Part.of_json(text)
        usual = json.loads(json.dumps(asdict(cls())))
        whole = Part(_overlaid(usual, document.value), "settings")
        found: Recording = whole.read(cls)
        label_mapping_of(whole["label_mapping"])
        for key in ("cpu_scrape_seconds", "request_scrape_seconds"):
            scrape_seconds_of(whole[key])
        if not 1 <= found.step_seconds <= _LONGEST_STEP:
            raise whole["step_seconds"].wrong(f"a number from 1 to {_LONGEST_STEP:,} is needed")
        return found

    def _measured(self) -> Iterator[Rule]:
        for query in (load_query(COUNTS), *self.queries().values()):
            seconds = self.ranges.sent(query.exporter, self.step_seconds)
            # The moment of an evaluation is the rules' own: there is no border to keep away from.
            promql = query.render(
                self.scope,
                self.label_mapping,
                window_seconds=seconds if query.is_ranged else None,
            )
            yield Rule(name=recorded_name(query.name), promql=str(promql), labels={})

    def _derived(self, matcher: str) -> Iterator[Rule]:
        for record in derived_records():
            promql = self._filled(record.promql, matcher)
            yield Rule(name=recorded_name(record.name), promql=promql, labels={})

    def _filled(self, template: str, matcher: str) -> str:
        """Return PromQL about recorded series with the installation's labels."""
        text = template.replace(_STEP_PLACE, f"{self.step_seconds}s")
        query = Query(
            name="rules",
            what="",
            unit="",
            exporter=None,
            labels=(),
            reads="",
            template=text.replace(_VERSION_PLACE, "$$rules"),
        )
        return str(query.render(self.scope, self.label_mapping)).replace(_VERSION_PLACE, matcher)


def _unusual(value: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items of a mapping that differ from the usual ones, at any depth."""
    return {
        key: _unusual(item, usual[key]) if isinstance(item, Mapping) else item
        for key, item in value.items()
        if item != usual[key]
    }


def _overlaid(usual: Mapping[str, Any], given: object) -> dict[str, Any]:
    """Return the usual items with those that are given."""
    if not isinstance(given, dict):
        raise Mistyped("settings: an object is needed")
    found = dict(usual)
    for key, item in given.items():
        is_deeper = isinstance(usual.get(key), dict) and isinstance(item, dict)
        found[key] = _overlaid(usual[key], item) if is_deeper else item
    return found
