"""Asking at a few moments."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from analyzer.errors import Limit, QueryTooHeavy
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import points_in_chunks
from analyzer.prometheus.promql import selector
from analyzer.prometheus.response import Response, joined
from analyzer.window import Chunk, TimeWindow

_FAR_APART_SECONDS: Final = 6 * 3600
_FEW: Final = 10
"""So few moments, so far apart, are a request each: a server reads all samples between those of
one request."""

_SHORTEST_SECONDS: Final = 600
"""Raw samples of a shorter time show no interval of five minutes."""


def at_looks(source: Source, promql: str, times: TimeWindow) -> Response:
    """Evaluate at every point of `times`; raises as `Source.points`."""
    count = times.point_count
    alone = times.step_seconds > _FAR_APART_SECONDS and count <= _FEW
    together = 1 if alone else count
    chunks = [
        Chunk(first_point=first, point_count=min(together, count - first))
        for first in range(0, count, together)
    ]
    return points_in_chunks(source, promql, times, chunks)


def at_all_looks(source: Source, promql: str, looks: Iterable[TimeWindow]) -> Response:
    """Evaluate at every point of several times."""
    return joined(at_looks(source, promql, times) for times in looks)


def points_of(source: Source, promql: str, times: TimeWindow, samples_per_point: float) -> Response:
    """Evaluate at every point, in requests that each load a bounded number of samples."""
    chunks = times.chunks(samples_per_point=samples_per_point)
    return points_in_chunks(source, promql, times, chunks)


def raw_samples(
    source: Source, series: Sequence[Mapping[str, str]], seconds: int, at: datetime
) -> Response:
    """Return the raw samples of some seconds before a time, in pieces where that is too heavy.

    A sample between two pieces may be there twice.

    Args:
        source: the server.
        series: labels of series of one metric.
        seconds: length of the time.
        at: its end.
    """
    try:
        return source.instant(f"{selector(series)}[{seconds}s]", at)
    except QueryTooHeavy as error:
        middle, half = len(series) // 2, -(-seconds // 2)
        if middle and error.limit != Limit.SPAN:
            parts = (series[:middle], series[middle:])
            return joined(raw_samples(source, part, seconds, at) for part in parts)
        if half < _SHORTEST_SECONDS or error.limit == Limit.LENGTH:
            raise
        earlier = at - timedelta(seconds=half)
        return joined(raw_samples(source, series, half, time) for time in (earlier, at))
