"""The manifest of a snapshot: its question, its window, and where each table comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from analyzer.errors import SnapshotError, UsageError
from analyzer.measurement.proxy_counts import ProxyCounts
from analyzer.measurement.ranges import Ranges
from analyzer.prometheus.label_mapping import Attribution, Exporter, LabelMapping, Names
from analyzer.prometheus.promql import Scope, Spelling
from analyzer.window import TimeWindow

SCHEMA_VERSION = 1
"""Raised when an older tool could misread a snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRecord:
    """One query, its PromQL as sent, and the file of its answer."""

    name: str
    unit: str
    promql: str
    series_count: int
    sample_count: int
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The description of a snapshot that is kept in it.

    Attributes:
        source: the Prometheus asked, without credentials.
        note: a sentence of the collector's, shown with every answer; "" if none.
        cpu_scrape_seconds: interval between two CPU samples of a proxy.
        request_scrape_seconds: interval between two samples of its request counters.
        ranges: how far back the rates read; None: one step, as in snapshots of version 0.1.
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

    def rate_window_seconds(self, exporter: Exporter) -> int:
        """Return how far back the rates of an exporter read, in seconds: at least one step."""
        ranges = self.ranges or Ranges.of_steps(self.window.step_seconds)
        return ranges.of(exporter)

    def to_json(self) -> str:
        """Return the manifest as the text of manifest.json."""
        document = {
            "schema_version": SCHEMA_VERSION,
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
            "queries": [asdict(query) for query in self.queries],
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
            document = json.loads(text)
            version = document["schema_version"]
            if version > SCHEMA_VERSION:
                raise SnapshotError(
                    f"{origin} has schema version {version}, newer than {SCHEMA_VERSION}, "
                    "the newest that this version can read. Upgrade istio-usage."
                )
            ranges = document.get("rate_window_seconds")
            return cls(
                **{key: document[key] for key in ("tool_version", "source", "note")},
                window=window_of(document["window"]),
                scope=scope_of(document["scope"]),
                label_mapping=label_mapping_of(document["dialect"]),
                cpu_scrape_seconds=float(document["scrape_seconds"]["cpu"]),
                request_scrape_seconds=float(document["scrape_seconds"]["requests"]),
                queries=tuple(QueryRecord(**query) for query in document["queries"]),
                duplicate_scrapes=document["duplicate_scrapes"],
                copied_proxies=int(document.get("copied_proxies", 0)),
                alike_proxies=int(document.get("alike_proxies", 0)),
                proxy_counts=ProxyCounts.from_json(document.get("proxy_counts")),
                warnings=tuple(document["warnings"]),
                remarks=tuple(document["remarks"]),
                question=dict(document.get("question", {})),
                ranges=ranges and Ranges.from_json(ranges),
            )
        except (ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
            raise SnapshotError(
                f"{origin} is damaged: manifest.json cannot be read ({error!r}). Collect it again."
            ) from error


def window_to_json(window: TimeWindow) -> dict[str, Any]:
    """Return a window as JSON."""
    start, end = (time.isoformat().replace("+00:00", "Z") for time in (window.start, window.end))
    document: dict[str, Any] = {"start": start, "end": end, "step_seconds": window.step_seconds}
    if window.offset_seconds:
        document["offset_seconds"] = window.offset_seconds
    return document


def window_of(document: Mapping[str, Any]) -> TimeWindow:
    """Read a window from JSON; raises ValueError, KeyError or TypeError."""
    start, end = (datetime.fromisoformat(document[key]) for key in ("start", "end"))
    return TimeWindow(
        start=start,
        end=end,
        step_seconds=document["step_seconds"],
        # Version 0.1 evaluated each step at its end.
        offset_seconds=document.get("offset_seconds", 0),
    )


def label_mapping_of(document: Mapping[str, Any]) -> LabelMapping:
    """Read a label mapping from JSON; raises ValueError, KeyError or TypeError."""
    proxy, cadvisor, state = (_names_of(document[key]) for key in ("proxy", "cadvisor", "state"))
    return LabelMapping(
        proxy=proxy,
        cadvisor=cadvisor,
        state=state,
        cluster=document["cluster"],
        state_cluster=document.get("state_cluster"),
        cpu=document["cpu"],
        attribution=Attribution(document["attribution"]),
        replica_labels=tuple(document.get("replica_labels", ())),
        # Version 0.1 knew one name of each.
        node=document.get("node", LabelMapping().node),
        spelling=Spelling(document.get("spelling", Spelling.LEFT_OUT)),
    )


def _names_of(document: Mapping[str, Any]) -> Names:
    also = tuple(_names_of(one) for one in document.get("also", ()))
    return Names(**{**document, "also": also})


def scope_to_json(scope: Scope) -> dict[str, Any]:
    """Return a scope as JSON."""
    return {"namespaces": list(scope.namespaces), "cluster": scope.cluster}


def scope_of(document: Mapping[str, Any]) -> Scope:
    """Read a scope from JSON; raises KeyError, TypeError or UsageError."""
    return Scope(namespaces=tuple(document["namespaces"]), cluster=document["cluster"])
