"""Connections that hang, crawl or break."""

from tests.support.answers import Answer
from tests.support.spoilt.server import Client, head, whole

_EVERY_SECONDS = 0.05
"""Between two bytes: shorter than any timeout, and 16 KiB would take a quarter of an hour."""

_ENDLESS = 10**9


def silent(client: Client, _: Answer) -> None:
    client.wait()


def crawling_head(client: Client, answer: Answer) -> None:
    client.drip(whole(answer), every_seconds=_EVERY_SECONDS)


def crawling_body(client: Client, answer: Answer) -> None:
    body = answer.body
    client.send(head(200, ("Content-Length", str(len(body) + 16_384))) + body)
    client.drip(b" " * 16_384, every_seconds=_EVERY_SECONDS)


def crawling_chunks(client: Client, _: Answer) -> None:
    client.send(head(200, ("Transfer-Encoding", "chunked")))
    client.repeat(b"1\r\n \r\n", most_bytes=_ENDLESS, every_seconds=_EVERY_SECONDS)


def interim_for_ever(client: Client, _: Answer) -> None:
    client.repeat(b"HTTP/1.1 100 Continue\r\n\r\n", most_bytes=_ENDLESS, every_seconds=0.01)


def interim_flood(client: Client, _: Answer) -> None:
    interim = b"HTTP/1.1 100 Continue\r\nX-Long: %b\r\n\r\n" % (b"y" * 60_000)
    client.repeat(interim, most_bytes=_ENDLESS)


def stops_after_head(client: Client, answer: Answer) -> None:
    client.send(head(200, ("Content-Length", str(len(answer.body)))))
    client.wait()


def stops_in_body(client: Client, answer: Answer) -> None:
    client.send(whole(answer)[:-5])
    client.wait()


def hangs_up(_: Client, __: Answer) -> None:
    """Send nothing."""


def resets(client: Client, _: Answer) -> None:
    client.reset()


def hangs_up_in_head(client: Client, _: Answer) -> None:
    client.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


def hangs_up_in_body(client: Client, answer: Answer) -> None:
    client.send(whole(answer)[:-5])


def resets_in_body(client: Client, answer: Answer) -> None:
    client.send(whole(answer)[:-5])
    client.reset()
