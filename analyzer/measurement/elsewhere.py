"""Where the data are, if they are not where the question looks: another time, or a namespace.

Asked only after a survey found nothing, in a few range queries of few points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from analyzer.arrays import Floats
from analyzer.errors import PrometheusError, sentences
from analyzer.measurement.looks import at_looks
from analyzer.measurement.metrics import CPU
from analyzer.measurement.namespaces import unmatched
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import mark_of, marks_of, moments_of
from analyzer.prometheus.label_mapping import LabelMapping
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response
from analyzer.settings import Setting
from analyzer.window import TimeWindow

_LOOKBACK_SECONDS = 300
"""Prometheus's --query.lookback-delta: at looks this far apart no sample is missed."""

_ROUNDS = ((60, _LOOKBACK_SECONDS), (96, 3600), (120, 21_600))
"""Looks and the seconds between them: 5 hours finely, then 4 days, then 30 days."""

_PRESENT = timedelta(minutes=2)
"""A time that ended this recently ended now."""


def why_nothing(
    source: Source, scope: Scope, mapping: LabelMapping, times: TimeWindow, missing: Iterable[str]
) -> str:
    """Return sentences on where the missing metrics are; "" if they were not found.

    Args:
        source: the server.
        scope: the namespaces and the cluster asked for.
        mapping: what the server calls labels.
        times: when the survey looked.
        missing: of the metrics CPU and REQUESTS, those that it did not find.
    """
    try:
        return _at_other_times(source, scope, mapping, times.end, tuple(missing)) or unmatched(
            source, scope, mapping, times
        )
    except PrometheusError:
        # That nothing was found is the better message.
        return ""


def _at_other_times(
    source: Source, scope: Scope, mapping: LabelMapping, end: datetime, missing: Sequence[str]
) -> str:
    promql = load_query("survey_last_samples").render(scope, mapping)
    now = datetime.now(UTC)
    subject = "sidecar metrics"
    if len(missing) == 1:
        subject = f"{CPU} of sidecars" if CPU in missing else missing[0]
    if scope.namespaces or scope.cluster:
        subject += f" within {Setting.NAMESPACES}/{Setting.CLUSTER}"
    for back in (True, False):
        found = _nearest(source, promql, end, now, missing, back=back)
        if found is not None:
            return _ended(subject, found, end, now) if back else _begins(subject, found, end)
    return ""


def _nearest(
    source: Source,
    promql: str,
    end: datetime,
    now: datetime,
    missing: Sequence[str],
    *,
    back: bool,
) -> datetime | None:
    """Return the last sample before `end`, or the first one after it; None if there is none."""
    for count, step_seconds in _ROUNDS:
        span = timedelta(seconds=count * step_seconds)
        if not back and end + timedelta(seconds=step_seconds) > now:
            return None
        times = _looks(end - span if back else end, count, step_seconds)
        seen = _seen(at_looks(source, promql, times), missing)
        if not len(seen):
            continue
        look, sample = seen[-1 if back else 0]
        if step_seconds > _LOOKBACK_SECONDS:
            begin = look if back else look - step_seconds
            finer = _looks(_utc(begin), step_seconds // _LOOKBACK_SECONDS, _LOOKBACK_SECONDS)
            closer = _seen(at_looks(source, promql, finer), missing)
            if len(closer):
                sample = closer[-1 if back else 0][1]
        return _utc(sample)
    return None


def _looks(begin: datetime, count: int, step_seconds: int) -> TimeWindow:
    start = _utc(round(begin.timestamp()))
    end = start + timedelta(seconds=count * step_seconds)
    return TimeWindow(start=start, end=end, step_seconds=step_seconds)


def _seen(answer: Response, missing: Sequence[str]) -> Floats:
    """Return each look at which all metrics that exist are there, and their older sample."""
    known = marks_of("survey_last_samples", "metric")
    series = [one for one in answer.series if mark_of(one, "metric", known) in missing]
    if not series:
        return np.empty((0, 2))
    looks = set.intersection(*(set(one.times.tolist()) for one in series))
    by_look = [
        dict(zip(one.times.tolist(), moments_of(one).tolist(), strict=True)) for one in series
    ]
    return np.array([(look, min(one[look] for one in by_look)) for look in sorted(looks)])


def _ended(subject: str, last: datetime, end: datetime, now: datetime) -> str:
    # The next whole second: a sample behind the end of a query is not seen by it.
    until = last.replace(microsecond=0) + timedelta(seconds=1)
    is_now = abs(now - end) < _PRESENT
    when = f"{_long(end - last)} {'ago' if is_now else 'before the end'}, at {last:%Y-%m-%d %H:%M}"
    still = "Check that they are still scraped, or give" if is_now else "Give"
    return sentences(
        f"The last sample of {subject} was {when} UTC",
        f"{still} {Setting.END} {until:%Y-%m-%dT%H:%M:%SZ}",
    )


def _begins(subject: str, first: datetime, end: datetime) -> str:
    when = f"about {_long(first - end)} after the end, at {first:%Y-%m-%d %H:%M}"
    return sentences(
        f"The first sample of {subject} was {when} UTC",
        f"Give {Setting.START} {first:%Y-%m-%dT%H:%M:%SZ} and a later {Setting.END}",
    )


def _long(span: timedelta) -> str:
    """Return a time in its largest unit that has at least two.

    >>> _long(timedelta(minutes=18)), _long(timedelta(hours=50))
    ('18 minutes', '2 days')
    """
    seconds = max(span.total_seconds(), 60)
    units = (("days", 86_400), ("hours", 3600), ("minutes", 60))
    name, size = next((unit for unit in units if seconds >= 2 * unit[1]), units[-1])
    count = round(seconds / size)
    return f"{count} {name}" if count > 1 else f"{count} {name[:-1]}"


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
