"""A file is read up to a bound, and written whole or stays absent, with nothing left beside it."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from analyzer import locks
from analyzer.errors import OutputError, UsageError
from analyzer.files import (
    MOST_TEXT_BYTES,
    is_temporary,
    read_file,
    read_text,
    read_toml,
    remove_left,
    write_file,
)


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"one")
    write_file(tmp_path / "a", b"two")

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"two"


def test_a_file_that_cannot_be_written_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a cannot .*: No such") as caught:
        write_file(tmp_path / "absent" / "a", b"one")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "a", b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_file(tmp_path / "a", b"two")

    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"one"


def test_a_private_file_is_for_its_user_alone_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_file(tmp_path / "a", b"one", is_private=True)
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


_WRITES = """
import os, signal, sys
from pathlib import Path
from analyzer.files import write_file

def stop(event, arguments):
    if event == "os.rename":
        print("whole", flush=True)
        {then}

sys.addaudithook(stop)
write_file(Path(sys.argv[1]) / "a", b"new")
"""


def _writing(folder: Path, then: str) -> subprocess.Popen[str]:
    """Begin to write a file, and do something before it takes its place."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITES.format(then=then), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "whole\n"
    return process


def test_what_a_killed_run_left_is_removed_and_what_is_being_written_is_not(
    tmp_path: Path,
) -> None:
    write_file(tmp_path / "a", b"old")
    killed = _writing(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    killed.communicate(timeout=60)
    (tmp_path / ".foreign.tmp").touch()
    os.mkfifo(tmp_path / ".istio-usage-pipe.tmp")
    alive = _writing(tmp_path, "sys.stdin.read()")
    assert len(list(tmp_path.iterdir())) == 5
    for _ in range(2):
        remove_left(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}

    assert len(left) == 4
    assert {"a", ".foreign.tmp", ".istio-usage-pipe.tmp"} < left
    assert (tmp_path / "a").read_bytes() == b"old"
    alive.communicate("", timeout=60)
    assert alive.returncode == 0
    assert (tmp_path / "a").read_bytes() == b"new"
    assert {path.name for path in tmp_path.iterdir()} == left - set(_ours(left)) | {
        ".istio-usage-pipe.tmp"
    }


def _ours(names: set[str]) -> list[str]:
    return [name for name in names if is_temporary(Path(name))]


def test_where_there_are_no_locks_age_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_lock(_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("analyzer.locks.lock", no_lock)
    for name, seconds in (("old", 120), ("new", 0)):
        path = tmp_path / f".istio-usage-{name}.tmp"
        path.touch()
        os.utime(path, (time.time() - seconds,) * 2)
    write_file(tmp_path / "a", b"one")
    remove_left(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".istio-usage-new.tmp", "a"]


def test_a_file_that_is_taken_for_left_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locks.lock
    taken: list[str] = []

    def late(file: IO[bytes]) -> None:
        if not taken:
            taken.append(file.name)
            Path(file.name).unlink()
        lock(file)

    monkeypatch.setattr("analyzer.locks.lock", late)
    write_file(tmp_path / "a", b"one")

    assert len(taken) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)

    assert read_file(tmp_path / "a", 10) == b"x" * 10
    with pytest.raises(OSError, match="more than"):
        read_file(tmp_path / "a", 9)


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("/dev/zero")

    assert read_file(tmp_path / "b", 10) == b"x"
    with pytest.raises(OSError, match="not a regular file"):
        read_file(tmp_path / "c", 10)


@pytest.mark.parametrize("name", ["fifo", "/dev/zero", "/dev/tty", "socket\0", "."])
def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(OSError) as caught:  # noqa: PT011 - each system has its own words
        read_text(tmp_path / name)
    assert caught.value.strerror


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa = 1\r\n")

    assert read_toml(tmp_path / "a", "scenario") == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{ b = " * 100_000,
        f"{'.'.join('a' * 400_000)} = 1",
        f"[{' . '.join('a' * 200_000)}]",
        "\n".join(f"{'.'.join(['k'] * 150)} = {at}" for at in range(1000)),
        "a = " + "9" * 5000,
        "x" * (MOST_TEXT_BYTES + 1),
        "a = 1\0",
    ],
    ids=["lists", "tables", "a key", "a table's key", "keys", "digits", "length", "zero byte"],
)
def test_toml_that_takes_long_is_refused_soon(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text, encoding="utf-8")
    begun = time.monotonic()

    with pytest.raises(UsageError) as caught:
        read_toml(tmp_path / "a", "scenario")
    assert len(str(caught.value)) < 500
    assert time.monotonic() - begun < 20


def test_dots_in_texts_and_comments_are_no_keys(tmp_path: Path) -> None:
    names = ", ".join(f'"m5.{number}xlarge" = 1.5' for number in range(300))
    (tmp_path / "a").write_text(f"# {'.' * 200}\nprices = {{ {names} }}", encoding="utf-8")

    assert len(read_toml(tmp_path / "a", "scenario")["prices"]) == 300
