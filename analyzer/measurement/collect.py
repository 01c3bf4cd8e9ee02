"""Collecting a snapshot: plan, ask chunk by chunk, and finish in one stroke.

A collection lives in SNAPSHOT.partial until it is whole, and is then moved to its name. Chunks that
an interrupted run has finished stay there, and the same command goes on from them. `reuse` decides
what happens where a folder already holds a snapshot.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

import analyzer
from analyzer.errors import SnapshotError
from analyzer.measurement import reuse
from analyzer.measurement import snapshot as folder
from analyzer.measurement.frames import frame_of, sorted_frame
from analyzer.measurement.manifest import Manifest, QueryRecord
from analyzer.measurement.plan import Ask, Plan, PlannedQuery, make_plan
from analyzer.measurement.reuse import PLAN
from analyzer.measurement.snapshot import MANIFEST, Snapshot, open_snapshot, partial_path
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import Fetched, Job, fetch

_CHUNKS = "chunks"
_WARNINGS = b"analyzer.warnings"


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
    on_progress: Callable[[Progress], None] = lambda _: None,
    note: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Answer `ask` from the snapshot at `target`, or measure it and put the snapshot there.

    `target`.partial is used on the way and resumed from. A snapshot that is replaced stays until
    the new one is complete.

    Args:
        source: the server to ask.
        ask: the question.
        target: the folder of the snapshot.
        now: the time.
        force: replace what is there, whichever its question.
        on_progress: called when all is planned, and after each chunk.
        note: called with a sentence about a snapshot that was there, and about the unexpected.

    Raises:
        UsageError: if `target` answers another question, or holds other files.
        SnapshotError: if `target` cannot be read or written.
        InsufficientData: if the survey finds that the question cannot be answered; then nothing
            is written.
        PrometheusError: if the server could not be asked; finished chunks are kept.
    """
    reuse.recover(target)
    kept = reuse.answered(target, ask, now, force=force, note=note)
    if kept is not None:
        return kept
    partial = partial_path(target)
    plan = reuse.resumed(partial, ask, now, force=force, note=note)
    if plan is None:
        plan = _begun(partial, make_plan(source, ask, now=now))
    _ask_all(source, plan, partial, on_progress, note)
    try:
        # The last step that matters: before it there is no snapshot, after it a whole one.
        reuse.put(_joined(partial, plan), target)
    except OSError as error:
        raise SnapshotError(f"{target} cannot be finished: {error.strerror}.") from error
    try:
        shutil.rmtree(partial)
    except OSError as error:
        note(f"{target} is complete, but {partial} cannot be removed: {error.strerror}. Remove it.")
    return open_snapshot(target)


def _ask_all(
    source: Source,
    plan: Plan,
    partial: Path,
    on_progress: Callable[[Progress], None],
    note: Callable[[str], None],
) -> None:
    jobs = [job for job in plan.jobs if not _chunk_path(partial, job).exists()]
    done = len(plan.jobs) - len(jobs)
    progress = Progress(asking="", done_count=done, total_count=len(plan.jobs))
    on_progress(progress)
    for fetched in fetch(source, plan.window, jobs, note=note):
        _write_chunk(partial, fetched, plan)
        progress = replace(
            progress,
            asking=fetched.job.query.what,
            done_count=progress.done_count + 1,
            sample_count=progress.sample_count + fetched.sample_count,
        )
        on_progress(progress)


def _begun(partial: Path, plan: Plan) -> Plan:
    """Make room for a collection; one that cannot be used any more goes now, and not before."""
    try:
        if partial.exists():
            shutil.rmtree(partial)
        (partial / _CHUNKS).mkdir(parents=True)
    except OSError as error:
        raise SnapshotError(f"{partial} cannot be made: {error.strerror}.") from error
    folder.write_file(partial / PLAN, json.dumps(plan.to_json(), indent=2).encode())
    return plan


def _chunk_path(partial: Path, job: Job) -> Path:
    return partial / _CHUNKS / f"{job.query.name}-{job.chunk.first_point:06d}.parquet"


def _write_chunk(partial: Path, fetched: Fetched, plan: Plan) -> None:
    query, responses = fetched.job.query, fetched.responses
    frame = plan.anonymiser.frame(frame_of(query, responses, plan.survey.label_mapping))
    warnings = {text for response in responses for text in response.warnings}
    # A remark may quote any name.
    remarks = sorted(plan.anonymiser.name("remark", text) for text in warnings)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    metadata = {**(table.schema.metadata or {}), _WARNINGS: json.dumps(remarks).encode()}
    folder.write_table(_chunk_path(partial, fetched.job), table.replace_schema_metadata(metadata))


def _joined(partial: Path, plan: Plan) -> Path:
    """Join the chunks of each query, write the manifest and return the folder of both."""
    whole = partial / "whole"
    whole.mkdir(exist_ok=True)
    records: list[QueryRecord] = []
    remarks: set[str] = set()
    for planned in plan.queries.values():
        tables = [folder.read_table(_chunk_path(partial, job)) for job in planned.jobs]
        records.append(_write_query(whole, planned, tables))
        for table in tables:
            remarks.update(json.loads((table.schema.metadata or {}).get(_WARNINGS, b"[]")))
    manifest = Manifest(
        tool_version=analyzer.__version__,
        source=plan.anonymiser.source(plan.ask.source),
        note=plan.ask.note,
        window=plan.window,
        scope=plan.anonymiser.scope(plan.ask.scope),
        label_mapping=plan.survey.label_mapping,
        cpu_scrape_seconds=plan.survey.cpu_scrape_seconds,
        request_scrape_seconds=plan.survey.request_scrape_seconds,
        queries=tuple(records),
        duplicate_scrapes=plan.survey.duplicate_scrapes,
        copied_proxies=plan.survey.copied_proxies,
        alike_proxies=plan.survey.alike_proxies,
        proxy_counts=plan.survey.proxy_counts,
        warnings=plan.warnings(),
        remarks=plan.anonymiser.remarks(tuple(sorted(remarks))),
        question=plan.ask.to_json(plan.anonymiser),
        ranges=plan.ranges,
    )
    folder.write_file(whole / MANIFEST, manifest.to_json().encode())
    return whole


def _write_query(whole: Path, planned: PlannedQuery, tables: list[pa.Table]) -> QueryRecord:
    query = planned.query
    frame = sorted_frame(query, [table.to_pandas() for table in tables])
    file = f"{query.name}.parquet"
    sha256 = folder.write_table(whole / file, pa.Table.from_pandas(frame, preserve_index=False))
    return QueryRecord(
        name=query.name,
        unit=query.unit,
        promql=planned.written_promql,
        series_count=len(frame.groupby(list(query.labels))) if query.labels else len(frame) and 1,
        sample_count=len(frame),
        file=file,
        sha256=sha256,
    )
