"""An answer and a comparison laid out: what each view shows, in order, and built only once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.report import sections
from analyzer.report.answer import Answer
from analyzer.report.blocks import Charts, Picture, Report, blocks_in
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences import Line
from analyzer.report.sentences.summary import summary
from analyzer.report.table import Table, View
from analyzer.report.write import ChartOptions, write_report
from tests.comparison.migrations import Migrated
from tests.report.answers import calibration_only, constants_only, full, refused
from tests.report.comparisons import compared, report_of


def anchors(report: Report, view: View) -> list[str]:
    return [
        block.content.anchor
        for block in blocks_in(report, view)
        if isinstance(block.content, Table)
    ]


def test_each_view_shows_its_tables_in_order() -> None:
    report = AnswerReport(answer=full())

    assert anchors(report, View.TERMINAL) == ["cost", "namespaces"]
    assert anchors(report, View.TEXT) == [
        *("cost", "bases", "sensitivity", "l7_share", "waypoint_replicas"),
        *("namespaces", "references", "workloads"),
    ]
    assert anchors(report, View.PAGE) == [
        *("cost", "sensitivity", "l7_share", "waypoint_replicas"),
        *("workloads", "namespaces", "ztunnels", "assumptions", "constants", "runs"),
    ]


def test_a_terminal_shows_workloads_where_nothing_is_projected() -> None:
    assert anchors(AnswerReport(answer=calibration_only()), View.TERMINAL) == ["workloads"]


def test_a_comparison_has_its_tables_in_every_view_that_has_room() -> None:
    report = report_of(compared(Migrated(moved=("pay",))))

    costs = ["memory", "dollars", "savings"]
    assert anchors(report, View.TERMINAL) == [
        *("components", "parts", *costs, "nodes", "namespaces")
    ]
    for view in (View.TEXT, View.PAGE):
        expected = ["components", "parts", *costs, "bases", "nodes", "namespaces"]
        assert anchors(report, view) == expected
    names = [section.anchor for section in report.sections] + anchors(report, View.PAGE)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("make", [full, refused, calibration_only, constants_only, Answer])
def test_nothing_that_is_empty_is_laid_out(make: Callable[[], Answer]) -> None:
    for section in AnswerReport(answer=make()).sections:
        for block in section.blocks:
            content = block.content
            assert content.rows if isinstance(content, Table) else content.items


def test_every_anchor_of_the_page_is_there_once() -> None:
    report = AnswerReport(answer=full())

    names = [section.anchor for section in report.sections] + anchors(report, View.PAGE)
    # A section that no view of the page shows has no anchor there.
    shown = [section.anchor for section in report.sections if section.shown_in(View.PAGE)]
    assert len(set(names)) == len(names)
    assert "rank" not in shown


def test_a_chart_leads_to_the_table_of_its_name() -> None:
    picture = Picture(png=b"", description="")
    report = AnswerReport(answer=full(), pictures={"cost": picture, "timeline": picture})
    (block,) = next(item for item in report.sections if item.anchor == "charts").blocks

    assert isinstance(block.content, Charts)
    assert [(name, figures) for name, _, _, figures in block.content.items] == [
        ("cost", "cost"),
        ("timeline", ""),
    ]


def test_a_report_on_disk_makes_its_summary_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Answer] = []

    def counted(answer: Answer) -> tuple[Line, ...]:
        calls.append(answer)
        return summary(answer)

    monkeypatch.setattr(sections, "summary", counted)
    written = write_report(full(), tmp_path, ChartOptions(names=()))
    # What is printed after it is the same report.
    assert written.report.summary_text

    assert len(calls) == 1
