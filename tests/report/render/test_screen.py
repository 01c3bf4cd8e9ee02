"""What a terminal is, and whether colours are welcome there."""

import io

import pytest

from analyzer.report.escapes import colour_wanted, obeys_escapes
from analyzer.report.render.terminal import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "CLICOLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_colour_is_for_terminals() -> None:
    assert colour_wanted(Terminal())
    assert not colour_wanted(io.StringIO())


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("NO_COLOR", "1", False),
        ("NO_COLOR", "0", False),
        # https://no-color.org: only what is not empty counts.
        ("NO_COLOR", "", True),
        ("CLICOLOR", "0", False),
        ("CLICOLOR", "1", True),
        ("TERM", "dumb", False),
        ("TERM", "DUMB", False),
    ],
)
def test_colour_is_for_those_who_want_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, *, wanted: bool
) -> None:
    monkeypatch.setenv(name, value)

    assert colour_wanted(Terminal()) is wanted


def test_a_terminal_without_colours_obeys_escapes_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert obeys_escapes(Terminal())
    assert not obeys_escapes(io.StringIO())


def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")

    assert Screen.of(Terminal()).width == 123
