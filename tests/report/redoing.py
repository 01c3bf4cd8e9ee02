"""A patient reader: redoes each line of an explanation from the figures that stand in it."""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Line", "Rounded", "lines_of"]

_NUMBER = r"\d+(?:\.\d+)?"
_LINE = re.compile(
    rf"^ *(?P<label>.*): (?P<expression>(?:max\(|[-(\d])[-+/^x(), .\da-m]*?) = "
    rf"(?P<result>-?{_NUMBER}) (?P<unit>\S.*)$"
)

_DIGITS = 6


@dataclass(frozen=True)
class Rounded:
    """A figure as printed: what it was before it was rounded lies between these."""

    low: float
    high: float

    @classmethod
    def printed(cls, text: str) -> Rounded:
        value = float(text)
        exponent = math.floor(math.log10(abs(value))) if value else -math.inf
        # Half a unit of the last digit, and what floats lose.
        error = 0.5001 * 10.0 ** (exponent - _DIGITS + 1) if value else 0.0
        return cls(value - error, value + error)

    def _with(self, other: Rounded, how: str) -> Rounded:
        pairs = itertools.product((self.low, self.high), (other.low, other.high))
        work: Callable[[float, float], float] = getattr(operator, how)
        ends = [work(first, second) for first, second in pairs]
        return Rounded(min(ends), max(ends))

    def __add__(self, other: Rounded) -> Rounded:
        return self._with(other, "add")

    def __sub__(self, other: Rounded) -> Rounded:
        return self._with(other, "sub")

    def __mul__(self, other: Rounded) -> Rounded:
        return self._with(other, "mul")

    def __truediv__(self, other: Rounded) -> Rounded:
        return self._with(other, "truediv")

    def __pow__(self, other: Rounded) -> Rounded:
        return self._with(other, "pow")

    def __neg__(self) -> Rounded:
        return Rounded(-self.high, -self.low)

    def meets(self, other: Rounded) -> bool:
        return self.low <= other.high and other.low <= self.high


def _larger(first: Rounded, second: Rounded) -> Rounded:
    return Rounded(max(first.low, second.low), max(first.high, second.high))


@dataclass(frozen=True)
class Line:
    """One line of arithmetic."""

    label: str
    expression: str
    result: float
    unit: str

    def redone(self) -> Rounded:
        """Work the expression out, by Python's own rules of precedence."""
        code = re.sub(_NUMBER, lambda match: f"N('{match[0]}')", self.expression)
        code = re.sub(r"(?<![a-z'])x(?![a-z'])", "*", code).replace("^", "**")
        found: Rounded = eval(code, {"N": Rounded.printed, "max": _larger})
        return found

    def holds(self) -> bool:
        return self.redone().meets(Rounded.printed(str(self.result)))


def lines_of(text: str) -> list[Line]:
    """Return the lines that can be redone."""
    found = [_LINE.match(line) for line in text.splitlines()]
    return [
        Line(match["label"], match["expression"], float(match["result"]), match["unit"])
        for match in found
        if match
    ]
