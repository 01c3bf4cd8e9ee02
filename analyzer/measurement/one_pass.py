"""Calls between workloads from the answers about the requests in and out of each proxy.

Where the answers have all labels of the counters, they show the calls too. The server is asked for
calls of other reporters only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from analyzer.measurement.other_side import INBOUND, OUTBOUND
from analyzer.prometheus.fetch import Fetched, Job
from analyzer.prometheus.query import Query

SIDES: Final[Mapping[str, str]] = {INBOUND: "destination", OUTBOUND: "source"}
"""The reporter of the requests in and out of each proxy."""

_OTHERS: Final = "others"
_SELECTED: Final = "{$proxy_scope}"


def of_others(calls: Query) -> Query:
    """Return the query for calls that neither side of `SIDES` reports."""
    reporters = "|".join(SIDES.values())
    matcher = f'{{reporter!~"{reporters}", $proxy_scope}}'
    return replace(calls, template=calls.template.replace(_SELECTED, matcher))


def in_parts(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Return jobs about calls, each as one for the calls of each side and of others."""
    return tuple(replace(job, part=part) for job in jobs for part in (*SIDES, _OTHERS))


def asked(jobs: Sequence[Job], planned: Sequence[Job]) -> list[Job]:
    """Return which of all `planned` jobs are asked so that `answered` has some jobs."""
    known = {(job.query.name, job.chunk): job for job in planned if not job.part}
    return list(dict.fromkeys(known.get((job.part, job.chunk), job) for job in jobs))


def answered(fetched: Fetched, planned: Sequence[Job]) -> Iterator[Fetched]:
    """Yield what was fetched as the answer to each of all `planned` jobs that it answers."""
    yield fetched
    for job in planned:
        if job.part == fetched.job.query.name and job.chunk == fetched.job.chunk:
            yield replace(fetched, job=job)
