"""Servers that are spoilt in what they send, byte by byte: more than http.server can do wrong.

    with SpoiltServer(upstream.url, KINDS["gzip bomb"], Once(30)) as server:
        server.url, server.request_count

`KINDS` has each kind with its expected ends, in one table.
"""

from tests.support.spoilt.kinds import KINDS, Kind
from tests.support.spoilt.server import ALWAYS, Once, SpoiltServer

__all__ = ["ALWAYS", "KINDS", "Kind", "Once", "SpoiltServer"]
