"""Finds assertions that hold a whole sentence: `python -m tests.wording`.

Tests hold figures, names and reasons, so that wording can change. Only tests/report/sentences holds
sentences: there wording is what is tested.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MOST_WORDS = 5
"""A literal of more words than this is a sentence."""

SENTENCES = Path("tests/report/sentences")


def long_literals(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each sentence in an assertion or in what `raises` must match."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            yield from _long_in(node)
        elif isinstance(node, ast.keyword) and node.arg == "match":
            yield from _long_in(node.value)


def _long_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    constants = (part for part in ast.walk(node) if isinstance(part, ast.Constant))
    for part in constants:
        if isinstance(part.value, str) and len(part.value.split()) > MOST_WORDS:
            yield part.lineno, part.value


def main() -> int:
    """Print every sentence in an assertion; the exit status is 1 if there is one."""
    found = [
        f"{path}:{line}: {' '.join(text.split())[:70]}"
        for path in sorted(Path("tests").rglob("*.py"))
        if not path.is_relative_to(SENTENCES)
        for line, text in long_literals(path.read_text(encoding="utf-8"))
    ]
    for line in found:
        print(line)
    if found:
        print(
            f"{len(found)} assertions hold a sentence: assert figures, names and reasons, or move "
            f"the test to {SENTENCES}."
        )
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
