"""Warnings about autoscalers that count the requests of sidecars, or set them."""

from collections.abc import Iterator

from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.autoscaled import TOLERANCE_SHARE, Autoscaled, Scaled
from analyzer.projection.rightsizing.naming import MOST_NAMED, names_of, some
from analyzer.projection.rightsizing.native import all_native
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.units import counted, in_percent

_OFF = "Off"
_INITIAL = "Initial"
"""Modes of a VerticalPodAutoscaler: it only recommends, or sets the requests of new pods."""


def autoscalers_that_count(scaled: Autoscaled) -> Iterator[Finding]:
    """Yield what becomes of utilization and replicas, of those that change most by name."""
    if not scaled.known:
        return
    is_felt = any(not one.is_tolerated for one in scaled.known)
    sentences = ["HorizontalPodAutoscalers on CPU utilization count the sidecar's request."]
    sentences += map(_change, scaled.known[:MOST_NAMED])
    if len(scaled.known) > MOST_NAMED:
        rest = counted(len(scaled.known) - MOST_NAMED, "more workload")
        sentences.append(f"Utilization changes in {rest}.")
    if is_felt:
        sentences.append(
            "All replicas together then request about as much CPU as today, which saves nothing."
        )
    fix = (
        "To keep the replicas, set averageUtilization to the new share together with the "
        "requests, or scale on the application's container (ContainerResource)."
    )
    yield Finding(
        name="autoscaler_counts_sidecar",
        severity=Severity.WARNING if is_felt else Severity.INFO,
        text=" ".join(sentences),
        affected=names_of((one.namespace, one.workload) for one in scaled.known),
        fix=fix if is_felt else "",
    )


def _change(one: Scaled) -> str:
    before, after = (
        in_percent(percent / 100)
        for percent in (one.utilization_percent, one.new_utilization_percent)
    )
    change = f"{one.namespace}/{one.workload}: CPU use of {before} of the request becomes {after}"
    if one.replicas is None or one.new_replicas is None:
        return f"{change} ({one.autoscaler})."
    is_bound = one.is_tolerated or (one.is_at_minimum and one.ratio > 1)
    bound = "at least " if one.ratio < 1 else "at most "
    within = f", within its tolerance of {in_percent(TOLERANCE_SHARE)}" if one.is_tolerated else ""
    return (
        f"{change}, so {one.replicas:.3g} replicas become {bound if is_bound else ''}"
        f"{one.new_replicas:,} ({one.autoscaler}{within})."
    )


def autoscalers_not_known(scaled: Autoscaled) -> Iterator[Finding]:
    """Yield the autoscalers whose change cannot be calculated."""
    if scaled.unknown:
        count = len(scaled.unknown)
        yield Finding(
            name="autoscaler_effect_unknown",
            severity=Severity.INFO,
            text=f"{counted(count, 'HorizontalPodAutoscaler')} on CPU utilization may count "
            f"requests that change: {some(scaled.unknown)}. The effect cannot be calculated: the "
            "pods' requests or the scaled object are not known.",
            affected=scaled.unknown,
            fix="Scrape kube-state-metrics 2.x with the pods and replicasets resources. Or compare "
            "kubectl describe hpa with the recommended requests.",
        )


def vertical_autoscalers(found: Rightsizing, usage: MeshUsage) -> Iterator[Finding]:
    """Yield the workloads whose sidecars a VerticalPodAutoscaler may set the requests of.

    It leaves init containers out, and so native sidecars.
    """
    rows = usage.owners.merge(usage.vertical_autoscalers, on=["namespace", "kind", "name"])
    may_set = rows["recommends_for_proxy"].astype("boolean").fillna(value=True)
    rows = rows[(rows["update_mode"] != _OFF) & may_set]
    keys = {(item.namespace, item.workload) for item in found.workloads if item.recommended}
    keys -= all_native(usage)
    modes = {
        key: row["update_mode"]
        for row in rows.to_dict("records")
        if (key := (row["namespace"], row["workload"])) in keys
    }
    if not modes:
        return
    names = names_of(modes)
    acts = "when pods start" if set(modes.values()) == {_INITIAL} else "and evict pods for it"
    yield Finding(
        name="vertical_autoscaler_of_sidecar",
        text=f"VerticalPodAutoscalers may set the requests of sidecars {acts}: {some(names)}. "
        "The recommended requests would not last.",
        affected=names,
        fix="Exclude the sidecar in resourcePolicy (containerPolicies: containerName istio-proxy, "
        'mode "Off"), or leave its requests to the VerticalPodAutoscaler.',
    )
