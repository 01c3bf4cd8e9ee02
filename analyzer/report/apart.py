"""Names from outside, shortened so that no two of them look the same."""

from collections.abc import Iterator, Mapping, Sequence
from os.path import commonprefix

from analyzer.report import format as fmt


def apart(names: Sequence[str], width: int) -> dict[str, str]:
    """Return names that fit, by name; those that would look the same begin where they differ.

    >>> list(apart(["shop", "payments-eu-1-production", "payments-eu-2-production"], 14).values())
    ['shop', '…-1-production', '…-2-production']
    """
    found = {name: fmt.shortened(name, width) for name in names}
    for alike in _alike(found):
        found |= _without_start(alike, width)
    return found


def _without_start(names: Sequence[str], width: int) -> dict[str, str]:
    """Return names of which one letter that all share is kept."""
    shared = commonprefix(names)  # noqa: RUF071 - letters are meant, not parts of a path
    start = max(len(shared) - 1, 0)
    found = {name: f"…{fmt.shortened(name[start:], width - 1)}" for name in names}
    for alike in _alike(found):
        if len(alike) < len(names):
            found |= _without_start(alike, width)
    return found


def _alike(found: Mapping[str, str]) -> Iterator[list[str]]:
    for text in dict.fromkeys(found.values()):
        alike = [name for name, shown in found.items() if shown == text]
        if len(alike) > 1:
            yield alike
