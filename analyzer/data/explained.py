"""Finding what `istio-usage explain` prints, by code, name or another word for it."""

import difflib
from collections.abc import Iterator

from analyzer.data import Topic, codes, topics
from analyzer.errors import UsageError

_MOST_MATCHES = 3
_LEAST_LIKENESS = 0.6


def all_topics() -> tuple[Topic, ...]:
    """Return everything that can be explained, codes first."""
    return (*codes().values(), *topics().values())


def explained(asked: str) -> Topic:
    """Return the topic of a code, of a name as in the JSON, or of another word for it.

    Case, hyphens and blanks do not matter.

    Raises UsageError with the nearest names if there is none.
    """
    known = dict(_keys())
    found = known.get(_key(asked))
    if found:
        return found
    near = difflib.get_close_matches(_key(asked), known, _MOST_MATCHES, _LEAST_LIKENESS)
    names = " or ".join(dict.fromkeys(known[key].short_name for key in near))
    hint = f" Did you mean {names}?" if names else ""
    raise UsageError(
        f"There is no code or name {asked!r}.{hint} List all with istio-usage explain."
    )


def _keys() -> Iterator[tuple[str, Topic]]:
    """Yield every word for every topic; a later one takes precedence."""
    for topic in all_topics():
        yield from ((_key(word), topic) for word in topic.also)
    for topic in all_topics():
        yield _key(topic.name), topic
        yield _key(topic.short_name), topic


def _key(word: str) -> str:
    return "_".join(word.casefold().replace("_", " ").replace("-", " ").split())
