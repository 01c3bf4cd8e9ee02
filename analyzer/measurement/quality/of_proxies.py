"""Proxies whose data is partly missing, or whose figures are misleading."""

from dataclasses import replace
from typing import Final

import pandas as pd

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.metrics import START_WITH_POD_LABELS
from analyzer.measurement.other_side import CALLS, DESTINATION
from analyzer.measurement.quality.evidence import Evidence
from analyzer.measurement.role_rules import UNKNOWN
from analyzer.measurement.roles import AMBIGUOUS_SHARE, NO_EVIDENCE
from analyzer.settings import Setting
from analyzer.units import Role, counted

MESSAGES_PER_REQUEST = 10
"""gRPC messages per request from which a proxy is assumed to carry streams: a unary call has two,
one each way."""

THROTTLED_SHARE = 0.01
"""Share of CPU periods throttled, averaged over the window, from which a proxy is named."""

_NAMED_SIGNS: Final = 2
"""Contradictions that a text names before it counts the rest."""

SHORT_LIFE_STEPS = 2
"""A proxy seen in no more steps than this has no whole one: its first and last are cut."""


def _no_requests(evidence: Evidence) -> Finding | None:
    unseen = _never_known(evidence, "proxy_rps")
    return evidence.about(
        "cpu_without_requests",
        "Request metrics are missing for {sidecars}. That CPU is in the total but not in the fit.",
        unseen[unseen["cpu_vcpu"].notna()],
        "Scrape /stats/prometheus of these pods. If that is done, enable Istio's metrics for them "
        "in the Telemetry resource.",
        bias=Bias.TOO_LOW,
    )


def _no_cpu(evidence: Evidence) -> Finding | None:
    unseen = _never_known(evidence, "cpu_vcpu")
    return evidence.about(
        "requests_without_cpu",
        "CPU is missing for {sidecars} with requests. No total includes that CPU.",
        unseen[unseen["proxy_rps"].notna()],
        "Scrape the kubelet of every node.",
        bias=Bias.TOO_LOW,
    )


def _never_known(evidence: Evidence, column: str) -> pd.DataFrame:
    """Return the steps of sidecars whose column is empty in every step, and cannot be filled."""
    known = evidence.filled.groupby("proxy")[column].count()
    steps = evidence.sidecars
    return steps[steps["proxy"].map(known) == 0]


def _unreported(evidence: Evidence) -> Finding | None:
    calls = evidence.tables.pieces(CALLS)
    sent = calls.labels[(calls.labels["reporter"] == "source") & (calls.sums() > 0)]
    called = _by_workload(sent[DESTINATION].drop_duplicates())
    received = evidence.sidecars.groupby("proxy")["inbound_rps"].sum(min_count=1).dropna()
    workloads = _by_workload(evidence.proxies.loc[received.index, ["namespace", "workload"]])
    totals = received.groupby(workloads).transform("sum")
    silent = received.index[(totals == 0).to_numpy() & workloads.isin(called)]
    sidecars = evidence.sidecars
    return evidence.about(
        "requests_not_reported",
        "Inbound requests are missing for {sidecars}, although callers report them.",
        sidecars[sidecars["proxy"].isin(silent)],
        "Enable Istio's metrics for them in the Telemetry resource. Ports in "
        "traffic.sidecar.istio.io/excludeInboundPorts bypass the sidecar and need no fix.",
        bias=Bias.TOO_LOW,
    )


def _by_workload(names: pd.DataFrame) -> pd.MultiIndex:
    """Return namespaces without their cluster, and workloads: a caller's may be another cluster."""
    namespace, workload = (names[column] for column in names)
    return pd.MultiIndex.from_arrays([namespace.str.replace("^.*/", "", regex=True), workload])


def _tcp_only(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    totals = sidecars.groupby("proxy")[["proxy_rps", "tcp_bytes_per_second"]].sum()
    tcp = totals.index[(totals["proxy_rps"] == 0) & (totals["tcp_bytes_per_second"] > 0)]
    finding = evidence.about(
        "tcp_only",
        "TCP is the only traffic of {sidecars}: Istio reports no request count. Their CPU is "
        "fitted to bytes and new connections, and is no part of the cost per request.",
        sidecars[sidecars["proxy"].isin(tcp)],
        bias=Bias.NONE,
    )
    return finding and replace(finding, severity=Severity.INFO)


def _ztunnel_requests(evidence: Evidence) -> Finding | None:
    rows = evidence.steps[evidence.is_of(Role.ZTUNNEL) & evidence.is_observed]
    carried = float(rows["tcp_bytes_per_second"].sum()) / max(len(evidence.observed_points), 1)
    if not carried:
        return None
    return Finding(
        name="ztunnel_requests_unknown",
        severity=Severity.INFO,
        text=f"Ztunnels carry {carried / 1e6:.3g} MB/s and do not count requests. Mesh requests "
        "do not include calls between ambient workloads without a waypoint.",
        affected=evidence.pods(rows["proxy"]),
        fix="Count requests of such workloads in the applications, or give them a waypoint.",
        bias=Bias.NONE,
    )


def _roles(evidence: Evidence) -> Finding | None:
    unknown = evidence.proxies[evidence.proxies["role"] == UNKNOWN]
    if unknown.empty:
        return None
    signs = [sign for sign in sorted({*unknown["evidence"]}) if sign != NO_EVIDENCE]
    more = len(signs) - _NAMED_SIGNS
    contradictions = f" Signs that contradict each other: {'; '.join(signs[:_NAMED_SIGNS])}"
    contradictions += f"; {more} more." if more > 0 else "."
    without, theirs = (
        evidence.mean_cpu(rows.index)
        for rows in (evidence.proxies[evidence.proxies["role"] == Role.SIDECAR], unknown)
    )
    share = theirs / without if without > 0 else None
    matters = share is not None and share > AMBIGUOUS_SHARE
    return Finding(
        name="ambiguous_roles",
        severity=Severity.of_share(share or 0.0),
        text=f"The role of {counted(len(unknown), 'proxy', 'proxies')} is ambiguous: sidecar, "
        "gateway or waypoint. No total includes proxies without a role."
        + (contradictions if signs else "")
        + (
            f" Sidecars use {without:.3g} vCPU without them and {without + theirs:.3g} with them."
            if matters
            else ""
        ),
        affected=evidence.pods(unknown.index),
        fix=START_WITH_POD_LABELS,
        cpu_share=share,
        bias=Bias.TOO_LOW,
    )


def _streams(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    requests = sidecars.groupby("proxy")["proxy_rps"].sum()
    messages = evidence.total_of("grpc_messages_per_second").reindex(requests.index)
    streaming = requests.index[messages > MESSAGES_PER_REQUEST * requests]
    return evidence.about(
        "grpc_streams",
        "Long gRPC streams pass through {sidecars}. Istio counts a stream as one request when it "
        "ends, so cost per request is overstated.",
        sidecars[sidecars["proxy"].isin(streaming)],
        f"Read the costs of these workloads separately, or select other namespaces with "
        f"{Setting.NAMESPACES}.",
        bias=Bias.NONE,
    )


def _throttled(evidence: Evidence) -> Finding | None:
    is_known = evidence.steps["throttled_share"].notna()
    steps_seen = is_known.groupby(evidence.steps["proxy"]).sum().reindex(evidence.proxies.index)
    means = evidence.total_of("proxy_throttled_share") / steps_seen
    throttled = evidence.proxies.index[means > THROTTLED_SHARE]
    return evidence.about(
        "throttled",
        "CPU throttling affects {proxies}. The CPU of a throttled proxy no longer rises with its "
        "requests.",
        evidence.steps[evidence.steps["proxy"].isin(throttled)],
        "Raise the CPU limit (for a sidecar: the annotation sidecar.istio.io/proxyCPULimit).",
        bias=Bias.NONE,
    )


def _short_lives(evidence: Evidence) -> Finding | None:
    sidecars = evidence.sidecars
    life = sidecars.groupby("proxy")["point"].agg(["min", "max", "size"])
    # The life of a proxy that the window or an outage cuts off has an unknown length.
    began, ended = (
        pd.Series(neighbours, index=life.index).isin(evidence.observed_points)
        for neighbours in (life["min"] - 1, life["max"] + 1)
    )
    short = life.index[(life["size"] <= SHORT_LIFE_STEPS) & began & ended]
    return evidence.about(
        "short_lives",
        "No full interval was observed for {sidecars}. That CPU is in the total but not in the "
        "fit.",
        sidecars[sidecars["proxy"].isin(short)],
        f"Scrape more often, or use a shorter {Setting.STEP}.",
        bias=Bias.NONE,
    )


def _resets(evidence: Evidence) -> Finding | None:
    affected = evidence.pods(evidence.proxies.index[evidence.total_of("proxy_resets") > 0])
    if not affected:
        return None
    return Finding(
        name="counter_resets",
        severity=Severity.INFO,
        text=f"Request counters of {counted(len(affected), 'proxy', 'proxies')} were reset by a "
        "restart or by the eviction of idle series. Each reset loses up to one scrape interval.",
        affected=affected,
        bias=Bias.TOO_LOW,
    )


PROXY_CHECKS: Final = (
    _no_requests,
    _no_cpu,
    _unreported,
    _tcp_only,
    _ztunnel_requests,
    _roles,
    _streams,
    _throttled,
    _short_lives,
    _resets,
)
