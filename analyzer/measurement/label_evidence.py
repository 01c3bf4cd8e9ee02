"""Which labels name the pods, by their values: asked where the usual names leave it open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from analyzer.errors import PrometheusError, QueryRejected
from analyzer.measurement import detect
from analyzer.measurement.detect import Samples
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.naming import (
    PROXY_CONTAINERS,
    Labels,
    is_ambiguous,
    joined_names,
    known_labels,
    naming_labels,
)
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import mark_of
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping
from analyzer.prometheus.promql import Spelling, any_of, is_plain, quoted, spelled

Rows = Mapping[str, Sequence[Labels]]
"""By exporter, the labels of each pod's series that may name it."""

_EXPORTERS = (Exporter.PROXY, Exporter.CADVISOR, Exporter.STATE)

_CONTAINERS = any_of(sorted(PROXY_CONTAINERS))

_NO_VALUE = "a value that no series has"


def spelling_of(source: Source, samples: Samples, at: datetime) -> Spelling:
    """Return how the server reads label names that have dots; nothing is asked if none has."""
    names = {name for part in samples.values() for one in part for name in one.labels}
    odd = sorted(name for name in names if not is_plain(name))
    if not odd:
        return Spelling.LEFT_OUT
    for spelling in (Spelling.QUOTED, Spelling.ESCAPED):
        try:
            promql = f"count(istio_build{{{spelled(odd[0], spelling)}={quoted(_NO_VALUE)}}})"
            source.instant(promql, at)
        except QueryRejected:
            continue
        except PrometheusError:
            break
        return spelling
    return Spelling.LEFT_OUT


def is_open(samples: Samples) -> bool:
    """Return whether the usual names leave open which labels name the pods."""
    return any(
        is_ambiguous(exporter, detect.labels_of(samples[exporter]))
        for exporter in _EXPORTERS
        if samples[exporter]
    )


def rows_of_pods(source: Source, samples: Samples, mapping: LabelMapping) -> Rows:
    """Return the labels of all pods that may name them, at the last time that all were seen.

    No rows if the server does not answer that.
    """
    shown = _labels(samples)
    promql = " or ".join(_branches(shown, mapping))
    if not promql:
        return {}
    seen = [max(one.seen_at_seconds for one in samples[each]) for each in _EXPORTERS[:2]]
    try:
        answer = source.instant(promql, datetime.fromtimestamp(min(seen), UTC))
    except PrometheusError:
        return {}
    rows: dict[str, list[Labels]] = {}
    for series in answer.series:
        own = {name: value for name, value in series.labels.items() if name != "exporter"}
        rows.setdefault(mark_of(series, "exporter", _EXPORTERS), []).append(own)
    return rows


def _labels(samples: Samples) -> Rows:
    return {exporter: detect.labels_of(samples[exporter]) for exporter in _EXPORTERS}


def _branches(shown: Rows, mapping: LabelMapping) -> Iterable[str]:
    """Yield what asks each exporter; nothing where CPU or requests are missing."""
    proxies, cadvisor = shown[Exporter.PROXY], shown[Exporter.CADVISOR]
    by_proxy, by_cadvisor = (_spelled(naming_labels(one), mapping) for one in (proxies, cadvisor))
    if not (by_proxy and by_cadvisor):
        return
    groups = f'group by ({by_proxy}) (istio_build{{component=~"proxy|ztunnel"}})'
    groups += f" or on () group by ({by_proxy}) ({REQUESTS})"
    yield _named(groups, Exporter.PROXY)
    containers = [
        label
        for label in naming_labels(cadvisor)
        if any(row.get(label) in PROXY_CONTAINERS for row in cadvisor)
    ]
    selectors = (f"{mapping.cpu}{{{mapping.spelled(one)}=~{_CONTAINERS}}}" for one in containers)
    yield _named(f"group by ({by_cadvisor}) ({' or '.join(selectors)})", Exporter.CADVISOR)
    if shown[Exporter.STATE]:
        # A few of its series do not show each name that there is.
        names_of_state = {*naming_labels(shown[Exporter.STATE]), *known_labels()}
        by_state = _spelled(sorted(names_of_state), mapping)
        yield _named(f"group by ({by_state}) (kube_pod_info)", Exporter.STATE)


def _named(promql: str, exporter: Exporter) -> str:
    return f'label_replace({promql}, "exporter", "{exporter}", "", "")'


def _spelled(labels: Iterable[str], mapping: LabelMapping) -> str:
    return ", ".join(map(mapping.spelled, _usable(labels, mapping.spelling)))


def _usable(labels: Iterable[str], spelling: Spelling) -> Iterable[str]:
    """Return the labels that a query may name."""
    return (one for one in labels if is_plain(one) or spelling != Spelling.LEFT_OUT)


def by_evidence(mapping: LabelMapping, samples: Samples, rows: Rows) -> LabelMapping:
    """Return the mapping with the labels that name the same pods on each exporter's series."""
    found = joined_names(rows, _labels(samples))
    attribution = Attribution.POD if Exporter.PROXY in found else mapping.attribution
    return replace(
        mapping,
        proxy=found.get(Exporter.PROXY, mapping.proxy),
        cadvisor=found.get(Exporter.CADVISOR, mapping.cadvisor),
        state=found.get(Exporter.STATE, mapping.state),
        attribution=attribution,
    )


def containers_promql(samples: Samples, spelling: Spelling) -> str:
    """Return what asks for CPU by containers whose label has no usual name; "" without any.

    Its answer is like that of `survey_labels`.
    """
    rows = detect.labels_of(samples[detect.CGROUPS])
    labels = sorted({name for row in rows for name in row if "container" in name})
    selectors = (
        f"topk(200, {CPU}{{{spelled(one, spelling)}=~{_CONTAINERS}}})"
        for one in _usable(labels, spelling)
    )
    return " or ".join(_named(one, Exporter.CADVISOR) for one in selectors)
