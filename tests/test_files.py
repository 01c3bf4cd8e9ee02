"""A file is written whole or stays absent, and nothing is left beside it."""

import os
from pathlib import Path

import pytest

from analyzer.errors import OutputError
from analyzer.files import remove_left, write_file


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
        (tmp_path / ".a.tmp").touch(0o666)
        write_file(tmp_path / "a", b"one", is_private=True)
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_what_a_killed_run_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    for name in (".a.tmp", ".new.tmp", ".foreign.tmp"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, None if name == ".new.tmp" else (0, 0))
    remove_left(tmp_path, ["a", "new", "absent"])

    assert sorted(path.name for path in tmp_path.iterdir()) == [".foreign.tmp", ".new.tmp"]
