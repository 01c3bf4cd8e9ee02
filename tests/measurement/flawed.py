"""Meshes written by hand, a proxy a line, and what is found wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analyzer.measurement.findings import Finding
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import measure
from analyzer.prometheus.label_mapping import LabelMapping
from tests.measurement.snapshots import Rows, make_snapshot

POINTS = 6
"""Steps of the window, of ten minutes each."""

SCRAPE_SECONDS = 30.0
SCRAPES = 20.0
"""Of a proxy in a whole step."""

_LABELS = {"sidecar": ("", "", "istio"), "gateway": ("istio", "", ""), "unknown": ("", "", "")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One proxy as Prometheus saw it.

    Attributes:
        pod: "namespace/name".
        cpu: vCPU; None: the kubelet tells nothing of it.
        rps: requests it received; None: it was not scraped.
        points: steps in which it was there.
        cpu_points: those in which the kubelet saw it, if other ones.
        rps_points: those in which it was scraped, if other ones.
        messages: gRPC messages per second.
        throttled: share of its periods.
        scrapes: of it in each step.
    """

    pod: str
    role: str = "sidecar"
    workload: str = "web"
    cpu: float | None = 1.0
    rps: float | None = 100.0
    tcp: float = 0.0
    messages: float = 0.0
    throttled: float = 0.0
    resets: float = 0.0
    scrapes: float = SCRAPES
    points: Sequence[int] = range(POINTS)
    cpu_points: Sequence[int] | None = None
    rps_points: Sequence[int] | None = None
    cluster: str = ""

    def rows(self) -> Mapping[str, Rows]:
        """Return its rows in each table."""
        namespace, name = self.pod.split("/")
        key = (self.cluster, namespace, name)
        found: dict[str, Rows] = {
            "pod_labels": self._at((*key, *_LABELS[self.role]), 1.0, self.points)
        }
        if self.cpu is not None:
            cpu_points = self.points if self.cpu_points is None else self.cpu_points
            found["proxy_cpu_vcpu"] = self._at((*key, "istio-proxy"), self.cpu, cpu_points)
            if self.throttled:
                found["proxy_throttled_share"] = self._at(key, self.throttled, cpu_points[:1])
        if self.rps is None:
            return found
        points = self.points if self.rps_points is None else self.rps_points
        found["proxy_build"] = self._at((*key, "proxy"), self.scrapes, points)
        own = (namespace, self.workload)
        amounts: list[tuple[str, tuple[str, ...], float]] = [
            (f"{'out' if self.role == 'gateway' else 'in'}bound_requests_rps", own, self.rps),
            ("proxy_tcp_bytes_per_second", ("destination",), self.tcp),
            ("grpc_messages_per_second", (), self.messages),
            ("proxy_resets", (), self.resets),
        ]
        for table, labels, amount in amounts:
            if amount:
                found[table] = self._at((*key, *labels), amount, points)
        return found

    @staticmethod
    def _at(labels: tuple[str, ...], value: float, points: Sequence[int]) -> Rows:
        return [(*labels, point, value) for point in points]


A, B = Seen(pod="shop/a"), Seen(pod="shop/b")
"""Two sidecars with which nothing is wrong."""


def call(
    reporter: str, to: tuple[str, str], rps: float = 1.0, *, cluster: str = ""
) -> Mapping[str, Rows]:
    """Return calls to one workload, (namespace, name), as one side reports them."""
    labels = (cluster, reporter, "shop", "front", *to)
    return {"mesh_requests_rps": [(*labels, point, rps) for point in range(POINTS)]}


def snapshot_of(
    folder: Path,
    proxies: Sequence[Seen],
    *more: Mapping[str, Rows],
    label_mapping: LabelMapping | None = None,
    points: int = POINTS,
    **manifest: Any,  # noqa: ANN401 - fields of the manifest
) -> Snapshot:
    """Return a snapshot of these proxies and tables, made of fine scrapes unless told otherwise."""
    tables: dict[str, list[tuple[str | float, ...]]] = {}
    for rows in (*(proxy.rows() for proxy in proxies), *more):
        for name, found in rows.items():
            tables.setdefault(name, []).extend(found)
    snapshot = make_snapshot(folder / "snap", tables, points=points, label_mapping=label_mapping)
    usual = {"cpu_scrape_seconds": SCRAPE_SECONDS, "request_scrape_seconds": SCRAPE_SECONDS}
    return replace(snapshot, manifest=replace(snapshot.manifest, **{**usual, **manifest}))


def found(
    folder: Path,
    proxies: Sequence[Seen],
    *more: Mapping[str, Rows],
    label_mapping: LabelMapping | None = None,
    **manifest: Any,  # noqa: ANN401 - fields of the manifest
) -> Mapping[str, Finding]:
    """Return what is found wrong with a mesh, by name, beside that an hour is no day."""
    usage = measure(snapshot_of(folder, proxies, *more, label_mapping=label_mapping, **manifest))
    named = {finding.name: finding for finding in usage.findings}
    assert len(named) == len(usage.findings)
    assert "short_window" in named
    return {name: finding for name, finding in named.items() if name != "short_window"}
