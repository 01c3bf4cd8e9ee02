"""Results as sentences: values in, text out. The sentences of a chart are in its module."""

from dataclasses import dataclass

from analyzer.report import format as fmt
from analyzer.units import Refusal


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence: whether a hurried reader needs it, and the refusals that it states."""

    text: str
    is_strong: bool = False
    refusals: tuple[Refusal, ...] = ()


def whole(detail: str) -> str:
    """Return a refusal's detail as a sentence.

    >>> whole("no node has a price")
    'No node has a price.'
    """
    return f"{fmt.capital(detail).removesuffix('.')}."
