"""From what a user pastes to the address of a Prometheus API.

A page of the web interface at the end of an address is left out, once. Where a real path prefix is
called like a page, as in /query, add /api/v1 to the address: only that is then left out.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from analyzer.errors import UsageError
from analyzer.settings import Setting

_PAGES = (
    "graph|query|targets|alerts|rules|flags|config|status|tsdb-status|service-discovery|stores"
    "|federate|-/healthy|-/ready"
)
_ENDPOINTS = (
    "query|query_range|query_exemplars|format_query|series|labels|label|metadata|targets|rules"
    "|alerts|alertmanagers|status|read|write|admin"
)
_PAGE = re.compile(
    rf"(?P<prefix>.*?)(?P<page>(?:/classic|/new)?/(?:{_PAGES})"
    # Of /api/v1 only Prometheus's own endpoints: Kubernetes's proxy begins with it as well.
    rf"|/api/v1(?:/(?:{_ENDPOINTS})(?:/[^/]+)*)?"
    r"|/vmui(?:/.*)?)/*"
)
_VICTORIA_TENANT = re.compile(r"/select/[^/]+")
"""In a VictoriaMetrics cluster the API is at /select/TENANT/prometheus, not above /vmui."""

_HOST = re.compile(r"[\w.-]*\w[\w.-]*|(?=.*:)[0-9a-f:.]+(?:%\w+)?", re.IGNORECASE)
_TLS_PORT = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address as it is used.

    Attributes:
        url: scheme, host, port and path prefix, without credentials and a slash at the end.
        username: from `user:password@`, still encoded; "" if there is none.
        password: the same.
        is_scheme_assumed: whether the user gave none.
        remark: a sentence on how `url` differs from what was given; "" if it does not.
    """

    url: str
    username: str = ""
    password: str = ""
    is_scheme_assumed: bool = False
    remark: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def parse_address(text: str) -> Address:
    """Read an address; what is left out or assumed is in its remark.

    Raises:
        UsageError: if it is no http(s) address. The text repeats no part of it, which could be
            secret.
    """
    text = text.strip()
    # A scheme that is mistyped must not become the name of a host.
    is_scheme_assumed = re.match(r"[^/?#]*://|https?(:|//)", text, re.IGNORECASE) is None
    parts = _split(f"//{text.removeprefix('//')}" if is_scheme_assumed else text)
    # An @ behind the host: a password with a slash in it, which must not be taken for a path.
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise UsageError(
            f"{Setting.URL} holds an @ after the host. "
            "Give user name and password in a file or the environment."
        )
    scheme = parts.scheme or ("https" if parts.port == _TLS_PORT else "http")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    prefix, page = _without_page(parts.path)
    url = f"{scheme}://{host}{port}{prefix}"
    reasons = (
        f"{scheme} is assumed because the address has no scheme" if is_scheme_assumed else "",
        f"the page or endpoint {page} is left out" if page else "",
        "the part after ? or # is left out" if parts.query or parts.fragment else "",
    )
    remark = ", and ".join(filter(None, reasons))
    return Address(
        url=url,
        username=parts.username or "",
        password=parts.password or "",
        is_scheme_assumed=is_scheme_assumed,
        remark=f"Using {url}: {remark}." if remark else "",
    )


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_valid = parts.scheme in {"", "http", "https"} and _HOST.fullmatch(host) is not None
    except ValueError:
        is_valid = False
    if not is_valid:
        raise UsageError(
            f"{Setting.URL} is not an http(s) address. It looks like http://prometheus:9090, "
            "with an IPv6 address in brackets."
        )
    return parts


def _without_page(path: str) -> tuple[str, str]:
    """Return the path prefix of the API, and the page that was cut off it; "" if none was."""
    match = _PAGE.fullmatch(path)
    if match is None:
        return path.rstrip("/"), ""
    prefix, page = match["prefix"].rstrip("/"), match["page"]
    if page.startswith("/vmui") and _VICTORIA_TENANT.fullmatch(prefix):
        prefix += "/prometheus"
    return prefix, page
