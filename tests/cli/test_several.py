"""Several meshes on the command line: one table, its files, and what is refused."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.data import sample_path, schema_path

SIZES = {
    "one": (15_000, 200, 1000),
    "two": (5000, 67, 333),
    "three": (800, 20, 40),
    "four": (12_000, 150, 200),
    "five": (60, 3, 4),
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["project", *map(str, arguments)])


def scaled_copy(folder: Path, times: float) -> Path:
    """Return a copy of the lab's snapshot whose proxies used so many times the CPU."""
    path = folder / f"lab-{times}"
    shutil.copytree(sample_path("lab"), path)
    file = path / "proxy_cpu_vcpu.parquet"
    frame = pd.read_parquet(file)
    frame["proxy_cpu_vcpu"] *= times
    frame.to_parquet(file, index=False)
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    for record in manifest["queries"]:
        if record["file"] == file.name:
            record["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return path


def answer(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--format", "json")
    assert done.exit_code == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text("vcpu_month_usd = { low = 22, mid = 26, high = 30 }\n", encoding="utf-8")
    return path


@pytest.fixture
def meshes(tmp_path: Path) -> Path:
    path = tmp_path / "meshes.toml"
    tables = [
        f'[[mesh]]\nname = "{name}"\nconstants = "blog"\npods = {pods}\nnodes = {nodes}\n'
        f"namespaces = {namespaces}\n"
        for name, (pods, nodes, namespaces) in SIZES.items()
    ]
    path.write_text("".join(tables), encoding="utf-8")
    return path


def test_five_meshes_in_one_table_are_five_runs(meshes: Path, scenario: Path) -> None:
    found = answer("--meshes", meshes, "--scenario", scenario)

    for mesh, (name, (pods, nodes, namespaces)) in zip(found["meshes"], SIZES.items(), strict=True):
        size = ["--pods", pods, "--nodes", nodes, "--namespaces", namespaces]
        alone = answer("--constants", "blog", *size, "--scenario", scenario)["projection"]
        assert mesh["name"] == name
        assert [mode["usd_per_year"] for mode in mesh["modes"]] == [
            mode["usd_per_year"] for mode in alone["modes"]
        ]
        for one, own in zip(mesh["savings"], alone["savings"], strict=True):
            assert {key: own[key] for key in one} == one
        assert mesh["price"] == alone["price"]


def test_the_answer_keeps_its_schema(meshes: Path, scenario: Path) -> None:
    schema = json.loads(schema_path("meshes").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

    for arguments in (
        ("--meshes", meshes, "--scenario", scenario),
        (sample_path("lab"), sample_path("fleet")),
    ):
        jsonschema.Draft202012Validator(schema).validate(answer(*arguments))


def test_snapshots_are_what_each_is_alone() -> None:
    found = answer(sample_path("lab"), sample_path("fleet"))

    assert [mesh["name"] for mesh in found["meshes"]] == ["lab", "fleet"]
    for mesh in found["meshes"]:
        alone = answer(sample_path(mesh["name"]))["projection"]
        assert found["basis"] == alone["basis"]
        for one, own in zip(mesh["modes"], alone["modes"], strict=True):
            assert {key: own[key] for key in one} == one
        for one, own in zip(mesh["savings"], alone["savings"], strict=True):
            assert {key: own[key] for key in one} == one
    sidecars = [mesh["modes"][0]["usd_per_year"]["mid"] for mesh in found["meshes"]]
    assert found["total"]["modes"][0]["usd_per_year"]["mid"] == pytest.approx(sum(sidecars))


def test_five_snapshots_in_one_table_are_five_runs(tmp_path: Path, scenario: Path) -> None:
    paths = [sample_path("lab"), *(scaled_copy(tmp_path, times) for times in (0.5, 0.8, 1.25, 2))]
    found = answer(*paths, "--scenario", scenario)

    sums: dict[str, float] = {}
    for mesh, path in zip(found["meshes"], paths, strict=True):
        alone = answer(path, "--scenario", scenario)["projection"]
        for one, own in zip(mesh["modes"], alone["modes"], strict=True):
            assert {key: own["bases"][found["basis"]][key] for key in ("vcpu", "usd_per_year")} == {
                key: one[key] for key in ("vcpu", "usd_per_year")
            }
            sums[one["name"]] = sums.get(one["name"], 0.0) + one["usd_per_year"]["mid"]
        if found["basis"] == alone["basis"]:
            for one, own in zip(mesh["savings"], alone["savings"], strict=True):
                assert {key: own[key] for key in one} == one
    assert len({mesh["modes"][0]["vcpu"]["mid"] for mesh in found["meshes"]}) == 5
    for mode in found["total"]["modes"]:
        assert mode["usd_per_year"]["mid"] == pytest.approx(sums[mode["name"]], rel=1e-8)
        assert mode["usd_per_year"]["low"] < mode["usd_per_year"]["mid"]


def test_the_files_are_written_and_named(meshes: Path, tmp_path: Path) -> None:
    done = run("--meshes", meshes, "-o", tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}

    assert done.exit_code == 0
    assert names == {f"meshes.{end}" for end in ("html", "md", "json", "csv", "png")}
    assert "meshes.png" in done.stderr
    rows = (tmp_path / "out/meshes.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 3 * (len(SIZES) + 1)
    page = (tmp_path / "out/meshes.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == len(rows)
    assert "data:image/png" in page


def test_one_snapshot_has_the_files_of_a_report(tmp_path: Path) -> None:
    done = run(sample_path("lab"), "-o", tmp_path / "out", "-q")

    assert (done.exit_code, done.stderr) == (0, "")
    assert (tmp_path / "out/report.html").is_file()


def test_a_mesh_without_ambient_is_listed_and_not_in_the_sum(meshes: Path) -> None:
    more = meshes.read_text(encoding="utf-8").replace("blog", "istio-1.1", 1)
    first = more.index("[[mesh]]", 3)
    meshes.write_text(more[:first] + "proxy_rps = 100\n" + more[first:], encoding="utf-8")
    found = answer("--meshes", meshes)

    assert [mesh["name"] for mesh in found["meshes"]] == ["two", "three", "four", "five"]
    assert [item["subject"] for item in found["refusals"]] == ["mesh one"]
    meshes.write_text(more[:first] + "proxy_rps = 100\n", encoding="utf-8")
    alone = run("--meshes", meshes)
    assert (alone.exit_code, alone.stdout) == (3, "")
    assert "mesh one" in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nodes", "3"], "--nodes is the node count"),
        (["--explain"], "--explain prints the arithmetic"),
        (["--pods", "3"], "the file of --meshes"),
        ([sample_path("lab")], "takes the place of snapshots"),
        (["--scenario", "nowhere.toml"], "Cannot read scenario"),
    ],
)
def test_what_describes_one_mesh_is_refused(
    meshes: Path, arguments: list[object], words: str
) -> None:
    done = run("--meshes", meshes, *arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"two"', '"one"', "two meshes with the name"),
        ("pods = 5000", "pods = 1e308", "pods must be"),
        ("pods = 5000", "pods = nan", "pods must be"),
        ("pods = 5000", "pods = 5000\nproxy_rps = 1e308", "proxy_rps must be"),
        ("pods = 5000", "pods = 5000\nreplicas = 3", "unknown key 'replicas'"),
        ("pods = 5000", "", "has no pods"),
        ('"two"', '"sum"', "that of the sum"),
        ('"two"', '"two\\nlines"', "printable text"),
        ('"blog"', '"istio-1.24"', "no rate is given"),
        ("[[mesh]]", "[mesh", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(meshes: Path, old: str, new: str, words: str) -> None:
    text = meshes.read_text(encoding="utf-8")
    meshes.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run("--meshes", meshes)

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run("--meshes", tmp_path / "none.toml")

    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_the_post_is_to_the_dollar_in_every_format(scenario: Path, tmp_path: Path) -> None:
    size = ["--pods", 15_000, "--nodes", 200, "--namespaces", 1000]
    stated = ["--constants", "blog", *size, "--scenario", scenario]
    figures = ("2,376,000", "3,240,000", "174,240", "237,600", "2,201,760", "3,002,400")

    assert run(*stated, "-o", tmp_path).exit_code == 0
    shown = run(*stated).stdout, run(*stated, "--format", "markdown").stdout
    for text in (*shown, (tmp_path / "report.html").read_text(encoding="utf-8")):
        assert [figure for figure in figures if f"${figure}" not in text] == []
    csv = (tmp_path / "modes.csv").read_text(encoding="utf-8")
    assert "2376000.0,2808000.0,3240000.0" in csv
    assert "174240.0,205920.0,237600.0" in csv
    saved = answer(*stated)["projection"]["savings"][1]["usd_per_year"]
    assert saved == {"low": 2_201_760, "mid": 2_602_080, "high": 3_002_400}
    # The charts of what is measured have nothing to show.
    assert [path.name for path in tmp_path.glob("*.png")] == ["cost.png"]


def test_a_snapshot_counts_once(tmp_path: Path) -> None:
    copied = tmp_path / "copy.snapshot"
    shutil.copytree(sample_path("lab"), copied)
    other = tmp_path / "lab"
    shutil.copytree(sample_path("fleet"), other)

    for pair, words in (
        ([sample_path("lab"), sample_path("lab")], "is given twice"),
        ([sample_path("lab"), copied], "'lab' and 'copy' hold the same data"),
        ([sample_path("lab"), other], "the same name 'lab'"),
    ):
        done = run(*pair)
        assert (done.exit_code, done.stdout) == (2, "")
        assert words in done.stderr


def test_a_report_of_analyze_has_the_name_of_its_folder(tmp_path: Path) -> None:
    shutil.copytree(sample_path("lab"), tmp_path / "east/snapshot")
    shutil.copytree(sample_path("fleet"), tmp_path / "west.snapshot")
    found = answer(tmp_path / "east", tmp_path / "west.snapshot/manifest.json")

    assert [mesh["name"] for mesh in found["meshes"]] == ["east", "west"]


def test_a_damaged_snapshot_is_a_failure(tmp_path: Path) -> None:
    done = run(sample_path("lab"), tmp_path / "none")

    assert (done.exit_code, done.stdout) == (1, "")
