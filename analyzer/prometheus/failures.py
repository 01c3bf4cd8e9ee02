"""Why a server did not answer, and what to do: HTTP statuses, TLS, credentials."""

from __future__ import annotations

import re
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from urllib.parse import SplitResult, urljoin, urlsplit

import orjson
import requests
from urllib3.exceptions import InvalidChunkLength, InvalidHeader

from analyzer.data.wordings import kinds_of
from analyzer.errors import LONGEST_WORDS, Unreachable, abridged, sentences
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.proxy import Proxy
from analyzer.prometheus.secret_path import HIDDEN
from analyzer.settings import Setting

_NO_API = (
    f"There is no Prometheus API at this address. Add its path prefix to {Setting.URL} "
    "(Mimir: /prometheus; VictoriaMetrics cluster: /select/0/prometheus)."
)
_NO_METHOD = (
    "It takes neither POST nor GET at this address. "
    f"Check {Setting.URL}, and the proxies before the server."
)
_TENANT = (
    "The server keeps data by tenant, and the request named none. "
    f"Give it with {Setting.HEADERS} 'X-Scope-OrgID: NAME'."
)
_CACHED = "A cache answers in place of the server. Check what is before it."
_HINTS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: _NO_API,
    HTTPStatus.METHOD_NOT_ALLOWED: _NO_METHOD,
    HTTPStatus.NOT_MODIFIED: _CACHED,
}
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
"""What OpenSSL calls an answer that is not TLS, by version."""
_IS_TLS = (
    # Go, and so Prometheus, VictoriaMetrics, Thanos and Mimir
    "HTTP request to an HTTPS server",
    # nginx
    "plain HTTP request was sent to HTTPS port",
    # Apache
    "speaking plain HTTP to an SSL-enabled server port",
)
"""What servers with TLS answer to plain HTTP."""
_HANGS_UP = ("without response", "reset by peer", "Broken pipe", "\\x15\\x03")
"""The innermost causes where a server with TLS hangs up on plain HTTP, or sends a TLS alert."""
_TITLE = re.compile(r"<title[^>]*>\s*([^<]{1,100})", re.IGNORECASE)
_PAGE = re.compile(r"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)
_READ_BYTES = 20_000
"""What is looked at of an error: some servers repeat a long query before what it is about."""

_LONGEST_HOST = 100
_LONGEST_TEXT = 200
"""Characters that are shown of an error that is not Prometheus's."""


def own_words(response: requests.Response, access: Access) -> tuple[str, str]:
    """Return Prometheus's errorType and error, or "" and the server's words.

    A server may repeat what it was sent, so every secret is replaced.
    """
    kind = ""
    try:
        document = orjson.loads(response.content)
        kind, words = str(document["errorType"]), str(document["error"])[:_READ_BYTES]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        words = beginning(response).strip()
        if words.startswith("<"):
            title = _TITLE.search(words)
            words = title[1] if title else ""
        words = words[:_LONGEST_TEXT] or (response.reason or "")[:_LONGEST_TEXT]
    for secret in access.secrets:
        words = words.replace(secret, HIDDEN)
    return kind, " ".join(words.split())


def beginning(response: requests.Response) -> str:
    """Return the first part of a body as text.

    What the server calls its encoding is not looked at: Python has some that fail for any text.
    """
    return response.content[:_READ_BYTES].decode("utf-8", "replace")


def is_page(response: requests.Response) -> bool:
    """Return whether an answer is a page for people."""
    is_html = "html" in response.headers.get("Content-Type", "").lower()
    return bool(response.content.strip()) and (is_html or bool(_PAGE.match(beginning(response))))


def refused(response: requests.Response, access: Access, words: str) -> str:
    """Return the cause and the action for an HTTP status that is about the server.

    "" where the status is about the query.

    Args:
        response: the answer.
        access: how the server was asked.
        words: its own words, as `own_words` returns them.
    """
    status, url = response.status_code, access.url
    if "tenant" in kinds_of(words):
        return _TENANT
    if status == HTTPStatus.UNAUTHORIZED:
        return _unauthorized(response, access)
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(access)
    if status in _HINTS:
        return _HINTS[status]
    if 300 <= status < 400:  # noqa: PLR2004 - redirects are not followed
        return _redirected(response, url)
    is_tls = url.startswith("http://") and any(words in beginning(response) for words in _IS_TLS)
    return f"This port speaks TLS. Use https{url[4:]} for {Setting.URL}." if is_tls else ""


def _unauthorized(response: requests.Response, access: Access) -> str:
    if not _sends_credentials(access):
        return f"No credentials were sent. {_how_to_log_in(response)}"
    if access.token:
        return (
            "The server refused the token, which may have expired. "
            f"Check {Setting.TOKEN_FILE} or PROMETHEUS_TOKEN."
        )
    if access.username and not access.password:
        return (
            f"A user name was sent without a password. Give {Setting.PASSWORD_FILE}, "
            "or set PROMETHEUS_PASSWORD."
        )
    if access.username:
        return (
            "The server refused the user name or the password. "
            f"Check {Setting.USERNAME} and {Setting.PASSWORD_FILE}."
        )
    return f"The server refused the header Authorization. Check {Setting.HEADERS}."


def _forbidden(access: Access) -> str:
    if not _sends_credentials(access):
        return f"No credentials were sent. {_how_to_log_in()}"
    given = f"token ({Setting.TOKEN_FILE} or PROMETHEUS_TOKEN)" if access.token else ""
    if not given:
        given = f"user ({Setting.USERNAME})" if access.username else f"header ({Setting.HEADERS})"
    return f"This {given} may not query the server. Ask for the right to read metrics."


def _sends_credentials(access: Access) -> bool:
    has_header = any(name.lower() == "authorization" for name in access.headers)
    return bool(access.token or access.username or has_header)


def _how_to_log_in(response: requests.Response | None = None) -> str:
    scheme = "" if response is None else response.headers.get("WWW-Authenticate", "")
    token = f"{Setting.TOKEN_FILE} or PROMETHEUS_TOKEN"
    password = f"{Setting.USERNAME} with {Setting.PASSWORD_FILE}"
    wanted = {"basic": password, "bearer": token}.get(scheme.partition(" ")[0].lower())
    return f"Give {wanted or f'{token}, or {password}'}."


def _redirected(response: requests.Response, url: str) -> str:
    target = _target(response, url)
    if target is None:
        return f"It redirects without a target. Check {Setting.URL}, and what is before the server."
    if target.scheme == "https" and url.startswith("http://"):
        asked = urlsplit(url)
        if target.hostname == asked.hostname:
            port = f":{target.port}" if target.port else ""
            better = f"https://{target.hostname}{port}{asked.path}"
            return f"It redirects to TLS. Use {better} for {Setting.URL}."
    return (
        f"It redirects to {abridged(target.hostname or '', _LONGEST_HOST)}, which may be a login "
        f"page. Give credentials, or an address that needs no login ({Setting.URL})."
    )


def _target(response: requests.Response, url: str) -> SplitResult | None:
    """Return where a redirect leads; None if that is no address."""
    try:
        target = urlsplit(urljoin(f"{url}/", response.headers["Location"]))
        is_address = target.port is None or bool(target.port)
    except (KeyError, ValueError):
        return None
    return target if target.hostname and is_address else None


def unreachable(
    error: requests.RequestException, access: Access, proxy: Proxy | None
) -> Unreachable:
    """Return the failure of a request that got no answer."""
    url, cause = access.url, innermost_cause(error)
    for secret in access.secrets:
        cause = cause.replace(secret, HIDDEN)
    cause = abridged(cause, LONGEST_WORDS)
    advice = f"Check {Setting.URL}, and that a port-forward to it still runs."
    if proxy and isinstance(
        error, requests.exceptions.ProxyError | requests.exceptions.InvalidSchema
    ):
        advice = proxy.advice
    elif isinstance(error, requests.exceptions.SSLError):
        cause, advice = _untrusted(cause, access)
    elif proxy:
        advice = proxy.advice
    elif url.startswith("http://") and any(words in cause for words in _HANGS_UP):
        advice = f"If this port speaks TLS, use https{url[4:]} for {Setting.URL}."
    return Unreachable(url=url, cause=cause, advice=advice)


def _untrusted(cause: str, access: Access) -> tuple[str, str]:
    """Return the cause and the action where no TLS connection came about."""
    if any(name in cause for name in _NOT_TLS):
        plain = f"Use http{access.url[5:]} for {Setting.URL}."
        warning = "It sends credentials unencrypted." if access.needs_privacy else ""
        return "this port speaks http, not https", sentences(plain, warning)
    if "certificate required" in cause.lower() or "EOF" in cause:
        wanted = f"Give a client certificate ({Setting.CLIENT_CERTIFICATE}) if the server wants one"
        return cause, sentences(wanted, f"Check {Setting.URL}")
    if "mismatch" in cause:
        return cause, f"Use a host name of the certificate in {Setting.URL}."
    return cause, f"Check {Setting.CA_FILE}."


def is_not_http(error: BaseException) -> bool:
    """Return whether a server answers, and not in HTTP; one that hangs up may pass."""
    cause = _innermost(error)
    if isinstance(cause, InvalidHeader | InvalidChunkLength):
        return True
    is_lost = isinstance(cause, RemoteDisconnected | IncompleteRead)
    is_tls = any(words in str(cause) for words in _HANGS_UP)
    return isinstance(cause, HTTPException) and not (is_lost or is_tls)


def innermost_cause(error: BaseException) -> str:
    """Return the innermost reason in words."""
    cause = _innermost(error)
    strerror = getattr(cause, "strerror", None)
    # urllib3 puts "<object at 0x...>: " before its words, OpenSSL its line behind them.
    text = strerror or str(cause).rpartition(">: ")[2] or type(cause).__name__
    return " ".join(re.sub(r" \(_ssl\.c:\d+\)", "", text).split())


def _innermost(error: BaseException) -> BaseException:
    """Return the innermost error: requests and urllib3 wrap it several times over."""
    cause = error
    while True:
        deeper = (
            getattr(cause, "reason", None)
            or next((arg for arg in getattr(cause, "args", ()) if isinstance(arg, Exception)), None)
            or getattr(cause, "__cause__", None)
        )
        if not isinstance(deeper, BaseException):
            break
        cause = deeper
    return cause
