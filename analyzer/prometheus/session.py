"""The requests.Session under prometheus-api-client: what it needs and does not do itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from analyzer.prometheus.credentials import Access
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


class PrometheusSession(requests.Session):
    """A session for one Prometheus.

    It sends a POST's parameters in the body, so that no query is too long for a URL; verifies
    TLS; follows no redirect, so that no credential travels to another host; and keeps the last
    response of each thread, because prometheus-api-client drops the server's words on a failure.
    """

    def __init__(self, access: Access) -> None:
        super().__init__()
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
        """Send one request of prometheus-api-client's."""
        # What it passes on is the session's own; None would switch the session's auth off.
        kwargs = {key: value for key, value in kwargs.items() if value is not None}
        promql = str((kwargs.get("params") or {}).get("query", ""))
        if method == "POST" and (self._get_works or getattr(self._last, "by_get", False)):
            method = "GET"
        elif method == "POST":
            kwargs["data"] = kwargs.pop("params", None)
        self._last.response = None
        kwargs["allow_redirects"] = False
        plain = super().request(method, url, *args, **kwargs)
        response = _DecodedResponse()
        response.__dict__.update(plain.__dict__)
        response.types = types_asked(str(url), promql)
        self._last.response = response
        return response

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

    @property
    def last_response(self) -> requests.Response | None:
        """The last response that this thread received; None if the last request got none."""
        return getattr(self._last, "response", None)
