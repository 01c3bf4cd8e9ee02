"""Whether an answer would be right: what each kind of fault in the data makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from analyzer.data import codes
from analyzer.measurement.findings import BIASED, Bias, Finding, Severity
from analyzer.units import enumerated

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "impossible values": ("impossible_cpu", "impossible_requests", "impossible_memory"),
    "gaps": (
        "gaps",
        "unseen_cpu",
        "unseen_requests",
        "dark_cluster",
        "lost_scrapes",
        "thinned_samples",
        "server_remarks",
    ),
    "proxies without a rate": ("proxies_not_measured", "brief_proxies", "short_lives"),
    "CPU and requests of the same proxies": (
        "cpu_without_requests",
        "requests_without_cpu",
        "requests_not_reported",
        "unattributed_requests",
    ),
    "requests of both sides": (
        "one_sided_requests",
        "no_reporter",
        "dropped_workload_labels",
        "remote_destinations",
    ),
    "partial answers": ("unmatched_cpu_requests", "partial_memory", "partial_calls"),
    "cluster labels": ("cluster_label_partial", "pods_in_several_clusters"),
    "roles": ("ambiguous_roles",),
    "bursts and restarts": (
        "evicted_series",
        "counter_resets",
        "bursty_load",
        "offset_samples",
    ),
    "nodes and prices": (
        "nodes_without_daemonsets",
        "replaced_nodes",
        "nodes_of_proxies",
        "nodes_without_price",
        "instance_types",
    ),
}
"""What is checked in measured steps, and the findings of each check."""

_ESTIMATED: Final = frozenset(
    {
        "unseen_cpu",
        "unseen_requests",
        "dark_cluster",
        "unequal_sources",
        "one_sided_requests",
        "no_reporter",
        "nodes_without_price",
    }
)
"""Findings about what is missing and has an estimate in its place, with its range if known."""

_OF_MODES: Final = frozenset({"dropped_workload_labels"})
"""Findings that move no measured total, but the cost of a mode."""

_OF_TIME: Final = frozenset({"gaps", "short_retention", "sparse_window"})
"""Findings about time without any data: totals are averages of the other time."""

_SMALL_SHARE: Final = 0.02
"""Share of CPU, requests and time up to which a finding moves totals by less than they are off."""

_SEEN_BEFORE: Final = frozenset({"missing_metric", "no_pod_labels"})
"""Findings that the check of a metric has already."""

_RANK: Final = (Severity.SERIOUS, Severity.WARNING, Severity.INFO)


class Judgement(StrEnum):
    """What an answer to the main question would be."""

    RIGHT = "right"
    """Totals are right, or their ranges hold what is right."""
    BIASED = "biased"
    """Totals are wrong, in a direction that is known or not."""
    CANNOT = "cannot"
    """There is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found in measured steps.

    Attributes:
        findings: as `analyze` has them.
        extent: which steps were measured, as a phrase.
    """

    findings: tuple[Finding, ...]
    extent: str


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings that move totals first, then by severity; each kind once."""
    by_name: dict[str, Finding] = {}
    for finding in findings:
        by_name.setdefault(finding.name, finding)
    return tuple(sorted(by_name.values(), key=weight))


def weight(finding: Finding) -> tuple[bool, int]:
    """Return a key that sorts what makes totals wrong first, and the most severe before others."""
    return not biases(finding), _RANK.index(finding.severity)


def biases(finding: Finding) -> bool:
    """Return whether totals are clearly wrong because of it, and no estimate is in place."""
    shares = (finding.cpu_share, finding.rps_share, finding.time_share)
    known = [share for share in shares if share is not None]
    return (
        (finding.moves_totals or finding.name in _OF_MODES)
        and max(known, default=1.0) > _SMALL_SHARE
        and finding.severity != Severity.INFO
        and finding.name not in _ESTIMATED | _OF_TIME
    )


def bias_of(findings: Sequence[Finding]) -> Bias:
    """Return which way totals are wrong because of all of these."""
    ways = {_way(finding) for finding in findings if biases(finding)}
    return Bias.EITHER if len(ways) > 1 else next(iter(ways), Bias.NONE)


def _way(finding: Finding) -> Bias:
    return finding.bias if finding.bias and finding.moves_totals else Bias.EITHER


def judgement_of(findings: Sequence[Finding]) -> Judgement:
    """Return whether an answer with these findings would be right."""
    return Judgement.BIASED if any(map(biases, findings)) else Judgement.RIGHT


def by_kind(judged: Judged) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Yield each kind of check and what it found; what belongs to no kind has its own title."""
    found = {one.name: one for one in judged.findings if one.name not in _SEEN_BEFORE}
    for kind, names in KINDS.items():
        yield kind, tuple(found.pop(name) for name in names if name in found)
    for name, finding in found.items():
        yield codes()[name].title, (finding,)


def sentence(findings: Sequence[Finding]) -> str:
    """Return the verdict on data with these findings, the worst first."""
    wrong = [finding for finding in findings if biases(finding)]
    if not wrong:
        return _right(findings)
    worst, *others = wrong
    verdict = f"The main question can be answered, but fix this first. {worst}"
    if not others:
        return verdict
    more = enumerated([one.code for one in others])
    return f"{verdict} With {more}, totals {BIASED[bias_of(wrong)]}."


def _right(findings: Sequence[Finding]) -> str:
    seen = [one for one in findings if one.severity != Severity.INFO]
    verdict = "The main question can be answered: run `istio-usage analyze`."
    effects = {
        "What is missing is estimated": [
            one for one in seen if one.moves_totals and one.name in _ESTIMATED
        ],
        "Averages cover the time with data": [one for one in seen if one.name in _OF_TIME],
        "Totals are not affected": [
            one for one in seen if one.name not in _OF_TIME and not one.moves_totals
        ],
        "Totals are hardly affected": [
            one for one in seen if one.name not in _ESTIMATED | _OF_TIME and one.moves_totals
        ],
    }
    parts = (
        f"{effect} ({enumerated([one.code for one in found])})."
        for effect, found in effects.items()
        if found
    )
    return " ".join((verdict, *parts))
