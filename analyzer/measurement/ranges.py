"""How far back a rate reads, so that each increase of a counter is in exactly one step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

from analyzer.prometheus.label_mapping import Exporter

_EDGE_SECONDS: Final = 0.001
"""Prometheus 2 includes samples on both edges of a range. A range this much shorter has only one
of two samples that lie exactly on its edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """The range of a rate of each exporter, in whole seconds.

    Prometheus calculates a rate from the samples inside the range. A range of one step loses the
    increase between the last sample of a step and the first of the next one. A range that is one
    scrape longer has that sample too, so its increases cover exactly one step. VictoriaMetrics
    reads the sample before the range by itself: there the range is the step.

    Attributes:
        cpu_seconds: of the kubelet's counters.
        request_seconds: of the proxies' counters.
    """

    cpu_seconds: int
    request_seconds: int

    @classmethod
    def of_steps(cls, step_seconds: int) -> Self:
        """Return ranges that are as long as the step."""
        return cls(cpu_seconds=step_seconds, request_seconds=step_seconds)

    @classmethod
    def gapless(cls, step_seconds: int, cpu_scrape: float, request_scrape: float) -> Self:
        """Return ranges that are one scrape longer than the step; scrapes are in seconds."""
        return cls(
            cpu_seconds=step_seconds + math.ceil(cpu_scrape),
            request_seconds=step_seconds + math.ceil(request_scrape),
        )

    @classmethod
    def on_server(
        cls,
        step_seconds: int,
        cpu_scrape: float,
        request_scrape: float,
        *,
        is_cpu_recorded: bool,
        reads_sample_before: bool,
    ) -> Self:
        """Return the ranges for a server, by how it reads a range; scrapes are in seconds.

        Args:
            step_seconds: length of a step.
            cpu_scrape: interval of the kubelet's counters.
            request_scrape: interval of the proxies' counters.
            is_cpu_recorded: whether CPU comes from a recording rule.
            reads_sample_before: whether a rate uses the last sample before its range.
        """
        if reads_sample_before:
            return cls.of_steps(step_seconds)
        # Samples of a recording rule are averages: a longer range would read some of them twice.
        cpu_scrape = 0.0 if is_cpu_recorded else cpu_scrape
        return cls.gapless(step_seconds, cpu_scrape, request_scrape)

    def of(self, exporter: Exporter | None) -> int:
        """Return the range of an exporter's rates, in seconds."""
        return self.cpu_seconds if exporter == Exporter.CADVISOR else self.request_seconds

    def sent(self, exporter: Exporter | None, step_seconds: int) -> float:
        """Return the range as a query has it, in seconds: edges are not in two steps."""
        seconds = self.of(exporter)
        return seconds if seconds == step_seconds else seconds - _EDGE_SECONDS

    def to_json(self) -> dict[str, int]:
        """Return the ranges as JSON."""
        return {"cpu": self.cpu_seconds, "requests": self.request_seconds}
