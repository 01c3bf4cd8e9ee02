"""Measuring from a script or a notebook, in one call."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from analyzer.measurement.collect import Progress, collect_snapshot
from analyzer.measurement.plan import DEFAULT_DAYS, Ask
from analyzer.measurement.snapshot import Snapshot
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.promql import Scope

__all__ = ["collect"]


def collect(
    url: str | Access,
    *,
    days: float = DEFAULT_DAYS,
    end: datetime | None = None,
    namespaces: tuple[str, ...] = (),
    path: Path | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Snapshot:
    """Measure the mesh behind a Prometheus and return the snapshot.

    Args:
        url: its address, or an `Access` with credentials. A plain address takes them from the
            environment (PROMETHEUS_TOKEN, PROMETHEUS_USERNAME, PROMETHEUS_PASSWORD).
        days: how long a time to look at.
        end: where it ends (aware); now, if None.
        namespaces: regular expressions; all, if empty.
        path: the folder to make; a temporary one, if None.
        on_progress: called after each answer.

    Raises:
        AnalyzerError: see `measurement.collect.collect_snapshot`.
    """
    access = url if isinstance(url, Access) else Access.parse(url)
    target = path or Path(tempfile.mkdtemp(prefix="istio-usage-")) / "snapshot"
    ask = Ask(source=access.url, scope=Scope(namespaces=namespaces), days=days, end=end)
    with Connection(access) as source:
        return collect_snapshot(source, ask, target, now=datetime.now(UTC), on_progress=on_progress)
