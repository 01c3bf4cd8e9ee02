"""Proxies that are seen in part, or whose figures mean something else than they seem to."""

from typing import Final

import pandas as pd

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.metrics import POD_LABELS
from analyzer.measurement.quality.evidence import Evidence
from analyzer.measurement.roles import UNKNOWN
from analyzer.settings import Setting

MESSAGES_PER_REQUEST = 10
"""gRPC messages for each request from which a proxy is taken to carry streams: a unary call has
two, one each way."""

THROTTLED_SHARE = 0.01
"""Share of CPU periods throttled, averaged over the window, from which a proxy is named."""

SHORT_LIFE_STEPS = 2
"""A proxy seen in no more steps than this has no whole one: its first and last are cut."""


def _no_requests(evidence: Evidence) -> Finding | None:
    unseen = _never_known(evidence.sidecars, "proxy_rps")
    return evidence.about(
        "cpu_without_requests",
        "{count} sidecars use CPU and show no metrics of their own: their cost is in the total "
        "and not in the fit",
        unseen[unseen["cpu_vcpu"].notna()],
        "scrape their /stats/prometheus, or switch Istio's metrics on for them (Telemetry)",
    )


def _no_cpu(evidence: Evidence) -> Finding | None:
    unseen = _never_known(evidence.sidecars, "cpu_vcpu")
    return evidence.about(
        "requests_without_cpu",
        "{count} sidecars carry requests and show no CPU: the total is too low by theirs",
        unseen[unseen["proxy_rps"].notna()],
        "scrape the kubelet of every node",
    )


def _never_known(steps: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the steps of proxies of which a column is known in no step."""
    return steps[steps.groupby("proxy")[column].transform("count") == 0]


def _unreported(evidence: Evidence) -> Finding | None:
    calls = evidence.tables["mesh_requests_rps"]
    sent = calls[(calls["reporter"] == "source") & (calls["mesh_requests_rps"] > 0)]
    ends = ["destination_workload_namespace", "destination_workload"]
    called = _by_workload(sent[ends].drop_duplicates())
    received = evidence.sidecars.groupby("proxy")["inbound_rps"].sum(min_count=1).dropna()
    workloads = _by_workload(evidence.proxies.loc[received.index, ["namespace", "workload"]])
    totals = received.groupby(workloads).transform("sum")
    silent = received.index[(totals == 0).to_numpy() & workloads.isin(called)]
    sidecars = evidence.sidecars
    return evidence.about(
        "requests_not_reported",
        "{count} sidecars report no request to them although their callers do: their traffic is "
        "taken for less than it is",
        sidecars[sidecars["proxy"].isin(silent)],
        "switch Istio's metrics on for them (Telemetry), unless the called port bypasses the "
        "sidecar (traffic.sidecar.istio.io/excludeInboundPorts)",
    )


def _by_workload(names: pd.DataFrame) -> pd.MultiIndex:
    """Return namespaces without their cluster, and workloads: a caller's may be another cluster."""
    namespace, workload = (names[column] for column in names)
    return pd.MultiIndex.from_arrays([namespace.str.replace("^.*/", "", regex=True), workload])


def _tcp_only(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    totals = sidecars.groupby("proxy")[["proxy_rps", "tcp_bytes_per_second"]].sum()
    tcp = totals.index[(totals["proxy_rps"] == 0) & (totals["tcp_bytes_per_second"] > 0)]
    return evidence.about(
        "tcp_only",
        "{count} sidecars carry only TCP, of which Istio counts no requests: their cost is in "
        "the total and not in the fit",
        sidecars[sidecars["proxy"].isin(tcp)],
    )


def _roles(evidence: Evidence) -> Finding | None:
    unknown = evidence.proxies.index[evidence.proxies["role"] == UNKNOWN]
    if not len(unknown):
        return None
    return Finding(
        name="ambiguous_roles",
        text=f"{len(unknown)} proxies could be sidecars, gateways or waypoints: they are counted "
        "nowhere",
        affected=evidence.pods(unknown),
        fix=f"let kube-state-metrics tell pod labels ({POD_LABELS})",
    )


def _streams(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    requests = sidecars.groupby("proxy")["proxy_rps"].sum()
    messages = evidence.total_of("grpc_messages_per_second").reindex(requests.index)
    streaming = requests.index[messages > MESSAGES_PER_REQUEST * requests]
    return evidence.about(
        "grpc_streams",
        "{count} sidecars carry gRPC streams: Istio counts a stream as one request, at its end, "
        "so that their CPU per request is overstated",
        sidecars[sidecars["proxy"].isin(streaming)],
        f"read the workloads' figures apart; leave them out with {Setting.NAMESPACES}",
    )


def _throttled(evidence: Evidence) -> Finding | None:
    steps_seen = evidence.steps.groupby("proxy").size().reindex(evidence.proxies.index)
    means = evidence.total_of("proxy_throttled_share") / steps_seen
    throttled = evidence.proxies.index[means > THROTTLED_SHARE]
    return evidence.about(
        "throttled",
        "{count} proxies run into their CPU limit: throttled, their CPU no longer rises with "
        "their requests",
        evidence.steps[evidence.steps["proxy"].isin(throttled)],
        "raise their CPU limit (of a sidecar: sidecar.istio.io/proxyCPULimit)",
    )


def _short_lives(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    life = sidecars.groupby("proxy")["point"].agg(["min", "max", "size"])
    # Of one that the window or an outage cuts off it is not known how long it lived.
    began, ended = (
        pd.Series(neighbours, index=life.index).isin(evidence.observed_points)
        for neighbours in (life["min"] - 1, life["max"] + 1)
    )
    short = life.index[(life["size"] <= SHORT_LIFE_STEPS) & began & ended]
    return evidence.about(
        "short_lives",
        "{count} sidecars lived through no whole step: they are in the total and not in the fit",
        sidecars[sidecars["proxy"].isin(short)],
        f"scrape faster, or give a shorter {Setting.STEP}",
    )


def _resets(evidence: Evidence) -> Finding | None:
    affected = evidence.pods(evidence.proxies.index[evidence.total_of("proxy_resets") > 0])
    if not affected:
        return None
    return Finding(
        name="counter_resets",
        severity=Severity.INFO,
        text=f"the counters of {len(affected)} proxies began anew: they restarted, or idle "
        "series were evicted; up to a scrape's worth of each is lost",
        affected=affected,
    )


PROXY_CHECKS: Final = (
    _no_requests,
    _no_cpu,
    _unreported,
    _tcp_only,
    _roles,
    _streams,
    _throttled,
    _short_lives,
    _resets,
)
