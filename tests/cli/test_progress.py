"""How far a collection is: a bar on a terminal, lines on a dumb one, nothing in a pipe."""

import contextlib
import io
from pathlib import Path

import pytest

from analyzer.cli.bar import in_words
from analyzer.cli.progress import reporting
from analyzer.measurement.collect import Progress
from tests.cli.terminal import STYLES, screen, shown
from tests.live.command import run
from tests.support import SMALL_MESH, Answer, FaultyHttp, PrometheusServer, Received

_TIMES = ("--days", "0.08", "--end", SMALL_MESH.end.isoformat())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def step(done: int, total: int = 20, *, samples: int = 0, asking: str = "CPU") -> Progress:
    return Progress(asking=asking, done_count=done, total_count=total, sample_count=samples)


def _collect(url: str, target: Path) -> tuple[object, ...]:
    return ("collect", "-p", url, *_TIMES, "-o", target)


def _is_range(request: Received) -> bool:
    return request.path.endswith("query_range")


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "CLICOLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def test_the_rest_takes_as_long_a_request_as_this_run_took() -> None:
    """Five of the fifteen were finished before: only what this run asked has a speed."""
    words = in_words(step(5, asking=""), step(10, samples=30_000), 60.0)

    # 5 requests took 60 s, so 10 take 120 s; 30,000 samples in 60 s.
    assert words.split("  ") == ["10/20", "1:00, 2:00 left", "500 samples/s", "CPU"]


def test_hours_are_told_as_hours() -> None:
    assert "1:01:01, 1:01:01 left" in in_words(step(0), step(10), 3661.0)


def test_before_the_first_answer_there_is_no_rate() -> None:
    first = step(5, asking="")

    assert in_words(first, first, 3.0) == "5/20  0:03"


def test_when_all_is_answered_nothing_is_left() -> None:
    assert in_words(step(0), step(20), 9.0) == "20/20  0:09  writing the snapshot"


def test_what_is_asked_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in in_words(step(0), step(1, asking="a\x1b[2J"), 1.0)
    stream = Terminal()
    with reporting(stream, verbose=True) as reporter:
        reporter.progress(step(1, asking="a\x1b[2J"))
        reporter.note("b\x1b[2J\r[red]c[/red]")

    assert "\x1b" not in stream.getvalue()
    assert "[red]c[/red]" in stream.getvalue()


def test_a_bar_leaves_the_notes_whole_and_nothing_of_itself() -> None:
    stream = Terminal()
    with reporting(stream) as reporter:
        reporter.progress(step(0, asking=""))
        reporter.note("first\x1b[2J [red]markup[/red]")
        reporter.progress(step(7))
        reporter.note("second " + "long " * 40)
        reporter.progress(step(20))

    assert " 7/20  " in STYLES.sub("", stream.getvalue())
    assert screen(stream.getvalue()) == [
        "istio-usage: first�[2J [red]markup[/red]",
        f"istio-usage: second {'long ' * 40}".rstrip(),
    ]


@pytest.mark.parametrize("columns", ["20", "40", "80"])
def test_a_bar_keeps_to_one_line(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stream = Terminal()
    with reporting(stream) as reporter:
        reporter.progress(step(1, asking="what is asked in very many words " * 5))

    # Rich goes up a line for each line of what it drew before.
    assert "\x1b[1A" in stream.getvalue()
    assert "\x1b[1A\x1b[2K\x1b[1A\x1b[2K" not in stream.getvalue()
    drawn = STYLES.sub("", stream.getvalue()).split("\r")
    assert max(len(line.split("\x1b")[0]) for line in drawn) <= int(columns)


def test_an_error_ends_the_bar() -> None:
    stream = Terminal()
    with contextlib.suppress(ZeroDivisionError), reporting(stream) as reporter:
        reporter.progress(step(3))
        reporter.progress(step(4 // 0))

    assert screen(stream.getvalue()) == []
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "yes"), ("CLICOLOR", "0")])
def test_a_bar_without_colours_has_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    coloured, plain = Terminal(), Terminal()
    for stream in (coloured, plain):
        with reporting(stream) as reporter:
            reporter.progress(step(10))
        monkeypatch.setenv(name, value)

    assert "\x1b[36m" in coloured.getvalue()
    assert "\x1b[36m" not in plain.getvalue()
    assert " 10/20  " in plain.getvalue()


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_a_line_for_each_tenth(
    monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    stream = Terminal()
    with reporting(stream) as reporter:
        for done in range(41):
            reporter.progress(step(done, total=40, asking="CPU" if done else ""))

    assert stream.getvalue().splitlines() == [f"{done}/40 CPU" for done in range(4, 41, 4)]


def test_a_pipe_gets_notes_and_quiet_gets_nothing() -> None:
    told = {}
    for quiet in (False, True):
        stream = io.StringIO()
        with reporting(stream, quiet=quiet, verbose=quiet) as reporter:
            reporter.progress(step(1))
            reporter.note("resuming")
        told[quiet] = stream.getvalue()

    assert told == {False: "istio-usage: resuming\n", True: ""}


@pytest.mark.live
def test_a_real_collection_draws_a_bar_and_takes_it_away(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    seen = shown(*_collect(small_server.url, tmp_path / "mesh"))

    assert seen.status == 0, seen.sent
    told = STYLES.sub("", seen.sent)
    assert "looking for metrics" in told
    assert "samples/s" in told
    assert seen.screen == []
    assert seen.has_cursor
    assert seen.stdout.startswith(f"{tmp_path / 'mesh'}: ")


@pytest.mark.live
def test_notes_stand_whole_above_the_bar(small_server: PrometheusServer, tmp_path: Path) -> None:
    heavy = Answer(status=422, body=b'{"status":"error","errorType":"execution","error":"query '
                   b'processing would load too many samples into memory"}')  # fmt: skip
    script = [None] * 5 + [heavy]
    with FaultyHttp(script, upstream=small_server.url, counts=_is_range) as server:
        seen = shown(*_collect(server.url, tmp_path / "mesh"))

        assert seen.status == 0, seen.sent
        (note,) = seen.screen
    assert note.startswith(f"istio-usage: {server.url} answered HTTP 422: ")
    assert "too many samples" in note
    assert note.endswith("points at a time.")


@pytest.mark.live
def test_ctrl_c_leaves_no_half_drawn_bar(small_server: PrometheusServer, tmp_path: Path) -> None:
    slow = Answer(status=503, delay_seconds=1.0)
    script = [None] * 8 + [slow] * 100
    with FaultyHttp(script, upstream=small_server.url, counts=_is_range) as server:
        seen = shown(
            *_collect(server.url, tmp_path / "mesh"),
            interrupt_when=lambda sent: "3/" in STYLES.sub("", sent),
        )

    assert seen.status == 130
    empty, line = seen.screen
    assert not empty
    assert f"{tmp_path / 'mesh.partial'}." in line
    assert seen.has_cursor


@pytest.mark.live
@pytest.mark.parametrize(
    ("option", "term"),
    [("--quiet", "xterm"), ("--verbose", "xterm"), ("--hide-names", "dumb")],
)
def test_without_a_bar_there_are_no_escape_codes(
    small_server: PrometheusServer,
    tmp_path: Path,
    option: str,
    term: str,
) -> None:
    seen = shown(*_collect(small_server.url, tmp_path / "mesh"), option, environment={"TERM": term})

    assert seen.status == 0, seen.sent
    assert "\x1b" not in seen.sent
    assert bool(seen.sent) == (option != "--quiet")


@pytest.mark.live
def test_a_pipe_gets_neither_bar_nor_escape_codes(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    outcome = run(
        *_collect(small_server.url, tmp_path / "mesh"), FORCE_COLOR="1", TTY_COMPATIBLE="1"
    )

    assert outcome.status == 0
    assert outcome.stderr == ""
    assert "\x1b" not in outcome.stdout
