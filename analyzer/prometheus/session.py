"""The requests.Session under prometheus-api-client: what it needs and does not do itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError

from analyzer.prometheus.body import UnreadableAnswer, read_body
from analyzer.prometheus.bounds import Allowance, Budget
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.link import Link, SlowLink
from analyzer.prometheus.response import decode, types_asked


class _BearerAuth(AuthBase):
    """Sends a token, if any; being there, it keeps requests from looking into ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _DecodedResponse(requests.Response):
    """A response whose "result", as prometheus-api-client returns it, is our `Response`."""

    types: frozenset[str]
    """What its `resultType` may be."""

    def json(self, **_kwargs: Any) -> Any:  # noqa: ANN401 - the signature of requests
        return {"data": {"result": decode(self.content, self.types)}}


class NoAnswerInTime(requests.Timeout):
    """The time of a request has passed.

    Attributes:
        is_connected: whether the server had accepted the connection.
    """

    def __init__(self, *, is_connected: bool) -> None:
        super().__init__("timed out")
        self.is_connected = is_connected


@contextmanager
def _known_failures(allowance: Allowance) -> Iterator[None]:
    """Raise what went wrong in sending and reading as an error of requests.

    urllib3 and http.client let through what they did not expect of a server.
    """
    try:
        yield
    except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
        if allowance.opened is not None:
            allowance.opened.close()
        if allowance.is_over:
            raise NoAnswerInTime(is_connected=allowance.is_connected) from error
        if isinstance(error, requests.RequestException):
            raise
        if isinstance(error, ValueError):
            raise UnreadableAnswer(f"the answer is not valid HTTP ({error})") from error
        raise requests.exceptions.ChunkedEncodingError(error) from error


class PrometheusSession(requests.Session):
    """A session for one Prometheus.

    It sends a POST's parameters in the body, so that no query is too long for a URL; verifies
    TLS; follows no redirect, so that no credential travels to another host; reads within the
    bounds of its `Budget`; and keeps the last response of each thread, because
    prometheus-api-client drops the server's words on a failure.
    """

    def __init__(self, access: Access, budget: Budget | None = None) -> None:
        super().__init__()
        self._budget = budget or Budget(access)
        self._link = Link()
        self.auth = _BearerAuth(access.token)
        if access.username and not access.token:
            # As bytes: requests would encode text as Latin-1, which not every password is.
            self.auth = HTTPBasicAuth(access.username.encode(), (access.password or "").encode())
        self.headers.update(access.headers)
        if access.ca_file:
            self.verify = str(access.ca_file)
        if access.client_certificate:
            certificate = str(access.client_certificate)
            self.cert = (certificate, str(access.client_key)) if access.client_key else certificate
        self._last = threading.local()
        self._get_works: bool | None = None

    def request(  # the full signature is requests's own
        self,
        method: str | bytes,
        url: str | bytes,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> requests.Response:
        """Send one request of prometheus-api-client's.

        Raises:
            NoAnswerInTime: if the time of the request has passed.
            AnswerTooLarge: if the answer is larger than may be.
            requests.RequestException: if there is no usable answer for another reason.
        """
        # What it passes on is the session's own; None would switch the session's auth off.
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        promql = str((kwargs.get("params") or {}).get("query", ""))
        if method == "POST" and (self._get_works or getattr(self._last, "by_get", False)):
            method = "GET"
        elif method == "POST":
            kwargs["data"] = kwargs.pop("params", None)
        self._last.response = None
        kwargs["allow_redirects"] = False
        with self._budget.allowed() as allowance, _known_failures(allowance):
            plain = self._read(allowance, partial(super().request, method, url, *args, **kwargs))
        response = _DecodedResponse()
        response.__dict__.update(plain.__dict__)
        response.types = types_asked(str(url), promql)
        self._last.response = response
        return response

    def _read(
        self, allowance: Allowance, send: Callable[..., requests.Response]
    ) -> requests.Response:
        """Send a request and read the answer, twice where it should have been compressed."""
        # Nothing else is accepted: what may be decompressed is what `body` can bound.
        self.headers["Accept-Encoding"] = self._link.accepted_encoding
        response = send(stream=True, timeout=allowance.seconds_left())
        try:
            content = read_body(response, allowance, self._link)
        except SlowLink:
            return self._read(allowance, send)
        # As requests itself does once a body is read.
        response._content = content  # noqa: SLF001
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        return response

    def get_redirect_target(self, _response: requests.Response) -> None:
        """Return no target: requests would read it, and all of the body, to prepare a request."""

    @property
    def may_use_get(self) -> bool:
        """Whether it is not known yet that GET works where POST does not."""
        return self._get_works is None

    def decide_get(self, *, works: bool) -> None:
        """Send GET from now on, or never again."""
        self._get_works = works

    @contextmanager
    def by_get(self) -> Iterator[None]:
        """Send this thread's requests with GET meanwhile."""
        self._last.by_get = True
        try:
            yield
        finally:
            self._last.by_get = False

    def forget(self) -> None:
        """Free the body of this thread's last response."""
        self._last.response = None

    @property
    def last_response(self) -> requests.Response | None:
        """The last response that this thread received; None if the last request got none."""
        return getattr(self._last, "response", None)
