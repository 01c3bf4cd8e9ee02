"""Whether an answer about a bent mesh is right, or names what is bent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from analyzer.data import codes
from tests.support.bent.scene import Kind, Scene

Document = Mapping[str, Any]

HOURS_PER_MONTH = 730
SLOPE = "vcpu_per_1000_rps"
LIMITS = {
    "sidecar_vcpu": 0.03,
    "proxy_rps": 0.03,
    "mesh_rps": 0.03,
    SLOPE: 0.06,
    "cpu_price": 0.02,
}
"""How far a figure may be off, as a share of the truth. Counts are exact."""

_LEAST_COUNT_ERROR = 0.6
"""Counts are means over time, shown whole."""

NAMES: Mapping[Kind, frozenset[str]] = {
    Kind.RATES: frozenset({"impossible_cpu", "impossible_requests", "impossible_memory"}),
    Kind.COPIES: frozenset({"duplicate_scrapes", "copied_series", "alike_series"}),
    Kind.GAPS: frozenset({"gaps", "unseen_cpu", "unseen_requests", "dark_cluster"}),
    Kind.PARTS: frozenset(
        {
            "gaps",
            "sparse_window",
            "slow_scrapes",
            "proxies_not_measured",
            "brief_proxies",
            "dark_cluster",
        }
    ),
    Kind.LIVES: frozenset({"replaced_nodes", "nodes_without_daemonsets", "brief_proxies"}),
    Kind.PRICES: frozenset({"nodes_without_price"}),
    Kind.BURSTS: frozenset({"bursty_load", "evicted_series"}),
}
"""The findings that name each kind."""


class Verdict(StrEnum):
    """How an answer compares with the truth."""

    RIGHT = "RIGHT"
    TOLD = "TOLD"
    """Off, but a finding names what is bent, and the range of each total holds the truth."""
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of an answer beside the truth."""

    name: str
    found: float | None
    truth: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """Return how far it is off, as a share of the truth."""
        return float("inf") if self.found is None else self.found / self.truth - 1

    @property
    def is_right(self) -> bool:
        """Whether it is within its limit."""
        if self.name in LIMITS:
            return abs(self.error) <= LIMITS[self.name]
        return self.found is not None and abs(self.found - self.truth) <= self._count_limit

    @property
    def _count_limit(self) -> float:
        return 0.01 if abs(self.truth - round(self.truth)) < 0.001 else _LEAST_COUNT_ERROR

    @property
    def holds_truth(self) -> bool:
        """Whether its range holds the truth."""
        return (
            self.low is not None and self.high is not None and self.low <= self.truth <= self.high
        )

    def __str__(self) -> str:
        found = "none" if self.found is None else f"{self.found:.4g}"
        known = "" if self.low is None else f" ({self.low:.4g} to {self.high:.4g})"
        return f"{self.name} {found}{known}, truth {self.truth:.4g}"


def figures(scene: Scene, document: Document) -> tuple[Figure, ...]:
    """Return the figures of an answer in JSON beside the truth of the window that was measured."""
    return tuple(_figures(scene, document))


def _figures(scene: Scene, document: Document) -> Iterator[Figure]:
    start, end = (datetime.fromisoformat(document["window"][name]) for name in ("start", "end"))
    mesh, measured = document.get("mesh", {}), document.get("measured", {})
    yield _ranged("sidecar_vcpu", measured, scene.vcpu(start, end))
    yield _ranged("proxy_rps", mesh, scene.proxy_rps(start, end))
    yield _ranged("mesh_rps", mesh, scene.mesh_rps(start, end))
    fit = (document.get("calibration") or {}).get("sidecar") or {}
    slope = fit.get(SLOPE) or {}
    yield Figure(
        name=SLOPE,
        found=slope.get("mid"),
        truth=scene.slope,
        low=slope.get("low"),
        high=slope.get("high"),
    )
    yield Figure(name="sidecar_count", found=mesh.get("sidecar_count"), truth=scene.sidecars)
    yield Figure(name="node_count", found=mesh.get("node_count"), truth=scene.nodes)
    price = (document.get("projection") or {}).get("price") or {}
    if "--scenario" in scene.flags and scene.cpu_price is not None:
        monthly = price.get("vcpu_month_usd")
        hourly = None if monthly is None else monthly / HOURS_PER_MONTH
        yield Figure(name="cpu_price", found=hourly, truth=scene.cpu_price)


def _ranged(name: str, keys: Mapping[str, Any], truth: float) -> Figure:
    known = keys.get(f"{name}_range") or {}
    return Figure(
        name=name, found=keys.get(name), truth=truth, low=known.get("low"), high=known.get("high")
    )


def wrong(scene: Scene, document: Document) -> tuple[Figure, ...]:
    """Return the figures that are off."""
    return tuple(figure for figure in figures(scene, document) if not figure.is_right)


def finding_names(document: Document) -> frozenset[str]:
    """Return the names of the findings and warnings in an answer."""
    names = {entry.code: name for name, entry in codes().items()}
    warned = (re.search(r"IU\d+", text) for text in document.get("warnings", ()))
    found = {finding["name"] for finding in document.get("quality", ())}
    return frozenset(found | {names[match[0]] for match in warned if match})


def verdict(scene: Scene, document: Document) -> Verdict:
    """Compare an answer with the truth."""
    off = wrong(scene, document)
    if not off:
        return Verdict.RIGHT
    # Which of two bends moved a figure is not known, so either one's finding will do.
    names_one = any(finding_names(document) & NAMES[kind] for kind in scene.kinds)
    is_doubted = all(figure.name == SLOPE or figure.holds_truth for figure in off)
    return Verdict.TOLD if names_one and is_doubted else Verdict.WRONG
