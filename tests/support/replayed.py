"""Answers of a real server that are kept, and given again as they are or changed."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

Question = tuple[tuple[str, str], ...]
"""Path and parameters of a request, without the timeout."""

Change = Callable[[Question, bytes], bytes]
"""Returns what is answered to a question in place of its real answer."""


@dataclass(slots=True)
class Replayed:
    """A server whose answers are asked for once; safe for the threads of one command.

    Attributes:
        answers: the real bodies so far, by question.
        change: what is done to them on the way.
    """

    answers: dict[Question, bytes] = field(default_factory=dict)
    change: Change = lambda _, body: body

    @contextmanager
    def replaying(self, change: Change) -> Iterator[None]:
        """Answer all requests of this process meanwhile, changed."""
        self.change = change
        get_adapter = requests.Session.get_adapter
        with pytest.MonkeyPatch.context() as patch:
            adapter = lambda session, url: _Adapter(self, get_adapter(session, url))  # noqa: E731
            patch.setattr(requests.Session, "get_adapter", adapter)
            yield

    def answer(
        self, request: requests.PreparedRequest, ask: Callable[[], requests.Response]
    ) -> bytes:
        """Return what is answered to a request, which `ask` sends to the real server."""
        question = question_of(request)
        if question not in self.answers:
            self.answers[question] = ask().content
        return self.change(question, self.answers[question])


class _Adapter(HTTPAdapter):
    def __init__(self, replayed: Replayed, real: requests.adapters.BaseAdapter) -> None:
        super().__init__()
        self._replayed, self._real = replayed, real

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401 - those of requests
        body = self._replayed.answer(request, lambda: self._real.send(request, **options))
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        plain = HTTPResponse(
            body=io.BytesIO(body), headers=headers, status=200, preload_content=False
        )
        return self.build_response(request, plain)


def question_of(request: requests.PreparedRequest) -> Question:
    """Return what a request asks."""
    target = urlsplit(str(request.url))
    body = request.body or b""
    sent = body.decode() if isinstance(body, bytes) else str(body)
    parameters = [*parse_qsl(target.query), *parse_qsl(sent)]
    kept = sorted((name, value) for name, value in parameters if name != "timeout")
    return (("path", target.path), *kept)


def promql_of(question: Question) -> str:
    """Return the PromQL of a question; "" if it has none."""
    parameters: Mapping[str, str] = dict(question)
    return parameters.get("query", "")
