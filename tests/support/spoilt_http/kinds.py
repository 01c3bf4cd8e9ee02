"""The kinds of spoilt servers, each with its expected ends, in one table."""

from dataclasses import dataclass
from typing import Final

from tests.support.spoilt_http import bodies, breaks, heads
from tests.support.spoilt_http.server import Spoil

ANSWERED: Final = ""
"""The end of an answer that is the same as without the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way in which a server is spoilt, and words of the line that it ends in.

    Attributes:
        spoil: sends what is wrong.
        always: the end where every answer is spoilt.
        once: the end of a whole command where one answer is spoilt.
        alone: the same for a query by itself, which nothing asks in pieces; None: as `once`.
    """

    spoil: Spoil
    always: str
    once: str = ANSWERED
    alone: str | None = None


def _final(spoil: Spoil, words: str) -> Kind:
    """Return a kind that nobody can know as passing."""
    return Kind(spoil=spoil, always=words, once=words)


LATE: Final = "no answer within"
"""Of servers that never answer, so that a client waits as long as it may."""

_LOST = "Cannot reach Prometheus"
_NOT_HTTP, _NO_API = "not valid HTTP", "not Prometheus's API"
_HTML = ("Content-Type", "text/html; charset=utf-8")


def _large(spoil: Spoil) -> Kind:
    """Return a kind that is more than may be: never sent again, but asked in pieces if it can."""
    return Kind(spoil=spoil, always="larger than", alone="larger than")


def _waiting(text: str) -> Kind:
    return Kind(spoil=heads.with_status(503, ("Retry-After", text), body=b"busy"), always="busy")


KINDS: Final = {
    # Hangs, and breaks.
    "silent": Kind(spoil=breaks.silent, always=LATE),
    "crawling head": Kind(spoil=breaks.crawling_head, always=LATE),
    "crawling body": Kind(spoil=breaks.crawling_body, always=LATE),
    "crawling chunks": Kind(spoil=breaks.crawling_chunks, always=LATE),
    "100 Continue for ever": Kind(spoil=breaks.interim_for_ever, always=LATE),
    "flood of 100 Continue": _large(breaks.interim_flood),
    "stops after its head": Kind(spoil=breaks.stops_after_head, always=LATE),
    "stops in its body": Kind(spoil=breaks.stops_in_body, always=LATE),
    "hangs up": Kind(spoil=breaks.hangs_up, always=_LOST),
    "resets": Kind(spoil=breaks.resets, always=_LOST),
    "hangs up in its head": Kind(spoil=breaks.hangs_up_in_head, always="empty"),
    "hangs up in its body": Kind(spoil=breaks.hangs_up_in_body, always=_LOST),
    "resets in its body": Kind(spoil=breaks.resets_in_body, always=_LOST),
    # Status lines and statuses.
    "HTTP/0.9": Kind(spoil=bodies.raw, always=_NOT_HTTP),
    "HTTP/2": Kind(spoil=heads.first_line(b"HTTP/2 200"), always=_NOT_HTTP),
    "status without a number": Kind(spoil=heads.first_line(b"HTTP/1.1 OK"), always=_NOT_HTTP),
    "status 99999": Kind(spoil=heads.first_line(b"HTTP/1.1 99999 OK"), always=_NOT_HTTP),
    "long status line": Kind(
        spoil=heads.first_line(b"HTTP/1.1 200 " + b"x" * 100_000), always=_NOT_HTTP
    ),
    "long reason": Kind(spoil=heads.with_reason(500, b"x" * 60_000), always="HTTP 500"),
    "status 103": Kind(spoil=heads.with_status(103), always="HTTP 103"),
    "status 204": Kind(spoil=heads.with_status(204, body=b""), always="empty"),
    "status 206": Kind(spoil=heads.with_status(206), always="HTTP status 206"),
    "status 304": Kind(spoil=heads.with_status(304, body=b""), always="HTTP 304"),
    "status 500": Kind(spoil=heads.with_status(500, body=b"out of luck"), always="out of luck"),
    "status 777": Kind(spoil=heads.with_status(777, body=b"odd"), always="HTTP 777"),
    "redirect to itself": _final(
        heads.with_status(302, ("Location", "/api/v1/query")), "redirects to"
    ),
    "redirect to rubbish": _final(
        heads.with_status(302, ("Location", "http://[::1")), "without a target"
    ),
    "redirect to bytes": _final(
        heads.with_status(301, ("Location", "http://h:99999/\xff\xfe")), "without a target"
    ),
    "rubbish WWW-Authenticate": _final(
        heads.with_status(401, ("WWW-Authenticate", '\xff\xfe="' * 5000), body=b""), "HTTP 401"
    ),
    # Words that are not known may be those of a limit, so less is asked.
    "400 in charset idna": Kind(
        spoil=heads.with_status(
            400, ("Content-Type", "text/plain; charset=idna"), body=b"no such \xff"
        ),
        always="no such",
        alone="no such",
    ),
    "500 in charset undefined": Kind(
        spoil=heads.with_status(
            500, ("Content-Type", "text/plain; charset=undefined"), body=b"broken"
        ),
        always="broken",
    ),
    # Times to wait.
    "Retry-After of 5,000 digits": _waiting("9" * 5000),
    "Retry-After in the year 99999": _waiting("Fri, 31 Dec 99999 23:59:59 GMT"),
    "Retry-After below zero": _waiting("-7"),
    "Retry-After of nan": _waiting("nan"),
    # Headers and lengths.
    "1,000 headers": Kind(spoil=heads.with_headers(*[b"X-Many: yes"] * 1000), always=_NOT_HTTP),
    "long header": Kind(spoil=heads.with_headers(b"X-Long: " + b"y" * 70_000), always=_NOT_HTTP),
    "header without a colon": Kind(spoil=heads.with_headers(b"nothing here"), always=ANSWERED),
    "rubbish cookies": Kind(
        spoil=heads.with_headers(
            b"Set-Cookie: \xff=\x01; Max-Age=" + b"9" * 5000,
            b"Set-Cookie: a=b; Expires=never; Port=x",
        ),
        always=ANSWERED,
    ),
    "length too short": Kind(spoil=heads.length_too_short, always=_NO_API),
    "length too long": Kind(spoil=heads.length_too_long, always=_LOST),
    "length below zero": Kind(spoil=heads.with_length("-5"), always=ANSWERED),
    "length of 5,000 digits": Kind(spoil=heads.with_length("9" * 5000), always=ANSWERED),
    "two lengths": Kind(spoil=heads.with_length("5", "7"), always=_NOT_HTTP),
    "chunk size rubbish": Kind(spoil=heads.chunk_size(b"zz"), always=_NOT_HTTP),
    "chunk size below zero": Kind(spoil=heads.chunk_size(b"-5"), always=_NOT_HTTP),
    "chunk size huge": Kind(spoil=heads.chunk_size(b"f" * 16), always=_LOST),
    "chunk without end": _large(heads.chunk_of_endless_size),
    "no last chunk": Kind(spoil=heads.no_last_chunk, always=_LOST),
    "trailers without end": _large(heads.trailers_without_end),
    # Bodies.
    "empty": Kind(spoil=bodies.changed(lambda _: b""), always="the answer is empty"),
    "JSON cut": Kind(spoil=bodies.changed(bodies.cut), always=_NO_API),
    "JSON garbled": Kind(spoil=bodies.changed(lambda body: b"{" + body[::-1]), always=_NO_API),
    "invalid UTF-8": Kind(
        spoil=bodies.changed(lambda body: body.replace(b"success", b"\xff\xfe")), always=_NO_API
    ),
    "byte order mark": Kind(
        spoil=bodies.changed(lambda body: b"\xef\xbb\xbf" + body), always=_NO_API
    ),
    "NUL bytes": Kind(spoil=bodies.changed(lambda body: b"\0\0" + body), always=_NO_API),
    "login page": _final(bodies.page(200, _HTML), "login page"),
    "page without a type": _final(bodies.page(200), "login page"),
    "gzip cut": Kind(spoil=bodies.compressed(bodies.cut), always="cut short"),
    "gzip garbled": Kind(spoil=bodies.compressed(bodies.garbled), always="decompressed"),
    "gzip that is none": Kind(
        spoil=bodies.changed(lambda body: body, ("Content-Encoding", "gzip")), always="decompressed"
    ),
    "gzip": Kind(spoil=bodies.compressed(lambda body: body), always=ANSWERED),
    "unknown compression": Kind(
        spoil=bodies.changed(lambda body: body, ("Content-Encoding", "br, gzip")),
        always="compressed as",
    ),
    "gzip bomb": _large(bodies.bomb),
    "endless body": _large(bodies.endless),
    "millions of lists": _large(bodies.many_lists),
    "error of megabytes": Kind(spoil=bodies.long_error, always="broken"),
    "error in a success": Kind(spoil=bodies.error_in_success, always="a shard was lost"),
}
