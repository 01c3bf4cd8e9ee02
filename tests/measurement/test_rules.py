"""Recording rules are the queries themselves, and carry how they were made."""

import math
from dataclasses import replace

import numpy as np
import promql_parser
import pytest

from analyzer.errors import UsageError
from analyzer.measurement.coarse import STATE_STEPS
from analyzer.measurement.recorded import (
    INFO,
    SETTINGS_LABEL,
    VERSION_LABEL,
    answers,
    recorded_name,
)
from analyzer.measurement.rules import Recording
from analyzer.prometheus.label_mapping import CPU_RULES, Exporter, LabelMapping, Names
from analyzer.prometheus.promql import Scope, Spelling
from analyzer.prometheus.query import load_query, measured_queries
from analyzer.prometheus.response import Response, Series
from analyzer.settings import Setting
from analyzer.typed import Mistyped

_OTHER = LabelMapping(
    proxy=Names(pod="pod_name", namespace='a"b\n'),
    cadvisor=Names(also=(Names(pod="exported_pod", namespace="exported_namespace"),)),
    cluster="site",
    replica_labels=("agent",),
    spelling=Spelling.QUOTED,
)
_RECORDINGS = [
    pytest.param(Recording(), id="usual"),
    pytest.param(Recording(label_mapping=_OTHER, scope=Scope(cluster="east")), id="other labels"),
    pytest.param(Recording(label_mapping=LabelMapping(cpu=CPU_RULES[0])), id="CPU by a rule"),
    pytest.param(
        Recording(step_seconds=600, cpu_scrape_seconds=60.0, reads_sample_before=True), id="coarse"
    ),
]


@pytest.mark.parametrize("recording", _RECORDINGS)
def test_every_rule_and_alert_is_promql(recording: Recording) -> None:
    for rule in recording.rules():
        promql_parser.parse(rule.promql)
    for alert in recording.alerts():
        promql_parser.parse(alert.promql)


@pytest.mark.parametrize("recording", _RECORDINGS)
def test_the_rules_can_be_made_again_from_what_they_carry(recording: Recording) -> None:
    (info,) = [rule for rule in recording.rules() if rule.name == INFO]

    again = Recording.from_json(info.labels[SETTINGS_LABEL])
    assert again == recording
    assert again.rules() == recording.rules()
    # Mimir's default for the length of a label's value.
    assert len(info.labels[SETTINGS_LABEL]) <= 2048


def test_each_quantity_is_recorded_as_it_would_be_asked() -> None:
    recording = Recording(cpu_scrape_seconds=15, request_scrape_seconds=60)
    promql = {rule.name: rule.promql for rule in recording.rules()}

    for name, query in measured_queries().items():
        if name in {"proxy_recorded_cpu_vcpu", STATE_STEPS}:
            continue
        seconds = 314.999 if query.exporter == Exporter.CADVISOR else 359.999
        window_seconds = seconds if query.is_ranged else None
        asked = query.render(Scope(), LabelMapping(), window_seconds=window_seconds)
        assert promql[recorded_name(name)] == asked


def test_every_sample_has_the_version_and_every_alert_reads_it_alone() -> None:
    recording = Recording()
    version = recording.rule_set.version

    assert {rule.labels[VERSION_LABEL] for rule in recording.rules()} == {version}
    for alert in recording.alerts():
        names = alert.promql.count("istio_usage:")
        assert names == alert.promql.count(f'{VERSION_LABEL}="{version}"') > 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"step_seconds": 600}, id="step"),
        pytest.param({"cpu_scrape_seconds": 15}, id="range of CPU"),
        pytest.param({"scope": Scope(namespaces=("shop",))}, id="namespaces"),
        pytest.param({"label_mapping": LabelMapping(replica_labels=("agent",))}, id="copies"),
    ],
)
def test_other_expressions_have_another_version(change: dict[str, object]) -> None:
    changed = replace(Recording(), **change)  # type: ignore[arg-type]

    assert changed.rule_set.version != Recording().rule_set.version


def test_alerts_do_not_change_the_version_of_what_is_recorded() -> None:
    recording = Recording()

    assert all(alert.alert.name not in str(recording.rules()) for alert in recording.alerts())


def test_recorded_answers_have_the_labels_of_the_query_and_no_more() -> None:
    own = {"site": "a", "exported_namespace": "shop", "exported_pod": "p", "container": "c"}
    added = ({"prometheus_replica": "x", VERSION_LABEL: "v"}, {"prometheus_replica": "y"})
    times = np.array([300.0, 600.0])
    found = Response(
        series=tuple(
            Series(labels={**own, **more}, times=times, samples=np.array([1.0, value]))
            for more, value in zip(added, (2.0, 3.0), strict=True)
        ),
        warnings=("partial",),
    )

    (answer,) = answers(load_query("proxy_cpu_vcpu"), _OTHER, [found])
    (series,) = answer.series
    assert series.labels == own
    assert series.samples.tolist() == [1.0, 3.0]
    assert answer.warnings == ("partial",)


def test_series_of_one_job_are_added_up_and_those_of_another_job_are_not() -> None:
    own = {"namespace": "shop", "pod": "p", "source_workload": "w"}
    times = np.array([300.0, 600.0])

    def of(job: str, code: str, samples: list[float]) -> Series:
        labels = {**own, "job": job, "response_code": code}
        return Series(labels=labels, times=times, samples=np.array(samples))

    once = of("mesh", "200", [1.0, 2.0]), of("mesh", "503", [0.5, 0.5])
    # For some minutes another job scraped the proxy too, and saw some requests less.
    again = of("pods", "200", [0.9, math.nan]), of("pods", "503", [0.5, math.nan])
    found = Response(series=(*once, *again), warnings=())
    query = load_query("outbound_requests_rps")

    (answer,) = answers(query, LabelMapping(), [found], takes_largest=False)
    (series,) = answer.series
    assert series.labels == own
    assert series.samples.tolist() == [1.5, 2.5]


def test_a_recorded_sample_is_found_in_one_step_only() -> None:
    asked = Recording(step_seconds=600).rule_set.promql(load_query("proxy_cpu_vcpu"))

    promql_parser.parse(asked)
    assert "[599999ms]" in asked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"step_seconds":0}',
        '{"step_seconds":1e9}',
        '{"step_seconds":"5m"}',
        '{"cpu_scrape_seconds":0}',
        '{"label_mapping":{"cpu":"up or vector(1)"}}',
        '{"label_mapping":{"cluster":"a) or vector(1"}}',
        '{"label_mapping":{"proxy":{"pod":["pod"]}}}',
        '{"scope":{"namespaces":["("]}}',
        '{"more":1}',
    ],
)
def test_what_rules_carry_is_read_with_care(text: str) -> None:
    with pytest.raises(Mistyped):
        Recording.from_json(text)


def test_without_a_survey_the_user_names_labels_and_step() -> None:
    recording = Recording.unsurveyed(Scope(), step_seconds=600, cluster_label="site")

    assert (recording.step_seconds, recording.label_mapping.cluster) == (600, "site")
    with pytest.raises(UsageError) as caught:
        Recording.unsurveyed(Scope(), step_seconds=60)
    assert caught.value.settings == (Setting.STEP,)
    with pytest.raises(UsageError) as caught:
        Recording.unsurveyed(Scope(), cluster_label="a) or vector(1")
    assert caught.value.settings == (Setting.CLUSTER_LABEL,)
