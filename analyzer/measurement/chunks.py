"""Chunks: files with the answers to one job each, marked with the plan that they belong to."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from analyzer.errors import SnapshotError
from analyzer.measurement.frames import frame_of
from analyzer.measurement.parquet import metadata_of, read_table
from analyzer.measurement.plan import Plan, chunk_to_json
from analyzer.measurement.recorded import answers
from analyzer.measurement.snapshot import write_table
from analyzer.measurement.working import CHUNKS, Note, Working
from analyzer.prometheus.fetch import Fetched, Job
from analyzer.prometheus.query import Query
from analyzer.prometheus.response import Response
from analyzer.typed import Mistyped, Part
from analyzer.units import counted

_WARNINGS: Final = b"analyzer.warnings"
_MARK: Final = b"analyzer.plan"


def missing_jobs(working: Working, note: Note) -> list[Job]:
    """Return the jobs without a chunk; chunks of another collection are removed, with a note.

    Raises:
        SnapshotError: if they cannot be removed.
    """
    foreign = [
        path
        for job in working.plan.jobs
        if (path := _path(working, job)).exists() and _mark_in(path) != _mark(working, job)
    ]
    try:
        for path in foreign:
            path.unlink()
    except OSError as error:
        raise SnapshotError(f"{working.path} cannot be changed: {error.strerror}.") from error
    if foreign:
        held = counted(len(foreign), "chunk")
        note(f"Asking for {held} again: what {working.path} held is of another collection.")
    return [job for job in working.plan.jobs if not _path(working, job).exists()]


def write_chunk(working: Working, fetched: Fetched) -> None:
    """Keep the answers to one job."""
    query, plan = fetched.job.query, working.plan
    warnings = {text for response in fetched.responses for text in response.warnings}
    frame = plan.anonymiser.frame(answered_frame(plan, query, fetched.responses))
    # A remark may quote any name.
    remarks = sorted(plan.anonymiser.name("remark", text) for text in warnings)
    # Threads for the columns of a table take more time than they save.
    table = pa.Table.from_pandas(frame, preserve_index=False, nthreads=1)
    metadata = {
        **(table.schema.metadata or {}),
        _WARNINGS: json.dumps(remarks).encode(),
        _MARK: _mark(working, fetched.job),
    }
    write_table(_path(working, fetched.job), table.replace_schema_metadata(metadata))


def answered_frame(plan: Plan, query: Query, responses: tuple[Response, ...]) -> pd.DataFrame:
    """Return answers to a planned query as a table; raises as `frame_of`."""
    mapping, grouping = plan.survey.label_mapping, plan.queries[query.name].grouping
    may_have_more = bool(plan.survey.rules or grouping)
    if may_have_more:
        responses = answers(query, mapping, responses, takes_largest=grouping != "sum")
    return frame_of(query, responses, mapping, has_categories=True, may_have_more=may_have_more)


def read_chunks(working: Working, jobs: tuple[Job, ...]) -> Iterator[tuple[pa.Table, list[str]]]:
    """Yield the table of each job, and the server's remarks on it.

    Raises:
        SnapshotError: if a chunk cannot be read, or belongs to another collection.
    """
    for job in jobs:
        path = _path(working, job)
        table = read_table(path, job.query)
        metadata = table.schema.metadata or {}
        if metadata.get(_MARK) != _mark(working, job):
            raise SnapshotError(f"{path} belongs to another collection. Remove {working.path}.")
        try:
            remarks = Part.of_json(metadata.get(_WARNINGS, b"[]")).read(tuple[str, ...])
        except Mistyped as error:
            raise SnapshotError(f"{path} is damaged ({error}). Remove {working.path}.") from error
        yield table, list(remarks)


def _path(working: Working, job: Job) -> Path:
    part = f"-{job.part}" if job.part else ""
    name = f"{job.query.name}-{job.chunk.first_point:06d}{part}.parquet"
    return working.path / CHUNKS / name


def _mark(working: Working, job: Job) -> bytes:
    """Return what a chunk of a job is marked with: a hash of the plan, the query and the times."""
    # Another version of this tool may ask another query by the same name.
    promql = working.plan.queries[job.query.name].written_promql
    parts = (working.mark, job.query.name, promql, *chunk_to_json(job.chunk), job.part)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest().encode()


def _mark_in(path: Path) -> bytes | None:
    return (metadata_of(path) or {}).get(_MARK)
