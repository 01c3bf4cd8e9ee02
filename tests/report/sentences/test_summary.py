"""The answer in one paragraph: its numbers are the answer's, what is missing is said."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from analyzer.data import published_constants
from analyzer.measurement.findings import Finding, Severity
from analyzer.projection.demand import stated_load
from analyzer.projection.published import project_constants
from analyzer.report.answer import Answer
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.calibration import verdict
from analyzer.report.sentences.projection import headline
from analyzer.report.sentences.summary import summary
from analyzer.units import Reason, Refusal
from tests.projection.builders import scenario
from tests.report.answers import (
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
    name="blind",
    severity=Severity.SERIOUS,
    text="half of it was not seen",
    fix="look again",
    cpu_share=0.5,
)
REMARK = Finding(name="remark", severity=Severity.INFO, text="worth knowing")


def summary_sentences(answer: Answer) -> tuple[str, ...]:
    return tuple(line.text for line in summary(answer))


def told(answer: Answer) -> str:
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
    text = told(make())

    assert text.isprintable()
    assert text.startswith(("Measured", "Stated"))
    assert text.endswith(".")
    assert not re.search(r"nan|None|inf\b|\.\.", text)


def test_without_an_answer_there_is_no_summary() -> None:
    assert AnswerReport(answer=Answer()).summary_text is None
    assert "summary" not in as_document(Answer())


def test_it_says_what_was_measured_and_what_that_costs() -> None:
    # The shop mesh uses 0.44 vCPU, reserves 0.3 and is billed 0.54, each $264 a year.
    assert summary_sentences(full())[:2] == (
        (
            "Measured 2024-05-14 00:00 to 2024-05-14 00:10 UTC, 10 min: 3 sidecars in 2 "
            "namespaces on 2 nodes used 0.44 vCPU on average; 0.3 are reserved for them."
        ),
        (
            "They cost $116 a year as used, at $22 per vCPU-month; as billed (the larger of used "
            "and reserved, proxy by proxy), $143."
        ),
    )


def test_it_repeats_the_verdict_and_the_headline_word_for_word() -> None:
    answer = full()
    assert answer.projection is not None
    assert answer.sidecar is not None

    assert verdict(answer.sidecar) in summary_sentences(answer)
    assert headline(answer.projection) in summary_sentences(answer)


@pytest.mark.parametrize("basis", ["usage", "billed"])
def test_the_dollars_saved_are_on_the_headlines_basis(basis: str) -> None:
    answer = full(assumed=scenario(basis=basis))
    assert answer.projection is not None
    least, most, _ = (item.usd_per_year for item in answer.projection.savings)
    (sentence,) = [item for item in summary_sentences(answer) if item.startswith("In dollars")]

    what = "that is" if least.mid >= 0 else "the savings are"
    assert f"In dollars as {basis.replace('usage', 'used')} {what}" in sentence
    assert f"${abs(round(least.mid))}" in sentence
    assert f"${abs(round(most.mid))}" in sentence
    # What is billed here is reserved, and exact.
    assert ("90 %" in sentence) == (basis == "usage")


def test_the_first_dollars_are_on_the_headlines_basis() -> None:
    assert "They cost $143 a year as billed" in told(full(assumed=scenario(basis="billed")))
    assert "at $22 per vCPU-month; as used, $116." in told(full(assumed=scenario(basis="billed")))


def test_memory_is_in_the_price_where_it_costs_something() -> None:
    text = told(full(assumed=scenario(memory_gib_month_usd=3)))

    assert "at $22 per vCPU-month and $3 per GiB-month;" in text
    assert "GiB-month" not in told(full())


def test_what_was_not_measured_is_not_said_to_be() -> None:
    grown = told(full(assumed=scenario(traffic_growth_factor=1.5)))

    # 0.44 measured, and half of 270 requests/s more at 0.3 vCPU per 1000.
    assert "would, at 1.5 times the traffic, use 0.481 vCPU" in grown
    hours = {"days": ["tue"], "start": "00:00", "end": "24:00", "time_zone": "UTC"}
    assert "10 min, in the scenario's working hours: 3 sidecars" in told(
        full(assumed=scenario(working_hours=hours))
    )


def test_it_names_what_the_saving_depends_on_most_with_its_range() -> None:
    answer = full()
    assert answer.projection is not None
    first = answer.projection.sensitivity[0]

    assert first.assumption == "ztunnel_vcpu_per_gbit_per_second"
    assert (
        "The saving with waypoints depends most on the ztunnel vCPU per gbit per second "
        "(0.2 [0.13-0.2] vCPU per Gbit/s of TCP payload and pass): "
        f"${first.low_usd_per_year:.0f} a year at its low end, "
        f"${first.high_usd_per_year:.0f} at its high end."
    ) in told(answer)


def test_a_fitted_figure_is_named_with_the_range_of_the_fit() -> None:
    answer = full()
    assert answer.projection is not None
    first = replace(answer.projection.sensitivity[0], assumption="sidecar_vcpu_per_1000_rps")
    changed = replace(answer, projection=replace(answer.projection, sensitivity=(first,)))

    assert "on the sidecar vCPU per 1000 rps (0.3 [0.25-0.35]): $" in told(changed)


def test_the_worst_finding_limits_it_and_a_mere_remark_does_not() -> None:
    assert told(found(SERIOUS, REMARK)).endswith(
        "What limits this most: half of it was not seen (50.0% of the sidecars' CPU)."
    )
    assert "worth knowing" not in told(found(REMARK))
    assert "What cannot be said: number of clusters" in told(found(REMARK))


def test_a_refused_answer_says_what_cannot_be_said_and_each_only_once() -> None:
    text = told(refused())

    assert "What a request costs cannot be said: its rate is steady." in text
    assert "What ambient would save cannot be said: the number of nodes is not known" in text
    assert text.endswith("What cannot be said: role of a/b: no evidence.")
    assert text.count("its rate is steady") == 1


def test_nothing_to_save_is_told_once() -> None:
    text = told(full(assumed=scenario(vcpu_month_usd=0)))

    assert text.count("there is nothing to save") == 1


def test_published_constants_are_stated_to_the_dollar() -> None:
    assert summary_sentences(constants_only())[:3] == (
        "Stated, not measured: 15,000 sidecars in 1,000 namespaces on 200 nodes.",
        "They would use 9,000 vCPU, which cost $2,376,000 a year as used, at $22 per vCPU-month.",
        (
            "For the same traffic ambient would save 99.3 % ($2,360,160 a year) with L4 only and "
            "save 92.7 % ($2,201,760 a year) with waypoints everywhere."
        ),
    )


def test_constants_that_say_nothing_of_ambient_say_so() -> None:
    text = told(constants_only("istio-1.1", proxy_rps=1e6))

    assert "1,000,000 requests/s through them together" in text
    assert (
        "What ambient would save cannot be said: Istio 1.1 to 1.3 (2019) says nothing of its "
        "components."
    ) in text


def test_a_calibration_alone_has_no_dollars() -> None:
    assert "$" not in told(calibration_only())


def test_names_from_outside_are_harmless() -> None:
    answer = refused()
    assert answer.usage is not None
    evil = Refusal(subject="a\x1b[2J\u202e", reason=Reason.AMBIGUOUS, detail="two\nlines")
    changed = replace(answer, usage=replace(answer.usage, refusals=(evil,)))

    assert told(changed).endswith("What cannot be said: a�[2J�: two lines.")


def test_it_stands_in_the_json_and_at_the_top_of_the_markdown() -> None:
    answer = full(note="A note.")
    _, note, window, text, *_ = as_markdown(answer).split("\n\n")

    assert as_document(answer)["summary"] == told(answer)
    assert note == "**A note.**"
    assert window.startswith("2024-05-14")
    assert text.replace("\\", "") == told(answer)


def test_what_costs_more_is_told_as_a_loss() -> None:
    few = stated_load(pod_count=10, node_count=200, namespace_count=1, proxy_rps=0)
    projection = project_constants(published_constants()["blog"], few, scenario())
    text = told(Answer(load=few, projection=projection))

    # 6 vCPU of sidecars, 60 of ztunnels: 54 x 264 dollars.
    assert "ambient would cost 900.0 % more ($14,256 a year) with L4 only" in text


def test_a_refusal_is_said_though_its_words_stand_in_another_sentence() -> None:
    answer = full()
    assert answer.usage is not None
    refusal = Refusal(subject="their owners", reason=Reason.NO_DATA, detail="3 sidecars")
    changed = replace(answer, usage=replace(answer.usage, refusals=(refusal,)))

    assert "3 sidecars in 2 namespaces" in told(changed)
    assert told(changed).endswith("What cannot be said: their owners: 3 sidecars.")


def test_what_a_hurried_reader_needs_is_marked_as_such() -> None:
    answer = full()
    assert answer.sidecar is not None
    assert answer.projection is not None
    strong = [line.text for line in summary(answer) if line.is_strong]

    assert strong == [verdict(answer.sidecar), headline(answer.projection)]
