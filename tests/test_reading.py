"""The splitter, on pages whose sentences are known."""

from collections.abc import Callable, Iterator

import pytest

from tests.reading import html_sentences, long_sentences, markdown_sentences, word_count

LONG = " ".join(["word"] * 31)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two is\nhere.\n\nThree", ["One.", "Two is here.", "Three"]),
        ("# Title\n\nText", ["# Title", "Text"]),
        ("Costs 0.17 vCPU. $22 a month.", ["Costs 0.17 vCPU.", "$22 a month."]),
        ("Envoy (e.g. Istio's) runs.", ["Envoy (e.g. Istio's) runs."]),
        ("- one\n- two\n  goes on\n1. three", ["- one", "- two goes on", "1. three"]),
        ("a 3 - 2 b", ["a 3 - 2 b"]),
        ("Run:\n\n```console\n$ one. Two.\n```\n\nDone.", ["Run:", "Done."]),
        ("Run `make test. Now` here", ["Run `code` here"]),
        ("Done. `make` follows.", ["Done.", "`code` follows."]),
        ("See [the page. Really](a.md).", ["See the page.", "Really."]),
        ("Text\n![A chart](a.png)\nmore", ["Text", "A chart", "more"]),
        (r"Saves 5 \[1-9\]. Next\|one", ["Saves 5 [1-9].", "Next|one"]),
        ('It is "so." Next.', ['It is "so."', "Next."]),
    ],
)
def test_markdown_is_split_into_its_sentences(text: str, sentences: list[str]) -> None:
    assert list(filter(None, markdown_sentences(text))) == sentences


def test_a_cell_of_a_table_is_a_sentence() -> None:
    found = list(markdown_sentences("Text\n\n| a b | c d |\n|---|---|\n| one two | three |"))

    assert {"a b", "c d", "one two", "three"} <= set(found)
    assert max(map(word_count, found)) == 2


def test_html_is_split_where_a_block_begins_or_ends() -> None:
    page = (
        "<head><style>a { b }</style></head><h1>Title</h1><p>One <b>bold</b> word. Two</p>"
        "<table><tr><td>cell</td><td>other</td></tr></table><script>x</script><pre>a. B</pre>"
        '<img alt="A picture" src="a.png"><p>Last <code>x. Y</code>'
    )

    expected = ["Title", "One bold word.", "Two", "cell", "other", "A picture", "Last `code`"]
    assert list(filter(None, html_sentences(page))) == expected


@pytest.mark.parametrize("split", [markdown_sentences, html_sentences])
def test_a_sentence_of_31_words_is_long_and_one_of_30_is_not(
    split: Callable[[str], Iterator[str]],
) -> None:
    assert long_sentences(split(f"Short. {LONG.capitalize()}. End.")) == [f"{LONG.capitalize()}."]
    assert long_sentences(split(LONG.removesuffix(" word"))) == []
    assert long_sentences(split(f"{LONG.removesuffix(' word')} - = -")) == []
