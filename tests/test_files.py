"""A file is read up to a bound, and written whole or stays absent, with nothing left beside it."""

import os
import time
from pathlib import Path

import pytest

from analyzer.errors import OutputError, UsageError
from analyzer.files import (
    MOST_TEXT_BYTES,
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
