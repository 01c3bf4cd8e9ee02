"""Every option of every command with values that nobody means: an answer, or one line and a status.

The options are those that click has, so a new one is tested from its first day. No server is asked:
what an option does before the first request is what is tested.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, Self

import click
import pytest
from click.testing import CliRunner, Result

from analyzer.cli import cli
from analyzer.cli.flags import FLAGS
from analyzer.errors import Unreachable
from analyzer.settings import Setting

_DIGITS: Final = "9" * 5000
_NUMBERS: Final = (
    "nan", "inf", "-inf", "1e308", "-1e308", "1e-9", "1e-320", "-0", "-0.0", "0", "-1", "1",
    "1000000000000000000000", _DIGITS, f"-{_DIGITS}", "1_0", "\u0663", "0x10", "1.5", "", " ",
)  # fmt: skip
_DURATIONS: Final = ("0s", f"{_DIGITS}h", "999999999h", "999999999999h", "1e3s", "5mm", "-5m")
_TIMES: Final = (
    "0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59-14:00", "9999-12-31",
    "1969-12-31", "2200-01-01", "2026-W01-1", "2026-02-30", "2026-01-01T24:00:00", "20260101",
    "2026-01-01T00:00:00+23:59:59.999999", "now",
)  # fmt: skip
_TEXTS: Final = (
    "", " ", "a\nb", "\x1b[2J", "\udcff", "{namespace}", "{x}", "{0.__class__}", "%s", "(", "*",
    "../../etc", "a" * 10_000, "\u202ertl", "--help", "-", "=", ":", "a:b", "Name: \u00e9", "\x7f",
    "http://[", "http://h:99999", "http://h/#", "file:///etc/passwd", "http://\ud800", "//", "[::1",
)  # fmt: skip

_ENDS: Final = frozenset({0, 1, 2, 3})


class _Silent:
    """A server that gives no answer."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whichever method is called
        def refuse(*_: object, **__: object) -> NoReturn:
            raise Unreachable(url="http://h", cause="nobody is there", advice="")

        return refuse


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.prometheus.connection.Connection", _Silent)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Paths that are no file of the kind that is wanted."""
    folder = tmp_path_factory.mktemp("odd")
    os.mkfifo(folder / "fifo")
    (folder / "zero").write_bytes(b"\0" * 64)
    (folder / "latin").write_bytes(b"caf\xe9 = 1")
    (folder / "huge").touch()
    os.truncate(folder / "huge", 100 * 1024**2)
    (folder / "deep").write_text("a = " + "[" * 50_000, encoding="utf-8")
    (folder / "nested").write_text("a = " + "[" * 300 + "]" * 300, encoding="utf-8")
    (folder / "dotted").write_text(".".join("a" * 200_000) + " = 1", encoding="utf-8")
    (folder / "digits").write_text(f"vcpu_month_usd = {_DIGITS}", encoding="utf-8")
    (folder / "hex").write_text(f"vcpu_month_usd = 0x{_DIGITS}", encoding="utf-8")
    (folder / "key").write_text(f"{'k' * 100_000} = 1", encoding="utf-8")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "dangling").symlink_to(folder / "absent")
    (folder / "to_fifo").symlink_to(folder / "fifo")
    named = tuple(map(str, sorted(folder.iterdir())))
    devices = ("/dev/zero", "/dev/null", "/dev/full", "/proc/self/mem", "/dev/fd/99")
    return (*named, *devices, str(folder), "", "a" * 5000, "\udcff", "/proc/1/mem", ".", "/")


def _is_flag(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, click.types.BoolParamType)


def _cases() -> Iterator[tuple[str, click.Parameter]]:
    """Yield each option once, with the first command that has it, and every argument."""
    seen = set()
    for name, command in cli.commands.items():
        for parameter in command.params:
            if parameter.opts[0] not in seen and not _is_flag(parameter):
                seen.add(parameter.opts[0])
                yield name, parameter


_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "analyze": ("-q", "-p", "http://h"),
    "collect": ("-p", "http://h", "-o", "{folder}/snapshot"),
    "doctor": ("-p", "http://h"),
    "project": ("--constants", "blog", "--pods", "9", "--nodes", "3", "--namespaces", "2"),
    "rightsize": ("{folder}/absent",),
    "report": ("{folder}/absent", "-o", "{folder}/report"),
    "compare": ("{folder}/absent", "{folder}/absent"),
}


def _run(command: str, folder: Path, *given: str) -> Result:
    needed = [word.format(folder=folder) for word in _NEEDED.get(command, ())]
    return CliRunner().invoke(cli, [command, *needed, *given])


def _is_one_line(text: str) -> bool:
    """Return whether an error is one line; click shows the usage of the command before its own."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("Usage: "):
        lines = [line for line in lines if not line.startswith(("Usage: ", "Try '", " "))]
    return len(lines) <= 1


def _require_an_end(result: Result) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in _ENDS
    assert result.exit_code == 0 or _is_one_line(result.stderr), result.stderr
    assert result.exit_code != 0 or not {"nan", "inf"} & set(result.stdout.lower().split())
    assert "Warning" not in result.stderr


@pytest.mark.parametrize(
    ("command", "parameter"),
    [pytest.param(*case, id=f"{case[0]} {case[1].name}") for case in _cases()],
)
def test_an_option_takes_a_value_or_refuses_it_in_one_line(
    command: str, parameter: click.Parameter, paths: tuple[str, ...], tmp_path: Path
) -> None:
    is_path = isinstance(parameter.type, click.Path)
    for value in paths if is_path else (*_NUMBERS, *_DURATIONS, *_TIMES, *_TEXTS):
        words = (
            ("--", value) if isinstance(parameter, click.Argument) else (parameter.opts[0], value)
        )
        _require_an_end(_run(command, tmp_path, *words))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *((Setting.DAYS, text) for text in ("nan", "inf", "1e-9", "-0", "0", "1e308", "3661")),
        *((Setting.START, text) for text in _TIMES[:6]),
        *((Setting.END, text) for text in _TIMES[:6]),
        *((Setting.STEP, text) for text in ("0", "9000h", f"{_DIGITS}s", "nan")),
        *((Setting.TIMEOUT, text) for text in ("0", "9000h", f"{_DIGITS}s", "inf")),
        *((Setting.NODE_COUNT, text) for text in ("0", "-1", "1" + "0" * 21, _DIGITS, "nan")),
        *((Setting.WAYPOINT_REPLICAS, text) for text in ("0", "1" + "0" * 21, _DIGITS, "1.5")),
    ],
)
def test_a_value_that_cannot_be_meant_is_wrong_usage_before_anything_is_asked(
    setting: Setting, value: str, tmp_path: Path
) -> None:
    flag = FLAGS[setting]
    result = _run("analyze", tmp_path, flag, value)

    assert result.exit_code == 2
    assert flag in result.stderr
    assert len(result.stderr) < 500 + 2 * len(value)


@pytest.mark.parametrize(
    "flag", ["--token-file", "--password-file", "--ca-file", "--cert", "--key"]
)
@pytest.mark.parametrize("name", ["fifo", "to_fifo", "zero", "huge", "loop"])
def test_a_credential_is_a_short_regular_file(
    flag: str, name: str, paths: tuple[str, ...], tmp_path: Path
) -> None:
    path = next(path for path in paths if path.endswith(f"/{name}"))
    result = _run("doctor", tmp_path, "--username", "u", flag, path)

    # The network library reads certificates when it connects, which is not reached here.
    # A password may hold any byte.
    is_late = flag != "--token-file" and name == "zero"
    assert result.exit_code == (1 if is_late else 2), result.stderr


@pytest.mark.parametrize("flag", ["--scenario", "--meshes"])
def test_a_file_of_assumptions_that_cannot_be_read_is_wrong_usage(
    flag: str, paths: tuple[str, ...]
) -> None:
    needed = _NEEDED["project"] if flag == "--scenario" else ()
    for path in paths:
        result = CliRunner().invoke(cli, ["project", *needed, flag, path])

        assert result.exit_code == 2, (path, result.stderr)
        assert len(result.stderr) < 1000 + len(path), path


def test_a_pipe_that_the_shell_made_can_be_a_scenario_or_a_token() -> None:
    for text, words in (
        (b"vcpu_month_usd = 44", ("project", *_NEEDED["project"], "--scenario")),
        (b"token\n", ("doctor", *_NEEDED["doctor"], "--token-file")),
    ):
        reading, writing = os.pipe()
        os.write(writing, text)
        os.close(writing)
        result = CliRunner().invoke(cli, [*words, f"/dev/fd/{reading}"])
        os.close(reading)

        assert result.exit_code == (0 if words[0] == "project" else 1), result.stderr
