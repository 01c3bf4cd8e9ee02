"""A machine that lacks something: one line, exit 1, and no traceback."""

import errno
import gc
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analyzer.cli import machine
from tests.live.command import command, run, run_cold

_QUICK = ("demo", "-q")

_MISERIES = {
    "little address space": ("ulimit -v 400000; ", "ulimit -v"),
    "less": ("ulimit -v 900000; ", "ulimit -v"),
    # With four, Python itself does not start where a package has a .pth file.
    "few files": ("ulimit -n 5; ", "ulimit -n"),
    "no current folder": ("mkdir gone && cd gone && rmdir ../gone; ", "current folder is gone"),
}


@pytest.mark.parametrize("misery", _MISERIES)
def test_what_the_machine_lacks_is_one_line(misery: str, tmp_path: Path) -> None:
    before, named = _MISERIES[misery]
    arguments = (
        ("analyze", "-p", "http://127.0.0.1:1", "-o", "out")
        if "folder" in misery
        else (*_QUICK, "-o", "out")
    )
    done = subprocess.run(
        ["sh", "-c", f'{before}exec "$@"', "sh", *command(*arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert named in done.stderr
    assert done.stderr.startswith("istio-usage: ")
    assert done.stderr.count("\n") == 1


def _raised(act: Callable[[], object]) -> BaseException:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - any
        return error
    raise AssertionError("nothing was raised")


def _wrapped() -> None:
    cause = ImportError("libx.so: failed to map segment from shared object")
    raise ImportError("Unable to import required dependencies") from cause


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (MemoryError(), "memory"),
        (pa.ArrowMemoryError("malloc of size 64 failed"), "memory"),
        (_raised(lambda: np.empty(2**56, dtype=np.uint8)), "memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (_raised(_wrapped), "memory"),
        (ImportError("libz.so: cannot open shared object file: Too many open files"), "ulimit -n"),
        (OSError(errno.EMFILE, "Too many open files", "/etc/x"), "ulimit -n"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/out/a"), "/out/a: Read-only"),
        (_raised(lambda: Path("/tmp", "a" * 300).stat()), "name too long"),
    ],
)
def test_each_kind_of_shortage_is_known(error: BaseException, named: str) -> None:
    assert named in machine.lacking(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("dictionary changed size during iteration"),
        ImportError("cannot import name 'x'"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/nowhere"),
        OSError("no number"),
        KeyError("x"),
        RecursionError(),
    ],
)
def test_a_programming_mistake_is_no_shortage(error: BaseException) -> None:
    assert machine.lacking(error) == ""


def test_odd_surroundings_add_nothing_to_stderr_and_leave_nothing(tmp_path: Path) -> None:
    surroundings = {
        "HOME": "/proc/1",
        "MPLCONFIGDIR": "/proc/1/x",
        "TMPDIR": str(tmp_path),
        "COLUMNS": "²",
        "LINES": "-",
        "TERM": "nonsense",
        "MPLBACKEND": "nonsense",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    folder = tmp_path / "out"
    done = run_cold(*_QUICK, "--charts", "cost", "-o", folder, **surroundings)

    assert (done.status, done.stderr) == (0, "")
    assert (folder / "cost.png").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_broken_settings_file_of_the_drawing_library_is_not_mentioned(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("nonsense: 3\nfont.size: abc\n")
    done = run(*_QUICK, "--charts", "cost", "-o", tmp_path / "out", MPLCONFIGDIR=str(tmp_path))

    assert (done.status, done.stderr) == (0, "")


def test_three_closed_streams_end_it() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command("report", "-h")],
        check=False,
        timeout=60,
    )

    assert done.returncode == 1


def test_warnings_of_libraries_stay_away_unless_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings(record=True) as seen:
        monkeypatch.setattr("sys.warnoptions", [])
        machine.prepare()
        warnings.warn("invalid value encountered in divide", RuntimeWarning, stacklevel=1)
        assert seen == []
        warnings.simplefilter("always")
        monkeypatch.setattr("sys.warnoptions", ["always"])
        machine.prepare()
        warnings.warn("wanted", RuntimeWarning, stacklevel=1)
        assert len(seen) == 1


def test_garbage_is_collected_once_all_is_imported() -> None:
    frozen = gc.get_freeze_count()
    try:
        machine.hold_collection()
        machine.collect_again()
        first = gc.get_freeze_count()
        again = [object() for _ in range(3)]
        machine.collect_again()
    finally:
        gc.enable()

    assert gc.isenabled()
    assert first > frozen
    # What was made since then may become garbage.
    assert gc.get_freeze_count() == first, again


def test_no_command_leaves_garbage_uncollected(tmp_path: Path) -> None:
    shown = (
        "import atexit, gc, sys; from analyzer.cli import main;"
        "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 10**4));"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", shown, "demo", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "True True"
