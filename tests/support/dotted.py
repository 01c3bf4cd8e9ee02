"""Stand-ins for servers that store label names with dots: Debian's Prometheus refuses these.

`Prometheus3` reads such names within quotes, as Prometheus does since 3.0. `OtherLabels` is a
server whose series have a further label with dots, and that reads no such name in a query.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from tests.support.answers import Answer, prometheus_error
from tests.support.faulty_http import FaultyHttp, Received

_BARE = re.compile(r"(?<![\w.\"/\\])[a-z_]\w*(?:\\?[./]\w+)+\s*(?:=|!=|=~|!~|[,)])")
"""A name with dots or slashes that is not quoted."""


class Prometheus3(FaultyHttp):
    """In front of a real server, whose names it shows with dots and takes with dots."""

    def __init__(self, upstream: str, names: Mapping[str, str]) -> None:
        """Take the names as they are stored, each with the name that is shown."""
        super().__init__(upstream=upstream)
        self._names = names

    def answer(self, request: Received) -> Answer:
        """Translate the query and the answer."""
        form = dict(parse_qsl(request.body.decode()))
        query = form.get("query", "")
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
        if _BARE.search(outside):
            return prometheus_error(400, "bad_data", "parse error: unexpected character: '.'")
        for stored, shown in self._names.items():
            # An argument of label_replace() stays a string.
            query = query.replace(f'"$1", "{shown}"', f'"$1", "{stored}"')
            query = query.replace(f'"{shown}", "$1"', f'"{stored}", "$1"')
            query = query.replace(f'"{shown}"', stored)
        body = urlencode({**form, "query": query}).encode()
        found = super().answer(_uncompressed(request, body))
        text = found.body.decode()
        for stored, shown in self._names.items():
            text = text.replace(f'"{stored}":', f'"{shown}":')
        return replace(found, body=text.encode())


class OtherLabels(FaultyHttp):
    """In front of a real server, to whose series it adds a label that no query may name."""

    label = "app.kubernetes.io/name"

    def answer(self, request: Received) -> Answer:
        """Add the label to every series that has a name."""
        if "app.kubernetes.io/name" in request.body.decode().replace("%2F", "/"):
            return prometheus_error(400, "bad_data", "parse error: unexpected character: '.'")
        found = super().answer(_uncompressed(request, request.body))
        document = json.loads(found.body)
        for series in document.get("data", {}).get("result", ()):
            if {"__name__", "exporter"} & series["metric"].keys():
                series["metric"][self.label] = "shop"
        return replace(found, body=json.dumps(document).encode())


def _uncompressed(request: Received, body: bytes) -> Received:
    headers = {n: v for n, v in request.headers.items() if n != "accept-encoding"}
    return replace(request, headers=headers, body=body)
