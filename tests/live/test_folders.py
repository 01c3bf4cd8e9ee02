"""The same command again, another question, and every command on the folder of an analysis."""

from pathlib import Path

import pytest

from tests.live.command import Outcome, run
from tests.live.test_first_five_minutes import TIMES, only_line
from tests.support import PrometheusServer

pytestmark = pytest.mark.live


def analyze(server: PrometheusServer, folder: Path, *options: object) -> Outcome:
    asked = ("--charts", "none", *(options or TIMES))
    return run("analyze", "-p", server.url, "-o", folder, *asked, "--format", "json")


@pytest.fixture(scope="module")
def folder(small_server: PrometheusServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an analysis."""
    path = tmp_path_factory.mktemp("folders") / "out"
    outcome = analyze(small_server, path)
    assert outcome.status == 0, outcome.stderr
    return path


def test_the_same_command_again(small_server: PrometheusServer, folder: Path) -> None:
    before = len(small_server.query_log())
    first, again = (folder / "result.json").read_bytes(), analyze(small_server, folder)

    assert again.status == 0, again.stderr
    using, wrote = again.stderr.splitlines()
    assert f"Using the snapshot in {folder / 'snapshot'}: " in using
    assert str(folder) in wrote
    assert len(small_server.query_log()) == before
    assert (folder / "result.json").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--days", "0.05", *TIMES[2:]), "--days 0.08 there, 0.05 now"),
        ((*TIMES, "--namespace", "shop"), "--namespace not given there"),
        ((*TIMES, "--step", "20m"), "--step 600s there, 1200s now"),
        ((*TIMES, "-H", "X-Scope-OrgID: b"), "another tenant"),
        (("--days", "0.08"), "--end 2024-05-14T11:57:30+00:00 there"),
    ],
    ids=["days", "namespace", "step", "tenant", "end"],
)
def test_another_question(
    small_server: PrometheusServer, folder: Path, options: tuple[str, ...], words: str
) -> None:
    line = only_line(analyze(small_server, folder, *options), 2)

    assert line.startswith(f"{folder / 'snapshot'} answers another question: ")
    assert words in line
    assert "--force" in line


def test_another_question_by_force(small_server: PrometheusServer, tmp_path: Path) -> None:
    target = tmp_path / "mesh"
    asked = ("collect", "-p", small_server.url, "-o", target)
    assert run(*asked, *TIMES).status == 0
    shorter = ("--days", "0.05", *TIMES[2:])
    only_line(run(*asked, *shorter), 2)
    forced = run(*asked, *shorter, "--force")

    assert forced.status == 0, forced.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mesh"]
    assert run(*asked, *shorter).stdout == forced.stdout


@pytest.mark.parametrize("command", ["calibrate", "project", "report", "compare"])
def test_every_command_takes_the_folder(folder: Path, tmp_path: Path, command: str) -> None:
    more = {"report": ("-o", tmp_path / "report", "--charts", "none"), "compare": (folder,)}
    outcome = run(command, folder, *more.get(command, ()))

    # Before and after are the same, which is no migration.
    assert outcome.status == (3 if command == "compare" else 0), outcome.stderr
    assert "is not a snapshot" not in outcome.stderr


@pytest.mark.parametrize("command", ["calibrate", "report"])
def test_a_folder_of_something_else(tmp_path: Path, command: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("")
    more = {"report": ("-o", tmp_path / "report")}
    line = only_line(run(command, other, *more.get(command, ())), 1)

    assert line.startswith(f"{other} is not a snapshot: ")
    assert line.endswith("It holds notes.txt.")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_that_is_not_ours_is_never_replaced(
    small_server: PrometheusServer, tmp_path: Path, force: tuple[str, ...]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path, tmp_path / "file"):
        before = len(small_server.query_log())
        only_line(run("collect", "-p", small_server.url, *TIMES, "-o", target, *force), 2)
        assert len(small_server.query_log()) == before

    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_made(small_server: PrometheusServer) -> None:
    """No user can make a folder there, root included."""
    line = only_line(run("collect", "-p", small_server.url, *TIMES, "-o", "/proc/none/mesh"), 1)

    assert line.startswith("/proc/none/mesh.partial cannot be made: ")
