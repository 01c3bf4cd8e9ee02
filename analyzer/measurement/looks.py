"""Asking at a few moments."""

from collections.abc import Iterable
from typing import Final

from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import points_in_pieces
from analyzer.prometheus.response import Response, joined
from analyzer.window import Chunk, TimeWindow

_FAR_APART_SECONDS: Final = 6 * 3600
_FEW: Final = 10
"""So few moments, so far apart, are a request each: a server reads all samples between those of
one request."""


def at_looks(source: Source, promql: str, times: TimeWindow) -> Response:
    """Evaluate at every point of `times`; raises as `Source.points`."""
    count = times.point_count
    alone = times.step_seconds > _FAR_APART_SECONDS and count <= _FEW
    together = 1 if alone else count
    chunks = (
        Chunk(first_point=first, point_count=min(together, count - first))
        for first in range(0, count, together)
    )
    pieces = (points_in_pieces(source, promql, times, chunk) for chunk in chunks)
    return joined(response for piece in pieces for response in piece)


def at_all_looks(source: Source, promql: str, looks: Iterable[TimeWindow]) -> Response:
    """Evaluate at every point of several times."""
    return joined(at_looks(source, promql, times) for times in looks)


def points_of(source: Source, promql: str, times: TimeWindow, samples_per_point: float) -> Response:
    """Evaluate at every point, in requests that each load a bounded number of samples."""
    chunks = times.chunks(samples_per_point=samples_per_point)
    pieces = (points_in_pieces(source, promql, times, chunk) for chunk in chunks)
    return joined(response for piece in pieces for response in piece)
