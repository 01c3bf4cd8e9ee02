"""What was found, in sentences: values in, text out. Wording lives here and in `tables`.

What a chart says of itself is in its module in `charts`.
"""

from dataclasses import dataclass

from analyzer.units import Refusal


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence.

    Attributes:
        is_strong: whether a hurried reader needs it.
        refusals: what it says cannot be had.
    """

    text: str
    is_strong: bool = False
    refusals: tuple[Refusal, ...] = ()
