"""Asking at a few moments."""

from collections.abc import Iterable
from typing import Final

from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import points_in_pieces
from analyzer.prometheus.response import Response, joined
from analyzer.window import Chunk, TimeWindow

_FAR_APART_SECONDS: Final = 3600
_FEW: Final = 8
"""So few moments that are so far apart are a request each: for one request over all of them, a
server reads the samples in between too."""


def at_looks(source: Source, promql: str, times: TimeWindow) -> Response:
    """Evaluate at every point of `times`; raises as `Source.points`."""
    count = times.point_count
    is_far_apart = count <= _FEW and times.step_seconds > _FAR_APART_SECONDS
    together = 1 if is_far_apart else count
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
