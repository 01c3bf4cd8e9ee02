"""What a survey would find out, from recording rules where they are kept.

The rules carry how they were made. They are read only if this version would make the same ones,
if they are about the same question, and if they cover the time and the proxies asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.errors import QueryRejected, QueryTooHeavy
from analyzer.measurement.looks import points_of
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.recorded import (
    INFO,
    SETTINGS_LABEL,
    VERSION_LABEL,
    RuleSet,
    recorded_name,
)
from analyzer.measurement.rules import COUNTS, Recording
from analyzer.measurement.survey import Survey
from analyzer.prometheus.connection import Source
from analyzer.prometheus.expected import counts_of, require_marked_counts
from analyzer.prometheus.fetch import instant_in_pieces
from analyzer.prometheus.label_mapping import Exporter
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import load_query
from analyzer.prometheus.response import Response, Series
from analyzer.settings import Setting
from analyzer.typed import Mistyped
from analyzer.units import in_percent, moment
from analyzer.window import TimeWindow

LEAST_COVERED: Final = 0.95
"""Share of the steps, and of the proxies, that rules must have to be read in place of samples."""

_LOOK_BACK_SECONDS: Final = 3600
"""How long before the end of the time the last evaluation may be."""

_LOOKS: Final = 3

_RAW: Final = "Raw samples are read instead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What rules must have been made for, to answer a question.

    Attributes:
        step_seconds: the step that was asked for, or None for any.
        cluster_label: the label of clusters that was asked for, or None for any.
        replica_labels: labels of copies that the user named.
    """

    scope: Scope
    step_seconds: int | None
    cluster_label: str | None
    replica_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the rules hold: a survey that names them, and the steps of their evaluations."""

    version: str
    survey: Survey
    window: TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """Why the rules that were found are not read, as sentences."""

    reason: str


class _NotReadError(Exception):
    """Rules that were found are not read; the text is the reason."""


def look_for_rules(
    source: Source, wanted: Wanted, start: datetime, end: datetime
) -> Recorded | Unused | None:
    """Find rules that answer a question; None if there are none.

    Where there are none, it costs one query for one series.
    """
    latest = _latest(source, end)
    if latest is None:
        return None
    try:
        return _recorded(source, _recording(latest, wanted), start, end)
    except _NotReadError as error:
        return Unused(reason=str(error))


def _recorded(source: Source, recording: Recording, start: datetime, end: datetime) -> Recorded:
    """Return what rules hold; _NotReadError if it is not enough."""
    rules = recording.rule_set
    moments = _moments(source, rules, start, end)
    looks = _looks(moments)
    seen = _metrics(source, rules, looks)
    metrics = _most(seen)
    missing = [name for name in (CPU, REQUESTS) if name not in metrics]
    if missing:
        raise _NotReadError(f"The recording rules have no {missing[0]}. {_RAW}")
    _require_all(source, recording, looks)
    # Where most series of all metrics are, there are most recorded ones.
    largest = max(range(len(looks)), key=lambda place: sum(seen[place].values()))
    counts = _counts(source, rules, looks[largest])
    survey = Survey(
        label_mapping=recording.label_mapping,
        series_counts=metrics,
        cpu_scrape_seconds=recording.cpu_scrape_seconds,
        request_scrape_seconds=recording.request_scrape_seconds,
        duplicate_scrapes={},
        reads_sample_before=recording.reads_sample_before,
        rules=replace(rules, series_counts=counts),
    )
    window = _window(recording.step_seconds, moments, start, end)
    return Recorded(version=rules.version, survey=survey, window=window)


def _latest(source: Source, end: datetime) -> Series | None:
    """Return the mark of the rules that were evaluated last."""
    try:
        found = source.instant(f"last_over_time({INFO}[{_LOOK_BACK_SECONDS}s])", end).series
    except (QueryTooHeavy, QueryRejected):
        # A server without this function, or with a limit that one series exceeds, has no rules.
        return None
    marked = [one for one in found if VERSION_LABEL in one.labels]
    return max(marked, key=lambda one: (one.samples[-1], one.labels[VERSION_LABEL]), default=None)


def _recording(mark: Series, wanted: Wanted) -> Recording:
    """Return how rules were made, if this version would make the same ones for a question."""
    version = mark.labels[VERSION_LABEL]
    try:
        recording = Recording.from_json(mark.labels.get(SETTINGS_LABEL, ""))
    except Mistyped:
        recording = None
    if recording is None or recording.rule_set.version != version:
        raise _NotReadError(
            "The recording rules are of another version of this tool, or were changed. "
            f"{_RAW} Print the rules again."
        )
    if not recording.is_surveyed:
        raise _NotReadError(
            "The recording rules were printed without a survey, so labels may differ. "
            f"{_RAW} Print them again for this server ({Setting.URL})."
        )
    if problem := _other_question(recording, wanted):
        raise _NotReadError(f"The recording rules are for {problem}. {_RAW}")
    return recording


def _other_question(recording: Recording, wanted: Wanted) -> str:
    """Return for what else the rules are; "" if they are for this question."""
    mapping = recording.label_mapping
    if recording.scope != wanted.scope:
        return f"other namespaces or another cluster ({Setting.NAMESPACES}, {Setting.CLUSTER})"
    if wanted.step_seconds not in {None, recording.step_seconds}:
        return f"steps of {recording.step_seconds} s ({Setting.STEP})"
    if wanted.cluster_label not in {None, mapping.cluster}:
        return f"another label of clusters ({Setting.CLUSTER_LABEL})"
    if not set(wanted.replica_labels) <= set(mapping.replica_labels):
        return f"other copies of series ({Setting.REPLICA_LABELS})"
    return ""


def _moments(source: Source, rules: RuleSet, start: datetime, end: datetime) -> Floats:
    """Return when the rules were evaluated, if they cover the time."""
    grid = TimeWindow.within(start, end, rules.step_seconds, 0)
    found = points_of(source, f"max({rules.latest(INFO)})", grid, 1).series
    times = np.unique(np.concatenate([one.samples for one in found])) if found else np.empty(0)
    times = times[(times > start.timestamp()) & (times <= end.timestamp())]
    if len(times) >= LEAST_COVERED * grid.point_count:
        return times
    share = in_percent(len(times) / grid.point_count)
    since = (
        f" They begin at {moment(datetime.fromtimestamp(times[0], UTC))} UTC: with a later "
        f"{Setting.START} they are read."
        if len(times)
        else ""
    )
    raise _NotReadError(f"The recording rules cover {share} of the time. {_RAW}{since}")


def _looks(moments: Floats) -> list[datetime]:
    """Return a few evaluations, spread over all, the last one among them."""
    places = np.unique(np.linspace(0, len(moments) - 1, _LOOKS).round().astype(int))
    return [datetime.fromtimestamp(moments[place], UTC) for place in places]


def _counts(source: Source, rules: RuleSet, at: datetime) -> Mapping[str, int]:
    """Return the recorded series of each query, by its name."""
    promql = f'count by (__name__) ({{__name__=~"{recorded_name(".+")}", {rules.matcher}}})'
    counts = _counted(source.instant(promql, at), "__name__")
    return {name.removeprefix(recorded_name("")): count for name, count in counts.items()}


def _metrics(
    source: Source, rules: RuleSet, looks: Sequence[datetime]
) -> Sequence[Mapping[str, int]]:
    """Return the series of each metric that the rules read at each look, as the survey counts."""
    promql = f"max by (metric) ({rules.latest(recorded_name(COUNTS))})"
    responses = [source.instant(promql, at) for at in looks]
    for response in responses:
        require_marked_counts(response, COUNTS, "metric")
    return [_counted(one, "metric") for one in responses]


def _counted(response: Response, label: str) -> Mapping[str, int]:
    """Return the count of each value of a label; PrometheusError if one is no count."""
    return {one.labels.get(label, ""): int(counts_of(one).max()) for one in response.series}


def _most(seen: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    """Return the largest of all counts of each name."""
    most: dict[str, int] = {}
    for counts in seen:
        for name, count in counts.items():
            most[name] = max(most.get(name, 0), count)
    return most


def _require_all(source: Source, recording: Recording, looks: Sequence[datetime]) -> None:
    """Raise _NotReadError if proxies that are scraped are not in the rules.

    Rules may be evaluated in some clusters only. Of an old time there may be no raw samples.
    """
    mapping = recording.label_mapping
    scraped = load_query("survey_scraped_proxies").render(recording.scope, mapping)
    build = recording.rule_set.latest(recorded_name("proxy_build"))
    by_pod = ", ".join(map(mapping.spelled, mapping.labels_of_pod(Exporter.PROXY)))
    kept_there = f"count(group by ({by_pod}) ({build}))"
    for at in looks[1:]:
        there, kept = (
            sum(int(counts_of(one).max()) for one in instant_in_pieces(source, promql, at).series)
            for promql in (scraped, kept_there)
        )
        if kept < LEAST_COVERED * there:
            raise _NotReadError(
                f"The recording rules have {kept:,.0f} of {there:,.0f} proxies at {moment(at)} "
                f"UTC. {_RAW} Let every cluster evaluate them."
            )


def _window(step_seconds: int, moments: Floats, start: datetime, end: datetime) -> TimeWindow:
    """Return the steps that end with an evaluation: at any phase, but at the same one each time."""
    phase = int(np.median(-moments % step_seconds))
    return TimeWindow.within(start, end, step_seconds, phase)
