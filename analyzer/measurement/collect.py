"""Collecting a snapshot: plan, ask chunk by chunk, and finish in one stroke.

A collection lives in a working folder until it is whole, and is then moved to its name. Chunks that
an interrupted run has finished stay there, and the same command goes on from them. `reuse` decides
what happens where a folder already holds a snapshot, `lock` that only one run works in it.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from analyzer.errors import SnapshotError
from analyzer.measurement import reuse, unreported, working
from analyzer.measurement import snapshot as folder
from analyzer.measurement.chunks import missing_jobs, read_chunks, write_chunk
from analyzer.measurement.doubts import FOLLOWING, can_follow, doubtful_namespaces
from analyzer.measurement.joining import joined_table
from analyzer.measurement.lock import lock_path, locked
from analyzer.measurement.manifest import QueryRecord
from analyzer.measurement.one_pass import answered, asked
from analyzer.measurement.plan import Ask, PlannedQuery, make_plan
from analyzer.measurement.snapshot import (
    MANIFEST,
    Snapshot,
    done_path,
    open_snapshot,
    partial_path,
)
from analyzer.measurement.unreported import MARK, UNREPORTED
from analyzer.measurement.working import WHOLE, Working
from analyzer.memory import release_unused, share_heap
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import Fetched, Job, fetch
from analyzer.prometheus.parts import Divisible


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a collection is, in chunks; an interrupted run may have finished some of them.

    Attributes:
        asking: the quantity that was answered last; "" before the first answer.
        sample_count: samples that this run has got.
    """

    asking: str
    done_count: int
    total_count: int
    sample_count: int = 0


def collect_snapshot(  # noqa: PLR0913 - where, what, when, and two listeners
    source: Source,
    ask: Ask,
    target: Path,
    *,
    now: datetime,
    force: bool = False,
    is_for_report: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Answer `ask` from the snapshot at `target`, or measure it and put the snapshot there.

    `target`.partial is used on the way and resumed from, by one collection at a time. A snapshot
    that is replaced stays until the new one is complete.

    Args:
        source: the server to ask.
        ask: the question.
        target: the folder of the snapshot.
        now: the time.
        force: replace what is there, whichever its question.
        is_for_report: mark the snapshot until `unreported.unmark`, and go on from a marked one.
        on_progress: called when all is planned, and after each chunk.
        note: called with a sentence about a snapshot that was there, and about the unexpected.

    Raises:
        UsageError: if `target` answers another question, or holds other files.
        SnapshotError: if `target` cannot be read or written, or another collection is under way
            there.
        InsufficientData: if the survey finds that the question cannot be answered; then nothing
            is written.
        PrometheusError: if the server could not be asked; finished chunks are kept.
    """
    if Path.cwd().is_relative_to(target.resolve()):
        # A relative path means another folder once this one is moved.
        target = target.resolve()
    if not force and not any(path.exists() for path in _in_use(target)):
        # Asking for what is there changes nothing: it needs no lock, and no right to write.
        kept = _kept(target, ask, now, is_for_report=is_for_report, note=note)
        if kept is not None:
            return kept
    share_heap()
    with locked(target, note):
        working.settle(target, note)
        kept = reuse.answered(target, ask, now, force=force, is_for_report=is_for_report, note=note)
        if kept is not None:
            return _marked(kept, is_for_report=is_for_report)
        plan = reuse.resumed(partial_path(target), ask, now, force=force, note=note)
        place = Working.of(target, plan) if plan else None
        place = place or Working.begin(target, make_plan(source, ask, now=now, note=note))
        _ask_all(source, place, on_progress, note)
        _join(place, is_for_report=is_for_report)
        release_unused(place.plan.sample_count)
        working.finish(target, note)
        return open_snapshot(target, is_own=True)


def _in_use(target: Path) -> tuple[Path, ...]:
    """Return what lies beside a folder while it is collected, or was when a run was killed."""
    return partial_path(target), done_path(target), lock_path(target)


def _kept(
    target: Path, ask: Ask, now: datetime, *, is_for_report: bool, note: Callable[[str], None]
) -> Snapshot | None:
    """Return the snapshot if it answers a question; only then are there notes."""
    notes: list[str] = []
    kept = reuse.answered(
        target, ask, now, force=False, is_for_report=is_for_report, note=notes.append
    )
    for text in notes if kept else ():
        note(text)
    return kept and _marked(kept, is_for_report=is_for_report)


def _marked(snapshot: Snapshot, *, is_for_report: bool) -> Snapshot:
    if is_for_report:
        unreported.mark(snapshot.path)
    return snapshot


def _ask_all(
    source: Source,
    place: Working,
    on_progress: Callable[[Progress], None],
    note: Callable[[str], None],
) -> None:
    planned = place.plan.jobs
    missing, total = set(missing_jobs(place, note)), len(planned)
    progress = Progress(asking="", done_count=total - len(missing), total_count=total)
    on_progress(progress)
    for fetched in _fetched(source, place, [job for job in planned if job in missing], note):
        for answer in answered(fetched, planned):
            write_chunk(place, answer)
            missing.discard(answer.job)
        progress = replace(
            progress,
            asking=fetched.job.query.what,
            done_count=total - len(missing),
            sample_count=progress.sample_count + fetched.sample_count,
        )
        on_progress(progress)


def _fetched(
    source: Source, place: Working, jobs: list[Job], note: Callable[[str], None]
) -> Iterator[Fetched]:
    """Yield the answers to jobs; each must have its chunk before the next one is taken."""
    plan, later = place.plan, []
    if can_follow(place.plan):
        later = [job for job in jobs if job.query.name in FOLLOWING]
        jobs = [job for job in jobs if job.query.name not in FOLLOWING]
    yield from fetch(source, plan.window, asked(jobs, plan.jobs), note=note)
    namespaces = doubtful_namespaces(source, place) if later else None
    if namespaces is None:
        yield from fetch(source, plan.window, later, note=note)
    elif namespaces:
        narrow = {replace(job, promql=_within(job.promql, namespaces)): job for job in later}
        for fetched in fetch(source, plan.window, narrow, note=note):
            yield replace(fetched, job=narrow[fetched.job])
    else:
        yield from (Fetched(job=job, responses=()) for job in later)


def _within(promql: str, namespaces: tuple[str, ...]) -> str:
    return promql.only(namespaces) if isinstance(promql, Divisible) else promql


def _join(place: Working, *, is_for_report: bool) -> None:
    """Join the chunks of each query in a folder, the manifest last."""
    plan, whole = place.plan, place.path / WHOLE
    try:
        if whole.exists():
            # An older version of this tool may have begun it.
            shutil.rmtree(whole)
        whole.mkdir()
    except OSError as error:
        raise SnapshotError(f"{whole} cannot be made: {error.strerror}.") from error
    records: list[QueryRecord] = []
    remarks: set[str] = set()
    with ThreadPoolExecutor(1, thread_name_prefix="write") as pool:
        # One table is joined while the one before it is written, and no more of them are there.
        writing: Future[QueryRecord] | None = None
        for planned in plan.queries.values():
            found = list(read_chunks(place, planned.jobs))
            remarks.update(*(texts for _, texts in found))
            table, series_count = joined_table(planned.query, [table for table, _ in found])
            if writing:
                records.append(writing.result())
            writing = pool.submit(_write_query, whole, planned, table, series_count)
            del found, table
        if writing:
            records.append(writing.result())
    if is_for_report:
        folder.write_file(whole / UNREPORTED, MARK)
    folder.write_file(whole / MANIFEST, plan.manifest(records, remarks).to_json().encode())


def _write_query(
    whole: Path, planned: PlannedQuery, table: pa.Table, series_count: int
) -> QueryRecord:
    query = planned.query
    file = f"{query.name}.parquet"
    sha256 = folder.write_table(whole / file, table)
    return QueryRecord(
        name=query.name,
        unit=query.unit,
        promql=planned.written_promql,
        series_count=series_count,
        sample_count=len(table),
        file=file,
        sha256=sha256,
        stride=planned.stride,
    )
