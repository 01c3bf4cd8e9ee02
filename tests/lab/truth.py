"""The ground truth: CPU and requests read at the edges of each load step, past Prometheus."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tests.lab.accounting import cpu_seconds
from tests.lab.mesh import LabMesh, Spent, completed
from tests.lab.topology import proxies

__all__ = [
    "Edge",
    "edges_from_json",
    "edges_to_json",
    "read_edge",
    "total_vcpu",
    "truth_table",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What one proxy had used and passed on when a load step ended and the next began.

    Attributes:
        read_at_seconds: since the epoch; of this very reading.
        cpu_seconds: that the kernel has accounted to all its threads.
        request_count: that its Envoy has completed; 0 of TCP alone.
    """

    proxy: str
    read_at_seconds: float
    cpu_seconds: float
    request_count: int


def read_edge(mesh: LabMesh) -> tuple[Edge, ...]:
    """Read every proxy now."""
    read = []
    for key, envoy in mesh.envoys.items():
        # The requests first: answering that question is itself CPU, and belongs to the next step.
        count, before = completed(envoy), mesh.spent.get(key, Spent())
        used, now = cpu_seconds(envoy.pid), time.time()
        read.append(
            Edge(
                proxy=key,
                read_at_seconds=now,
                cpu_seconds=before.cpu_seconds + used,
                request_count=before.request_count + count,
            )
        )
    return tuple(read)


def truth_table(edges: Sequence[Sequence[Edge]]) -> pd.DataFrame:
    """Return one row a proxy and load step: namespace, workload, role, step, rps, vcpu, seconds."""
    known = {proxy.key: proxy for proxy in proxies()}
    rows = []
    for step, (before, after) in enumerate(itertools.pairwise(edges)):
        for first, last in zip(before, after, strict=True):
            seconds = last.read_at_seconds - first.read_at_seconds
            proxy = known[first.proxy]
            rows.append(
                {
                    "namespace": proxy.namespace,
                    "workload": proxy.workload,
                    "role": proxy.role,
                    "proxy": proxy.key,
                    "step": step,
                    "rps": (last.request_count - first.request_count) / seconds,
                    "vcpu": (last.cpu_seconds - first.cpu_seconds) / seconds,
                    "seconds": seconds,
                }
            )
    return pd.DataFrame(rows)


def edges_to_json(edges: Sequence[Sequence[Edge]]) -> dict[str, list[Any]]:
    """Return edges as JSON: the proxies' names once, and a list of figures for each edge."""
    return {
        "proxies": [item.proxy for item in edges[0]],
        "read_at_seconds": [[round(item.read_at_seconds, 4) for item in edge] for edge in edges],
        "cpu_seconds": [[round(item.cpu_seconds, 6) for item in edge] for edge in edges],
        "request_count": [[item.request_count for item in edge] for edge in edges],
    }


def edges_from_json(document: Mapping[str, Sequence[Any]]) -> list[tuple[Edge, ...]]:
    """Read edges."""
    figures = ("read_at_seconds", "cpu_seconds", "request_count")
    return [
        tuple(
            Edge(proxy=proxy, read_at_seconds=at, cpu_seconds=used, request_count=count)
            for proxy, at, used, count in zip(document["proxies"], *edge, strict=True)
        )
        for edge in zip(*(document[name] for name in figures), strict=True)
    ]


def total_vcpu(table: pd.DataFrame) -> float:
    """Return the CPU of all these proxies together, averaged over the time."""
    used = (table["vcpu"] * table["seconds"]).groupby(table["proxy"]).sum()
    lasted = table.groupby("proxy")["seconds"].sum()
    return float(np.sum(used / lasted))
