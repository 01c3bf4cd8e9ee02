"""The answer in a few sentences: its numbers are the answer's, and what is missing is stated."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from analyzer.data import published_constants
from analyzer.measurement.findings import Finding, Severity
from analyzer.projection.demand import stated_load
from analyzer.projection.published import project_constants
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.calibration import verdict
from analyzer.report.sentences.projection import headline
from analyzer.report.sentences.summary import summary
from analyzer.units import Reason, Refusal
from tests.projection.builders import as_published
from tests.report.answers import (
    by_default,
    calibration_only,
    constants_only,
    full,
    naughty,
    refused,
    scattered,
    sized,
)
from tests.report.rendered import as_document, as_markdown

SERIOUS = Finding(
    name="gaps",
    severity=Severity.SERIOUS,
    text="CPU is known for half of the time.",
    fix="Look again.",
    cpu_share=0.5,
)
REMARK = Finding(name="recorded_cpu", severity=Severity.INFO, text="Worth knowing.")


def summary_sentences(answer: Answer) -> tuple[str, ...]:
    return tuple(line.text for line in summary(answer))


def text_of(answer: Answer) -> str:
    found = AnswerReport(answer=answer).summary_text
    assert found is not None
    return found


def found(*findings: Finding) -> Answer:
    answer = full()
    assert answer.usage is not None
    return replace(answer, usage=replace(answer.usage, findings=findings))


@pytest.mark.parametrize(
    "make",
    [
        full,
        by_default,
        refused,
        constants_only,
        calibration_only,
        naughty,
        pytest.param(lambda: scattered(3, 4), id="scattered"),
        pytest.param(lambda: sized(20), id="twenty pods"),
    ],
)
def test_every_answer_has_one_paragraph_that_a_terminal_shows(
    make: Callable[[], Answer],
) -> None:
    text = text_of(make())

    assert text.isprintable()
    assert text.startswith(("Measured", "Hypothetical mesh, not measured"))
    assert text.endswith(".")
    assert not re.search(r"nan|None|inf\b|\.\.", text)


def test_without_an_answer_there_is_no_summary() -> None:
    assert AnswerReport(answer=Answer()).summary_text is None
    assert "summary" not in as_document(Answer())


def test_it_begins_with_what_was_measured_and_what_that_costs() -> None:
    # The shop mesh uses 0.44 vCPU, requests 0.3 and is billed 0.54, each $264 a year.
    assert summary_sentences(full())[:2] == (
        (
            "Measured 2024-05-14 00:00 to 2024-05-14 00:10 UTC, 10 min: 3 sidecars in 2 "
            "namespaces on 2 nodes used 0.44 vCPU on average. They request 0.3 vCPU."
        ),
        "The sidecars cost $116 a year as used, $143 as billed, at $22 per vCPU-month.",
    )


def test_it_has_the_verdict_and_the_headline_word_for_word() -> None:
    answer = full()
    assert answer.projection is not None
    assert answer.sidecar is not None

    assert verdict(answer.sidecar) in summary_sentences(answer)
    assert headline(answer.projection) in summary_sentences(answer)


@pytest.mark.parametrize("basis", ["usage", "billed"])
def test_the_dollars_saved_are_on_the_headlines_basis(basis: str) -> None:
    answer = full(assumed=as_published(basis=basis))
    assert answer.projection is not None
    l4, waypoint, _ = (item.usd_per_year for item in answer.projection.savings)
    (sentence,) = [item for item in summary_sentences(answer) if item.startswith("Saving a year")]

    assert f"Saving a year as {basis.replace('usage', 'used')}. " in sentence
    assert f"Ambient L4: {fmt.usd(l4)}. Ambient with waypoints (2 namespaces with HTTP): " in (
        sentence
    )
    assert f"{fmt.usd(waypoint)}. Ambient, waypoints everywhere (2 namespaces): " in sentence
    # What is billed is requested, by ztunnels as much as the busiest of them uses.
    assert "90 %" in sentence
    expected = {
        "usage": ("$67 ($56-$76)", "$53 ($42-$63)"),
        "billed": ("-$16 (-$20 to -$16)", "-$69 (-$73 to -$69)"),
    }[basis]
    assert (fmt.usd(l4), fmt.usd(waypoint)) == expected


def test_the_first_dollars_are_on_the_headlines_basis() -> None:
    assert "The sidecars cost $143 a year as billed, $116 as used, at $22 per vCPU-month." in (
        text_of(by_default())
    )


def test_memory_is_in_the_price_where_it_costs_something() -> None:
    text = text_of(full(assumed=as_published(memory_gib_month_usd=3)))

    assert "at $22 per vCPU-month and $3 per GiB-month." in text
    assert "GiB-month" not in text_of(full())


def test_what_was_not_measured_is_not_called_measured() -> None:
    grown = text_of(full(assumed=as_published(traffic_growth_factor=1.5)))

    # 0.44 measured, and half of 270 requests/s more at 0.3 vCPU per 1000.
    assert "would, at 1.5 times the traffic, use 0.481 vCPU" in grown
    hours = {"days": ["tue"], "start": "00:00", "end": "24:00", "time_zone": "UTC"}
    assert "10 min, in the scenario's working hours: 3 sidecars" in text_of(
        full(assumed=as_published(working_hours=hours))
    )


def test_it_names_what_the_saving_depends_on_most_with_the_saving_at_both_ends() -> None:
    answer = full()
    assert answer.projection is not None
    first = answer.projection.sensitivity[0]

    assert first.assumption == "ztunnel_vcpu_per_gbit_per_second"
    assert (
        "Largest effect: if the ztunnel vCPU per Gbit per second is 0.13 the saving is "
        f"${first.low_usd_per_year:.0f} a year; if it is 0.2, ${first.high_usd_per_year:.0f}. "
    ) in text_of(answer)
    assert (
        "Largest effect: with 1 replica per waypoint the saving is -$83 (-$118 to -$69) a year; "
    ) in text_of(by_default())


def test_a_fitted_figure_is_named_with_the_ends_of_the_fit() -> None:
    answer = full()
    assert answer.projection is not None
    first = replace(answer.projection.sensitivity[0], assumption="sidecar_vcpu_per_1000_rps")
    changed = replace(answer, projection=replace(answer.projection, sensitivity=(first,)))

    assert (
        "if the sidecar vCPU per 1000 RPS is 0.25 the saving is $62 a year; if it is 0.35, $44."
    ) in text_of(changed)


def test_the_worst_finding_limits_it_and_a_mere_remark_does_not() -> None:
    text = text_of(found(SERIOUS, REMARK))

    assert "Largest gap in the data: [IU102] CPU is known for half of the time. Affected: 50" in (
        text
    )
    assert text.endswith("of the sidecars' CPU.")
    assert "Worth knowing" not in text_of(found(REMARK))
    # The first refusal: ten minutes are too few for requests, and no cluster is named.
    assert "Cannot tell: sidecar-rightsized: 10 min were measured" in text_of(found(REMARK))
    assert "number of clusters" not in text_of(found(REMARK))


def test_a_refused_answer_has_what_it_cannot_tell_and_each_only_once() -> None:
    text = text_of(refused())

    assert "Cannot tell what a request costs. Its rate is steady." in text
    assert "Cannot tell what ambient would save. The number of nodes is not known" in text
    assert text.endswith("Cannot tell: role of a/b: no evidence.")
    assert text.lower().count("its rate is steady") == 1


def test_nothing_to_save_is_there_once() -> None:
    text = text_of(full(assumed=as_published(vcpu_month_usd=0)))

    assert text.count("there is nothing to save") == 1


def test_published_constants_are_stated_to_the_dollar() -> None:
    assert summary_sentences(constants_only())[:4] == (
        "Hypothetical mesh, not measured: 15,000 sidecars in 1,000 namespaces on 200 nodes.",
        (
            "The sidecars would use 9,000 vCPU and cost $2,376,000 a year as used, at $22 per "
            "vCPU-month."
        ),
        (
            "For the same traffic, ambient L4 would save 99 % and ambient, waypoints everywhere "
            "would save 93 %."
        ),
        (
            "Saving a year as used. Ambient L4: $2,360,160. Ambient, waypoints everywhere (1,000 "
            "namespaces): $2,201,760."
        ),
    )


def test_a_price_range_is_beside_all_dollars() -> None:
    projection = project_constants(
        published_constants()["blog"],
        stated_load(pod_count=15_000, node_count=200, namespace_count=1000, proxy_rps=0),
        as_published(vcpu_month_usd={"low": 22, "mid": 26, "high": 30}),
    )
    text = text_of(Answer(load=projection.load, projection=projection))

    assert "cost $2,808,000 ($2,376,000-$3,240,000) a year" in text
    assert "at $26 ($22-$30) per vCPU-month" in text
    assert "(1,000 namespaces): $2,602,080 ($2,201,760-$3,002,400). Ranges are" in text


def test_constants_without_figures_of_ambient_are_no_saving() -> None:
    text = text_of(constants_only("istio-1.1", proxy_rps=1e6))

    assert "on 200 nodes, 1,000,000 proxy requests/s in total." in text
    assert "Cannot tell what ambient would save. Istio 1.1 to 1.3 (2019) has no figures for" in text


def test_a_calibration_alone_has_no_dollars() -> None:
    assert "$" not in text_of(calibration_only())


def test_names_from_outside_are_harmless() -> None:
    answer = refused()
    assert answer.usage is not None
    evil = Refusal(subject="a\x1b[2J\u202e", reason=Reason.AMBIGUOUS, detail="two\nlines")
    changed = replace(answer, usage=replace(answer.usage, refusals=(evil,)))

    assert text_of(changed).endswith("Cannot tell: a�[2J�: two lines.")


def test_it_is_a_paragraph_of_the_json_and_a_list_below_the_decision_in_markdown() -> None:
    answer = full(note="A note.")
    _, note, window, *parts = as_markdown(answer).replace("\\", "").split("\n\n")
    (decision_title, decided, summary_title, text), report = parts[:4], AnswerReport(answer=answer)

    assert as_document(answer)["summary"] == text_of(answer)
    assert note == "**A note.**"
    assert window.startswith("2024-05-14")
    assert (decision_title, summary_title) == ("## Decision", "## Summary")
    assert decided.splitlines() == [f"- {line}" for line in report.decision]
    assert text.splitlines() == [f"- {line.text}" for line in report.summary]


def test_what_costs_more_is_extra_cost() -> None:
    few = stated_load(pod_count=10, node_count=200, namespace_count=1, proxy_rps=0)
    projection = project_constants(published_constants()["blog"], few, as_published())
    text = text_of(Answer(load=few, projection=projection))

    # 6 vCPU of sidecars, 60 of ztunnels: 54 x 264 dollars.
    assert "ambient L4 would cost 900 % more and" in text
    assert "Ambient L4: -$14,256." in text


def test_a_refusal_is_there_though_its_words_are_in_another_sentence() -> None:
    answer = full()
    assert answer.usage is not None
    refusal = Refusal(subject="their owners", reason=Reason.NO_DATA, detail="3 sidecars")
    changed = replace(answer, usage=replace(answer.usage, refusals=(refusal,)))

    assert "3 sidecars in 2 namespaces" in text_of(changed)
    assert text_of(changed).endswith("Cannot tell: their owners: 3 sidecars.")


def test_what_a_hurried_reader_needs_is_marked_as_such() -> None:
    answer = full()
    assert answer.sidecar is not None
    assert answer.projection is not None
    strong = [line.text for line in summary(answer) if line.is_strong]

    assert strong[0] == verdict(answer.sidecar)
    assert len(strong) == 2
    assert strong[1].startswith("Saving a year as used. Ambient L4: $67 (")
