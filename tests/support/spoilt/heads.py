"""Status lines, headers and lengths that are none, or that mislead."""

from tests.support.answers import Answer
from tests.support.spoilt.server import Client, Spoil, head, whole


def first_line(line: bytes) -> Spoil:
    """Return what sends another status line."""

    def spoil(client: Client, answer: Answer) -> None:
        client.send(line + b"\r\n" + whole(answer).partition(b"\r\n")[2])

    return spoil


def with_status(status: int, *headers: tuple[str, str], body: bytes | None = None) -> Spoil:
    """Return what sends another status and headers; the body too, if one is given."""

    def spoil(client: Client, answer: Answer) -> None:
        text = answer.body if body is None else body
        length = ("Content-Length", str(len(text)))
        client.send(head(status, *headers, length) + text)

    return spoil


def with_reason(status: int, reason: bytes) -> Spoil:
    """Return what sends another status with other words beside it."""

    def spoil(client: Client, _: Answer) -> None:
        client.send(b"HTTP/1.1 %d %b\r\nContent-Length: 0\r\n\r\n" % (status, reason))

    return spoil


def with_headers(*lines: bytes) -> Spoil:
    """Return what puts lines before the headers of a good answer."""

    def spoil(client: Client, answer: Answer) -> None:
        status, _, rest = whole(answer).partition(b"\r\n")
        client.send(b"\r\n".join([status, *lines, rest]))

    return spoil


def with_length(*lengths: str) -> Spoil:
    """Return what sends a body with other lengths."""

    def spoil(client: Client, answer: Answer) -> None:
        named = [("Content-Length", length) for length in lengths]
        client.send(head(200, *answer.headers, *named) + answer.body)

    return spoil


def length_too_short(client: Client, answer: Answer) -> None:
    client.send(head(200, ("Content-Length", str(len(answer.body) - 4))) + answer.body)


def length_too_long(client: Client, answer: Answer) -> None:
    client.send(head(200, ("Content-Length", str(len(answer.body) + 4))) + answer.body)


def chunk_size(size: bytes) -> Spoil:
    """Return what sends a body as one chunk of this size."""

    def spoil(client: Client, answer: Answer) -> None:
        client.send(head(200, ("Transfer-Encoding", "chunked")))
        client.send(size + b"\r\n" + answer.body + b"\r\n0\r\n\r\n")

    return spoil


def chunk_of_endless_size(client: Client, _: Answer) -> None:
    client.send(head(200, ("Transfer-Encoding", "chunked")) + b"-1\r\n")
    client.repeat(b" " * 1_000_000, most_bytes=10**9)


def no_last_chunk(client: Client, answer: Answer) -> None:
    client.send(head(200, ("Transfer-Encoding", "chunked")))
    client.send(f"{len(answer.body):x}\r\n".encode() + answer.body + b"\r\n")


def trailers_without_end(client: Client, answer: Answer) -> None:
    client.send(head(200, ("Transfer-Encoding", "chunked")))
    client.send(f"{len(answer.body):x}\r\n".encode() + answer.body + b"\r\n0\r\n")
    client.repeat(b"X-More: %b\r\n" % (b"y" * 60_000), most_bytes=10**9)
