"""The sentences that a page consists of, as a reader meets them, to count their words.

A heading, a list item, a table cell and the description of a picture each end a sentence. A block
of code is no sentence, and code within a sentence counts as one word.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

MOST_WORDS: Final = 30
"""A sentence of more words than this must be read twice."""

_FENCED = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_BLOCK = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+|#>]|\d+\.)(?:\s|(?<=\|)))|(?<!\\)\|")
_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')*_])|(?<=[.!?]\*\*))\s+(?=[\"'(*_]*[A-Z0-9$`\[])")
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|vs|etc|approx|max|min)\.$")
_WORD = re.compile(r"[^\W_]")
_ESCAPED = re.compile(r"\\([^\w\s])")

# What goes on in the same line.
_INLINE = frozenset(
    ("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "i", "kbd", "mark", "q", "s", "small",
     "span", "strong", "sub", "sup", "time", "u", "var", "wbr")
)  # fmt: skip
_HIDDEN = frozenset(("script", "style", "head", "pre"))


def markdown_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of Markdown."""
    text = _FENCED.sub("\n\n", text)
    text = _PICTURE.sub(r"\n\n\1\n\n", text)
    text = _CODE.sub("`code`", _LINK.sub(r"\1", text))
    for block in _BLOCK.split(text):
        yield from _split(_ESCAPED.sub(r"\1", block))


def html_sentences(page: str) -> Iterator[str]:
    """Yield the sentences of an HTML page, descriptions of its pictures included."""
    for block in _Blocks(page).blocks:
        yield from _split(block)


def long_sentences(sentences: Iterator[str]) -> list[str]:
    """Return the sentences of more than MOST_WORDS words."""
    return [sentence for sentence in sentences if word_count(sentence) > MOST_WORDS]


def word_count(sentence: str) -> int:
    """Return the number of words; signs between them are none."""
    return sum(bool(_WORD.search(word)) for word in sentence.split())


def _split(block: str) -> Iterator[str]:
    begun = ""
    for part in _END.split(" ".join(block.split())):
        begun = f"{begun} {part}".strip()
        if not _ABBREVIATED.search(begun):
            yield begun
            begun = ""
    if begun:
        yield begun


class _Blocks(HTMLParser):
    """Collects the text between the elements that begin a line of their own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.blocks: list[str] = [""]
        self._hidden = self._in_code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        self._in_code += tag == "code"
        described = [value for name, value in attrs if name in {"alt", "aria-label", "title"}]
        self.blocks[-1:-1] = [value for value in described if value]
        if tag not in _INLINE:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN
        self._in_code -= tag == "code"
        if tag not in _INLINE:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.blocks[-1] += "`code`" if self._in_code else data
