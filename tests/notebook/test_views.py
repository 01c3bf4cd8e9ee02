"""What a notebook shows: frames with units, tables in which names are inert, and charts."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import analyzer as mesh
from analyzer.calibration import calibrate_usage
from analyzer.cli import cli
from analyzer.cli.flags import FLAGS
from analyzer.data import sample_path
from analyzer.errors import UsageError
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import measure
from analyzer.notebook import MeshCalibration, MeshProjection, MeshSnapshot
from analyzer.projection import default_scenario, project
from analyzer.report.charts import CHARTS
from analyzer.settings import spelled
from analyzer.units import Refusal
from tests.report.answers import NAUGHTY_NAMES, constants_only, full, naughty, refused
from tests.report.rendered import as_document
from tests.test_units import SAYS_ITS_UNIT

# What a column is that is no quantity: a name, a choice, or a word.
_WORDS = (
    "verdict|why|needs_waypoint|code|role|mode|basis|model|provenance|namespace|workload|sweep|choice|title|constants|name|text|"
    "severity|bias|kind|runs_daemonsets|is_whole|fix|unit|promql|file|sha256|source|assumption|low|mid|high|pod|node|evidence|"
    "start|point|reporter|proxy|resets|stride|instance_type|zone|provider|reason|proxy_count|waypoint_extrapolated|"
    "waypoint_costs_more|waypoint_replicas|configured_clusters|open_connections|r_squared|backtest_error|residual_correlation|range_factor|"
    "probability_cheaper|covered_share|exponent|.*_workload(_namespace)?"
)


class _Reader(HTMLParser):
    """Collects the elements and the text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def snapshot() -> MeshSnapshot:
    return mesh.load_sample("fleet")


@pytest.fixture(scope="module")
def calibration(snapshot: MeshSnapshot) -> MeshCalibration:
    return mesh.calibrate(snapshot)


@pytest.fixture(scope="module")
def projection(snapshot: MeshSnapshot, calibration: MeshCalibration) -> MeshProjection:
    return mesh.project(snapshot, calibration)


def views(
    snapshot: MeshSnapshot, calibration: MeshCalibration, projection: MeshProjection
) -> dict[str, pd.DataFrame]:
    """Return every frame that a notebook can ask for."""
    return {
        f"{type(result).__name__}.{name}": getattr(result, name)
        for result, names in (
            (snapshot, "proxies steps workloads calls nodes queries findings"),
            (calibration, "workload_frame role_frame exclusion_frame backtest_frame timeline"),
            (projection, "mode_frame saving_frame sensitivity_frame sweep_frame"),
            (projection, "reference_frame assumption_frame namespaces node_frame"),
        )
        for name in names.split()
    }


def test_the_results_are_those_of_the_layers_below(
    snapshot: MeshSnapshot, calibration: MeshCalibration, projection: MeshProjection
) -> None:
    plain = load_snapshot(snapshot.path)
    fitted = calibrate_usage(measure(plain))

    assert snapshot.snapshot == plain
    assert calibration.result.decomposition == calibration.decomposition == fitted.decomposition
    assert projection.result.modes == projection.modes == project(plain, fitted).modes
    assert projection.decision == project(plain, fitted).decision


def test_every_frame_has_rows_and_units_in_its_columns(
    snapshot: MeshSnapshot, calibration: MeshCalibration, projection: MeshProjection
) -> None:
    for where, frame in views(snapshot, calibration, projection).items():
        assert len(frame), where
        for column in frame.columns:
            name = re.sub("_(low|mid|high|min|max)$", "", str(column))
            known = re.fullmatch(_WORDS, name) or SAYS_ITS_UNIT.search(name)
            assert known, f"{where}: {column}"


def test_a_frame_holds_what_the_json_does(projection: MeshProjection) -> None:
    document = as_document(projection.answer)
    frame = projection.mode_frame.set_index(["mode", "basis"])

    for mode in document["projection"]["modes"]:
        for basis, footprint in mode["bases"].items():
            row = frame.loc[(mode["name"], basis)]
            assert row["vcpu_low"] == footprint["vcpu"]["low"]
            assert row["usd_per_year_high"] == footprint["usd_per_year"]["high"]


def test_the_backtest_is_that_of_the_fit(calibration: MeshCalibration) -> None:
    assert len(calibration.backtest_frame) == calibration.answer.sidecar.backtest.workload_count  # type: ignore[union-attr]


def test_the_usage_is_read_once(
    snapshot: MeshSnapshot, calibration: MeshCalibration, projection: MeshProjection
) -> None:
    assert snapshot.usage is snapshot.usage
    assert calibration.answer.usage is snapshot.usage
    assert projection.answer.usage is snapshot.usage


@pytest.mark.parametrize("is_plain", [(True, True), (True, False), (False, True)])
def test_plain_results_will_do_as_well(
    snapshot: MeshSnapshot, projection: MeshProjection, is_plain: tuple[bool, bool]
) -> None:
    measured = load_snapshot(snapshot.path) if is_plain[0] else snapshot
    fitted = (
        calibrate_usage(measure(snapshot.snapshot)) if is_plain[1] else mesh.calibrate(snapshot)
    )

    assert mesh.project(measured, fitted).saving_frame.equals(projection.saving_frame)


def test_a_projection_calibrates_by_itself(
    snapshot: MeshSnapshot, projection: MeshProjection
) -> None:
    for measured in (snapshot, load_snapshot(snapshot.path)):
        assert mesh.project(measured).saving_frame.equals(projection.saving_frame)
    assert mesh.project(snapshot).answer.usage is snapshot.usage
    assert mesh.project(snapshot).answer.calibration is snapshot.calibrated.result


def test_a_scenario_in_the_place_of_the_calibration_is_a_mistake_that_names_both(
    snapshot: MeshSnapshot,
) -> None:
    with pytest.raises(TypeError, match=r"`calibration`.*`scenario`"):
        mesh.project(snapshot, {"vcpu_month_usd": 44})  # type: ignore[arg-type]


def test_a_written_report_is_that_of_the_command_line(
    projection: MeshProjection, tmp_path: Path
) -> None:
    paths = projection.write(str(tmp_path / "new" / "python"))
    done = CliRunner().invoke(
        cli, ["report", str(sample_path("fleet")), "-o", str(tmp_path / "command")]
    )

    assert done.exit_code == 0
    assert {path.parent for path in paths} == {tmp_path / "new" / "python"}
    assert sorted(path.name for path in paths) == names_in(tmp_path / "command")
    assert sorted(path.name for path in paths) == names_in(tmp_path / "new" / "python")
    for name in ("modes.csv", "namespaces.csv", "cost.png"):
        written = (tmp_path / "new" / "python" / name).read_bytes()
        assert written == (tmp_path / "command" / name).read_bytes()
    # Only settings have other names.
    written_json = (tmp_path / "new" / "python" / "result.json").read_text()
    assert spelled(written_json, FLAGS) == (tmp_path / "command" / "result.json").read_text()


def test_a_report_names_settings_and_commands_as_python_does(
    projection: MeshProjection, tmp_path: Path
) -> None:
    projection.write(tmp_path, charts=[])
    text = (tmp_path / "report.md").read_text(encoding="utf-8")

    assert "mesh.project(snapshot)" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) & set(FLAGS.values()) == set()


def test_charts_of_a_report_may_be_chosen(projection: MeshProjection, tmp_path: Path) -> None:
    projection.write(tmp_path, charts=["cost"], chart_format="svg")

    assert [path.name for path in tmp_path.glob("*.[ps][nv]g")] == ["cost.svg"]


@pytest.mark.parametrize(
    ("options", "named"), [({"charts": ["pie"]}, "'pie'"), ({"chart_format": "gif"}, "png, svg")]
)
def test_a_chart_that_cannot_be_written_is_refused_before_anything_is(
    projection: MeshProjection, tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        projection.write(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_mode_that_is_not_there_cannot_be_explained(projection: MeshProjection) -> None:
    with pytest.raises(UsageError, match=r"'ambient'.*ambient-l4"):
        projection.explain("ambient")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_scenario_may_be_names_and_values(
    snapshot: MeshSnapshot, calibration: MeshCalibration
) -> None:
    dear = mesh.project(snapshot, calibration, {"vcpu_month_usd": 44})
    same = mesh.project(snapshot, calibration, default_scenario())

    assert dear.price.vcpu_month_usd == 44
    assert same.price.vcpu_month_usd == 22
    with pytest.raises(UsageError, match="vcpu_month"):
        mesh.project(snapshot, calibration, {"vcpu_month": 44})


def test_a_scenario_may_be_a_file(
    snapshot: MeshSnapshot, calibration: MeshCalibration, tmp_path: object
) -> None:
    path = tmp_path / "scenario.toml"  # type: ignore[operator]
    path.write_text("vcpu_month_usd = 11\n")

    assert mesh.project(snapshot, calibration, path).price.vcpu_month_usd == 11


def test_each_result_shows_its_finding_and_a_table(
    snapshot: MeshSnapshot, calibration: MeshCalibration, projection: MeshProjection
) -> None:
    shown = [_Reader(item._repr_html_()) for item in (snapshot, calibration, projection)]

    assert all(reader.tags.count("table") == 1 for reader in shown)
    assert "157 " in shown[0].text
    assert "vCPU per 1000 proxy requests/s" in shown[1].text
    assert "ambient, waypoints everywhere" in shown[2].text
    assert all("Simulated mesh" in reader.text for reader in shown)


def test_the_text_form_is_one_line(
    snapshot: MeshSnapshot, calibration: MeshCalibration, projection: MeshProjection
) -> None:
    for item in (snapshot, calibration, projection):
        assert repr(item).count("\n") == 0
        assert repr(item).startswith(f"<{type(item).__name__}")


def test_names_that_mean_harm_are_shown_as_they_are() -> None:
    answer = naughty()
    assert answer.calibration is not None
    reader = _Reader(MeshCalibration(result=answer.calibration, answer=answer)._repr_html_())

    assert set(reader.tags) <= {"p", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert "<img src=x onerror=alert(1)>" in reader.text
    assert len(NAUGHTY_NAMES) > 10


def test_a_refused_calibration_says_why() -> None:
    answer = refused()
    assert answer.calibration is not None
    shown = MeshCalibration(result=answer.calibration, answer=answer)

    assert "its rate is steady" in _Reader(shown._repr_html_()).text
    assert isinstance(shown.plot(), Refusal)
    assert shown.backtest_frame.empty


def test_a_projection_from_constants_has_no_workings() -> None:
    answer = constants_only()
    assert answer.projection is not None
    shown = MeshProjection(result=answer.projection, answer=answer)

    assert shown.assumption_frame.empty
    assert "2,376,000" in _Reader(shown._repr_html_()).text


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_can_be_had_by_name(projection: MeshProjection, name: str) -> None:
    assert isinstance(projection.plot(name), Figure)


def test_a_chart_that_is_not_there_names_those_that_are(projection: MeshProjection) -> None:
    with pytest.raises(UsageError, match="Use one of cost, calibration"):
        projection.plot("pie")


def test_a_mode_is_explained(projection: MeshProjection) -> None:
    assert "USD a year" in projection.explain("ambient-l4")


def test_what_is_shown_of_a_whole_answer_fits_the_one_made_by_hand() -> None:
    answer = full()
    assert answer.projection is not None
    frame = MeshProjection(result=answer.projection, answer=answer).mode_frame

    # 0.44 vCPU of three sidecars.
    chosen = frame[(frame["mode"] == "sidecar") & (frame["basis"] == "usage")]
    assert chosen["vcpu_mid"].tolist() == pytest.approx([0.44])
