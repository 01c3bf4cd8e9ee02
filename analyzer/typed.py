"""JSON that somebody else may have written, read into typed values; what is wrong has its place.

    Part.of_json('{"window": {"step_seconds": "x"}}')["window"]["step_seconds"].read(int)

raises `Mistyped`: "window.step_seconds: a whole number is needed".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Final, NoReturn, get_args, get_origin, get_type_hints

from analyzer.defaults import year_problem
from analyzer.errors import AnalyzerError, brief

LARGEST: Final = 1e15
"""The most that a number of a document may be: nothing that is counted or measured comes near."""

_LONGEST_TEXT: Final = 1_000_000
_MOST_ITEMS: Final = 100_000
_MOST_NAMES: Final = 100
"""Characters of a key that a place repeats."""


class Mistyped(ValueError):
    """A part of a document is not what it must be; the text begins with its place."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a JSON document.

    Attributes:
        place: such as "queries[2].unit"; "" is the document.
    """

    value: Any
    place: str = ""

    @classmethod
    def of_json(cls, text: str | bytes) -> Part:
        """Read a document; raises Mistyped if it is no JSON, has a key twice, or is too deep."""
        try:
            return cls(json.loads(text, object_pairs_hook=_without_twins, parse_constant=_refuse))
        except RecursionError as error:
            raise Mistyped("it is nested too deeply") from error
        except Mistyped:
            raise
        except ValueError as error:
            raise Mistyped(str(error)) from error

    def __getitem__(self, key: str) -> Part:
        """Return the part under a key; raises Mistyped if there is none."""
        part = self.get(key)
        if part is None:
            raise self._deeper(key).wrong("it is missing")
        return part

    def get(self, key: str) -> Part | None:
        """Return the part under a key; None if there is none."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object is needed")
        return Part(self.value[key], self._deeper(key).place) if key in self.value else None

    def read(self, kind: Any) -> Any:  # noqa: ANN401 - what `kind` is
        """Return the value as a type, which may be a dataclass or made of others.

        Raises:
            Mistyped: with the place of what is wrong.
        """
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is UnionType:
            (present,) = [one for one in arguments if one is not NoneType]
            return None if self.value is None else self.read(present)
        if origin is tuple:
            return tuple(item.read(arguments[0]) for item in self.items())
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {key: self[key].read(arguments[1]) for key in self._keys()}
        if is_dataclass(kind):
            return self._fields(kind)
        if issubclass(kind, StrEnum):
            return self._made(kind, self.read(str), f"one of {', '.join(kind)} is needed")
        return _READERS[kind](self)

    def items(self) -> list[Part]:
        """Return the parts of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("a list is needed")
        if len(self.value) > _MOST_ITEMS:
            raise self.wrong(f"it has more than {_MOST_ITEMS:,} items")
        return [Part(item, f"{self.place}[{at}]") for at, item in enumerate(self.value)]

    def wrong(self, problem: str) -> Mistyped:
        """Return the error that this part is wrong."""
        return Mistyped(f"{self.place}: {problem}" if self.place else problem)

    def _fields(self, kind: Any) -> Any:  # noqa: ANN401 - what `kind` is
        hints = get_type_hints(kind)
        known = {field.name: field for field in fields(kind)}
        for key in self._keys():
            if key not in known:
                raise self._deeper(key).wrong("there is no such field")
        is_needed = {
            name: field.default is MISSING and field.default_factory is MISSING
            for name, field in known.items()
        }
        given = {
            name: self[name].read(hints[name])
            for name in known
            if is_needed[name] or name in self.value
        }
        return self._made(lambda values: kind(**values), given)

    def _made(self, make: Callable[[Any], Any], value: object, problem: str = "") -> Any:  # noqa: ANN401
        """Return what is made of a value; Mistyped if it does not make sense."""
        try:
            return make(value)
        except (ValueError, OverflowError, AnalyzerError) as error:
            raise self.wrong(problem or str(error)) from error

    def _keys(self) -> list[str]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object is needed")
        if len(self.value) > _MOST_ITEMS:
            raise self.wrong(f"it has more than {_MOST_ITEMS:,} keys")
        return list(self.value)

    def _deeper(self, key: str) -> Part:
        shown = brief(key)[1:-1] if len(key) > _MOST_NAMES else key
        return Part(None, f"{self.place}.{shown}" if self.place else shown)


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in found if keys.count(key) > 1)
        raise Mistyped(f"the key {brief(twin)} is there twice")
    return found


def _refuse(literal: str) -> NoReturn:
    raise Mistyped(f"{literal} is no number")


def _text(part: Part) -> str:
    if not isinstance(part.value, str):
        raise part.wrong("text is needed")
    if len(part.value) > _LONGEST_TEXT:
        raise part.wrong(f"it has more than {_LONGEST_TEXT:,} characters")
    if not part.value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in part.value):
        raise part.wrong("it is not text in UTF-8")
    return part.value


def _whole(part: Part) -> int:
    if not isinstance(part.value, int) or isinstance(part.value, bool):
        raise part.wrong("a whole number is needed")
    if not 0 <= part.value <= LARGEST:
        raise part.wrong(f"a number from 0 to {LARGEST:g} is needed")
    return part.value


def _number(part: Part) -> float:
    if not isinstance(part.value, int | float) or isinstance(part.value, bool):
        raise part.wrong("a number is needed")
    if not (0 <= part.value <= LARGEST and math.isfinite(part.value)):
        raise part.wrong(f"a number from 0 to {LARGEST:g} is needed")
    return float(part.value)


def _flag(part: Part) -> bool:
    if not isinstance(part.value, bool):
        raise part.wrong("true or false is needed")
    return part.value


def _moment(part: Part) -> datetime:
    try:
        time = datetime.fromisoformat(_text(part))
    except ValueError as error:
        raise part.wrong("a time such as 2026-11-20T08:00:00Z is needed") from error
    if time.tzinfo is None:
        raise part.wrong("a time with a zone is needed")
    if problem := year_problem(time):
        raise part.wrong(problem)
    return time


_READERS: Final[Mapping[Any, Callable[[Part], Any]]] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _flag,
    datetime: _moment,
}
