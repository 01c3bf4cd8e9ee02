"""Answers of an HTTP server, right and wrong ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer the server gives."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay_seconds: float = 0.0
    """How long it thinks before the first byte."""
    missing_bytes: int = 0
    """How much of the promised body it withholds before it hangs up."""


def prometheus_error(status: int, error_type: str, message: str, **headers: str) -> Answer:
    """Return an error as Prometheus words it; `Retry_After="1"` is a header."""
    body = {"status": "error", "errorType": error_type, "error": message}
    return _json_answer(status, body, headers)


def prometheus_success(
    result: Sequence[Mapping[str, Any]], *, result_type: str = "matrix", **more: object
) -> Answer:
    """Return a result as Prometheus words it; `warnings=[...]` is put beside the data."""
    data = {"resultType": result_type, "result": result}
    return _json_answer(200, {"status": "success", "data": data, **more}, {})


def login_page() -> Answer:
    """Return what a single sign-on proxy gives: a page for humans, with status 200."""
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"
    return Answer(body=page, headers=(("Content-Type", "text/html; charset=utf-8"),))


def _json_answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(
        status=status,
        body=json.dumps(body).encode(),
        headers=(("Content-Type", "application/json"), *named),
    )
