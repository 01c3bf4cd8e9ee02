"""Every metric is looked for, and what is missing comes with its fix."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.measurement import surveyed
from analyzer.measurement.diagnosis import Check, Diagnosis, Status, diagnose
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.first_look import look
from analyzer.measurement.from_rules import Recorded, Unused
from analyzer.measurement.metrics import CPU, ESSENTIAL, OPTIONAL, REQUESTS
from analyzer.measurement.survey import examine
from analyzer.measurement.verdict import Judgement
from analyzer.prometheus.label_mapping import CPU_RULES
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.response import Response
from analyzer.window import Chunk, TimeWindow
from tests.measurement.sources import ALL_METRICS, Surveyed, usual_labels

END = datetime(2024, 5, 14, 12, tzinfo=UTC)
START = END - timedelta(days=1)


EVERY_30_SECONDS = tuple(range(0, 3600, 30))


def finely(counts: Mapping[str, int] = ALL_METRICS) -> Surveyed:
    """Return a server whose scrapes allow the shortest steps."""
    return Surveyed(
        series_counts=counts, cpu_times=EVERY_30_SECONDS, request_times=EVERY_30_SECONDS
    )


def check_of(found: Diagnosis, subject: str) -> Check:
    return next(check for check in found.checks if check.subject == subject)


def test_a_whole_mesh_can_be_answered() -> None:
    found = diagnose(finely(), Scope(), START, END)

    assert found.can_answer
    assert {check.status for check in found.checks} == {Status.OK}
    assert [check.subject for check in found.checks] == [
        *ESSENTIAL, *OPTIONAL, "requests of a pod", "names of labels", "CPU", "scrape intervals",
        "slow scrape jobs", "proxies", "duplicate scrapes", "copies of series",
    ]  # fmt: skip
    assert check_of(found, "scrape intervals").detail.endswith("intervals of 300 s")
    assert all(answer.possible and not answer.lacks for answer in found.answers)


@pytest.mark.parametrize("name", [*ESSENTIAL, *OPTIONAL])
def test_a_missing_metric_comes_with_its_effect_and_its_fix(name: str) -> None:
    counts = {metric: count for metric, count in ALL_METRICS.items() if metric != name}
    found = diagnose(finely(counts), Scope(), START, END)

    metric = {**ESSENTIAL, **OPTIONAL}[name]
    status = Status.WARN if name in OPTIONAL else Status.MISSING
    flawed = [check for check in found.checks if check.status is not Status.OK]
    code = "[IU104] " if name in ESSENTIAL else "[IU111] " if name == "kube_pod_labels" else ""
    detail = f"{code}{metric.lost} {metric.fix}"
    assert flawed == [Check(subject=name, status=status, detail=detail)]
    essential = name in {CPU, REQUESTS}
    assert found.can_answer != essential
    assert ("cannot be answered" in found.verdict) == essential
    assert (name in found.verdict) == essential


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        (CPU, 2),
        (REQUESTS, 2),
        ("kube_node_status_allocatable", 1),
        ("kube_pod_container_resource_requests", 1),
        ("container_memory_working_set_bytes", 1),
        ("istio_tcp_sent_bytes_total", 1),
        ("istio_build", 0),
        ("kube_pod_labels", 0),
    ],
)
def test_an_answer_names_the_metric_that_it_lacks(name: str, lost: int) -> None:
    counts = {metric: count for metric, count in ALL_METRICS.items() if metric != name}
    found = diagnose(Surveyed(series_counts=counts), Scope(), START, END)

    impossible = [answer for answer in found.answers if not answer.possible]
    assert len(impossible) == lost
    assert all(answer.lacks == (name,) for answer in impossible)


def without_pods(instance: str) -> list[dict[str, str]]:
    """Return the usual series, the proxies' own without a label of the pod."""
    return [
        {name: value for name, value in one.items() if name != "pod"} | {"instance": instance}
        if one["exporter"] == "proxy"
        else one
        for one in usual_labels()
    ]


@pytest.mark.parametrize(
    ("source", "subject", "words"),
    [
        (Surveyed(labels=without_pods("10.0.0.7:15090")), "requests of a pod", ("IU106",)),
        (Surveyed(labels=without_pods("")), "requests of a pod", ("IU107",)),
        (Surveyed(duplicates={"proxy": 7}), "duplicate scrapes", ("IU112", "7 proxies")),
        (Surveyed(), "scrape intervals", ("IU113", "600 s", "30 s", "5 minutes")),
        (
            Surveyed(
                labels=[
                    {**one, "__name__": CPU_RULES[0]} if one["exporter"] == "cadvisor" else one
                    for one in usual_labels()
                ]
            ),
            "CPU",
            ("IU105", CPU_RULES[0], f"Keep {CPU}"),
        ),
    ],
    ids=["address", "workload", "duplicates", "coarse", "recorded"],
)
def test_what_makes_answers_less_sure_is_warned_of(
    source: Surveyed, subject: str, words: tuple[str, ...]
) -> None:
    found = diagnose(source, Scope(), START, END)
    check = check_of(found, subject)

    assert check.status is Status.WARN
    assert check.detail.startswith(f"[{words[0]}] ")
    assert all(word in check.detail for word in words)
    assert found.can_answer


def test_a_cluster_label_that_is_not_there_is_the_verdict() -> None:
    found = diagnose(Surveyed(), Scope(), START, END, cluster_label="region")

    assert not found.can_answer
    assert "'region'" in found.verdict
    assert found.checks == ()


def test_a_diagnosis_is_json() -> None:
    found = diagnose(Surveyed(total_rps=0.0), Scope(), START, END)
    document = json.loads(json.dumps(found.to_json()))

    assert document["can_answer"] is False
    assert "did not grow" in document["verdict"]
    assert document["checks"][0] == {
        "subject": CPU,
        "status": "ok",
        "detail": "10 series",
        "is_serious": False,
        "code": "",
    }
    assert (document["judgement"], document["bias"]) == ("cannot", "none")
    assert document["findings"] == []
    first = document["answers"][0]
    assert first.keys() == {"answer", "possible", "lacks"}
    assert (first["possible"], first["lacks"]) == (True, [])


@dataclass(frozen=True)
class Counting:
    """Passes every question on, and keeps it."""

    source: Surveyed
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def instant(self, promql: str, at: datetime) -> Response:
        self.asked.append((promql, at))
        return self.source.instant(promql, at)

    def points(self, promql: str, window: TimeWindow, chunk: Chunk) -> Response:
        self.asked.append((promql, window.time_of(chunk.first_point)))
        return self.source.points(promql, window, chunk)


def test_recording_rules_that_are_not_read_have_a_reason() -> None:
    found = diagnose(finely(), Scope(), START, END, rules=Unused(reason="They are old."))

    (check,) = [one for one in found.checks if one.subject == "recording rules"]
    assert (check.status, check.detail) == ("warn", "They are old.")
    assert found.can_answer


def test_recording_rules_that_are_read_have_their_version() -> None:
    source = finely()
    survey = examine(source, look(source, Scope(), START, END))
    window = TimeWindow.within(START, END, 300)
    rules = Recorded(version="0123456789ab", survey=survey, window=window)
    found = diagnose(finely(), Scope(), START, END, rules=rules)

    (check,) = [one for one in found.checks if one.subject == "recording rules"]
    assert check.status == "ok"
    assert "0123456789ab" in check.detail


def test_nothing_is_asked_twice() -> None:
    diagnosed, surveyed = Counting(finely()), Counting(finely())
    assert diagnose(diagnosed, Scope(), START, END).can_answer
    examine(surveyed, look(surveyed, Scope(), START, END))

    assert diagnosed.asked == surveyed.asked
    assert len(diagnosed.asked) == len(set(diagnosed.asked))
    assert len({promql for promql, _ in diagnosed.asked}) == 9


@pytest.mark.parametrize(
    ("severity", "bias", "leads"),
    [
        (Severity.SERIOUS, Bias.TOO_HIGH, True),
        (Severity.SERIOUS, Bias.NONE, False),
        (Severity.WARNING, Bias.TOO_HIGH, True),
        (Severity.INFO, Bias.TOO_HIGH, False),
    ],
)
def test_what_would_put_the_totals_far_off_is_in_the_verdict(
    severity: Severity, bias: Bias, monkeypatch: pytest.MonkeyPatch, *, leads: bool
) -> None:
    twice = Finding(
        name="duplicate_scrapes", severity=severity, text="Twice.", fix="Do it once.", bias=bias
    )
    monkeypatch.setattr(surveyed, "duplicate_scrapes", lambda *_: twice)
    found = diagnose(finely(), Scope(), START, END)

    assert found.can_answer
    is_serious = severity == Severity.SERIOUS and bias == Bias.TOO_HIGH
    assert check_of(found, "duplicate scrapes").is_serious is is_serious
    assert check_of(found, "duplicate scrapes").code == "IU112"
    assert found.judgement == (Judgement.BIASED if leads else Judgement.RIGHT)
    assert found.bias == (Bias.TOO_HIGH if leads else Bias.NONE)
    assert found.findings == (twice,)
    assert ("fix this first. [IU112] Twice." in found.verdict) is leads
    assert found.verdict.endswith("Do it once.") is leads
