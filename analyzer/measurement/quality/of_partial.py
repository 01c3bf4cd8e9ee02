"""Tables that lack what another table of the same thing has: a partial answer, or other names."""

from typing import Final

import pandas as pd

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.lived import LIVED
from analyzer.measurement.other_side import CALLS
from analyzer.measurement.quality.evidence import Evidence
from analyzer.units import counted

_MEMORY: Final = "proxy_memory_bytes"
_REQUESTS: Final = "proxy_reserved_vcpu"
_RECEIVED: Final = "inbound_requests_rps"
_KEY: Final = ("namespace", "pod")

_LEAST_UNMATCHED_SHARE: Final = 0.1
"""Share of the proxies. Pods that never ran have a CPU request and no CPU, and some have none."""

_LEAST_CALLS_SHARE: Final = 0.8
"""Share of its usual part of the received requests below which the calls of a step are partial."""

_MOST_PARTIAL_SHARE: Final = 0.5
"""Share of the steps, beyond which the usual part would not be known."""


def _unmatched_requests(evidence: Evidence) -> Finding | None:
    """Return the finding about CPU requests of pods that no proxy is, beside proxies without."""
    requested, known, lacking = _compared(evidence, _REQUESTS)
    foreign = int((~requested.isin(_pods(evidence.proxies))).sum())
    share = min(len(lacking), foreign) / max(known, 1)
    if share < _LEAST_UNMATCHED_SHARE:
        return None
    return Finding(
        name="unmatched_cpu_requests",
        severity=Severity.of_share(share),
        text=f"CPU requests of {counted(foreign, 'pod')} belong to no proxy, and "
        f"{counted(len(lacking), 'proxy', 'proxies')} of {known:,} have none: the labels of "
        "kube-state-metrics differ from those of the proxies. Requested and billed CPU lack them.",
        affected=evidence.pods(lacking),
        fix="Scrape kube-state-metrics with honor_labels: true, and relabel neither `namespace` "
        "nor `pod`.",
        bias=Bias.TOO_LOW,
    )


def _partial_memory(evidence: Evidence) -> Finding | None:
    """Return the finding about proxies with CPU and without memory, which one scrape reports."""
    memory, known, lacking = _compared(evidence, _MEMORY)
    share = len(lacking) / max(known, 1)
    if memory.empty or share < _LEAST_UNMATCHED_SHARE:
        return None
    return Finding(
        name="partial_memory",
        severity=Severity.of_share(share),
        text=f"Memory is missing for {len(lacking):,} of "
        f"{counted(known, 'proxy', 'proxies')} with CPU, although the kubelet reports both. "
        "The server answered with part of the data, or the labels differ.",
        affected=evidence.pods(lacking),
        fix="Collect again. Compare the labels of container_memory_working_set_bytes with those of "
        "container_cpu_usage_seconds_total.",
        bias=Bias.TOO_LOW,
    )


def _compared(evidence: Evidence, name: str) -> tuple[pd.MultiIndex, int, pd.Index]:
    """Return the pods in a table, how many proxies have CPU, and those of them not in the table.

    Only proxies with CPU for a whole step count: others may have been at the end of none, where
    memory and requests are asked for.
    """
    pods = _pods(evidence.tables.pieces(name).labels.drop_duplicates([*_KEY]))
    steps = evidence.steps
    with_cpu = steps.loc[steps["cpu_vcpu"].notna() & (steps[LIVED] == 1), "proxy"].unique()
    known = evidence.proxies[evidence.proxies.index.isin(with_cpu)]
    return pods, len(known), known.index[~_pods(known).isin(pods)]


def _pods(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[[*_KEY]])


def _partial_calls(evidence: Evidence) -> Finding | None:
    """Return the finding about steps in which the calls are fewer than the received requests."""
    calls, received = (evidence.tables.pieces(name) for name in (CALLS, _RECEIVED))
    rates = pd.Series(received.samples).groupby(received.times).sum()
    rates = rates[rates > 0]
    calls = calls.where((calls.labels["reporter"] == "destination").to_numpy())
    named = pd.Series(calls.samples).groupby(calls.times).sum()
    part = named.reindex(rates.index, fill_value=0.0) / rates
    usual = float(part.median()) if len(part) else 0.0
    partial = part[part < _LEAST_CALLS_SHARE * usual]
    if partial.empty or len(partial) > _MOST_PARTIAL_SHARE * len(part):
        return None
    lost = float((rates[partial.index] * usual).sum() - named.reindex(partial.index).sum())
    share = lost / float((rates * usual).sum())
    return Finding(
        name="partial_calls",
        severity=Severity.of_share(share),
        text=f"Calls between workloads are incomplete in {len(partial)} of "
        f"{counted(len(part), 'interval')}, although proxies report the requests. The server "
        "answered with part of the data.",
        fix="Collect again. With Thanos or VictoriaMetrics, check that every store is up.",
        rps_share=share,
        time_share=len(partial) / len(part),
        bias=Bias.TOO_LOW,
    )


PARTIAL_CHECKS: Final = (_unmatched_requests, _partial_memory, _partial_calls)
