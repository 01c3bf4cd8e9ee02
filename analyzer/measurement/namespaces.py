"""A filter of namespaces or of the cluster that matches nothing, and the names it was meant for."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from analyzer.errors import sentences
from analyzer.measurement.detect import NO_CLUSTER
from analyzer.measurement.looks import at_looks
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import mark_of, marks_of
from analyzer.prometheus.label_mapping import Exporter, LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response
from analyzer.settings import Setting
from analyzer.window import TimeWindow

_NAMED = 3
"""Names that a message proposes."""


def unmatched(source: Source, scope: Scope, mapping: LabelMapping, times: TimeWindow) -> str:
    """Return sentences on what a filter could have matched; "" if that is not the fault."""
    if not scope.namespaces and not scope.cluster:
        return ""
    promql = load_query("survey_namespaces").render(Scope(), mapping)
    found = tuple(_namespaces(at_looks(source, promql, times), mapping))
    meshed = {(cluster, name) for side, cluster, name in found if side != Exporter.STATE and name}
    clusters = {cluster for cluster, _ in meshed}
    if scope.cluster and mapping.cluster != NO_CLUSTER and scope.cluster not in clusters:
        return _none_of(Setting.CLUSTER, (scope.cluster,), clusters, "cluster")
    names = {name for cluster, name in meshed if scope.cluster in {"", cluster}}
    if any(_matches(scope.namespaces, name) for name in names):
        return ""
    others = {name for side, _, name in found if side == Exporter.STATE}
    bare = sorted(name for name in others if _matches(scope.namespaces, name))
    text = _none_of(Setting.NAMESPACES, scope.namespaces, names, "namespace")
    return (
        sentences(text, f"No sidecar was seen in {_listed(bare)}" if bare else "") if text else ""
    )


def _namespaces(answer: Response, mapping: LabelMapping) -> Iterator[tuple[str, str, str]]:
    known = marks_of("survey_namespaces", "exporter")
    for series in answer.series:
        side = mark_of(series, "exporter", known)
        label = mapping.names(Exporter(side)).namespace
        yield side, series.labels.get(mapping.cluster, ""), series.labels.get(label, "")


def _none_of(setting: Setting, patterns: Sequence[str], names: set[str], what: str) -> str:
    if not names:
        return ""
    count = f"the only {what}" if len(names) == 1 else f"none of {len(names):,} {what}s"
    verb = "does not match" if len(names) == 1 else "matches"
    near = list(_near(patterns, names))
    are = "is" if len(names) == 1 else "are"
    proposed = f"Nearest: {_listed(near)}" if near else f"There {are} {_listed(sorted(names))}"
    partly = any(re.search(pattern, name) for pattern in patterns for name in names)
    return sentences(
        f"{setting} {', '.join(patterns)} {verb} {count} with sidecars",
        proposed,
        "A pattern must match the whole name" if partly and what == "namespace" else "",
    )


def _near(patterns: Sequence[str], names: set[str]) -> Iterator[str]:
    """Yield names that patterns were perhaps meant to match, the likeliest first."""
    by_lower = {name.lower(): name for name in sorted(names)}
    proposed: dict[str, None] = {}
    for pattern in patterns:
        contained = (name for name in by_lower.values() if re.search(pattern, name, re.IGNORECASE))
        letters = re.sub(r"[^\w-]", "", pattern).lower()
        close = (by_lower[name] for name in get_close_matches(letters, by_lower, n=_NAMED))
        proposed.update(dict.fromkeys((*contained, *close)))
    yield from proposed


def _matches(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(re.fullmatch(pattern, name) for pattern in patterns)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join((*names[:_NAMED], *((f"{more:,} more",) if more > 0 else ())))
