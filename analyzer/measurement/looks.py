"""Asking at a few moments."""

from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import points_in_pieces
from analyzer.prometheus.response import Response, joined
from analyzer.window import Chunk, TimeWindow


def at_looks(source: Source, promql: str, times: TimeWindow) -> Response:
    """Evaluate at every point of `times`; raises as `Source.points`."""
    whole = Chunk(first_point=0, point_count=times.point_count)
    return joined(points_in_pieces(source, promql, times, whole))
