"""What is written is read again as it was meant, by a parser that nobody here wrote."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.patches.yaml import Node, to_yaml

TEXTS = st.text(st.characters(codec="utf-8"))
NODES: st.SearchStrategy[Node] = st.recursive(
    st.none() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex("[a-z]{1,3}-key", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.just("key"), NODES, min_size=1))
def test_every_node_is_read_as_it_was(node: dict[str, Node]) -> None:
    assert yaml.safe_load(to_yaml(node)) == node


ODD = (
    "on", "No", "~", "null", "1e3", "0x1f", "1_000", "12:30:45", "a: b", "- a", "#a", "&a", "*a",
    "{a}", "%a", "@a", "`a", "'a'", '"a"', "a\\nb", "a\nb", "\x1b[2J", "\u2028", "\ufeff", "",
)  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_name_stays_text(name: str) -> None:
    assert yaml.safe_load(to_yaml({"name": name})) == {"name": name}
    assert to_yaml({"name": name}).count("\n") == 1
