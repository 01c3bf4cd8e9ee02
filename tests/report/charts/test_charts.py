"""Which charts there are."""

from pathlib import Path

import pytest

from analyzer.report import charts
from analyzer.report.charts import CHARTS


def test_every_module_that_is_not_shared_is_a_chart() -> None:
    modules = {path.stem for path in Path(charts.__path__[0]).glob("*.py")}

    assert set(CHARTS) == modules - {"__init__", *charts.SHARED}


def test_charts_are_in_the_order_in_which_they_are_read() -> None:
    assert list(CHARTS)[:3] == ["cost", "calibration", "workloads"]
    assert list(CHARTS)[-1] == "ztunnels"


def test_a_module_that_is_added_is_a_chart_after_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "another.py").write_text("def draw(answer):\n    return None\n")
    monkeypatch.setattr(charts, "__path__", [*charts.__path__, str(tmp_path)])

    assert [name for name, _ in charts._charts()] == [*CHARTS, "another"]
