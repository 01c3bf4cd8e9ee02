"""The answer at a terminal: what is in it, that it fits, and that no name can take it over."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from analyzer.cli.answering import answered
from analyzer.cli.options import ProjectionOptions
from analyzer.data import sample_path
from analyzer.measurement.snapshot import load_snapshot
from analyzer.projection.choices import Basis
from analyzer.projection.result import Saved
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.render.terminal import MAX_REMARKS, MAX_ROWS
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.calibration import verdict
from analyzer.units import Interval, Reason, Refusal
from tests.projection.builders import Proxy, mesh, scenario
from tests.projection.randomly import Drawn, projections
from tests.report.answers import (
    by_default,
    calibration_only,
    constants_only,
    fitted_calibration,
    full,
    naughty,
    refused,
    warning,
    workload,
)
from tests.report.rendered import as_table
from tests.support.examples import examples

ANSWERS = [
    pytest.param(full, id="full"),
    pytest.param(by_default, id="by default"),
    pytest.param(calibration_only, id="calibration only"),
    pytest.param(constants_only, id="constants only"),
    pytest.param(lambda: constants_only("istio-1.24", proxy_rps=15e6), id="istio-1.24"),
    pytest.param(refused, id="refused"),
    pytest.param(naughty, id="naughty names"),
    pytest.param(Answer, id="nothing"),
]

STYLES = re.compile(r"\x1b\[[0-9;]*m")
"""What rich may send to a terminal; anything else that begins with ESC is not ours."""


def words(text: str) -> str:
    """Return text with every wrap undone."""
    return " ".join(text.split())


@pytest.mark.parametrize("make", ANSWERS)
@pytest.mark.parametrize("width", [80, 60, 132])
def test_no_line_is_longer_than_the_terminal(make: Callable[[], Answer], width: int) -> None:
    lines = as_table(make(), width=width).splitlines()

    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("make", ANSWERS)
def test_without_colour_there_are_no_escape_codes(make: Callable[[], Answer]) -> None:
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", as_table(make())) == []


@pytest.mark.parametrize("make", ANSWERS)
def test_with_colour_there_are_only_styles(make: Callable[[], Answer]) -> None:
    coloured = as_table(make(), colour=True)

    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", STYLES.sub("", coloured)) == []


def test_colour_changes_no_word() -> None:
    coloured = as_table(full(note="A note."), colour=True)

    assert STYLES.search(coloured)
    assert words(STYLES.sub("", coloured)) == words(as_table(full(note="A note.")))


@pytest.mark.parametrize("make", ANSWERS)
def test_no_line_ends_in_blanks(make: Callable[[], Answer]) -> None:
    text = as_table(make(), width=60)

    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    assert text.endswith("\n")


def test_only_names_are_shortened() -> None:
    for width in (60, 80, 120):
        assert "…" not in as_table(full(), width=width)
        assert "…" not in as_table(constants_only(), width=width)


LONG = replace(workload(), namespace="recommendations-offers", workload="recommendations-api-v2")


def workload_rows(answer: Answer, width: int) -> list[str]:
    """Return the lines of the workload table, without what stands above and below it."""
    lines = as_table(answer, width=width).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("workload "))
    return lines[first + 1 :][: lines[first + 1 :].index("")]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["ψ", "日"])
def test_a_workload_is_one_line_whatever_its_name(width: int, name: str) -> None:
    # The longest that Kubernetes allows, in letters of one column and of two.
    long = replace(workload(), namespace=name * 63, workload="z" * 63)
    rows = workload_rows(calibration_only(fitted_calibration([long, LONG, workload()])), width)

    assert len(rows) == 3
    assert max(map(cell_len, rows)) <= width
    assert rows[0].startswith(name * 5)
    assert re.match(r"\S+…z+ +4 +120 +0\.25", rows[0])
    assert re.match(r"shop/front +4 +120 +0\.25", rows[2])


def test_a_name_is_shortened_no_more_than_need_be() -> None:
    answer = calibration_only(fitted_calibration([LONG]))
    whole = f"{LONG.namespace}/{LONG.workload} "
    (short,), (long,) = workload_rows(answer, 80), workload_rows(answer, 140)

    assert re.match("recommendat.*….*api-v2 ", short)
    assert len(short) == 80
    assert long.startswith(whole)


def test_on_a_narrow_terminal_the_range_makes_way_for_the_name() -> None:
    (wide,) = workload_rows(calibration_only(fitted_calibration([LONG])), 80)
    (narrow,) = workload_rows(calibration_only(fitted_calibration([LONG])), 60)

    assert "0.25 (0.21-0.29)" in wide
    assert re.search(r" 0\.25 +0\.01$", narrow)


@pytest.mark.parametrize("projected", [True, False])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_row_of_the_bundled_sample_is_wrapped(width: int, *, projected: bool) -> None:
    options = ProjectionOptions() if projected else None
    answer = answered(load_snapshot(sample_path("fleet")), options)
    lines = as_table(answer, width=width).splitlines()

    if projected:
        # A table has no paragraphs and no points, and a gap of two blanks between its columns.
        rows = [line for line in lines if re.search(r"\S  +\S", line) and "$" in line]
        assert rows
        # A range that is folded opens in one line and closes in the next.
        assert [line for line in rows if line.count("(") != line.count(")")] == []
        for mode in answer.projection.modes if answer.projection else ():
            first, *_ = re.split(", | with ", fmt.MODE_TITLES[mode.name])
            assert [line for line in lines if line.startswith(first)]
    else:
        assert len(workload_rows(answer, width)) == MAX_ROWS + 1


def test_on_a_narrow_terminal_each_figure_of_a_mode_has_a_line() -> None:
    wide, narrow = (as_table(full(), width=width) for width in (80, 60))

    assert "USD a year as billed" not in wide
    lines = [line.split() for line in narrow.splitlines()]
    at = lines.index(["sidecar", "mode"])
    assert lines[at + 1 : at + 4] == [
        ["vCPU", "used", "0.44"],
        ["USD", "a", "year", "as", "used", "$116"],
        ["USD", "a", "year", "as", "billed", "$143"],
    ]
    saving = re.search(r"saving as used +(\d+ %) \((\d+-\d+ %)\)", narrow)
    assert saving
    # The wide table has the same in two lines.
    assert saving[1] in wide
    assert saving[2] in wide


@pytest.mark.parametrize("make", ANSWERS)
def test_no_colour_vanishes_on_light_or_dark(make: Callable[[], Answer]) -> None:
    used = set(STYLES.findall(as_table(make(), colour=True)))

    # Bold, green, red, and the end of each: neither faint, nor white, nor yellow.
    assert used <= {"\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"}


@pytest.mark.parametrize(
    ("low", "high", "colour"), [(2.0, 8.0, "32"), (-8.0, -2.0, "31"), (-2.0, 8.0, None)]
)
def test_only_a_sure_saving_is_green_and_a_sure_loss_red(
    low: float, high: float, colour: str | None
) -> None:
    answer = constants_only()
    assert answer.projection is not None
    percent = Interval(low=low, mid=(low + high) / 2, high=high)
    bases = {Basis.USAGE: Saved(usd_per_year=percent, percent=percent)}
    savings = tuple(
        replace(item, percent=percent, bases=bases) for item in answer.projection.savings
    )
    projection = replace(answer.projection, savings=savings)
    coloured = as_table(replace(answer, projection=projection), colour=True)

    expected = {f"\x1b[{colour}m"} if colour else set()
    assert set(re.findall(r"\x1b\[3\dm", coloured)) == expected


def test_markup_in_a_name_is_text() -> None:
    text = as_table(calibration_only(fitted_calibration([workload("[red]x[/red]/[bold]y")])))

    assert "[red]x[/red]/[bold]y" in text


def test_markup_in_a_note_and_in_remarks_is_text() -> None:
    answer = full(note="[red]note[/red] :smile:")
    assert answer.usage is not None
    remark = Refusal(subject="[blink]a", reason=Reason.NO_DATA, detail="[/blink]")
    usage = replace(answer.usage, warnings=(warning("[link=x]w"),), refusals=(remark,))
    text = as_table(replace(answer, usage=usage))

    for literal in ("[red]note[/red] :smile:", "- [blink]a: [/blink]", "- [IU102] [link=x]w"):
        assert literal in text


def test_the_post_is_to_the_dollar() -> None:
    text = as_table(constants_only())

    assert "sidecar mode 9,000 $2,376,000" in words(text)
    lines = text.splitlines()
    at = lines.index("waypoints everywhere")
    assert lines[at - 1].split() == ["ambient,", "660", "$174,240", "93", "%"]
    for part in (
        "15,000 sidecars",
        "1,000 namespaces",
        "200 nodes",
        "waypoint replicas use 600 vCPU",
    ):
        assert part in words(text)


def test_the_mesh_and_the_modes_are_there() -> None:
    text = words(as_table(full()))

    for part in ("3 sidecars", "2 namespaces", "2 nodes", "270 proxy requests/s", "175 requests/s"):
        assert part in text
    for part in ("0.44 vCPU used", "0.3 vCPU requested", "0.281 GiB"):
        assert part in text
    # 0.44 and 0.54 vCPU at 22 dollars for 12 months.
    assert "sidecar mode 0.44 $116 $143" in text
    assert "$22 per vCPU-month" in text
    assert "3 sidecars use 0.44 vCPU" in text
    # The post's figures, of three sidecars, two ztunnels and two waypoints.
    assert text.count("1.8 vCPU in ") == 2


def test_the_decision_opens_the_answer_at_every_width() -> None:
    for width in (60, 80, 132):
        first, second, third, *_ = as_table(full(), width=width).split("\n\n")
        assert first.startswith("2024-05-14")
        assert second.splitlines()[0] == "Decision"
        assert third.startswith("3 sidecars")
        points = re.split(r"\n- ", second)[1:]
        assert [words(point) for point in points] == list(AnswerReport(answer=full()).decision)


def test_a_point_of_more_than_one_line_hangs_below_its_first() -> None:
    _, decision, *_ = as_table(full(), width=60).split("\n\n")

    assert {line[:2] for line in decision.splitlines()[1:]} == {"- ", "  "}


@cache
def many_namespaces(count: int) -> Answer:
    """Return an answer of namespaces that save the more the higher their number."""
    proxies = (
        Proxy(workload=f"n{number:02}/app", cpu_vcpu=(vcpu, vcpu))
        for number in range(count)
        for vcpu in [0.05 + 0.01 * number]
    )
    return full(usage=mesh(*proxies))


@pytest.mark.parametrize("width", [60, 80, 132])
@pytest.mark.parametrize(("count", "surplus"), [(10, 0), (11, 1), (25, 15)])
def test_the_ten_namespaces_that_save_most_are_shown_and_the_rest_is_counted(
    width: int, count: int, surplus: int
) -> None:
    text = as_table(many_namespaces(count), width=width)
    shown = re.findall(r"^n(\d\d) ", text, re.MULTILINE)

    assert [int(number) for number in shown] == list(range(count - 1, count - 11, -1))
    assert re.findall(r"^and (\d+) more$", text, re.MULTILINE) == [str(surplus)] * bool(surplus)


def test_each_namespace_has_its_decision_its_dollars_and_why() -> None:
    lines = as_table(many_namespaces(2), width=100).splitlines()
    first = next(line for line in lines if line.startswith("n01"))

    # 0.06 vCPU, of which 100 requests/s through a ztunnel take 0.006, at 264 dollars a year.
    assert first.split()[:3] == ["n01", "move", "$14"]
    assert first.endswith("saves, needs no waypoint")


@examples(4)
@given(projections(), st.sampled_from((60, 80)))
def test_no_line_of_a_random_projection_is_longer_than_the_terminal(
    drawn: Drawn, width: int
) -> None:
    projection = drawn.projection
    lines = as_table(Answer(load=projection.load, projection=projection), width=width).splitlines()

    assert max(map(cell_len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []


def test_the_verdict_and_the_note_are_there() -> None:
    answer = full(note="Simulated mesh.")
    assert answer.sidecar is not None
    text = words(as_table(answer))

    assert text.startswith("Simulated mesh. 2024-05-14 00:00")
    assert words(verdict(answer.sidecar)) in text


@pytest.mark.parametrize(
    ("basis", "title"),
    [("usage", "as used"), ("reserved", "as requested"), ("billed", "as billed")],
)
def test_the_headline_and_the_decision_name_their_basis(basis: str, title: str) -> None:
    answer = full(assumed=scenario(basis=basis))
    assert answer.projection is not None
    text = words(as_table(answer))

    assert f"Saving a year {title}. " in text
    assert title in " ".join(AnswerReport(answer=answer).decision)
    assert f"Savings are {title} and rounded" in text
    # The table of modes has both that matter on an invoice, on every basis.
    assert text.count("USD a year saving") == 2


def test_unknown_nodes_are_left_out_and_refusals_are_there() -> None:
    text = words(as_table(refused()))

    assert "1 sidecar in 1 namespace; " in text
    first_warning, first_refusal = refused().warnings[0], refused().refusals[0]
    assert f"Warnings - {first_warning}" in text
    assert f"Cannot tell - {first_refusal}" in text
    for refusal in refused().refusals:
        assert str(refusal) in text


def test_the_costliest_workloads_come_first_and_the_rest_is_counted() -> None:
    many = [
        replace(workload(f"n/w{number}"), mean_vcpu=float(number)) for number in range(MAX_ROWS + 5)
    ]
    text = as_table(calibration_only(fitted_calibration(many)))
    shown = re.findall(r"n/w(\d+)", text)

    assert shown == [str(number) for number in range(MAX_ROWS + 4, 4, -1)]
    assert "and 5 more" in text


def test_a_refused_workload_is_marked_as_refused() -> None:
    text = as_table(calibration_only())

    assert re.search(r"cache/redis .* cannot.tell +cannot.tell", text)
    (row,) = (line for line in text.splitlines() if line.startswith("shop/front"))
    assert row.split() == ["shop/front", "4", "120", "0.25", "(0.21-0.29)", "0.01"]


def test_many_remarks_are_cut_with_the_way_to_the_rest() -> None:
    answer = full()
    assert answer.usage is not None
    remarks = tuple(warning(f"remark {number}") for number in range(MAX_REMARKS + 3))
    text = as_table(replace(answer, usage=replace(answer.usage, warnings=remarks)))

    assert text.count("- [IU102] remark") == MAX_REMARKS
    assert "- and 3 more: see" in text


def test_a_notebook_gets_the_text_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = as_table(constants_only())
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)

    assert as_table(constants_only()) == expected
