"""The body of an answer, read in steps: decompressed within bounds, and whole or refused."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

import requests

from analyzer.prometheus.bounds import Allowance
from analyzer.prometheus.link import Link

_STEP_BYTES: Final = 65_536
_INFLATED_BYTES: Final = 1024 * 1024
_ERROR_BYTES: Final = 256 * 1024
"""What is read of an answer without data: an error, or a page for people."""

_BEGINNING_BYTES: Final = 1024

_PLAIN: Final = frozenset({"", "identity"})
_GZIP: Final = frozenset({"gzip", "x-gzip"})


class UnreadableAnswer(requests.RequestException):
    """An answer that is not HTTP, or cannot be decompressed; the text is a clause about it."""


def read_body(response: requests.Response, allowance: Allowance, link: Link) -> bytes:
    """Read the body of a streamed response; of an error only the beginning.

    Raises:
        SlowLink: if it comes slowly, and may be compressed.
        AnswerTooLarge: if it is larger than may be.
        UnreadableAnswer: if it cannot be decompressed.
        urllib3.exceptions.HTTPError: if it is not whole.
        TimeoutError: if the time is over.
    """
    try:
        return _read(response, allowance, link)
    except BaseException:
        # What is left of it would be taken for the answer to the next request.
        response.close()
        raise


def _read(response: requests.Response, allowance: Allowance, link: Link) -> bytes:
    is_success = response.status_code == HTTPStatus.OK
    body = io.BytesIO()
    for piece in _inflated(response, link):
        body.write(piece)
        is_long = body.tell() > _ERROR_BYTES
        if is_long and (not is_success or _is_page(response, body)):
            # The rest is never read, so the connection is of no use.
            response.close()
            return body.getvalue()[:_ERROR_BYTES]
        allowance.grown_to(body.tell())
    if response.status_code < HTTPStatus.OK:
        # After an interim answer the real one would be taken for that of the next request.
        response.close()
    content = body.getvalue()
    allowance.weigh(content)
    return content


def _is_page(response: requests.Response, body: io.BytesIO) -> bool:
    """Return whether it is for people; some proxies call JSON a page."""
    is_html = "html" in response.headers.get("Content-Type", "").lower()
    with body.getbuffer() as held:
        return is_html and bytes(held[:_BEGINNING_BYTES]).lstrip().startswith(b"<")


def _inflated(response: requests.Response, link: Link) -> Iterator[bytes]:
    named = response.headers.get("Content-Encoding", "").lower().split(",")
    encoding = ", ".join({one.strip() for one in named} - _PLAIN)
    pieces = response.raw.stream(_STEP_BYTES, decode_content=False)
    if not encoding:
        yield from link.watched(pieces)
    elif encoding in _GZIP:
        yield from _gunzipped(pieces)
    else:
        raise UnreadableAnswer(
            f"the answer is compressed as {encoding[:40]!r}, which was not asked for"
        )


def _gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress in steps, so that no piece becomes a thousand times as large at once."""
    inflater = zlib.decompressobj(wbits=31)
    is_empty = True
    try:
        for piece in pieces:
            is_empty = False
            rest = piece
            while rest:
                if inflater.eof:
                    if not rest.strip(b"\0"):
                        break  # Padding to a whole block.
                    inflater = zlib.decompressobj(wbits=31)
                yield inflater.decompress(rest, _INFLATED_BYTES)
                rest = inflater.unconsumed_tail or inflater.unused_data
    except zlib.error as error:
        raise UnreadableAnswer(f"the answer cannot be decompressed ({error})") from error
    if not (inflater.eof or is_empty):
        raise UnreadableAnswer("the compressed answer was cut short")
