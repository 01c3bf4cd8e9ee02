"""Lines of arithmetic: "what it is: how = how much unit", to six digits, in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from analyzer.units import Interval

_TERMS: Final = 10
"""Terms of a sum in one line; a longer one is added up in parts."""

_LARGEST_WHOLE: Final = 1e15


def figure(value: float) -> str:
    """Return a number with six significant digits, never as a power of ten.

    >>> [figure(value) for value in (0.00804512345, 1628384.25, 22.0, 0.0, 22603)]
    ['0.00804512', '1628380', '22', '0', '22603']
    """
    if float(value).is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    return format(Decimal(f"{value:.6g}"), "f")


def spread(value: Interval) -> str:
    """Return a figure with its 90 % range, where it has one."""
    if value.low == value.high:
        return figure(value.mid)
    return f"{figure(value.mid)} [{figure(value.low)} to {figure(value.high)}]"


def equation(label: str, expression: str, result: float, unit: str) -> str:
    """Return one line that can be redone by hand."""
    return f"  {label}: {expression} = {figure(result)} {unit}"


def total(label: str, terms: Sequence[float], result: float, unit: str) -> Iterator[str]:
    """Return a sum, in parts where it is long."""
    parts = list(terms)
    while len(parts) > _TERMS:
        chunks = [parts[at : at + _TERMS] for at in range(0, len(parts), _TERMS)]
        parts = [sum(chunk) for chunk in chunks]
        for number, (chunk, part) in enumerate(zip(chunks, parts, strict=True), start=1):
            yield equation(f"{label}, part {number}", _plus(chunk), part, unit)
    yield equation(label, _plus(parts) or "0", result, unit)


def _plus(terms: Sequence[float]) -> str:
    return " + ".join(map(figure, terms))


def weighted_mean(
    label: str, weighted: Sequence[tuple[str, float, float]], result: float, unit: str
) -> Iterator[str]:
    """Return a mean of (name, weight, value), one line each and then the quotient."""
    products = [weight * value for _, weight, value in weighted]
    for (name, weight, value), product in zip(weighted, products, strict=True):
        yield equation(
            f"{label}, {name}, amount x price",
            f"{figure(weight)} x {figure(value)}",
            product,
            "USD",
        )
    weights = [weight for _, weight, _ in weighted]
    yield from total(f"{label}, together", products, sum(products), "USD")
    amount = unit.removeprefix("USD per ").removesuffix("-month")
    yield from total(f"{label}, amounts together", weights, sum(weights), amount)
    yield equation(label, f"{figure(sum(products))} / {figure(sum(weights))}", result, unit)
