"""The files of a report: all of them, whole or not at all."""

import base64
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from analyzer.errors import AnalyzerError
from analyzer.report import write
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.style import DPI, FORMATS, figure_bytes
from analyzer.report.records import finding_rows, timeline_rows, workload_rows
from analyzer.report.render.csv import csv_text
from analyzer.report.write import ChartOptions, write_report
from tests.report.answers import calibration_only, constants_only, full, refused, scattered
from tests.report.rendered import (
    as_csv,
    as_json,
    as_markdown,
    namespaces_csv,
    nodes_csv,
    proxies_csv,
)

PLAIN = Answer()
"""An answer without charts, which take the longest."""

PNG = b"\x89PNG\r\n\x1a\n"

MAGIC = {"png": PNG, "svg": b"<?xml", "pdf": b"%PDF-"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["folder", "new/below"])
def test_every_file_is_written_and_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    paths = write_report(full(), folder).paths

    assert {path.name for path in paths} == names(folder)
    assert names(folder) == {
        "result.json",
        "report.md",
        "report.html",
        "modes.csv",
        "namespaces.csv",
        "workloads.csv",
        "nodes.csv",
        "timeline.csv",
        "proxies.csv",
        "findings.csv",
        # Requests are recommended from a day of data, and this is of ten minutes.
        *(f"{name}.png" for name in CHARTS if name != "rightsizing"),
    }


def test_the_files_hold_what_the_formats_give(tmp_path: Path) -> None:
    answer = full()
    write_report(answer, tmp_path)

    pictures = set(tmp_path.glob("*.png"))
    texts = {path.name: path.read_text() for path in set(tmp_path.iterdir()) - pictures}
    page = texts.pop("report.html")
    assert texts == {
        "result.json": as_json(answer),
        "report.md": as_markdown(answer),
        "modes.csv": as_csv(answer),
        "namespaces.csv": namespaces_csv(answer),
        "workloads.csv": csv_text(workload_rows(answer.calibration)),
        "nodes.csv": nodes_csv(answer),
        "timeline.csv": csv_text(timeline_rows(answer.calibration)),
        "proxies.csv": proxies_csv(answer),
        "findings.csv": csv_text(finding_rows(answer.findings)),
    }
    for picture in pictures:
        content = picture.read_bytes()
        assert content.startswith(PNG)
        # The page has the very pictures that stand beside it.
        assert base64.b64encode(content).decode() in page


def test_a_chart_with_nothing_to_draw_is_not_written(tmp_path: Path) -> None:
    write_report(constants_only(), tmp_path / "stated")
    write_report(refused(), tmp_path / "refused")
    write_report(calibration_only(), tmp_path / "fit")

    assert "calibration.png" not in names(tmp_path / "stated")
    assert "calibration.png" not in names(tmp_path / "refused")
    assert "cost.png" not in names(tmp_path / "fit")
    assert "cost.png" in names(tmp_path / "stated") & names(tmp_path / "refused")


def test_an_old_report_is_replaced_and_other_files_are_left(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "result.json").write_text("x" * 1_000_000)
    write_report(PLAIN, tmp_path)

    assert json.loads((tmp_path / "result.json").read_text())["schema_version"] == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_same_answer_writes_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        write_report(scattered(3, 40), tmp_path / folder)

    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_a_file_in_the_place_of_the_folder_is_one_error(tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.write_text("mine")

    with pytest.raises(AnalyzerError, match="cannot make") as caught:
        write_report(PLAIN, place)
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert place.read_text() == "mine"


def test_a_folder_in_the_place_of_a_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()

    with pytest.raises(AnalyzerError, match="cannot be written") as caught:
        write_report(PLAIN, tmp_path)
    assert "report.md" in str(caught.value)


def test_a_folder_below_a_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(AnalyzerError, match="cannot make"):
        write_report(PLAIN, tmp_path / "file" / "out")


def charts_in(folder: Path) -> set[str]:
    return {name for name in names(folder) if name.rpartition(".")[2] in FORMATS}


@pytest.mark.parametrize("file_format", FORMATS)
def test_charts_are_of_the_format_that_was_asked_for(tmp_path: Path, file_format: str) -> None:
    options = ChartOptions(names=("cost",), file_format=file_format)
    write_report(constants_only(), tmp_path, options)

    assert charts_in(tmp_path) == {f"cost.{file_format}"}
    assert (tmp_path / f"cost.{file_format}").read_bytes().startswith(MAGIC[file_format])


def test_twice_the_dots_an_inch_are_twice_as_many_pixels(tmp_path: Path) -> None:
    widths = []
    for dpi in (100, 200):
        write_report(constants_only(), tmp_path, ChartOptions(names=("cost",), dpi=dpi))
        # The header of a PNG holds its width in bytes 16 to 19.
        header = (tmp_path / "cost.png").read_bytes()[16:20]
        widths.append(int.from_bytes(header))

    assert widths == [widths[0], 2 * widths[0]]


def test_no_charts_are_drawn_where_none_are_wanted(tmp_path: Path) -> None:
    written = write_report(full(), tmp_path, ChartOptions(names=()))

    assert charts_in(tmp_path) == set()
    assert written.not_drawn == ()


def test_a_chart_with_nothing_to_draw_is_told_with_its_reason(tmp_path: Path) -> None:
    written = write_report(constants_only(), tmp_path, ChartOptions(names=("cost", "calibration")))
    (refusal,) = written.not_drawn

    assert refusal.subject == "chart calibration"
    assert refusal.detail


def test_charts_of_an_earlier_answer_do_not_stay(tmp_path: Path) -> None:
    for file_format in FORMATS:
        write_report(scattered(3, 40), tmp_path, ChartOptions(file_format=file_format))
    write_report(constants_only(), tmp_path)

    assert "cost.png" in charts_in(tmp_path)
    assert {name.partition(".")[0] for name in charts_in(tmp_path)} & {"calibration"} == set()
    assert {name.partition(".")[2] for name in charts_in(tmp_path)} == {"png"}


def test_pictures_of_others_are_left(tmp_path: Path) -> None:
    mine = {"mine.png", "cost.old.png", "cost.jpeg", "cost"}
    for name in mine:
        (tmp_path / name).write_text("mine")
    (tmp_path / "calibration.svg").mkdir()
    write_report(PLAIN, tmp_path, ChartOptions(names=()))

    assert mine | {"calibration.svg"} <= names(tmp_path)


def test_each_chart_is_drawn_once_for_the_files_and_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def counted(figure: Figure, file_format: str = "png", *, dpi: int = DPI) -> bytes:
        drawn.append(figure)
        return figure_bytes(figure, file_format, dpi=dpi)

    monkeypatch.setattr(write, "figure_bytes", counted)
    written = write_report(full(), tmp_path)

    assert len(drawn) == len([path for path in written.paths if path.suffix == ".png"])
    assert (tmp_path / "report.html").read_text().count("data:image/png") == len(drawn)


def test_a_picture_of_a_charts_name_is_left_where_no_report_is(tmp_path: Path) -> None:
    (tmp_path / "timeline.pdf").write_text("mine")
    write_report(PLAIN, tmp_path, ChartOptions(names=()))

    assert (tmp_path / "timeline.pdf").read_text() == "mine"
