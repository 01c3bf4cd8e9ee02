"""Messages on stderr and the end of a run: its exit status, and one line if it fails.

0    answered
1    a known failure, or one of the machine; also a closed pipe, about which click prints nothing
2    wrong usage
3    the data cannot support the answer
130  interrupted by Ctrl-C
143  ended by SIGTERM
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Never, TextIO

import click

from analyzer.cli import machine
from analyzer.cli.temporary import drawing_folder
from analyzer.errors import AnalyzerError, DeadlinePassed, sentences
from analyzer.settings import spelled


class Interrupted(AnalyzerError):
    """The user has stopped a run; the text names what is kept of it."""

    def __init__(self, interrupt: KeyboardInterrupt, kept: str = "") -> None:
        super().__init__(sentences("Interrupted", kept))
        number = signal.SIGTERM if isinstance(interrupt, _Terminated) else signal.SIGINT
        self.exit_code = 128 + number


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


class CommandLine(click.Group):
    """Reports a known failure in one line; an unknown one keeps its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        if lacking := machine.shortage():
            _last_words(lacking)
            ctx.exit(1)
        machine.silence_libraries()
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, AnalyzerError) as error:
            failure = Interrupted(error) if isinstance(error, KeyboardInterrupt) else error
            if isinstance(failure, Interrupted) and sys.stderr.isatty():
                click.echo(err=True)  # The terminal has printed ^C.
            note(str(failure))
            ctx.exit(failure.exit_code)


def note(text: str, stream: TextIO | None = None) -> None:
    """Print one line on stderr, settings spelled as flags."""
    click.echo(f"istio-usage: {as_flags(text)}", file=stream, err=True)


def _last_words(text: str) -> None:
    """Print one line on stderr with nothing that has to be imported: that may be what failed."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in text)
    click.echo(f"istio-usage: {shown}", err=True)


def as_flags(text: str) -> str:
    """Return a text with its settings spelled as flags, and without control characters.

    It may quote a label or a server, and both may hold escape codes.
    """
    from analyzer.cli.flags import FLAGS
    from analyzer.report.escapes import inert

    return inert(spelled(text, FLAGS))


def run(command_line: Callable[..., object]) -> Never:
    """Run the command line and end the process."""
    signal.signal(signal.SIGTERM, _terminate)
    machine.prepare()
    machine.hold_collection()
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - kept to the end
    try:
        _guard_stdout()
        with drawing_folder():
            command_line(prog_name="istio-usage")
    except _StdoutError as error:
        note(f"Cannot write the answer: {error}.")
        # Python would write what is left when it ends, and report that in lines of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code in {128 + signal.SIGINT, 128 + signal.SIGTERM}:
            # Requests under way may take minutes, and Python would wait for their threads.
            os._exit(ended.code)
        raise
    except Exception as error:
        if not (lacking := machine.lacking(error)):
            raise
        _last_words(lacking)
        sys.exit(1)
    sys.exit(0)


class _StdoutError(Exception):
    """The answer cannot be written; the text is the reason."""


@contextmanager
def _stdout_failures() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _StdoutError(error.strerror) from error


class _Stdout(io.TextIOWrapper):
    """A stdout whose failures differ from those of other files. Click handles closed pipes."""

    @_stdout_failures()
    def write(self, text: str) -> int:
        return super().write(text)

    @_stdout_failures()
    def flush(self) -> None:
        super().flush()


def _guard_stdout() -> None:
    if sys.stdout is None:
        raise _StdoutError("stdout is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        before = sys.stdout
        sys.stdout = _Stdout(
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=before.line_buffering,
            write_through=before.write_through,
            buffer=before.detach(),  # The last: what is detached has no settings any more.
        )


def _terminate(number: int, frame: FrameType | None) -> Never:
    del number, frame
    raise _Terminated


@contextmanager
def keeping(kept: Callable[[], str]) -> Iterator[None]:
    """Name what is kept if the block is interrupted, or its deadline passes."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Interrupted(interrupt, kept()) from interrupt
    except DeadlinePassed as passed:
        raise DeadlinePassed(sentences(str(passed), kept())) from passed
