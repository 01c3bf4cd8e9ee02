"""How servers word what they refuse, each with its source."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from analyzer.data import read_toml

ANY = "any"
"""The `server` of words that no source has exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Words of a server.

    Attributes:
        kind: what they are about: "span", "work", "series", "length", "pace" or "tenant".
        server: whose words they are.
        words: a regular expression, in which upper and lower case are the same.
    """

    name: str
    kind: str
    server: str
    words: re.Pattern[str]
    source: str


@cache
def wordings() -> tuple[Wording, ...]:
    """Return all wordings, specific ones first."""
    return tuple(
        Wording(
            name=name,
            kind=entry["kind"],
            server=entry["server"],
            words=re.compile("".join(entry["words"].split("\\\n")).strip(), re.IGNORECASE),
            source=" ".join(entry["source"].split()),
        )
        for name, entry in read_toml("wordings.toml").items()
    )


def kinds_of(text: str, *, is_specific: bool = False) -> Iterator[str]:
    """Yield what a server's words are about, the likeliest first.

    Args:
        text: the words.
        is_specific: use only words that a source has exactly.
    """
    # It repeats the query, which may hold any word.
    if "parse error" in text:
        return
    for one in wordings():
        if not (is_specific and one.server == ANY) and one.words.search(text):
            yield one.kind
