"""The files of recommended requests: whole, and only ours are replaced."""

import json
from pathlib import Path

import pytest

from analyzer.errors import AnalyzerError, OutputError
from analyzer.report.patches.choosing import Style
from analyzer.report.patches.files import KustomizeApi, Layout
from analyzer.report.write import write_rightsizing
from tests.report.answers import NAUGHTY_NAMES
from tests.report.patches.advice import advice, rightsizing
from tests.report.rightsizings import report_of

BOTH = rightsizing(advice(), advice("pay", "StatefulSet"))


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


TABLES = {f"rightsizing.{end}" for end in ("json", "csv", "md")}


def test_tables_and_patches_are_written_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "new/below"
    paths = write_rightsizing(report_of(BOTH), folder)

    assert {str(path.relative_to(folder)) for path in paths} == files_in(folder)
    assert files_in(folder) == TABLES | {
        "patches/kustomization.yaml",
        "patches/shop_cart_deployment.yaml",
        "patches/shop_pay_statefulset.yaml",
    }


def test_the_json_names_the_files_that_are_there(tmp_path: Path) -> None:
    found = rightsizing(advice(), advice("x", namespace="east/shop"))
    write_rightsizing(report_of(found, layout=Layout(api=KustomizeApi.OLD)), tmp_path)
    document = json.loads((tmp_path / "rightsizing.json").read_text(encoding="utf-8"))

    for patch in document["patches"]:
        assert patch["owner"] in (tmp_path / patch["file"]).read_text(encoding="utf-8")


def test_patches_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    busy = rightsizing(advice(), advice("pay", recommended=None))
    write_rightsizing(report_of(busy, style=Style.DEFAULTS), tmp_path)
    assert {"values.yaml", "patches/shop_pay_deployment.yaml"} <= files_in(tmp_path)
    (tmp_path / "patches/mine.yaml").write_text("kind: Secret\n", encoding="utf-8")
    write_rightsizing(report_of(rightsizing(advice())), tmp_path)

    assert files_in(tmp_path) == TABLES | {
        "patches/kustomization.yaml",
        "patches/mine.yaml",
        "patches/shop_cart_deployment.yaml",
    }


@pytest.mark.parametrize("name", ["patches/kustomization.yaml", "values.yaml"])
def test_a_file_that_is_not_ours_stays_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("resources: []\n", encoding="utf-8")
    found = rightsizing(advice(), advice("pay", recommended=None))

    with pytest.raises(OutputError, match=path.name):
        write_rightsizing(report_of(found, style=Style.DEFAULTS), tmp_path)
    assert files_in(tmp_path) == {name}
    assert path.read_text(encoding="utf-8") == "resources: []\n"


@pytest.mark.parametrize("api", KustomizeApi)
def test_no_name_leads_out_of_the_folder(api: KustomizeApi, tmp_path: Path) -> None:
    names = [*NAUGHTY_NAMES, "..", "../../x", "/etc/passwd", ".", "a\0b", "x" * 400]
    found = rightsizing(
        *(advice(name, "Deployment", f"{name}/{name}", workload=name) for name in names)
    )
    folder = tmp_path / "one/two/out"
    paths = write_rightsizing(report_of(found, layout=Layout(api=api)), folder)

    assert all(path.resolve().is_relative_to(folder) for path in paths)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(paths)
    assert len(paths) == len(set(paths))
    patches = {path for path in paths if path.name.endswith("_deployment.yaml")}
    assert len(patches) >= len(names) - 1


def test_a_folder_that_cannot_be_made_is_a_known_failure(tmp_path: Path) -> None:
    (tmp_path / "patches").write_text("", encoding="utf-8")

    with pytest.raises(AnalyzerError, match="patches"):
        write_rightsizing(report_of(BOTH), tmp_path)
