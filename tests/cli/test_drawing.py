"""Which charts a command draws, and its note about the others."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.report.charts import CHARTS
from analyzer.report.charts.style import DPI, FORMATS
from analyzer.report.write import ChartOptions
from analyzer.units import Reason, Refusal

DRAWING = ("analyze", "demo", "report")


def _demo(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["demo", "-o", str(folder), *options])


def _charts(folder: Path) -> set[str]:
    return {path.name for suffix in FORMATS for path in folder.glob(f"*.{suffix}")}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--charts", "none"), set()),
        (("--charts", "cost"), {"cost.png"}),
        (("--charts", "cost,calibration"), {"cost.png", "calibration.png"}),
        (("--charts", "calibration", "--charts", "cost"), {"cost.png", "calibration.png"}),
        (("--charts", "cost", "--chart-format", "svg", "--dpi", "50"), {"cost.svg"}),
    ],
)
def test_the_charts_that_were_asked_for_are_drawn(
    tmp_path: Path, options: tuple[str, ...], expected: set[str]
) -> None:
    result = _demo(tmp_path, *options)

    assert result.exit_code == 0, result.stderr
    assert _charts(tmp_path) == expected


@pytest.mark.parametrize("options", [(), ("--charts", "all"), ("--charts", "all,cost")])
def test_all_is_what_is_drawn_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    asked: list[ChartOptions | None] = []

    def remember(_: object, folder: Path, charts: ChartOptions | None) -> None:
        del folder
        asked.append(charts)
        raise KeyboardInterrupt

    monkeypatch.setattr("analyzer.report.write.write_report", remember)
    _demo(tmp_path, *options)

    assert asked == [ChartOptions(names=None, file_format="png", dpi=DPI)]


@pytest.mark.parametrize("command", DRAWING)
@pytest.mark.parametrize("names", ["costs", "cost,nothing", "", "cost,"])
def test_an_unknown_chart_is_wrong_usage_that_names_the_known_ones(
    tmp_path: Path, command: str, names: str
) -> None:
    before = {"analyze": ("-p", "http://127.0.0.1:1"), "report": (str(tmp_path),)}
    result = CliRunner().invoke(
        cli, [command, *before.get(command, ()), "-o", str(tmp_path), "--charts", names]
    )

    assert result.exit_code == 2
    assert f"Choose from {', '.join(CHARTS)}, all, none" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [("--dpi", "49"), ("--dpi", "601"), ("--chart-format", "gif")])
def test_what_cannot_be_drawn_is_wrong_usage(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert _demo(tmp_path, *options).exit_code == 2


def test_none_excludes_every_other_chart(tmp_path: Path) -> None:
    result = _demo(tmp_path, "--charts", "none,cost")

    assert result.exit_code == 2
    assert "--charts none" in result.stderr
    assert result.stderr.count("\n") == 1


def test_charts_without_a_folder_are_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["demo", "--charts", "cost"])

    assert result.exit_code == 2
    assert "Give -o" in result.stderr
    assert CliRunner().invoke(cli, ["demo", "--charts", "none"]).exit_code == 0


@pytest.mark.parametrize("quiet", [False, True])
def test_what_is_not_drawn_is_told_unless_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, quiet: bool
) -> None:
    refusal = Refusal(subject="chart cost", reason=Reason.NO_DATA, detail="no\x1b[2J modes")
    monkeypatch.setattr("analyzer.report.write.CHARTS", {"cost": lambda _: refusal})
    result = _demo(tmp_path, *(["--quiet"] if quiet else []))

    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert bool(lines) != quiet
    assert [line.partition("chart cost: ")[2] for line in lines[1:]] == (
        [] if quiet else ["no\ufffd[2J modes"]
    )
