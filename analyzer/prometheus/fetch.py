"""Fetching queries over a long window: cut into chunks, a few at a time, halved where too heavy."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from analyzer.errors import QueryTooHeavy
from analyzer.prometheus.connection import Source
from analyzer.prometheus.query import Query
from analyzer.prometheus.response import Response
from analyzer.window import Chunk, TimeWindow

MAX_IN_FLIGHT = 4
"""Requests under way at once: a fifth of Prometheus's default --query.max-concurrency (20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One chunk of one query."""

    query: Query
    promql: str
    chunk: Chunk


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

    Raises:
        PrometheusError: if one job fails; requests under way are waited for and yielded first, the
            rest is not asked.
    """

    def fetched(job: Job) -> Fetched:
        pieces = points_in_pieces(source, job.promql, window, job.chunk, note)
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


def points_in_pieces(
    source: Source,
    promql: str,
    window: TimeWindow,
    chunk: Chunk,
    note: Callable[[str], None] = lambda _: None,
) -> Iterator[Response]:
    """Evaluate at the points of a chunk, in halves where the server gives up on the whole.

    Raises QueryTooHeavy if a single point is too heavy.
    """
    try:
        yield source.points(promql, window, chunk)
    except QueryTooHeavy as error:
        if chunk.point_count == 1:
            raise
        note(f"{error} Asking for half of its {chunk.point_count} points at a time.")
        for half in chunk.halves():
            yield from points_in_pieces(source, promql, window, half, note)
