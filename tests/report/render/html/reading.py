"""A page as its readers see it: elements, attributes and text, by the parser of Python itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "img", "br", "wbr", "hr", "input"})


@dataclass(kw_only=True)
class Element:
    """An element, with what is in it in order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """Yield the element and all below it, in the order of the page."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """Return the elements of these tags that have these attributes."""
        return [
            item
            for item in self.walk()
            if item.tag in tags and attributes.items() <= item.attributes.items()
        ]

    def one(self, *tags: str, **attributes: str) -> Element:
        (found,) = self.all(*tags, **attributes)
        return found

    @property
    def raw(self) -> str:
        """The text as it stands."""
        return "".join(child if isinstance(child, str) else child.raw for child in self.children)

    @property
    def text(self) -> str:
        """The text as it is shown: blanks run together."""
        return re.sub(r"\s+", " ", self.raw).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element(tag="#page")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> says {names} twice"
        element = Element(tag=tag, attributes={name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"</{tag}> closes <{closed.tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Element:
    """Return the page; every element must be closed in its turn."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], "an element was left open"
    return reader.root


def rows(table: Element) -> list[list[str]]:
    """Return the texts of a table's cells, its head first."""
    return [[cell.text for cell in row.all("th", "td")] for row in table.all("tr")]
