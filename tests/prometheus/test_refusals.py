"""What a server asks for, and how much of its words is repeated."""

import time
from email.utils import formatdate

import pytest

from analyzer.errors import LONGEST_WORDS, PrometheusError, QueryTooHeavy
from tests.prometheus.asking import ONE, asking, refusal_of
from tests.support import Answer, login_page, prometheus_error

_NONSENSE = [
    "",
    "nan",
    "-7",
    "9" * 5000,
    "1e3",
    "²",
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "inf",
    "0x10",
]


@pytest.mark.parametrize("text", _NONSENSE)
def test_a_time_to_wait_that_is_none_is_not_waited(text: str) -> None:
    with asking(Answer(status=503, headers=(("Retry-After", text),)), ONE) as asked:
        asked.instant()

    assert asked.waits == [0.5]


@pytest.mark.parametrize(("text", "seconds"), [("7", 7.0), (" 07 ", 7.0), ("in 20 s", 20.0)])
def test_a_time_to_wait_is_waited(text: str, seconds: float) -> None:
    if text.startswith("in"):
        text = formatdate(time.time() + seconds, usegmt=True)
    with asking(Answer(status=503, headers=(("Retry-After", text),)), ONE) as asked:
        asked.instant()

    assert asked.waits == pytest.approx([seconds], abs=1.5)


@pytest.mark.parametrize("text", ["999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_far_time_ends_at_once(text: str) -> None:
    refusal_of([Answer(status=503, headers=(("Retry-After", text),))])


@pytest.mark.parametrize(
    "answer",
    [
        prometheus_error(422, "execution", "many words " * 10_000),
        prometheus_error(500, "internal", "many words " * 10_000),
        prometheus_error(200, "internal", "many words " * 10_000),
        Answer(status=500, body=b"many words " * 10_000),
        Answer(status=400, body=b"x" * 1_000_000, headers=(("Content-Type", "text/plain"),)),
    ],
    ids=["422", "500", "200", "500 text", "400 text"],
)
def test_words_of_a_server_are_cut(answer: Answer) -> None:
    with asking(answer) as asked, pytest.raises(PrometheusError) as caught:
        asked.instant()

    assert 0 < len(caught.value.words) <= LONGEST_WORDS
    assert len(str(caught.value)) < LONGEST_WORDS + 200


def test_the_reason_after_a_long_query_is_found_and_shown() -> None:
    words = f'error when executing query="{"sum(up) or " * 300}": cannot select more than 1 samples'
    words += "; possible solutions: reduce time range"

    error = refusal_of([prometheus_error(422, "422", words)], QueryTooHeavy)
    assert error.words.endswith(words[-40:])


@pytest.mark.parametrize("charset", ["undefined", "idna", "no-such", "utf-16", "zlib"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_charset_is_not_believed(charset: str, status: int) -> None:
    headers = (("Content-Type", f"text/plain; charset={charset}"),)
    with (
        asking(Answer(status=status, body=b"odd \xff words", headers=headers)) as asked,
        pytest.raises(PrometheusError, match="odd"),
    ):
        asked.instant()


@pytest.mark.parametrize(
    ("answer", "is_login"),
    [
        (login_page(), True),
        (Answer(body=b"  \n<HTML lang=de>"), True),
        (Answer(body=b"hello", headers=(("Content-Type", "text/HTML"),)), True),
        (Answer(body=b"hello"), False),
        (Answer(body=b"<?xml version='1.0'?><Error/>"), False),
        (Answer(body=b"[]"), False),
        (Answer(body=b"", headers=(("Content-Type", "text/html"),)), False),
    ],
    ids=["page", "tag", "type", "text", "XML", "list", "empty"],
)
def test_only_a_page_may_be_a_login_page(answer: Answer, *, is_login: bool) -> None:
    with asking(answer) as asked, pytest.raises(PrometheusError) as caught:
        asked.instant()

    assert ("login page" in str(caught.value)) == is_login
    # A page stays; what was cut or lost may pass.
    assert not is_login or asked.attempts == 1
