"""Bodies that are cut, garbled, compressed without end, or none of Prometheus's."""

import gzip
import json
from collections.abc import Callable

from tests.support.answers import Answer
from tests.support.spoilt_http.server import Client, Spoil, head, whole

_MEBIBYTE = 1024 * 1024


def changed(change: Callable[[bytes], bytes], *headers: tuple[str, str]) -> Spoil:
    """Return what sends a changed body with its right length."""

    def spoil(client: Client, answer: Answer) -> None:
        body = change(answer.body)
        named = [*answer.headers, *headers, ("Content-Length", str(len(body)))]
        client.send(head(200, *named) + body)

    return spoil


def compressed(change: Callable[[bytes], bytes]) -> Spoil:
    """Return what sends a body compressed, and then changed."""
    return changed(lambda body: change(gzip.compress(body)), ("Content-Encoding", "gzip"))


def cut(body: bytes) -> bytes:
    return body[: len(body) * 2 // 3]


def garbled(body: bytes) -> bytes:
    middle = len(body) // 2
    return (
        body[:middle]
        + bytes(byte ^ 0x55 for byte in body[middle : middle + 8])
        + body[middle + 8 :]
    )


def raw(client: Client, answer: Answer) -> None:
    """Send a body and nothing else."""
    client.send(answer.body)


def bomb(client: Client, _: Answer) -> None:
    """Send a gibibyte of zeros in a mebibyte."""
    client.send(head(200, ("Content-Encoding", "gzip")))
    client.repeat(gzip.compress(bytes(_MEBIBYTE)), most_bytes=_MEBIBYTE)


def endless(client: Client, _: Answer) -> None:
    client.send(head(200) + b'{"status":"success","data":')
    client.repeat(b" " * _MEBIBYTE, most_bytes=1024 * _MEBIBYTE)


def many_lists(client: Client, _: Answer) -> None:
    """Send few bytes that are many values.

    In pieces: making them all takes longer than a client waits whose machine is loaded.
    """
    begin, end, piece, count = b'{"status":"success","data":[', b"[]]}", b"[]," * 65_536, 128
    length = len(begin) + count * len(piece) + len(end)
    client.send(head(200, ("Content-Length", str(length))) + begin)
    client.repeat(piece, most_bytes=count * len(piece))
    client.send(end)


def long_error(client: Client, _: Answer) -> None:
    error = {"status": "error", "errorType": "internal", "error": "broken " * 1_000_000}
    client.send(whole(Answer(status=500, body=json.dumps(error).encode())))


def error_in_success(client: Client, _: Answer) -> None:
    error = {"status": "error", "errorType": "internal", "error": "a shard was lost " * 1000}
    client.send(whole(Answer(body=json.dumps(error).encode())))


def page(status: int, *headers: tuple[str, str]) -> Spoil:
    """Return what sends a page for people."""

    def spoil(client: Client, _: Answer) -> None:
        body = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
        client.send(whole(Answer(status=status, body=body, headers=headers)))

    return spoil
