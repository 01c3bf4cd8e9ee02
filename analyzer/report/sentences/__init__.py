"""What was found, in sentences: values in, text out. A chart's own are in its module."""

from dataclasses import dataclass

from analyzer.units import Refusal


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence: whether a hurried reader needs it, and what it says cannot be had."""

    text: str
    is_strong: bool = False
    refusals: tuple[Refusal, ...] = ()
