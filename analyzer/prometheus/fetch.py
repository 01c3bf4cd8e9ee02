"""Fetching queries over a long window: cut into chunks, a few at a time, halved where too heavy."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from analyzer.errors import Limit, QueryRejected, QueryTooHeavy
from analyzer.prometheus.connection import Source
from analyzer.prometheus.parts import Divisible, KnowsLabels, combined, first_of, terms
from analyzer.prometheus.query import Query
from analyzer.prometheus.response import Response, joined
from analyzer.window import Chunk, TimeWindow

MAX_IN_FLIGHT = 4
"""Requests under way at once: a fifth of Prometheus's default --query.max-concurrency (20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One chunk of one query, or a part of the series of one.

    Attributes:
        part: which series; "" for all.
    """

    query: Query
    promql: str
    chunk: Chunk
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The responses to one job, in time order: several where it had to be halved."""

    job: Job
    responses: tuple[Response, ...]

    @property
    def sample_count(self) -> int:
        """Samples in all responses."""
        return sum(len(series.samples) for one in self.responses for series in one.series)


def fetch(
    source: Source,
    window: TimeWindow,
    jobs: Iterable[Job],
    *,
    max_in_flight: int = MAX_IN_FLIGHT,
    note: Callable[[str], None] = lambda _: None,
) -> Iterator[Fetched]:
    """Ask for all jobs and yield each as it is answered, in no particular order.

    `note` is called with a sentence for each way in which queries have to be cut, once.

    Raises:
        PrometheusError: if one job fails; requests under way are waited for and yielded first, the
            rest is not asked.
    """
    once = _Once(note)

    def fetched(job: Job) -> Fetched:
        pieces = points_in_pieces(source, job.promql, window, job.chunk, once)
        return Fetched(job=job, responses=tuple(pieces))

    remaining = iter(jobs)
    failure: BaseException | None = None
    pool = ThreadPoolExecutor(max_in_flight, thread_name_prefix="fetch")
    running: set[Future[Fetched]] = set()
    try:
        while True:
            while not failure and len(running) < max_in_flight and (job := next(remaining, None)):
                running.add(pool.submit(fetched, job))
            if not running:
                break
            # Python may notice a Ctrl-C only when it wakes, so it does not sleep long.
            done, running = wait(running, timeout=1, return_when=FIRST_COMPLETED)
            for future in done:
                if error := future.exception():
                    failure = failure or error
                else:
                    yield future.result()
    finally:
        # Requests still run only if this was interrupted: then the user does not wait for them.
        pool.shutdown(wait=False, cancel_futures=True)
    if failure:
        raise failure


class _Once:
    """Passes on the first sentence of each kind."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._kinds: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, kind: str, text: str) -> None:
        with self._lock:
            is_new = kind not in self._kinds
            self._kinds.add(kind)
        if is_new:
            self._note(text)


def points_in_chunks(
    source: Source, promql: str, window: TimeWindow, chunks: Sequence[Chunk]
) -> Response:
    """Evaluate at the points of some chunks, a few at a time; raises as `points_in_pieces`.

    The first one is asked alone: what the server refuses is not sent several times.
    """

    def answered(chunk: Chunk) -> list[Response]:
        return list(points_in_pieces(source, promql, window, chunk))

    known = [answered(chunk) for chunk in chunks[:1]]
    pool = ThreadPoolExecutor(MAX_IN_FLIGHT, thread_name_prefix="points")
    try:
        known += pool.map(answered, chunks[1:])
    finally:
        # Requests still run only if one failed, or this was interrupted.
        pool.shutdown(wait=False, cancel_futures=True)
    return joined(response for pieces in known for response in pieces)


def points_in_pieces(
    source: Source,
    promql: str,
    window: TimeWindow,
    chunk: Chunk,
    note: Callable[[str, str], None] = lambda _kind, _text: None,
) -> Iterator[Response]:
    """Evaluate at the points of a chunk, in pieces where the server gives up on the whole.

    Pieces are halves of the time, some namespaces at a time, or one term of an `or` at a time:
    what helps by the server's words. `note` is called with the way of cutting and a sentence.

    Raises:
        QueryTooHeavy: if the smallest piece is too heavy.
        QueryRejected: if a single point is refused.
    """
    try:
        yield source.points(promql, window, chunk)
    except (QueryTooHeavy, QueryRejected) as error:
        if isinstance(error, QueryRejected) and not error.may_be_limit:
            raise

        def names(text: str) -> Response:
            return joined(points_in_pieces(source, text, window, chunk))

        parts = _parts(source, promql, error, names) if _is_about_series(error, chunk) else ()
        if parts:
            note("namespaces", f"{error} Asking for some namespaces at a time.")
            pieces = [list(points_in_pieces(source, part, window, chunk, note)) for part in parts]
            yield _combined(parts, [joined(piece) for piece in pieces])
        elif chunk.point_count > 1 and _limit_of(error) != Limit.LENGTH:
            count = chunk.point_count
            note("time", f"{error} Asking for half of its {count} points at a time.")
            for half in chunk.halves():
                yield from points_in_pieces(source, promql, window, half, note)
        else:
            each = [
                joined(points_in_pieces(source, term, window, chunk, note))
                for term in _terms_of(promql, error)
            ]
            yield first_of(each)


def instant_in_pieces(source: Source, promql: str, at: datetime) -> Response:
    """Evaluate at one time, in pieces as `points_in_pieces`."""
    try:
        return source.instant(promql, at)
    except QueryTooHeavy as error:
        parts = _parts(source, promql, error, lambda text: source.instant(text, at))
        if parts:
            return _combined(parts, [instant_in_pieces(source, part, at) for part in parts])
        each = [instant_in_pieces(source, term, at) for term in _terms_of(promql, error)]
        return first_of(each)


def _limit_of(error: QueryTooHeavy | QueryRejected) -> Limit | None:
    return error.limit if isinstance(error, QueryTooHeavy) else None


def _is_about_series(error: QueryTooHeavy | QueryRejected, chunk: Chunk) -> bool:
    """Return whether fewer namespaces help, and less time helps less."""
    limit = _limit_of(error)
    return limit == Limit.SERIES or (limit == Limit.WORK and chunk.point_count == 1)


def _parts(
    source: Source,
    promql: str,
    error: QueryTooHeavy | QueryRejected,
    ask: Callable[[str], Response],
) -> tuple[Divisible, ...]:
    """Return a query in parts of the namespaces; none where it has none or they do not help."""
    if not isinstance(promql, Divisible) or _limit_of(error) not in {Limit.SERIES, Limit.WORK}:
        return ()
    return promql.cut(lambda: _namespaces(source, promql, ask))


def _namespaces(
    source: Source, promql: Divisible, ask: Callable[[str], Response]
) -> tuple[str, ...]:
    try:
        found = {value for one in ask(promql.names).series for value in one.labels.values()}
    except (QueryTooHeavy, QueryRejected):
        found = set()
    if not found and isinstance(source, KnowsLabels):
        found = {value for label in promql.labels for value in source.label_values(label)}
    return tuple(found)


def _combined(parts: Sequence[Divisible], responses: Sequence[Response]) -> Response:
    return combined(responses, takes_latest=parts[0].takes_latest)


def _terms_of(promql: str, error: QueryTooHeavy | QueryRejected) -> tuple[str, ...]:
    """Return the terms of a query with an `or` that are worth asking for; else raise `error`."""
    found = terms(promql)
    if len(found) == 1 or _limit_of(error) in {None, Limit.SPAN}:
        raise error
    return found
