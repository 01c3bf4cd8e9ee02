"""Nodes that have no ztunnel, or that existed for a part of the time only."""

from typing import Final

from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.quality.evidence import Evidence
from analyzer.units import Role, counted, enumerated

_KINDS: Final = {"fargate": "Fargate", "virtual-kubelet": "virtual kubelet", "windows": "Windows"}

REPLACED_SHARE = 0.9
"""Share of all nodes that exist at a time below which the difference is a finding."""


def _without_daemonsets(evidence: Evidence) -> Finding | None:
    nodes = evidence.nodes[~evidence.nodes["runs_daemonsets"]]
    if nodes.empty:
        return None
    names = tuple(nodes["node"])
    counts = nodes["kind"].value_counts().sort_index().items()
    kinds = enumerated([f"{count} {_KINDS[str(kind)]}" for kind, count in counts])
    are = f"{counted(len(names), 'node')} can run no DaemonSet ({kinds}), so no ztunnel runs there."
    proxies = evidence.proxies
    stuck = proxies.index[proxies["node"].isin(names) & (proxies["role"] == Role.SIDECAR)]
    if stuck.empty:
        return Finding(
            name="nodes_without_daemonsets",
            severity=Severity.INFO,
            text=f"{are} They are not in the number of nodes.",
            affected=names,
            bias=Bias.NONE,
        )
    flags = evidence.steps["proxy"].isin(stuck).to_numpy()
    return evidence.about_values(
        "nodes_without_daemonsets",
        f"{are} The {counted(len(stuck), 'sidecar')} on them cannot move to ambient. Projected "
        "savings are too high, because they include these sidecars.",
        flags,
        fix="Move these pods to nodes that run DaemonSets. Otherwise subtract their share from the "
        "saving.",
        bias=Bias.NONE,
        affected=names,
    )


def _replaced(evidence: Evidence) -> Finding | None:
    shares = evidence.nodes.loc[evidence.nodes["runs_daemonsets"], "present_share"]
    shares = shares[shares > 0]
    at_a_time = float(shares.sum())
    if at_a_time >= REPLACED_SHARE * len(shares):
        return None
    return Finding(
        name="replaced_nodes",
        severity=Severity.INFO,
        text=f"{len(shares):,} nodes existed in this time, {at_a_time:.3g} at a time. Each ztunnel "
        "counts for as long as its node existed.",
        bias=Bias.NONE,
    )


NODE_CHECKS: Final = (_without_daemonsets, _replaced)
