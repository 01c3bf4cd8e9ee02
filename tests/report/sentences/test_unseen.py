"""What a reader finds about time that was not seen: shares, ranges, and what comes first."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.unseen import MeasuredRanges
from analyzer.report.answer import Answer
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.decision import leading_lines, provisional
from analyzer.report.sentences.dependence import dependence_lines, origin_lines
from analyzer.report.sentences.projection import mesh_lines
from analyzer.report.sentences.summary import summary
from analyzer.report.sentences.unseen import filled_line
from tests.projection.builders import partly_seen, shop_mesh
from tests.report.answers import constants_only, full
from tests.report.render.html.pages import read_page
from tests.report.rendered import as_markdown

DARK = Finding(
    name="requests_without_cpu",
    severity=Severity.SERIOUS,
    text="CPU is missing for 12 sidecars.",
    fix="Scrape the kubelet.",
    time_share=0.3,
    bias=Bias.TOO_LOW,
)
QUIET_OR_BUSY = (
    "If unseen time was quiet (0.352 vCPU of all sidecars) the saving is $41 a year; if it was "
    "busy (0.616), $78."
)
CPU_FILLED = (
    "12 % of the sidecars' CPU was not seen and is filled from the same workloads' seen time."
)
REQUESTS_FILLED = (
    "2.5 % of the sidecars' requests were not seen and are filled from the same workloads' seen "
    "time."
)
BOTH_FILLED = (
    "12 % of the sidecars' CPU and 25 % of the sidecars' requests were not seen and are filled "
    "from the same workloads' seen time."
)
LEADING = (
    "[IU202] CPU is missing for 12 sidecars. Affected: 30 % of the sidecars' time. Totals are too "
    "low."
)
SHORT = Finding(name="short_window", text="Only 10 min were measured.", bias=Bias.NONE)


def half_seen(filled: Mapping[str, float] | None = None) -> MeshUsage:
    ends = {"cpu_vcpu": (0.9, 1.2), "proxy_rps": (0.8, 1.4)}
    return partly_seen(shop_mesh(), filled or {"cpu_vcpu": 0.12}, **ends)


def found(*findings: Finding, usage: MeshUsage | None = None) -> Answer:
    answer = full(usage=usage)
    assert answer.usage is not None
    return replace(answer, usage=replace(answer.usage, findings=findings))


@pytest.mark.parametrize(
    ("cpu", "rps", "lines"),
    [
        (0.0, 0.0, []),
        # Less than one percent is no more than births and deaths of pods.
        (0.0099, 0.009, []),
        (0.12, 0.0, [CPU_FILLED]),
        (0.0, 0.025, [REQUESTS_FILLED]),
        (0.12, 0.25, [BOTH_FILLED]),
    ],
)
def test_what_was_filled_is_one_sentence(cpu: float, rps: float, lines: list[str]) -> None:
    load = full().load
    assert load is not None
    ranges = MeasuredRanges(filled_cpu_share=cpu, filled_rps_share=rps)

    assert list(filled_line(replace(load, ranges=ranges))) == lines


def test_what_was_filled_is_in_the_summary_and_on_a_terminal() -> None:
    answer = full(usage=half_seen())
    assert answer.load is not None
    (sentence,) = filled_line(answer.load)

    assert sentence in [line.text for line in summary(answer)]
    assert sentence in list(mesh_lines(answer.load, answer.projection))
    assert not any("not seen" in line.text for line in summary(full()))


def test_measured_totals_are_shown_with_their_ranges() -> None:
    answer = full(usage=half_seen())
    assert answer.load is not None
    size, sidecars, _ = mesh_lines(answer.load, answer.projection)

    assert "175 (140-245) requests/s" in size
    assert "270 (216-378) proxy requests/s" in size
    assert sidecars.startswith("Sidecars, measured: 0.44 (0.396-0.528) vCPU used, 0.3 vCPU req")
    assert "used 0.44 (0.396-0.528) vCPU on average" in summary(answer)[0].text
    assert "0.44 0.396-0.528" in read_page(answer).one("section", id="answer").text


def test_unseen_time_is_among_what_the_saving_depends_on() -> None:
    ends = dict.fromkeys(("cpu_vcpu", "proxy_rps", "tcp_bytes_per_second"), (0.8, 1.4))
    usage = partly_seen(shop_mesh(), **ends)
    projection, exact = full(usage=usage).projection, full().projection
    assert projection is not None
    assert exact is not None
    (line,) = (line for line in dependence_lines(projection) if line.startswith("If unseen"))
    (how_sure, *_) = origin_lines(projection)

    # 0.352 vCPU less 0.225 of ambient, and 0.616 less 0.370, at 264 dollars a year.
    assert line == QUIET_OR_BUSY
    assert "cover unseen time and the ranges" in how_sure
    assert not any("unseen" in line for line in (*dependence_lines(exact), *origin_lines(exact)))


def test_where_only_requests_were_unseen_their_rate_is_shown() -> None:
    usage = partly_seen(shop_mesh(), proxy_rps=(0.8, 1.4))
    projection = full(usage=usage).projection
    assert projection is not None
    (line,) = (line for line in dependence_lines(projection) if line.startswith("If unseen"))

    assert "(216 proxy requests/s of all sidecars)" in line
    assert "busy (378)" in line


# --- what comes first ---


def test_a_serious_bias_comes_before_the_decision_and_makes_it_provisional() -> None:
    answer = found(SHORT, DARK)
    text = as_markdown(answer)

    assert list(leading_lines(answer)) == [LEADING, SHORT.text]
    assert text.index("CPU is missing for 12 sidecars") < text.index("## Decision")
    assert (
        AnswerReport(answer=answer)
        .decision[0]
        .startswith("Provisional: first fix the data (IU202), then check L7 needs, then move both")
    )


@pytest.mark.parametrize(
    "harmless",
    [
        replace(DARK, severity=Severity.WARNING, time_share=0.02),
        replace(DARK, severity=Severity.INFO),
        replace(DARK, bias=Bias.NONE),
        replace(DARK, bias=None),
        # Of gateways, which are in no mode.
        replace(DARK, time_share=0.0),
    ],
)
def test_a_finding_that_is_small_or_moves_no_total_does_not(harmless: Finding) -> None:
    answer = found(harmless)

    assert list(leading_lines(answer)) == []
    assert provisional(answer) == ""


def test_a_bias_of_a_few_percent_leads_and_leaves_the_decision() -> None:
    answer = found(replace(DARK, severity=Severity.WARNING, time_share=0.05))

    assert [line[:7] for line in leading_lines(answer)] == [f"[{DARK.code}]"]
    assert provisional(answer) == ""


def test_the_worst_of_several_serious_findings_leads() -> None:
    first = replace(DARK, name="requests_not_reported")

    assert [line[:7] for line in leading_lines(found(first, DARK))] == ["[IU203]"]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.19, ""),
        (0.23, "Provisional: first fix the scrapes (23 % of the sidecars' CPU not seen)"),
    ],
)
def test_a_fifth_that_was_filled_makes_a_decision_provisional(share: float, text: str) -> None:
    assert provisional(found(usage=half_seen({"cpu_vcpu": share}))) == text


def test_a_hypothetical_mesh_has_nothing_to_fix_first() -> None:
    assert provisional(constants_only()) == ""
