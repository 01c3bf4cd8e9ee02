"""The manifest of a snapshot: its question, its window, and where each table comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from analyzer.errors import SnapshotError
from analyzer.measurement.proxy_counts import ProxyCounts
from analyzer.measurement.ranges import Ranges
from analyzer.prometheus.label_mapping import CPU_COUNTER, CPU_RULES, Exporter, LabelMapping
from analyzer.prometheus.promql import Scope, is_plain
from analyzer.typed import Mistyped, Part
from analyzer.window import MOST_STRIDE, TimeWindow

SCHEMA_VERSION = 2
"""Raised when an older tool could misread a snapshot. 2: a query was not asked at each step."""

_MOST_STEPS: Final = 10_000_000
_MOST_SERIES: Final = 2_000_000
_LONGEST_STEP: Final = 366 * 86_400
_SHORTEST_SCRAPE: Final = 0.001
_LONGEST_SCRAPE: Final = 7 * 86_400

_QUESTION: Final[Mapping[str, Any]] = {
    "source": str,
    "tenant": str,
    "scope": Scope,
    "days": float,
    "start": datetime | None,
    "end": datetime | None,
    "step_seconds": int | None,
    "cluster_label": str | None,
    "replica_labels": tuple[str, ...],
    "hide_names": bool,
    "no_rules": bool,
    "note": str,
}
"""What `Ask.to_json` writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecord:
    """One query, its PromQL as sent, and the file of its answer.

    Attributes:
        stride: steps in an interval, at whose end it was asked about all of them.
    """

    name: str
    unit: str
    promql: str
    series_count: int
    sample_count: int
    file: str
    sha256: str
    stride: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The description of a snapshot that is kept in it.

    Attributes:
        source: the Prometheus asked, without credentials.
        note: a sentence of the collector's, shown with every answer; "" if none.
        cpu_scrape_seconds: interval between two CPU samples of a proxy.
        request_scrape_seconds: interval between two samples of its request counters.
        ranges: how far back the rates read; None: one step, as in snapshots of version 0.1.
        rules_version: version of the recording rules that were read; "" for raw samples.
        duplicate_scrapes: proxies that are scraped more than once, by exporter.
        copied_proxies: proxies with copies that only `LabelMapping.replica_labels` separate.
        alike_proxies: proxies with series that look alike and are not understood.
        proxy_counts: the proxies that the survey counted; None where it did not.
        warnings: metrics that the survey did not find, as sentences.
        remarks: the server's own, on its answers.
        question: as `Ask.to_json` writes it; empty in snapshots of version 0.1.
    """

    tool_version: str
    source: str
    note: str
    window: TimeWindow
    scope: Scope
    label_mapping: LabelMapping = field(default_factory=LabelMapping)
    cpu_scrape_seconds: float
    request_scrape_seconds: float
    queries: tuple[QueryRecord, ...]
    duplicate_scrapes: Mapping[str, int] = field(default_factory=dict)
    copied_proxies: int = 0
    alike_proxies: int = 0
    proxy_counts: ProxyCounts | None = None
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    question: Mapping[str, Any] = field(default_factory=dict)
    ranges: Ranges | None = None
    rules_version: str = ""

    @property
    def is_coarse(self) -> bool:
        """Whether a query was not asked at each step."""
        return any(query.stride > 1 for query in self.queries)

    def stride_of(self, name: str) -> int:
        """Return the steps in an interval of a query; 1 for one that was not asked."""
        return next((query.stride for query in self.queries if query.name == name), 1)

    def rate_window_seconds(self, exporter: Exporter) -> int:
        """Return how far back the rates of an exporter read, in seconds: at least one step."""
        ranges = self.ranges or Ranges.of_steps(self.window.step_seconds)
        return ranges.of(exporter)

    def to_json(self) -> str:
        """Return the manifest as the text of manifest.json."""
        document = {
            "schema_version": SCHEMA_VERSION if self.is_coarse else 1,
            "tool_version": self.tool_version,
            "source": self.source,
            "note": self.note,
            "question": dict(self.question),
            "window": window_to_json(self.window),
            "scope": scope_to_json(self.scope),
            "dialect": asdict(self.label_mapping),
            "scrape_seconds": {
                "cpu": self.cpu_scrape_seconds,
                "requests": self.request_scrape_seconds,
            },
            **({"rate_window_seconds": self.ranges.to_json()} if self.ranges else {}),
            **({"rules_version": self.rules_version} if self.rules_version else {}),
            "queries": [_record_to_json(query) for query in self.queries],
            "duplicate_scrapes": dict(self.duplicate_scrapes),
            "copied_proxies": self.copied_proxies,
            "alike_proxies": self.alike_proxies,
            "proxy_counts": self.proxy_counts and self.proxy_counts.to_json(),
            "warnings": list(self.warnings),
            "remarks": list(self.remarks),
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: str) -> Manifest:
        """Read manifest.json of the snapshot that a message calls `origin`.

        Raises:
            SnapshotError: if it is damaged, or of a newer schema.
        """
        try:
            return _read(Part.of_json(text), origin)
        except Mistyped as error:
            raise SnapshotError(
                f"{origin} is damaged: manifest.json cannot be read ({error}). Collect it again."
            ) from error


def _read(document: Part, origin: str) -> Manifest:
    version = document["schema_version"].read(int)
    if version > SCHEMA_VERSION:
        raise SnapshotError(
            f"{origin} has schema version {version}, newer than {SCHEMA_VERSION}, "
            "the newest that this version can read. Upgrade istio-usage."
        )
    window = window_of(document["window"])
    scrapes = document["scrape_seconds"]
    # Those that version 0.1 did not write have defaults.
    later = {
        name: part.read(kind)
        for name, kind in (
            ("copied_proxies", int),
            ("alike_proxies", int),
            ("proxy_counts", ProxyCounts | None),
            ("rules_version", str),
        )
        if (part := document.get(name))
    }
    ranges, question = document.get("rate_window_seconds"), document.get("question")
    return Manifest(
        **{key: document[key].read(str) for key in ("tool_version", "source", "note")},
        window=window,
        scope=document["scope"].read(Scope),
        label_mapping=label_mapping_of(document["dialect"]),
        cpu_scrape_seconds=scrape_seconds_of(scrapes["cpu"]),
        request_scrape_seconds=scrape_seconds_of(scrapes["requests"]),
        queries=tuple(_record(part, window) for part in document["queries"].items()),
        duplicate_scrapes=document["duplicate_scrapes"].read(Mapping[str, int]),
        warnings=document["warnings"].read(tuple[str, ...]),
        remarks=document["remarks"].read(tuple[str, ...]),
        question=checked_question(question) if question else {},
        ranges=ranges_of(ranges) if ranges and ranges.value is not None else None,
        **later,
    )


def _record(part: Part, window: TimeWindow) -> QueryRecord:
    """Read a record, which has no more samples than its series have in the window."""
    record: QueryRecord = part.read(QueryRecord)
    if not 1 <= record.stride <= MOST_STRIDE:
        raise part["stride"].wrong(f"a number from 1 to {MOST_STRIDE} is needed")
    if record.series_count > _MOST_SERIES:
        raise part["series_count"].wrong(f"it is more than {_MOST_SERIES:,}")
    if record.sample_count > record.series_count * window.point_count:
        raise part["sample_count"].wrong(
            f"{record.series_count:,} series have at most "
            f"{record.series_count * window.point_count:,} samples in the window"
        )
    return record


def _record_to_json(record: QueryRecord) -> dict[str, Any]:
    document = asdict(record)
    # An older version of this tool knows no such field.
    if record.stride == 1:
        del document["stride"]
    return document


def checked_question(document: Part) -> Mapping[str, Any]:
    """Return a question as `Ask.to_json` writes it, or the part of it that is there.

    Raises:
        Mistyped: if a part of it is of another type.
    """
    for key, kind in _QUESTION.items():
        if part := document.get(key):
            part.read(kind)
    return dict(document.value)


def scrape_seconds_of(part: Part) -> float:
    """Read the interval between two scrapes."""
    seconds: float = part.read(float)
    if not _SHORTEST_SCRAPE <= seconds <= _LONGEST_SCRAPE:
        raise part.wrong(
            f"a number of seconds from {_SHORTEST_SCRAPE} to {_LONGEST_SCRAPE:,} is needed"
        )
    return seconds


def ranges_of(document: Part) -> Ranges:
    """Read ranges, which are at least a second long."""
    seconds = {}
    for key in ("cpu", "requests"):
        seconds[key] = document[key].read(int)
        if not 1 <= seconds[key] <= _LONGEST_STEP + _LONGEST_SCRAPE:
            raise document[key].wrong("a number of seconds that a rate can read is needed")
    return Ranges(cpu_seconds=seconds["cpu"], request_seconds=seconds["requests"])


def window_to_json(window: TimeWindow) -> dict[str, Any]:
    """Return a window as JSON."""
    start, end = (time.isoformat().replace("+00:00", "Z") for time in (window.start, window.end))
    document: dict[str, Any] = {"start": start, "end": end, "step_seconds": window.step_seconds}
    if window.offset_seconds:
        document["offset_seconds"] = window.offset_seconds
    return document


def window_of(document: Part) -> TimeWindow:
    """Read a window; raises Mistyped if it is none, or has more steps than a snapshot can have."""
    step = document["step_seconds"].read(int)
    if not 1 <= step <= _LONGEST_STEP:
        raise document["step_seconds"].wrong(f"a number from 1 to {_LONGEST_STEP:,} is needed")
    window: TimeWindow = document.read(TimeWindow)
    if window.offset_seconds > step:
        raise document["offset_seconds"].wrong("it is longer than a step")
    if window.point_count > _MOST_STEPS:
        raise document.wrong(f"it has {window.point_count:,} steps, more than {_MOST_STEPS:,}")
    return window


def label_mapping_of(document: Part) -> LabelMapping:
    """Read a label mapping; raises Mistyped if it is none, or would be no name in a query."""
    mapping: LabelMapping = document.read(LabelMapping)
    for key in ("proxy", "cadvisor", "state", "cluster", "cpu", "attribution"):
        # Version 0.1 wrote these. It knew one name of each of the others.
        _ = document[key]
    if mapping.cpu not in (CPU_COUNTER, *CPU_RULES):
        raise document["cpu"].wrong("it is no metric of the CPU of containers")
    for key in ("cluster", "state_cluster"):
        if (label := getattr(mapping, key)) and not is_plain(label):
            raise document[key].wrong("it is not the name of a label")
    return mapping


def scope_to_json(scope: Scope) -> dict[str, Any]:
    """Return a scope as JSON."""
    return {"namespaces": list(scope.namespaces), "cluster": scope.cluster}
