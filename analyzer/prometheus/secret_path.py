"""Secrets in the path of an address: some gateways take a token there.

A part of the path is one if it looks random. What follows a word such as `uid` names something and
opens nothing: Grafana, Kubernetes and clouds ask for credentials besides it.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

HIDDEN: Final = "***"

_NAMING: Final = frozenset(
    {
        *("uid", "proxy"),  # Grafana
        *("namespaces", "services", "pods", "clusters"),  # Kubernetes's API, and Rancher
        *("workspaces", "projects", "subscriptions"),  # Amazon, Google and Azure
        "select",  # VictoriaMetrics
        *("tenant", "tenants"),
    }
)
"""After these comes the name or the number of something."""

_SECRET: Final = frozenset({"token", "tokens", "key", "apikey", "api-key", "secret", "password"})
"""After these comes a secret, also where it looks like a word."""

_WORD: Final = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST_DIGITS: Final = 4
_USUAL_WORD: Final = 4
"""Letters of the words of a name, in the mean; random text has one or two between its changes."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LEAST: Final = 16
"""Letters and digits of the shortest tokens."""


def without_secrets(url: str) -> str:
    """Return an address with *** in place of each secret of its path.

    >>> without_secrets("https://host/t0kEn4f5a9c1e2b77/prometheus")
    'https://host/***/prometheus'
    >>> without_secrets("https://host/select/0/prometheus")
    'https://host/select/0/prometheus'
    """
    path = urlsplit(url).path
    if not path:
        return url
    hidden = secrets_in(url)
    shown = "/".join(HIDDEN if part in hidden else part for part in path.split("/"))
    return f"{url[: len(url) - len(path)]}{shown}"


def secrets_in(url: str) -> tuple[str, ...]:
    """Return the parts of an address's path that look like secrets, in their order."""
    parts = urlsplit(url).path.split("/")
    return tuple(
        part
        for before, part in zip(("", *parts), parts, strict=False)
        if part and (before in _SECRET or (before not in _NAMING and _looks_random(unquote(part))))
    )


def _looks_random(part: str) -> bool:
    letters = re.sub(r"[^A-Za-z0-9]", "", part)
    if _UUID.search(part):
        return True
    if len(letters) < _LEAST or _has_words(letters):
        return False
    kinds = sum(bool(re.search(kind, letters)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    changes = len(re.findall("[a-z](?=[A-Z])|[A-Z](?=[a-z])", letters))
    # Names have words: one case or a capital at each, and a number at their end.
    return (
        kinds == 3  # noqa: PLR2004 - of three
        or 3 * changes > len(letters)
        or any(map(_is_number, re.split("[^A-Za-z0-9]", part)))
    )


def _has_words(letters: str) -> bool:
    """Return whether it is a name such as ThanosQueryFrontend2."""
    words = _WORD.findall(letters)
    is_long = any(word.isdigit() and len(word) > _LONGEST_DIGITS for word in words)
    return not is_long and len(letters) >= _USUAL_WORD * len(words)


def _is_number(word: str) -> bool:
    """Return whether a word of letters and digits is a number, such as one in base 16."""
    return len(word) >= _LEAST and len(re.findall("[0-9]", word)) > 1
