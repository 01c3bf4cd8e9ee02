"""Finds words that this project does not use: `python -m tests.words [PATH ...]`.

Without a path it checks every text that a person reads: strings, docstrings and comments of the
package, queries, data, templates, notebooks, Markdown, Makefile and scripts. It prints each place
and a count per file. Names in code are not checked, nor recorded samples. In tests only docstrings
and comments are: their strings are data.
"""

import ast
import io
import json
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

UNUSED: tuple[str, ...] = (
    "told", "tells", "say", "says", "speaks for", "mend", "mends", "mended", "mending",
    "likewise", "anew", "dearer", "led back", "nobody", "at all", "whatever", "stands",
    "of stated size", "what is reserved", "where HTTP is", "asked for again",
    "in a file of its own", "as it was",
)  # fmt: skip
"""The words and phrases that no text holds, in any case."""

PATTERNS = (
    "analyzer/**/*.py", "analyzer/**/*.css", "analyzer/**/*.html", "analyzer/**/*.j2",
    "analyzer/**/*.svg", "analyzer/data/*.toml", "analyzer/data/*.json", "queries/*", "*.md",
    "notebooks/*.md", "notebooks/*.ipynb", "tests/**/*.md", "Makefile", "pyproject.toml", ".ci/*",
)  # fmt: skip
"""The files that hold text for people, from the root of the repository."""

# A phrase may go on in the next line, where a comment or a quotation has its mark.
_GAP = r"(?:\s|\n[ \t]*[#>*|]+)+"
_UNUSED = re.compile(
    "|".join(rf"\b{_GAP.join(map(re.escape, phrase.split()))}\b" for phrase in UNUSED),
    re.IGNORECASE,
)

Place = tuple[int, str]
"""A line and what is found in it."""


def unused_words(text: str) -> Iterator[Place]:
    """Yield each unused word in a text, with its line."""
    for match in _UNUSED.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def texts_of(path: Path) -> Iterator[Place]:
    """Yield the texts of a file that a person reads, each with its first line."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        is_test = "tests" in path.parts[:-1]
        yield from _docstrings(source) if is_test else _strings(source)
        yield from _comments(source)
    elif path.suffix == ".ipynb":
        for cell in json.loads(source)["cells"]:
            yield 1, "".join(cell["source"])
    else:
        yield 1, source


def _docstrings(source: str) -> Iterator[Place]:
    """Yield the docstrings of Python code, and the strings below what they describe."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


def _strings(source: str) -> Iterator[Place]:
    """Yield the strings of Python code, with {} for what an f-string fills in."""
    inside: set[ast.AST] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            # A string inside a placeholder is a text of its own.
            inside.update(part for part in node.values if isinstance(part, ast.Constant))
            parts = (part.value if part in inside else "{}" for part in node.values)  # type: ignore[attr-defined]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.lineno, node.value


def _comments(source: str) -> Iterator[Place]:
    """Yield the comments of Python code, those of adjacent lines as one text."""
    first, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start[0] != first + len(lines):
            yield first, "\n".join(lines)
            lines = []
        if not lines:
            first = token.start[0]
        lines.append(token.string.lstrip("# "))
    if lines:
        yield first, "\n".join(lines)


def found_in(path: Path) -> list[Place]:
    """Return each unused word in a file, in the order of its lines."""
    return sorted(
        (first + line - 1, word)
        for first, text in texts_of(path)
        for line, word in unused_words(text)
    )


def files(root: Path = Path()) -> Iterable[Path]:
    """Return every file whose texts people read."""
    found = {path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file()}
    return sorted(found)


def main(arguments: Iterable[str] = ()) -> int:
    """Print each unused word and the count per file; the exit status is 1 if there is one."""
    counts: Counter[Path] = Counter()
    for path in [Path(argument) for argument in arguments] or files():
        for line, word in found_in(path):
            print(f"{path}:{line}: {word}")
            counts[path] += 1
    for path, count in counts.most_common():
        print(f"{count:5} {path}")
    if counts:
        print(
            f"{counts.total()} words that this project does not use: see UNUSED in tests/words.py."
        )
    return min(len(counts), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
