"""Commands from typed functions: an option is declared once, and click learns its type from Python.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class ScopeOptions:
        cluster: Annotated[str | None, option("--cluster", "Only this cluster.")]

    @command(epilog="...")
    def doctor(scope: ScopeOptions, quiet: Annotated[bool, option("-q", "--quiet")]) -> None: ...

A parameter of a command is annotated with its option, or is a dataclass of such fields, which the
command gets as one object. A new option is a new field.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import click

from analyzer.cli import values

_TYPES: Mapping[object, object] = {
    Path: values.PathName(path_type=Path),
    datetime: values.time,
    str: values.Text(),
}
"""How text becomes a value of a type that click does not know, or reads less strictly."""

Maker = Callable[[str, object], click.Parameter]
"""Makes the click parameter of a name and a type hint."""


def option(*flags_and_help: str, **attributes: Any) -> Maker:
    """Declare an option: `bool` is a flag, a tuple is repeatable, `Literal` a choice.

    It is required where its type has no None and it has no default. `attributes` are those of
    `click.Option`, and replace what follows from the type.
    """
    flags = [word for word in flags_and_help if word.startswith("-")]
    text = next((word for word in flags_and_help if word not in flags), None)

    def make(name: str, hint: object) -> click.Parameter:
        # Not is_flag=False: click takes that for a value that may be left out.
        from_type = {"is_flag": True} if hint is bool else {"multiple": get_origin(hint) is tuple}
        merged = {**_kind(hint), **from_type, "help": text, **attributes}
        is_needed = not (merged.get("is_flag") or merged["multiple"] or NoneType in get_args(hint))
        merged.setdefault("required", is_needed and "default" not in merged)
        merged.setdefault("show_default", bool(merged.get("default")))
        return click.Option([*flags, name], **merged)

    return make


def argument(**attributes: Any) -> Maker:
    """Declare an argument, required where its type has no None."""

    def make(name: str, hint: object) -> click.Parameter:
        required = NoneType not in get_args(hint)
        return click.Argument([name], **{"required": required, **_kind(hint), **attributes})

    return make


def _kind(hint: object) -> dict[str, Any]:
    """Return how click reads text into a type, which may be a tuple or None besides."""
    kinds = [kind for kind in get_args(hint) if kind not in {NoneType, ...}] or [hint]
    if get_origin(hint) is Literal:
        return {"type": click.Choice(kinds), "default": kinds[0]}
    return {"type": _TYPES.get(kinds[0], kinds[0])}


class Declared(click.Command):
    """A command that makes its parameters at their first use: the list of commands needs none."""

    _made: list[click.Parameter] | None

    @property
    def params(self) -> list[click.Parameter]:
        """Return what its function declares."""
        if self._made is None:
            function = self.callback
            self._made = list(declared(inspect.unwrap(function))) if function else []
        return self._made

    @params.setter
    def params(self, _none: list[click.Parameter]) -> None:
        self._made = None


def command(
    *, epilog: str, kind: type[Declared] = Declared
) -> Callable[[Callable[..., None]], click.Command]:
    """Return a decorator that makes a command of a function with annotated parameters."""

    def make(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def run(**given: object) -> None:
            function(**_arguments(function, given))

        return click.command(cls=kind, epilog=epilog)(run)

    return make


def declared(owner: Callable[..., object]) -> Iterator[click.Parameter]:
    """Yield the click parameters of a function or dataclass, each under its name in Python."""
    for name, hint in _hints(owner).items():
        if get_origin(hint) is Annotated:
            kind, make = get_args(hint)
            yield make(name, kind)
        else:
            yield from declared(hint)


def _arguments(owner: Callable[..., object], given: Mapping[str, object]) -> dict[str, object]:
    """Return what a function or dataclass is called with, out of what click has read."""
    return {
        name: given[name] if get_origin(hint) is Annotated else hint(**_arguments(hint, given))
        for name, hint in _hints(owner).items()
    }


def _hints(owner: Callable[..., object]) -> dict[str, Any]:
    # The classes of options take a quarter of the time of `--help`, which needs none of them. So
    # modules of commands import them for type checkers only.
    from analyzer.cli import options

    hints = get_type_hints(owner, localns={"options": options}, include_extras=True)
    return {name: hint for name, hint in hints.items() if name != "return"}


def examples(*lines: str) -> str:
    """Return the lines as the examples below a command's help."""
    return verbatim("Example:" if len(lines) == 1 else "Examples:", *lines)


def verbatim(title: str, *lines: str) -> str:
    """Return a title and lines that help shows below it without wrapping them."""
    # Click does not wrap a paragraph that begins with \b.
    return "\n  ".join([f"\b\n{title}", *lines])
