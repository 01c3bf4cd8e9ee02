"""Recording and alerting rules as Prometheus, its operator, and programs read them."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

import analyzer
from analyzer.measurement.rules import Recording
from analyzer.report.patches.yaml import Node, to_yaml

_NAME: Final = "istio-usage"


class RulesFormat(StrEnum):
    """What reads the rules."""

    YAML = "yaml"
    """A file of `rule_files` of Prometheus and Thanos, or of the ruler of Mimir."""
    KUBERNETES = "kubernetes"
    """A PrometheusRule of the Prometheus operator."""
    JSON = "json"


def as_text(recording: Recording, style: RulesFormat) -> str:
    """Return the rules as one file.

    Args:
        recording: how they are made.
        style: what reads them; JSON has no comments, so it is the `groups` alone.
    """
    document = groups(recording)
    if style == RulesFormat.JSON:
        return json.dumps(document, indent=2) + "\n"
    lines = (f"# {line}\n" for line in _remarks(recording))
    if style == RulesFormat.KUBERNETES:
        document = _custom_resource(document)
    return "".join(lines) + to_yaml(document)


def groups(recording: Recording) -> Mapping[str, Node]:
    """Return the rules as the content of a rules file."""
    interval = f"{recording.step_seconds}s"
    # In one group, so that alerts are evaluated at the moment of the samples that they read.
    recorded: list[Node] = [
        {"record": rule.name, "expr": rule.promql, "labels": rule.labels}
        for rule in recording.rules()
    ]
    alerting: list[Node] = [
        {
            "alert": rule.alert.name,
            "expr": rule.promql,
            "for": rule.alert.lasting,
            "labels": {"severity": rule.alert.severity},
            "annotations": {
                "summary": rule.alert.summary,
                "description": rule.alert.description,
            },
        }
        for rule in recording.alerts()
    ]
    return {"groups": [{"name": _NAME, "interval": interval, "rules": [*recorded, *alerting]}]}


def _custom_resource(document: Mapping[str, Node]) -> Mapping[str, Node]:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": _NAME},
        "spec": document,
    }


def _remarks(recording: Recording) -> Iterator[str]:
    yield (
        f"Rules of istio-usage {analyzer.__version__}, version {recording.rule_set.version}. "
        "Print them again in place of changing them."
    )
    if recording.is_surveyed:
        yield "Labels and scrape intervals are those of the server that was surveyed."
    else:
        yield (
            "Labels and scrape intervals are the usual ones. They serve alerts only: `collect` "
            "reads rules that were printed for its server."
        )
