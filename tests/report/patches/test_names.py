"""Names of files from names that come from outside."""

from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.patches.names import file_name

ANY = st.text(st.characters(codec="utf-8"), max_size=300)


@given(st.lists(st.tuples(ANY, ANY), min_size=2, max_size=2, unique=True))
def test_no_two_names_share_a_file_where_case_is_ignored(pair: list[tuple[str, str]]) -> None:
    first, second = (file_name(*parts).casefold() for parts in pair)

    assert first != second


@given(ANY, ANY)
def test_a_name_leads_nowhere_and_fits(first: str, second: str) -> None:
    name = file_name(first, second)

    assert name.isascii()
    assert not {"/", "\\", "\0", ":", " "} & set(name)
    assert not name.startswith(".")
    assert not name.endswith(".")
    assert len(f".{name}.yaml.tmp") < 255


def test_names_of_kubernetes_can_be_read_in_the_file() -> None:
    assert file_name("shop", "cart-v2.api", "deployment") == "shop_cart-v2.api_deployment"


def test_the_same_name_has_the_same_file() -> None:
    assert file_name("x" * 300, "y") == file_name("x" * 300, "y")
    assert file_name("x" * 300, "y") != file_name("x" * 300, "z")
