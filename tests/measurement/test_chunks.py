"""A chunk counts for the collection that wrote it, and for no other."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.errors import SnapshotError
from analyzer.measurement.chunks import missing_jobs, read_chunks, write_chunk
from analyzer.measurement.working import CHUNKS, Working
from analyzer.prometheus.fetch import Fetched
from analyzer.prometheus.response import Response, Series
from tests.measurement.test_plan import plan_of

FIRST, SECOND = "inbound_requests_rps", "proxy_cpu_vcpu"


def no_note(text: str) -> None:
    raise AssertionError(text)


@pytest.fixture
def working(tmp_path: Path) -> Working:
    """Return a working folder with the chunks of all jobs."""
    made = Working.begin(tmp_path / "snap", plan_of())
    for job in made.plan.jobs:
        time = made.plan.window.time_of(job.chunk.first_point).timestamp()
        series = Series(labels={}, times=np.array([time]), samples=np.array([1.0]))
        answers = (Response(series=(series,), warnings=("odd",)),)
        write_chunk(made, Fetched(job=job, responses=answers))
    return made


def chunk(working: Working, name: str) -> Path:
    (path,) = (working.path / CHUNKS).glob(f"{name}-*")
    return path


def test_what_was_written_is_read_back(working: Working) -> None:
    assert missing_jobs(working, no_note) == []
    ((table, remarks),) = read_chunks(working, working.plan.queries[SECOND].jobs)

    assert table.num_rows == 1
    assert remarks == ["odd"]


def cut(path: Path, _other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def swap(path: Path, other: Path) -> None:
    shutil.copy(other, path)


@pytest.mark.parametrize("damage", [cut, swap, lambda path, _: path.write_bytes(b"")])
def test_a_chunk_that_is_none_of_this_job_is_asked_for_again(
    damage: Callable[[Path, Path], None], working: Working
) -> None:
    damage(chunk(working, SECOND), chunk(working, FIRST))
    notes: list[str] = []

    assert [job.query.name for job in missing_jobs(working, notes.append)] == [SECOND]
    (note,) = notes
    assert "1 chunk " in note
    assert list((working.path / CHUNKS).glob(f"{SECOND}-*")) == []


def test_a_chunk_of_another_collection_is_never_read(working: Working) -> None:
    other = replace(working, mark="0" * 64)
    with pytest.raises(SnapshotError, match="another collection"):
        list(read_chunks(other, other.plan.jobs))
    notes: list[str] = []

    assert missing_jobs(other, notes.append) == list(other.plan.jobs)
    assert f"{len(other.plan.jobs)} chunks " in notes[0]


def test_a_chunk_of_another_query_by_that_name_is_asked_for_again(working: Working) -> None:
    """Queries change from one version to the next."""
    planned = working.plan.queries[SECOND]
    changed = {SECOND: replace(planned, written_promql="sum(up)")}
    plan = replace(working.plan, queries={**working.plan.queries, **changed})
    notes: list[str] = []

    missing = missing_jobs(replace(working, plan=plan), notes.append)
    assert [job.query.name for job in missing] == [SECOND]
