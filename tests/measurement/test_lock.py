"""One collection at a time works in a folder, and a lock outlives no process."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from analyzer.errors import SnapshotError
from analyzer.measurement.lock import lock_path, locked

HOLD = """
import sys, time
from pathlib import Path
from analyzer.measurement.lock import locked
with locked(Path(sys.argv[1]), print):
    print("locked", flush=True)
    time.sleep(60)
"""


def no_note(text: str) -> None:
    raise AssertionError(text)


def refusal(target: Path) -> str:
    with pytest.raises(SnapshotError) as caught, locked(target, no_note):
        pass
    return str(caught.value)


def test_a_second_collection_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    target = tmp_path / "snap"
    with locked(target, no_note):
        line = refusal(target)
        with locked(tmp_path / "other", no_note):
            pass

    assert f"under way in {target}, process {os.getpid()}." in line
    assert "\n" not in line
    with locked(target, no_note):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    target = tmp_path / "snap"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(target)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        assert f"process {process.pid}." in refusal(target)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert lock_path(target).exists()

    with locked(target, no_note):
        pass
    assert list(tmp_path.iterdir()) == []


def test_two_are_never_inside(tmp_path: Path) -> None:
    """Each removes the file at its end, while others have it open already."""
    target, inside, most, refused = tmp_path / "a" / "snap", [0], [0], [0]

    def collect() -> None:
        for _ in range(100):
            try:
                with locked(target, no_note):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    time.sleep(0)
                    inside[0] -= 1
            except SnapshotError:
                refused[0] += 1

    threads = [threading.Thread(target=collect) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1]
    assert refused[0] < 400
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_that_its_owner_has_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, path = tmp_path / "snap", lock_path(tmp_path / "snap")
    locks: list[bool] = []

    def removed_meanwhile(_file: object) -> None:
        if not locks:
            path.unlink()
        locks.append(path.exists())

    monkeypatch.setattr("analyzer.locks.lock", removed_meanwhile)
    with locked(target, no_note):
        assert path.read_text().startswith(f"{os.getpid()} ")
    assert locks == [False, True]


def test_folders_that_were_made_for_it_go_if_they_stay_empty(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "snap"
    with locked(target, no_note):
        assert target.parent.is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked(target, no_note):
        target.mkdir()
    assert [path.name for path in target.parent.iterdir()] == ["snap"]


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt), locked(tmp_path / "a" / "snap", no_note):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_noted(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("analyzer.locks.lock", fail)
    notes: list[str] = []
    with locked(tmp_path / "snap", notes.append):
        pass
    (note,) = notes
    assert note.startswith(f"{tmp_path} has no file locks ")
    assert os.strerror(code) in note
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("holder", "named"),
    [
        (b"", "snap. "),
        (b"12 elsewhere", "snap, process 12 on elsewhere. "),
        (b"\xff\x1b[2J", "snap. "),
    ],
)
def test_the_holder_is_named_as_far_as_it_is_known(
    holder: bytes, named: str, tmp_path: Path
) -> None:
    target = tmp_path / "snap"
    with locked(target, no_note):
        lock_path(target).write_bytes(holder)
        assert named in refusal(target)


def test_a_place_where_no_file_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert refusal(tmp_path / "file" / "snap").endswith(": Not a directory.")
    assert refusal(Path("/proc/none/snap")).startswith("/proc/none/snap.partial cannot ")
