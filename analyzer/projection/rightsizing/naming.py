"""Names in the texts of right-sizing's warnings: the first few, and how many more there are."""

from collections.abc import Iterable, Sequence
from typing import Final

from analyzer.units import enumerated

MOST_NAMED: Final = 3
"""Names and sentences of one kind that a text has before it counts the rest."""


def names_of(keys: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return namespace/workload of each, once and sorted."""
    return tuple(sorted({f"{namespace}/{workload}" for namespace, workload in keys}))


def some(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are.

    >>> some(["a", "b"]), some(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more')
    """
    rest = len(names) - MOST_NAMED
    shown = [*names[:MOST_NAMED]]
    return enumerated([*shown, f"{rest:,} more"] if rest > 0 else shown)
