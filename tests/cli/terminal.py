"""A terminal for tests: a pseudo-terminal that commands write to, and what it shows in the end."""

import fcntl
import os
import pty
import re
import signal
import struct
import tempfile
import termios
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from tests.live.command import started

STYLES = re.compile(r"\x1b\[[0-9;]*m")

_LONGEST_SECONDS = 120
_CODES = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a command left behind whose stderr was a terminal.

    Attributes:
        stdout: which was a pipe.
        sent: everything that went to the terminal.
    """

    status: int
    stdout: str
    sent: str

    @property
    def screen(self) -> list[str]:
        """The lines that are left on the terminal."""
        return screen(self.sent)

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor was not left hidden."""
        return self.sent.rfind("\x1b[?25h") >= self.sent.rfind("\x1b[?25l")


def _new_terminal() -> tuple[int, int]:
    """Return both ends of a pseudo-terminal; fail with the cure where the machine has none."""
    try:
        return pty.openpty()
    except OSError as error:
        pytest.fail(
            f"This test needs a pseudo-terminal and got none ({error.strerror}). In a container "
            "mount devpts: mount -t devpts devpts /dev/pts -o ptmxmode=0666, and link /dev/ptmx "
            "to pts/ptmx.",
            pytrace=False,
        )


def shown(
    *arguments: object,
    columns: int = 80,
    answer_too: bool = False,
    interrupt_when: Callable[[str], bool] = lambda _: False,
    interrupt_with: signal.Signals = signal.SIGINT,
    environment: Mapping[str, str] | None = None,
) -> Shown:
    """Run istio-usage with a terminal as its stderr.

    Args:
        arguments: of the command line.
        columns: width of the terminal.
        answer_too: whether stdout is the terminal as well, and no pipe.
        interrupt_when: gets what was sent so far; at the first true the process is interrupted.
        interrupt_with: by this signal.
        environment: more variables; an empty one is taken away.
    """
    primary, secondary = _new_terminal()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    terminal = Path(os.ttyname(secondary))
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "stdout")
        answer.touch()
        whole = _environment({"TERM": "xterm-256color", **(environment or {})})
        process = started(arguments, whole, (terminal if answer_too else answer, terminal))
        watchdog = threading.Timer(_LONGEST_SECONDS, process.kill)
        watchdog.start()
        sent = b""
        interrupted = False
        # What is left on the terminal is read before the end of the process is seen.
        while primary in wait([primary, process.sentinel]):
            sent += os.read(primary, 65536)
            if not interrupted and interrupt_when(sent.decode(errors="replace")):
                interrupted = True
                os.kill(process.pid or 0, interrupt_with)
        process.join()
        watchdog.cancel()
        stdout = answer.read_text(encoding="utf-8")
    os.close(primary)
    os.close(secondary)
    assert process.exitcode is not None
    return Shown(status=process.exitcode, stdout=stdout, sent=sent.decode())


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"COLUMNS", "LINES", "NO_COLOR", "CLICOLOR", "FORCE_COLOR"}
    }
    return {name: value for name, value in {**kept, **changes}.items() if value}


def screen(sent: str) -> list[str]:
    """Return what a terminal shows after what was sent to it, wide enough for every line."""
    lines: list[str] = [""]
    row = column = 0
    place = 0
    while place < len(sent):
        code = _CODES.match(sent, place)
        if code:
            place = code.end()
            kind, count = code[2], int(code[1] or 1) if code[1].isdigit() or not code[1] else 1
            if kind == "A":
                row = max(row - count, 0)
            elif kind == "K":
                lines[row] = ""
            else:
                assert kind in "mhl", f"unknown code {code[0]!r}"
            continue
        letter = sent[place]
        place += 1
        assert letter != "\x1b", f"no code: {sent[place : place + 10]!r}"
        if letter == "\r":
            column = 0
        elif letter == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        else:
            lines[row] = f"{lines[row][:column]:{column}}{letter}{lines[row][column + 1 :]}"
            column += 1
    return [line.rstrip() for line in "\n".join(lines).rstrip().splitlines()]
