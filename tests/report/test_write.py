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
from analyzer.report.charts.style import figure_bytes
from analyzer.report.document import as_json
from analyzer.report.plain import (
    as_csv,
    as_markdown,
    namespaces_csv,
    nodes_csv,
    proxies_csv,
    timeline_csv,
    workloads_csv,
)
from analyzer.report.write import write_report
from tests.report.answers import calibration_only, constants_only, full, refused, scattered

PLAIN = Answer()
"""An answer without charts, which take the longest."""

PNG = b"\x89PNG\r\n\x1a\n"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["folder", "new/below"])
def test_every_file_is_written_and_named(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    paths = write_report(full(), folder)

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
        *(f"{name}.png" for name in CHARTS),
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
        "workloads.csv": workloads_csv(answer),
        "nodes.csv": nodes_csv(answer),
        "timeline.csv": timeline_csv(answer),
        "proxies.csv": proxies_csv(answer),
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

    with pytest.raises(AnalyzerError, match="cannot write") as caught:
        write_report(PLAIN, tmp_path)
    assert "report.md" in str(caught.value)


def test_a_folder_below_a_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(AnalyzerError, match="cannot make"):
        write_report(PLAIN, tmp_path / "file" / "out")


def test_each_chart_is_drawn_once_for_the_files_and_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def counted(figure: Figure) -> bytes:
        drawn.append(figure)
        return figure_bytes(figure)

    monkeypatch.setattr(write, "figure_bytes", counted)
    paths = write_report(full(), tmp_path)

    assert len(drawn) == len([path for path in paths if path.suffix == ".png"])
    assert (tmp_path / "report.html").read_text().count("data:image/png") == len(drawn)
