"""Proxies that are seen in part, or whose figures mean something else than they seem to."""

from __future__ import annotations

from typing import Final

import pandas as pd

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.quality.evidence import Evidence
from analyzer.measurement.roles import UNKNOWN

__all__ = ["PROXY_CHECKS"]

MESSAGES_PER_REQUEST = 10
"""gRPC messages for each request from which a proxy is taken to carry streams: a unary call has
one."""

THROTTLED_SHARE = 0.01
"""Share of CPU periods throttled, averaged over the window, from which a proxy is named."""

SHORT_LIFE_STEPS = 2
"""A proxy seen in no more steps than this has no whole one: its first and last are cut."""


def _no_requests(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    ever_scraped = sidecars.groupby("proxy")["proxy_rps"].count() > 0
    unseen = sidecars[~sidecars["proxy"].map(ever_scraped).astype(bool)]
    return evidence.about(
        "cpu_without_requests",
        "{count} sidecars use CPU and show no metrics of their own: their cost is in the total "
        "and not in the fit",
        unseen[unseen["cpu_vcpu"].notna()],
        "scrape their /stats/prometheus, or switch Istio's metrics on for them (Telemetry)",
    )


def _no_cpu(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    ever_used = sidecars.groupby("proxy")["cpu_vcpu"].count() > 0
    unseen = sidecars[~sidecars["proxy"].map(ever_used).astype(bool)]
    return evidence.about(
        "requests_without_cpu",
        "{count} sidecars carry requests and show no CPU: the total is too low by theirs",
        unseen[unseen["proxy_rps"].notna()],
        "scrape the kubelet of every node",
    )


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
        severity=Severity.WARNING,
        text=f"{len(unknown)} proxies could be sidecars, gateways or waypoints: they are counted "
        "nowhere",
        affected=evidence.pods(unknown),
        mending="let kube-state-metrics tell pod labels (--metric-labels-allowlist=pods=[app,"
        "security.istio.io/tlsMode,gateway.networking.k8s.io/gateway-class-name,"
        "gateway.istio.io/managed])",
    )


def _streams(evidence: Evidence) -> Finding | None:
    messages = evidence.tables["grpc_messages_per_second"]
    means = messages.groupby(["namespace", "pod"])["grpc_messages_per_second"].sum()
    names = pd.MultiIndex.from_frame(evidence.proxies[["namespace", "pod"]])
    by_proxy = pd.Series(means.reindex(names).fillna(0.0).to_numpy(), index=evidence.proxies.index)
    sidecars = evidence.sidecars
    requests = sidecars.groupby("proxy")["proxy_rps"].sum()
    streaming = by_proxy.reindex(requests.index) > MESSAGES_PER_REQUEST * requests
    steps = sidecars[sidecars["proxy"].isin(requests.index[streaming])]
    return evidence.about(
        "grpc_streams",
        "{count} sidecars carry gRPC streams: Istio counts a stream as one request, at its end, "
        "so that their CPU per request is overstated",
        steps,
        "read the workloads' figures apart; leave them out with --namespace",
    )


def _throttled(evidence: Evidence) -> Finding | None:
    shares = evidence.tables["proxy_throttled_share"]
    totals = shares.groupby(["namespace", "pod"])["proxy_throttled_share"].sum()
    names = pd.MultiIndex.from_frame(evidence.proxies[["namespace", "pod"]])
    steps_seen = evidence.steps.groupby("proxy").size().reindex(evidence.proxies.index)
    means = totals.reindex(names).fillna(0.0).to_numpy() / steps_seen.to_numpy()
    throttled = evidence.proxies.index[means > THROTTLED_SHARE]
    sidecars = evidence.sidecars
    return evidence.about(
        "throttled",
        "{count} sidecars run into their CPU limit: throttled, their CPU no longer rises with "
        "their requests",
        sidecars[sidecars["proxy"].isin(throttled)],
        "raise their CPU limit (sidecar.istio.io/proxyCPULimit)",
    )


def _short_lives(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    seen = sidecars.groupby("proxy").size()
    short = seen.index[seen <= SHORT_LIFE_STEPS]
    return evidence.about(
        "short_lives",
        "{count} sidecars lived for less than a whole step: they are in the total and not in "
        "the fit",
        sidecars[sidecars["proxy"].isin(short)],
        "scrape faster, or give a shorter --step",
    )


def _resets(evidence: Evidence) -> Finding | None:
    resets = evidence.tables["proxy_resets"]
    names = pd.MultiIndex.from_frame(evidence.proxies[["namespace", "pod"]])
    began_anew = names.isin(pd.MultiIndex.from_frame(resets[["namespace", "pod"]]))
    affected = evidence.pods(evidence.proxies.index[began_anew])
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
    _tcp_only,
    _roles,
    _streams,
    _throttled,
    _short_lives,
    _resets,
)
