"""Refusals as lines: many that differ in their subject only are one line."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analyzer.units import Refusal

NAMED: Final = 3
"""Subjects that a line names, of more than so many."""

_FIGURE: Final = re.compile(r"\d[\d.,]*")


def grouped(refusals: Iterable[Refusal]) -> Iterator[str]:
    """Yield a line for each refusal, and one for all that are alike where they are many.

    Alike are those about the same quantity of different things, with the same reason and detail
    but for its figures. The order is that of the first of each.
    """
    groups: dict[tuple[str, ...], list[Refusal]] = {}
    for refusal in refusals:
        quantity, _, thing = refusal.subject.partition(" of ")
        detail = _FIGURE.sub("", refusal.detail)
        own = () if thing else (refusal.subject,)
        groups.setdefault((quantity, refusal.reason, detail, *own), []).append(refusal)
    for group in groups.values():
        yield from map(str, group) if len(group) <= NAMED else (_together(group),)


def _together(group: Sequence[Refusal]) -> str:
    first = group[0]
    quantity = first.subject.partition(" of ")[0]
    names = [refusal.subject.partition(" of ")[2] for refusal in group]
    more = f"{len(names) - NAMED:,} more"
    text = f"{quantity} of {', '.join(names[:NAMED])} and {more}: {first.detail}"
    if all(refusal.detail == first.detail for refusal in group):
        return text
    return f"{text.removesuffix('.')}. The figures are those of {names[0]}."
