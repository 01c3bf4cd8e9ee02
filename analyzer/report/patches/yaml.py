"""Mappings as YAML. Every text is in double quotes: a name may be "on", "1e3" or "a: b"."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

Node: TypeAlias = "Mapping[str, Node] | Sequence[Node] | str | None"
"""What is written: keys are ours and need no quotes; None is null."""

_INDENT: Final = "  "
_LAST_SHORT: Final = 0xFFFF
"""The last character that an escape of four digits can name."""


def to_yaml(node: Mapping[str, Node]) -> str:
    r"""Return a mapping as YAML.

    >>> print(to_yaml({"kind": "on", "paths": ["a: b", {"name": "\x07", "limit": None}]}), end="")
    kind: "on"
    paths:
      - "a: b"
      - name: "\u0007"
        limit: null
    """
    return "".join(f"{line}\n" for line in _lines(node))


def _lines(node: Node) -> Iterator[str]:
    """Yield the lines of a node that begins a line."""
    if _is_scalar(node):
        yield _scalar(node)
    elif isinstance(node, Mapping):
        for key, item in node.items():
            if _is_scalar(item):
                yield f"{key}: {_scalar(item)}"
            else:
                yield f"{key}:"
                yield from (f"{_INDENT}{line}" for line in _lines(item))
    else:
        for item in node or ():
            first, *others = _lines(item)
            yield f"- {first}"
            yield from (f"{_INDENT}{line}" for line in others)


def _is_scalar(node: Node) -> bool:
    # What is empty has no lines of its own.
    return node is None or isinstance(node, str) or not node


def _scalar(node: Node) -> str:
    if node is None:
        return "null"
    if isinstance(node, str):
        return f'"{"".join(map(_escaped, node))}"'
    return "{}" if isinstance(node, Mapping) else "[]"


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"
