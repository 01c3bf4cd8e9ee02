"""What a collection will ask: decided once and stored, so that a resumed run asks the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import analyzer
from analyzer.defaults import DEFAULT_DAYS, LEAST_DAYS, MOST_DAYS, year_problem
from analyzer.errors import InsufficientData, UsageError
from analyzer.measurement.anonymise import Anonymiser, new_salt
from analyzer.measurement.coarse import STATE_STEPS
from analyzer.measurement.detect import checked_label
from analyzer.measurement.first_look import look
from analyzer.measurement.from_rules import Recorded, Unused, Wanted, look_for_rules
from analyzer.measurement.manifest import (
    Manifest,
    QueryRecord,
    label_mapping_of,
    ranges_of,
    scope_to_json,
    scrape_seconds_of,
    window_of,
    window_to_json,
)
from analyzer.measurement.metrics import AUTOSCALERS, CPU, LABELLED_PROXIES, PODS
from analyzer.measurement.one_pass import SIDES, in_parts, of_others
from analyzer.measurement.other_side import CALLS
from analyzer.measurement.ranges import Ranges
from analyzer.measurement.survey import Survey, examine
from analyzer.prometheus.coarse import Interval
from analyzer.prometheus.connection import Source
from analyzer.prometheus.fetch import Job
from analyzer.prometheus.label_mapping import Attribution, Exporter
from analyzer.prometheus.promql import Scope
from analyzer.prometheus.query import Query, load_query, measured_queries
from analyzer.settings import Setting
from analyzer.typed import Part
from analyzer.units import BYTES_PER_GIB, counted
from analyzer.window import MOST_STRIDE, Chunk, TimeWindow, choose_step_seconds

MIN_POINTS = 4
"""Fewer steps than this cannot support a fit of cost per request."""


BARE: Final = (
    "proxy_cpu_vcpu",
    "proxy_recorded_cpu_vcpu",
    "inbound_requests_rps",
    "outbound_requests_rps",
)
"""What no answer can do without, of which one of the first two is asked."""


RESERVED: Final = "proxy_reserved_vcpu"
"""Where it is asked for each step, it shows which pods are there."""

_LEAST_SHARE: Final = 0.5
"""A share of a metric's series that may be relied on: a mesh of waypoints has no sidecars' ones."""

_MANY_POD_STEPS: Final = 200_000
"""Pods, times steps, that a server takes longer to join than to answer a request more."""

_MANY_ROWS: Final = 5_000_000
"""Proxies, times steps, from which it is said beforehand how much memory they take."""

_ROW_BYTES: Final = 300
"""What `analyze` takes at its peak for each of them. Measured, beside 0.2 GiB without any: 5,000
proxies in 432 steps took 0.82 GiB, and 15,000 in 201 steps 0.95."""

_MOST_UNGROUPED: Final = 4
"""Series of a metric for each proxy up to which they are grouped here and not by the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The user's question; `question.differences` compares it with an earlier one.

    Attributes:
        source: the address, without credentials.
        tenant: a hash of the tenant and the user of the server, as `Access.tenant`.
        days: length of the time, ending at `end`; not used where `start` is given.
        start: first moment (aware), or None.
        end: last moment (aware), or None for the moment the collection began.
        cluster_label: the label that identifies clusters, or None to look for it.
        replica_labels: labels that differ between copies of a series; others are looked for.
        hide_names: whether names are replaced by hashes in everything written.
        note: a sentence kept in the snapshot.
        no_rules: whether raw samples are read even where recording rules have the answer.
    """

    source: str
    scope: Scope = field(default_factory=Scope)
    days: float = DEFAULT_DAYS
    start: datetime | None = None
    end: datetime | None = None
    step_seconds: int | None = None
    cluster_label: str | None = None
    replica_labels: tuple[str, ...] = ()
    hide_names: bool = False
    note: str = ""
    tenant: str = ""
    no_rules: bool = False

    def __post_init__(self) -> None:
        for label in self.replica_labels:
            checked_label(label, Setting.REPLICA_LABELS)
        if any(time is not None and time.tzinfo is None for time in (self.start, self.end)):
            raise ValueError("a time without a zone is another moment on each machine")
        if not LEAST_DAYS <= self.days <= MOST_DAYS:
            raise UsageError(
                f"{Setting.DAYS} is {self.days:g}, and must be from {LEAST_DAYS} to {MOST_DAYS}."
            )
        for setting, time in ((Setting.START, self.start), (Setting.END, self.end)):
            if time is not None and (problem := year_problem(time)):
                raise UsageError(f"{setting}: {problem}.")

    def to_json(self, anonymiser: Anonymiser) -> dict[str, Any]:
        """Return the question as JSON, without the names that are hidden."""
        return {
            **asdict(self),
            "source": anonymiser.name("source", self.source),
            "tenant": anonymiser.name("tenant", self.tenant),
            "scope": scope_to_json(anonymiser.scope(self.scope)),
            "replica_labels": list(self.replica_labels),
            "start": self.start and self.start.isoformat(),
            "end": self.end and self.end.isoformat(),
        }

    def times(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the first and last moment, in UTC; UsageError if they are not in order."""
        # In UTC a day is always 24 hours, which it is not where the clocks change.
        end = (self.end or now).astimezone(UTC)
        start = (self.start or end - timedelta(days=self.days)).astimezone(UTC)
        if start >= end:
            raise UsageError(
                f"{Setting.START} {start:%Y-%m-%dT%H:%M:%SZ} is not before {Setting.END} "
                f"{end:%Y-%m-%dT%H:%M:%SZ}. Choose an earlier {Setting.START}."
            )
        if end - start > timedelta(days=MOST_DAYS):
            raise UsageError(
                f"The time from {Setting.START} to {Setting.END} is longer than {MOST_DAYS:,} "
                f"days. Choose a later {Setting.START}."
            )
        return start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedQuery:
    """One query of a plan.

    Attributes:
        written_promql: as it is written down, without the names that are hidden.
        jobs: the requests for it, in time order.
        sample_count: samples that the server is estimated to load for all of them.
        stride: steps from one point to the next.
        grouping: the aggregation, "max" or "sum", that the server is not asked for; "" if none.
    """

    query: Query
    promql: str
    written_promql: str
    jobs: tuple[Job, ...]
    sample_count: int
    stride: int = 1
    grouping: str = ""

    @property
    def request_count(self) -> int:
        """Requests that are sent for it: the answers to others may have some of its jobs."""
        return sum(job.part not in SIDES for job in self.jobs)

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """The parts of the window, in time order."""
        return tuple(dict.fromkeys(job.chunk for job in self.jobs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a collection will ask: the queries by name, in the order of their files."""

    ask: Ask
    window: TimeWindow
    survey: Survey
    queries: Mapping[str, PlannedQuery]
    anonymiser: Anonymiser
    ranges: Ranges

    @classmethod
    def of(  # noqa: PLR0913 - what a plan has, and how it is asked
        cls,
        ask: Ask,
        window: TimeWindow,
        found: Survey,
        ranges: Ranges,
        anonymiser: Anonymiser,
        chunks: Mapping[str, Sequence[Chunk]],
        *,
        may_ungroup: bool = True,
    ) -> Plan:
        """Return the plan to ask each query of `chunks` over these parts of the window.

        `may_ungroup`: series may be grouped here in place of the server.
        """
        written_scope = anonymiser.scope(ask.scope)
        planned: dict[str, PlannedQuery] = {}
        is_one_pass = may_ungroup and _is_one_pass(found)
        for name, parts in chunks.items():
            query, has_calls = load_query(name), is_one_pass and name == CALLS
            grouping = _grouping(query, found) if may_ungroup else ""
            rendered = partial(_promql, window=window, found=found, ranges=ranges)
            asked = of_others(query) if has_calls else query
            stride = max((part.stride for part in parts), default=1)
            sent = {
                each: rendered(asked, scope=ask.scope, stride=each, grouping=grouping)
                for each in {stride, *(one.stride for one in parts)}
            }
            load = 1.0 if found.rules else query.samples_per_series
            samples = load * samples_per_point(found, query, ranges.of(query.exporter))
            jobs = tuple(Job(query=query, promql=sent[part.stride], chunk=part) for part in parts)
            planned[name] = PlannedQuery(
                query=query,
                promql=sent[stride],
                written_promql=rendered(query, scope=written_scope, stride=stride),
                jobs=in_parts(jobs) if has_calls else jobs,
                sample_count=0 if has_calls else round(samples * window.point_count),
                stride=stride,
                grouping=grouping,
            )
        return cls(
            ask=ask,
            window=window,
            survey=found,
            queries=planned,
            anonymiser=anonymiser,
            ranges=ranges,
        )

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Every request, in the order of the query files."""
        return tuple(job for planned in self.queries.values() for job in planned.jobs)

    @property
    def sample_count(self) -> int:
        """Samples that the server is estimated to load for all queries."""
        return sum(planned.sample_count for planned in self.queries.values())

    @property
    def times_bare(self) -> float:
        """The same as a multiple of those for CPU, and for requests in and out, of each proxy."""
        known = [self.queries[name].sample_count for name in BARE if name in self.queries]
        return self.sample_count / max(sum(known), 1)

    @property
    def unasked(self) -> Mapping[str, str]:
        """Why each measured query that is not in the plan is not sent, by its name."""
        known = self.queries.get(RESERVED)
        stride = known.stride if known else max(one.stride for one in self.queries.values())
        replaced = _replaced(self.survey, stride)
        unasked = (query for name, query in measured_queries().items() if name not in self.queries)
        lacking = "it needs {}, which this Prometheus does not have".format
        return {query.name: replaced.get(query.name) or lacking(query.reads) for query in unasked}

    def warnings(self) -> tuple[str, ...]:
        """Return the essential metrics that the survey did not find, by name."""
        return self.survey.missing

    def manifest(self, records: Iterable[QueryRecord], remarks: Iterable[str]) -> Manifest:
        """Return the manifest of a snapshot that has the answers.

        Args:
            records: of each query.
            remarks: of the server.
        """
        found, hide = self.survey, self.anonymiser
        return Manifest(
            tool_version=analyzer.__version__,
            source=hide.source(self.ask.source),
            note=self.ask.note,
            window=self.window,
            scope=hide.scope(self.ask.scope),
            label_mapping=found.label_mapping,
            cpu_scrape_seconds=found.cpu_scrape_seconds,
            request_scrape_seconds=found.request_scrape_seconds,
            queries=tuple(records),
            duplicate_scrapes=found.duplicate_scrapes,
            copied_proxies=found.copied_proxies,
            alike_proxies=found.alike_proxies,
            proxy_counts=found.proxy_counts,
            warnings=self.warnings(),
            remarks=hide.remarks(tuple(sorted(remarks))),
            question=self.ask.to_json(hide),
            ranges=self.ranges,
            rules_version=found.rules.version if found.rules else "",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON."""
        return {
            "ask": self.ask.to_json(self.anonymiser),
            "salt": self.anonymiser.salt,
            "window": window_to_json(self.window),
            "rate_window_seconds": self.ranges.to_json(),
            # Version 0.1 called the label mapping so: what it began is finished by this one.
            "survey": {
                ("dialect" if name == "label_mapping" else name): value
                for name, value in asdict(self.survey).items()
            },
            "chunks": {
                name: [chunk_to_json(chunk) for chunk in planned.chunks]
                for name, planned in self.queries.items()
            },
        }

    @classmethod
    def resumed(cls, document: Part, ask: Ask) -> Plan:
        """Read a plan that was made for the same question.

        Raises the errors of reading JSON, and QueryFileError, if it is damaged.
        """
        anonymiser = Anonymiser(salt=document["salt"].read(str))
        window = window_of(document["window"])
        chunks = {
            name: [_chunk(window, part) for part in document["chunks"][name].items()]
            for name in document["chunks"].read(Mapping[str, tuple[tuple[int, ...], ...]])
        }
        # Version 0.1 kept none: its ranges were as long as the step.
        kept = document.get("rate_window_seconds")
        is_kept = kept is not None and bool(kept.value)
        ranges = ranges_of(kept) if kept and is_kept else Ranges.of_steps(window.step_seconds)
        return cls.of(ask, window, _survey(document["survey"]), ranges, anonymiser, chunks)


def _survey(document: Part) -> Survey:
    """Read what was found; raises Mistyped."""
    label_mapping_of(document["dialect"])
    for key in ("cpu_scrape_seconds", "request_scrape_seconds"):
        scrape_seconds_of(document[key])
    renamed = {
        ("label_mapping" if name == "dialect" else name): value
        for name, value in document.value.items()
    }
    survey: Survey = Part(renamed, document.place).read(Survey)
    return survey


def _chunk(window: TimeWindow, part: Part) -> Chunk:
    """Read a part of a window; raises ValueError if it is not inside."""
    first, count, *stride = part.read(tuple[int, ...])
    found = Chunk(first_point=first, point_count=count, stride=stride[0] if stride else 1)
    is_inside = first >= 0 and found.last_point < window.point_count
    if count < 1 or not 1 <= found.stride <= MOST_STRIDE or not is_inside:
        raise part.wrong("it is not in the window")
    return found


def chunk_to_json(chunk: Chunk) -> list[int]:
    """Return a part of a window as JSON."""
    stride = [chunk.stride] if chunk.stride > 1 else []
    return [chunk.first_point, chunk.point_count, *stride]


def _promql(  # noqa: PLR0913 - three of the plan, three of the request
    query: Query,
    *,
    window: TimeWindow,
    found: Survey,
    ranges: Ranges,
    scope: Scope,
    stride: int,
    grouping: str = "",
) -> str:
    """Return a query for points that are each about so many steps, without its `grouping`."""
    if found.rules:
        # Recorded series are named alike everywhere: this hides no name.
        return found.rules.promql(query)
    seconds = ranges.sent(query.exporter, window.step_seconds)
    # A job that was there for some minutes shows in an answer that has its name. The server, which
    # leaves it out, must not add up what it has of the same proxies.
    is_sure = bool(grouping) or found.proxy_counts is None or not found.proxy_counts.is_thinned
    return query.render(
        scope,
        found.label_mapping,
        window_seconds=seconds if query.is_ranged else None,
        offset_seconds=window.offset_seconds,
        is_scraped_once=found.is_scraped_once and is_sure,
        has_core_counters=found.has_core_counters,
        ungrouped=(grouping,) if grouping else (),
        interval=Interval(stride=stride, step_seconds=window.step_seconds),
    )


def _is_one_pass(found: Survey) -> bool:
    """Return whether calls are in the answers about the requests in and out of each proxy."""
    names = (CALLS, *SIDES)
    return all(_grouping(load_query(name), found) == "sum" for name in names)


def _grouping(query: Query, found: Survey) -> str:
    """Return the aggregation that is done here and not by the server; "" if none is.

    Where nothing is there twice, an answer has one series of each pod also without it.
    """
    if not found.is_scraped_once or found.duplicate_scrapes or found.rules:
        return ""
    grouping = query.grouping(found.label_mapping, is_scraped_once=True)
    counts = found.series_counts
    proxies = max(counts.get("istio_build", 0), 1)
    return grouping if counts.get(query.reads, 0) <= _MOST_UNGROUPED * proxies else ""


def _stride(found: Survey, window: TimeWindow) -> int:
    """Return the steps in an interval at whose end what changes slowly is asked.

    Recorded series are cheap at each step. An address or a workload is matched to its pods step by
    step. Where steps are long, intervals seldom end with the window: that is a request more.
    """
    is_by_pod = found.label_mapping.attribution == Attribution.POD
    pod_steps = found.series_counts.get(PODS, 0) * window.point_count
    is_small = window.has_long_steps and pod_steps < _MANY_POD_STEPS
    return window.coarse_stride if is_by_pod and not found.rules and not is_small else 1


def _replaced(found: Survey, stride: int) -> dict[str, str]:
    """Return the queries that a better one replaces, and why."""
    replaced = {"proxy_recorded_cpu_vcpu": f"proxy_cpu_vcpu replaces it: {CPU} was found"}
    if found.label_mapping.is_recorded:
        rule = found.label_mapping.cpu
        replaced = {"proxy_cpu_vcpu": f"proxy_recorded_cpu_vcpu replaces it: only {rule} was found"}
        for name in ("proxy_cpu_counter_seconds", "istiod_vcpu"):
            replaced[name] = f"only {rule} was found, which is no counter"
    if stride == 1:
        replaced[STATE_STEPS] = "proxy_reserved_vcpu replaces it, which is asked for each step"
    if LABELLED_PROXIES not in found.series_counts:
        replaced["proxy_pod_labels"] = "the proxies' metrics have no labels of their pods"
    if AUTOSCALERS not in found.series_counts:
        replaced["application_reserved_vcpu"] = "there is no HorizontalPodAutoscaler that counts it"
    # The kubelets show which cluster a node is of, if kube-state-metrics does not.
    if PODS in found.series_counts and found.label_mapping.state_cluster is None:
        replaced["proxy_nodes"] = f"pod_placement replaces it: {PODS} was found"
    return replaced


def make_plan(
    source: Source, ask: Ask, *, now: datetime, note: Callable[[str], None] = lambda _: None
) -> Plan:
    """Survey the server and decide what to ask it; raises as `examine` and `choose_window`.

    Where recording rules hold the answer, they are asked, and take the place of the survey. `note`
    is called with a sentence about them.
    """
    start, end = ask.times(now)
    anonymiser = Anonymiser(salt=new_salt() if ask.hide_names else "")
    recorded = rules_for(source, ask, start, end)
    if isinstance(recorded, Unused):
        note(recorded.reason)
    elif recorded:
        note(f"Reading recording rules, version {recorded.version}.")
        require_points(recorded.window)
        _note_memory(recorded.survey, recorded.window, note)
        return planned_on(ask, recorded.survey, recorded.window, anonymiser)
    found = survey_for(source, ask, start, end)
    window = choose_window(found, start, end, ask.step_seconds)
    _note_memory(found, window, note)
    # What an interrupted collection leaves behind names nothing either.
    found = replace(found, proxy_counts=anonymiser.proxy_counts(found.proxy_counts))
    return planned_on(ask, found, window, anonymiser)


def _note_memory(found: Survey, window: TimeWindow, note: Callable[[str], None]) -> None:
    """Call `note` if an analysis of all proxies in all steps will take much memory."""
    row_count = found.proxy_count * window.point_count
    if row_count >= _MANY_ROWS:
        gib = row_count * _ROW_BYTES / BYTES_PER_GIB
        note(
            f"{counted(found.proxy_count, 'proxy', 'proxies')} in "
            f"{counted(window.point_count, 'interval')} take about {gib:.2g} GiB of memory. A "
            "longer step takes less."
        )


def rules_for(source: Source, ask: Ask, start: datetime, end: datetime) -> Recorded | Unused | None:
    """Return what recording rules hold of the answer to a question; None if there are none."""
    if ask.no_rules:
        return None
    wanted = Wanted(
        scope=ask.scope,
        step_seconds=ask.step_seconds,
        cluster_label=ask.cluster_label,
        replica_labels=ask.replica_labels,
    )
    return look_for_rules(source, wanted, start, end)


def survey_for(source: Source, ask: Ask, start: datetime, end: datetime) -> Survey:
    """Survey the server for a question about some time; raises as `look` and `examine`."""
    seen = look(
        source,
        ask.scope,
        start,
        end,
        cluster_label=ask.cluster_label,
        replica_labels=ask.replica_labels,
    )
    return examine(source, seen)


def planned_on(
    ask: Ask,
    found: Survey,
    window: TimeWindow,
    anonymiser: Anonymiser,
    *,
    may_be_coarse: bool = True,
) -> Plan:
    """Return the plan to ask everything that the survey found, for each step of a window.

    `may_be_coarse`: what changes slowly may be asked less often, and series be grouped here.
    """
    ranges = _ranges(found, window.step_seconds)
    stride = _stride(found, window) if may_be_coarse else 1
    # Long steps have no more than a few points, so all of them show which pods are there.
    reserved = 1 if window.has_long_steps else stride
    replaced = _replaced(found, reserved)
    is_one_pass = may_be_coarse and _is_one_pass(found)
    chunks = {
        name: window.chunks(
            samples_per_point=samples_per_point(found, query, ranges.of(query.exporter)) * share,
            series_count=round(series_count(found, query) * share),
            has_all_labels=may_be_coarse and bool(_grouping(query, found)),
            is_ranged=query.is_ranged or found.rules is not None,
            stride=(reserved if name == RESERVED else stride) if query.changes_slowly else 1,
        )
        for name, query in measured_queries().items()
        if query.reads in found.series_counts and name not in replaced
        for share in [_share(found, query, is_in_parts=is_one_pass and name == CALLS)]
    }
    return Plan.of(ask, window, found, ranges, anonymiser, chunks, may_ungroup=may_be_coarse)


def _ranges(found: Survey, step_seconds: int) -> Ranges:
    """Return how far back rates read on this server."""
    return Ranges.on_server(
        step_seconds,
        found.cpu_scrape_seconds,
        found.request_scrape_seconds,
        is_cpu_recorded=found.label_mapping.is_recorded,
        reads_sample_before=found.reads_sample_before,
    )


def choose_window(
    found: Survey, start: datetime, end: datetime, asked_seconds: int | None
) -> TimeWindow:
    """Return the whole steps between two times, of the asked length or the shortest trusted.

    Raises InsufficientData if there are too few, UsageError if the asked step is too short.
    """
    step_seconds = choose_step_seconds(found.slower_scrape_seconds, asked_seconds, found.slowest)
    return require_points(TimeWindow.within(start, end, step_seconds))


def require_points(window: TimeWindow) -> TimeWindow:
    """Return a window; InsufficientData if it has too few steps."""
    if window.point_count < MIN_POINTS:
        raise InsufficientData(
            f"The requested time holds {counted(window.point_count, 'interval')} of "
            f"{window.step_seconds} s, and a fit needs at least {MIN_POINTS}. Choose a longer time "
            f"({Setting.DAYS}, {Setting.START}, {Setting.END})."
        )
    return window


def series_count(found: Survey, query: Query) -> int:
    """Return the most series that an answer to a query can have."""
    if found.rules:
        return found.rules.series_counts.get(query.name, 1)
    return found.series_counts[query.reads]


def _share(found: Survey, query: Query, *, is_in_parts: bool) -> float:
    """Return for which share of the series of its metric a query is cut into requests.

    Requests that turn out too large are halved, so a share that is seldom larger will do.
    """
    if found.rules:
        return 1.0
    # Each side has about half of the calls.
    return 0.5 if is_in_parts else max(min(query.samples_per_series, 1.0), _LEAST_SHARE)


def samples_per_point(found: Survey, query: Query, window_seconds: int) -> float:
    """Return how many samples the server is estimated to load for one point of a query."""
    if found.rules:
        return series_count(found, query)
    is_cpu = query.exporter == Exporter.CADVISOR
    scrape_seconds = found.cpu_scrape_seconds if is_cpu else found.request_scrape_seconds
    scrapes = window_seconds / scrape_seconds if query.is_ranged else 1
    return found.series_counts[query.reads] * scrapes
