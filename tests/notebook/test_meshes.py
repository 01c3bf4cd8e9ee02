"""Several meshes in Python: the figures of the layers below, and what is refused."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

import analyzer as mesh
from analyzer.errors import InsufficientData, UsageError
from analyzer.notebook import ManyProjections, MeshSnapshot
from tests.report.several import POSTS_PRICE
from tests.test_units import SAYS_ITS_UNIT

STATED = """[[mesh]]
name = "post <b>"
constants = "blog"
pods = 15000
nodes = 200
namespaces = 1000
[[mesh]]
name = "old"
constants = "istio-1.1"
pods = 10
nodes = 2
namespaces = 3
proxy_rps = 100
"""


@pytest.fixture(scope="module")
def snapshots() -> dict[str, MeshSnapshot]:
    return {name: mesh.load_sample(name) for name in ("lab", "fleet")}


@pytest.fixture(scope="module")
def several(snapshots: dict[str, MeshSnapshot]) -> ManyProjections:
    return mesh.project_meshes(snapshots)


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    path = tmp_path / "meshes.toml"
    path.write_text(STATED, encoding="utf-8")
    return path


def test_each_mesh_is_what_it_is_alone(
    snapshots: dict[str, MeshSnapshot], several: ManyProjections
) -> None:
    assert [one.name for one in several.result.meshes] == list(snapshots)
    for one in several.result.meshes:
        alone = mesh.project(snapshots[one.name], scenario={}).result
        assert [(item.mode, item.usd_per_year) for item in one.savings] == [
            (item.mode, item.usd_per_year) for item in alone.savings
        ]


def test_the_frame_has_a_row_a_mesh_and_mode(several: ManyProjections) -> None:
    frame = several.frame
    expected = [
        (one.name, mode.name, pytest.approx(mode.usd_per_year.mid, rel=1e-8))
        for one in (*several.result.meshes, several.result.total)
        for mode in one.modes
    ]
    columns = frame[["mesh", "mode", "usd_per_year_mid"]]

    assert list(columns.itertuples(index=False, name=None)) == expected
    words = {"mesh", "mode", "basis", "percent", "probability_cheaper"}
    for column in frame.columns:
        name = str(column).removesuffix("_low").removesuffix("_mid").removesuffix("_high")
        assert name in words or SAYS_ITS_UNIT.search(name), column


def test_a_scenario_is_that_of_all_meshes(stated: Path, snapshots: dict[str, MeshSnapshot]) -> None:
    for meshes in (stated, str(stated), {"lab": snapshots["lab"]}):
        found = mesh.project_meshes(meshes, {"vcpu_month_usd": POSTS_PRICE}).result
        (one,) = found.meshes
        assert one.price is not None
        assert one.price.vcpu_month_usd == POSTS_PRICE["mid"]
        total = found.total.modes[0]
        assert total.usd_per_year.low < total.usd_per_year.mid < total.usd_per_year.high


def test_a_mesh_that_is_refused_has_its_reason(stated: Path) -> None:
    several = mesh.project_meshes(stated)

    assert [item.subject for item in several.refusals] == ["mesh old"]
    assert several.result.total.sidecar_count == 15_000


def test_what_a_notebook_shows_has_no_markup_of_a_name(stated: Path, tmp_path: Path) -> None:
    several = mesh.project_meshes(stated)
    html = several._repr_html_()

    assert "post &lt;b&gt;" in html
    assert "<b>" not in html
    assert "$2,376,000" in html
    assert "$2,376,000" in repr(several)
    assert isinstance(several.plot(), Figure)
    names = {path.name for path in several.write(tmp_path / "out")}
    assert names == {f"meshes.{end}" for end in ("html", "md", "json", "csv", "png")}


def test_what_cannot_be_added_up_is_refused(snapshots: dict[str, MeshSnapshot]) -> None:
    with pytest.raises(UsageError, match="the same data"):
        mesh.project_meshes({"a": snapshots["lab"], "b": snapshots["lab"]})
    with pytest.raises(UsageError, match="that of the sum"):
        mesh.project_meshes({"sum": snapshots["lab"]})
    with pytest.raises(UsageError, match="Cannot read"):
        mesh.project_meshes("nowhere.toml")
    with pytest.raises(InsufficientData):
        mesh.project_meshes({})
