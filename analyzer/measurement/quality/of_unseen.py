"""Values that are impossible or were not seen, and what the totals have in their place."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools
from analyzer.measurement.findings import Bias, Finding
from analyzer.measurement.quality.evidence import Evidence
from analyzer.units import Role, counted, duration, enumerated, in_percent

LEAST_FILLED_SHARE: Final = 0.01
"""Share of a total that is filled from which it is a finding."""

_NAMED: Final = 3
"""Nodes that a text names."""

_MOST_OF_IT: Final = 0.9
"""Share of the missing values that the named nodes must explain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What one exporter measures, in words.

    Attributes:
        name: in the names of findings.
        column: of the step table.
        what: as the subject of a sentence, and in the middle of one.
        job: whose scrapes to check.
        counter: its metric.
    """

    name: str
    column: str
    what: str
    unit: str
    job: str
    counter: str


_CPU: Final = _Source(
    name="cpu",
    column="cpu_vcpu",
    what="CPU",
    unit="vCPU",
    job="the kubelet's scrape job",
    counter="container_cpu_usage_seconds_total",
)
_REQUESTS: Final = _Source(
    name="requests",
    column="proxy_rps",
    what="requests",
    unit="requests/s",
    job="the proxies' scrape job",
    counter="istio_requests_total",
)


def _impossible_cpu(evidence: Evidence) -> Finding | None:
    return _impossible(evidence, _CPU, evidence.impossible.cpu)


def _impossible_requests(evidence: Evidence) -> Finding | None:
    return _impossible(evidence, _REQUESTS, evidence.impossible.requests)


def _impossible(evidence: Evidence, source: _Source, flags: Bools) -> Finding | None:
    flags = flags & evidence.is_observed
    if not flags.any():
        return None
    raw = evidence.impossible.raw[source.column]
    filled = evidence.filled[source.column].to_numpy(float)
    excess = float(np.nansum((raw - np.nan_to_num(filled))[flags])) / len(evidence.observed_points)
    proxies = evidence.pods(evidence.steps.loc[flags, "proxy"])
    many = counted(len(proxies), "proxy", "proxies")
    intervals = counted(int(flags.sum()), "interval")
    return evidence.about_values(
        f"impossible_{source.name}",
        f"A counter of {source.what} jumped, or fell without a restart: {many}, {intervals}. Taken "
        f"as data, this would add {excess:.3g} {source.unit} to the mean. These intervals are "
        "estimated from the same workloads.",
        flags,
        bias=Bias.NONE,
        fix=f"Check which series jump or fall: resets({source.counter}[1h]).",
    )


def _impossible_memory(evidence: Evidence) -> Finding | None:
    flags = evidence.impossible.memory & evidence.is_observed
    if not flags.any():
        return None
    proxies = evidence.pods(evidence.steps.loc[flags, "proxy"])
    return evidence.about_values(
        "impossible_memory",
        f"Memory of {counted(len(proxies), 'proxy', 'proxies')} exceeds its limit or its node in "
        f"{counted(int(flags.sum()), 'interval')}. No total includes these values.",
        flags,
        bias=Bias.NONE,
        fix="Check container_memory_working_set_bytes of these pods.",
    )


def _unseen_cpu(evidence: Evidence) -> Finding | None:
    return _unseen(evidence, _CPU, evidence.impossible.cpu)


def _unseen_requests(evidence: Evidence) -> Finding | None:
    return _unseen(evidence, _REQUESTS, evidence.impossible.requests)


def _unseen(evidence: Evidence, source: _Source, bad: Bools) -> Finding | None:
    """Return the finding about values that were filled because nothing was scraped."""
    missing = evidence.steps[source.column].isna().to_numpy() & ~bad & evidence.is_observed
    filled = evidence.filled[source.column].to_numpy(float)
    missing &= ~np.isnan(filled)
    shares = {
        role: float(np.nansum(filled[missing & of_role])) / total
        for role in Role
        for of_role in [evidence.is_of(role) & evidence.is_observed]
        if (total := float(np.nansum(filled[of_role]))) > 0
    }
    # The answer is about the sidecars: another role is named only if they were seen.
    role, share = Role.SIDECAR, shares.get(Role.SIDECAR, 0.0)
    if share < LEAST_FILLED_SHARE and shares:
        role, share = max(shares.items(), key=itemgetter(1))
    if share < LEAST_FILLED_SHARE:
        return None
    missing &= evidence.is_of(role)
    time_share = missing.sum() / max(int((evidence.is_of(role) & evidence.is_observed).sum()), 1)
    where = "".join(_where(evidence, missing))
    return evidence.about_values(
        f"unseen_{source.name}",
        f"{source.what[0].upper()}{source.what[1:]} of the {role}s {_verb(source)} missing in "
        f"{in_percent(time_share)} of their time{where}. {in_percent(share)} of the total is "
        "estimated from the same workloads.",
        missing,
        bias=Bias.EITHER,
        fix=f"Check `up` of {source.job} at that time.",
        least_share=share,
    )


def _verb(source: _Source) -> str:
    return "are" if source.what.endswith("s") else "is"


def _where(evidence: Evidence, missing: Bools) -> Iterator[str]:
    """Yield the few nodes, of several, on which nearly all of the values are missing."""
    nodes = evidence.proxies.loc[evidence.steps.loc[missing, "proxy"], "node"]
    counts = nodes[nodes != ""].value_counts()
    named = counts.index[:_NAMED]
    several = len(set(evidence.proxies["node"]) - {""}) > len(counts)
    if several and len(nodes) and counts.iloc[:_NAMED].sum() >= _MOST_OF_IT * len(nodes):
        yield f" (pods on {enumerated(sorted(named))})"


def _dark_cluster(evidence: Evidence) -> Finding | None:
    """Return the finding about a cluster that may not have existed for a part of the window."""
    doubtful = evidence.doubtful
    doubtful = doubtful[doubtful["point"].isin(evidence.observed_points)]
    if doubtful.empty:
        return None
    namespaces = evidence.proxies.loc[doubtful["proxy"], "namespace"]
    clusters = sorted(set(namespaces.str.split("/").str[0]))
    window = evidence.manifest.window
    longest = doubtful.groupby("proxy")["point"].nunique().max() * window.step_seconds
    index = pd.MultiIndex.from_frame(evidence.steps[["proxy", "point"]])
    is_filled = pd.MultiIndex.from_frame(doubtful[["proxy", "point"]]).isin(index)
    flags = np.asarray(index.isin(pd.MultiIndex.from_frame(doubtful[["proxy", "point"]])))
    guess = "counted as running" if is_filled.mean() > 1 / 2 else "not counted"
    return evidence.about_values(
        "dark_cluster",
        f"{enumerated(clusters)}: no data at the start or end of the time range, up to "
        f"{duration(longest)}. This time is {guess}, and the range of the totals covers both.",
        flags,
        affected=tuple(clusters),
        bias=Bias.EITHER,
        fix="Check when this cluster's Prometheus began or stopped to send data.",
    )


_CORRECTED: Final = 1.001
"""A multiple below this is the rounding of rates."""


def _lost_scrapes(evidence: Evidence) -> Finding | None:
    """Return the finding about CPU that was corrected, because a kubelet's scrapes were lost."""
    flags = (evidence.corrections > _CORRECTED) & evidence.is_observed
    cpu = evidence.steps["cpu_vcpu"].to_numpy(float)
    whole = float(np.nansum(cpu[evidence.is_observed]))
    lost = float(np.nansum((cpu * (1 - 1 / evidence.corrections))[flags]))
    if lost <= LEAST_FILLED_SHARE * whole:
        return None
    proxies = evidence.pods(evidence.steps.loc[flags, "proxy"])
    share = lost / float(np.nansum(cpu[flags]))
    return evidence.about_values(
        "lost_scrapes",
        f"CPU rates of {counted(len(proxies), 'proxy', 'proxies')} lack {in_percent(share)} of the "
        "CPU: many single scrapes were lost. They are corrected to the growth of the counters.",
        flags,
        bias=Bias.NONE,
        fix=f"Check `up` and `scrape_duration_seconds` of {_CPU.job}.",
    )


UNSEEN_CHECKS: Final = (
    _impossible_cpu,
    _impossible_requests,
    _impossible_memory,
    _unseen_cpu,
    _unseen_requests,
    _dark_cluster,
    _lost_scrapes,
)
