"""Commands from typed functions."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import click
import pytest
from click.testing import CliRunner

from analyzer.cli import options
from analyzer.cli.parameters import argument, command, declared, option


@dataclass(frozen=True, kw_only=True)
class _Inner:
    when: Annotated[datetime | None, option("--when")]
    names: Annotated[tuple[str, ...], option("--name")]


@dataclass(frozen=True, kw_only=True)
class _Outer:
    inner: _Inner
    colour: Annotated[Literal["red", "blue"], option("--colour")]
    count: Annotated[int, option("--count", default=3)]


seen: list[tuple[Path, _Outer, bool]] = []


@command(epilog="")
def paint(
    where: Annotated[Path, argument()], outer: _Outer, wet: Annotated[bool, option("--wet")]
) -> None:
    """Paint."""
    seen.append((where, outer, wet))


def _painted(*arguments: str) -> tuple[Path, _Outer, bool]:
    result = CliRunner().invoke(paint, list(arguments))
    assert result.exit_code == 0, result.output
    return seen.pop()


def test_what_is_typed_becomes_the_types_that_are_declared() -> None:
    typed = ["wall", "--when", "2026-11-20", "--name", "a", "--name", "b", "--colour", "blue"]

    assert _painted(*typed, "--count", "4", "--wet") == (
        Path("wall"),
        _Outer(
            inner=_Inner(when=datetime(2026, 11, 20, tzinfo=UTC), names=("a", "b")),
            colour="blue",
            count=4,
        ),
        True,
    )


def test_what_is_not_typed_is_the_default_or_none() -> None:
    assert _painted("wall") == (
        Path("wall"),
        _Outer(inner=_Inner(when=None, names=()), colour="red", count=3),
        False,
    )


@pytest.mark.parametrize(
    "arguments", [[], ["wall", "--colour", "green"], ["wall", "--name"], ["wall", "--count", "x"]]
)
def test_what_the_types_do_not_permit_is_wrong_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(paint, arguments).exit_code == 2


def test_the_docstring_is_the_help() -> None:
    assert paint.get_short_help_str() == "Paint."


_GROUPS = [
    group
    for name, group in vars(options).items()
    if name.endswith("Options") and isinstance(group, type) and group.__module__ == options.__name__
]


@pytest.mark.parametrize("group", _GROUPS)
def test_what_is_not_given_is_of_the_declared_type(group: type) -> None:
    arguments = ["-p", "http://h"] if group is options.ServerOptions else []
    bare = click.Command("any", params=list(declared(group)))
    with bare.make_context("any", arguments) as context:
        values = context.params

    for name, hint in group.__annotations__.items():
        if name in values:
            kind, _ = get_args(hint)
            if get_origin(kind) is Literal:
                assert values[name] in get_args(kind), name
            else:
                plain = tuple if get_origin(kind) is tuple else kind
                assert isinstance(values[name], plain), name
