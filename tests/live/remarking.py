"""A server in front of a real one that remarks on its answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.support import Answer, FaultyHttp, Received


def is_range(request: Received) -> bool:
    """Tell the requests of the collection, and five of the survey's, from the others."""
    return request.path.endswith("query_range")


class Remarking(FaultyHttp):
    """Gives a real server's answers to range queries, and more beside the data."""

    def __init__(
        self, upstream: str, more: Mapping[str, object], script: Sequence[Answer | None] = ()
    ) -> None:
        super().__init__(script, upstream=upstream, counts=is_range)
        self._more = more

    def answer(self, request: Received) -> Answer:
        """Return what the real server has for a request, with the remark."""
        plain = {name: text for name, text in request.headers.items() if name != "accept-encoding"}
        answer = super().answer(replace(request, headers=plain))
        if answer.status != 200 or not is_range(request):
            return answer
        return replace(answer, body=json.dumps({**json.loads(answer.body), **self._more}).encode())
