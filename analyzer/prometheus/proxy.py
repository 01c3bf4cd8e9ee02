"""The HTTP proxy of the environment, which may be between this machine and the server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from analyzer.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The HTTP proxy of the environment that requests to a server go through.

    Attributes:
        name: host and port, without credentials.
        variable: the environment variable that names it; "" where the system does.
        server: the host that NO_PROXY would have to hold.
    """

    name: str
    variable: str
    server: str

    @property
    def advice(self) -> str:
        """What to do if it is in the way."""
        where = f" ({self.variable})" if self.variable else ""
        return (
            f"The request went through the proxy {self.name}{where}. "
            f"Add {self.server} to NO_PROXY to avoid it."
        )


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for a server; UsageError if the environment names it wrongly."""
    address = select_proxy(url, get_environ_proxies(url))
    if not address:
        return None
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    both_cases = (name for lower in names for name in (lower, lower.upper()))
    variable = next((name for name in both_cases if os.environ.get(name) == address), "")
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        # requests would end with a TypeError.
        raise UsageError(
            f"{variable or 'The system setting'} is not the address of a proxy. "
            "It looks like http://proxy:3128."
        )
    name = f"{host}:{port}" if port else host
    return Proxy(name=name, variable=variable, server=urlsplit(url).hostname or "")
