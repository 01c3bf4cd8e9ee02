"""Temporary folders: removed at the end, and those of killed runs at the next start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.cli.temporary import PREFIX, drawing_folder, remove_stale, temporary_folder

_LEFT = """
import os, signal
from analyzer.cli.temporary import temporary_folder
with temporary_folder() as folder:
    print(folder, flush=True)
    (folder / "secret").write_text("x")
    if {is_killed}:
        os.kill(os.getpid(), signal.SIGKILL)
    input()
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def _begun(*, is_killed: bool) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", _LEFT.format(is_killed=is_killed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_private_and_goes_with_its_run(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with temporary_folder() as folder:
            assert folder.parent == tmp_path
            assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)

    assert list(tmp_path.iterdir()) == []


def test_the_next_run_removes_what_a_killed_one_left_and_spares_the_others(tmp_path: Path) -> None:
    killed, left = _begun(is_killed=True)
    killed.communicate(timeout=60)
    alive, used = _begun(is_killed=False)
    strange = tmp_path / f"{PREFIX}making"
    strange.mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "other")
    assert not left.exists()  # The one that is alive has removed it.
    remove_stale(tmp_path)

    assert used.exists()
    assert strange.exists()
    assert (tmp_path / "other").exists()
    os.utime(strange, (0, 0))
    remove_stale(tmp_path)
    assert not strange.exists()
    alive.communicate("\n", timeout=60)
    assert not used.exists()


def test_charts_have_a_folder_where_the_usual_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", "/proc/1/x")
    with drawing_folder():
        assert Path(os.environ["MPLCONFIGDIR"]).parent == tmp_path

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_be_made_is_left_to_charts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "a" / "b"))
    with drawing_folder():
        assert os.environ["MPLCONFIGDIR"] == str(tmp_path / "a" / "b")
