"""Recommended requests in sentences: what they change, how they are found, how to apply them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from analyzer.errors import sentences
from analyzer.projection.choices import LimitPolicy
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.report import format as fmt
from analyzer.report.patches.choosing import Patches, Style
from analyzer.report.patches.files import KUSTOMIZATION, VALUES, KustomizeApi, Layout
from analyzer.report.patches.quantities import CPU, CPU_LIMIT
from analyzer.report.sentences.refused import NAMED, grouped
from analyzer.units import Refusal, duration

_SECONDS_PER_HOUR = 3600

_LIKE_WITH_LIKE_HOURS: Final = 48.0
"""From here on each half of a window has every hour of the day."""


_THREADS: Final = (
    "Without a limit Envoy has a worker thread for each CPU of its node, which takes memory (Istio "
    "1.18 and later). Set concurrency in ProxyConfig to fix the number."
)

WRITES: Final = (
    "The command rightsize writes these requests as patches for kustomize, or as a mesh-wide "
    "default."
)


def outcome(found: Rightsizing) -> str:
    """Return how many workloads have a recommendation, and what it changes."""
    known = [item for item in found.workloads if item.request_vcpu]
    count = len(found.workloads)
    if not known:
        return f"None of {fmt.counted(count, 'workload')} with sidecars has a recommendation."
    saved = [item.saved_vcpu for item in known if item.saved_vcpu is not None]
    return (
        f"{changed_requests(found)} ({len(known):,} of {fmt.counted(count, 'workload')})."
        f"{_change(saved)}"
    )


def changed_requests(found: Rightsizing) -> str:
    """Return what all recommended requests add up to, beside those of today."""
    known = [item for item in found.workloads if item.request_vcpu]
    recommended = sum(
        item.sidecar_count * item.request_vcpu.mid for item in known if item.request_vcpu
    )
    today = [
        item.sidecar_count * item.today.request_vcpu
        for item in known
        if item.today.request_vcpu is not None
    ]
    instead = f", today {fmt.number(sum(today))}" if len(today) == len(known) else ""
    return f"CPU requests that fit: {fmt.number(recommended)} vCPU{instead}"


def _change(saved: Sequence[float]) -> str:
    if not saved:
        return ""
    total = sum(saved)
    return f" Billed CPU {'falls' if total >= 0 else 'rises'} by {fmt.number(abs(total))} vCPU."


def without_any(refusals: Iterable[Refusal]) -> str:
    """Return why no workload has a recommendation, in one line."""
    reasons = map(fmt.capital, islice(grouped(refusals), NAMED))
    return sentences("No workload has a recommendation", *reasons)


def written(paths: Iterable[Path], found: Patches, folder: Path) -> Iterator[str]:
    """Yield what was written, and for how many workloads there is no patch."""
    names = [path.name for path in paths if path.parent == folder]
    count = fmt.counted(len(found.items), "patch", "patches")
    yield f"Wrote {', '.join(names)} and {count} to {folder}."
    if found.refusals:
        yield "rightsizing.md lists what has no patch, and why."


def policy_lines(found: Rightsizing) -> Iterator[str]:
    """Yield how requests and limits are found."""
    policy = found.policy
    window = duration(policy.window_hours * _SECONDS_PER_HOUR)
    if policy.is_short:
        yield f"The window of {window} is shorter than a day. It may lack the busiest hours."
    yield (
        f"CPU request: what the busiest sidecars use at percentile {policy.percentile:g} of all "
        f"intervals, and headroom on top. {fmt.capital(window)} were measured."
    )
    yield (
        f"Headroom is {_percent(policy.headroom_share)} where the data shows short bursts, and "
        f"{_percent(policy.unseen_headroom_share)} elsewhere."
    )
    yield (
        f"Memory request: the highest use plus {_percent(policy.memory_headroom_share)}. Memory "
        f"limit: at least the highest use plus {_percent(policy.memory_limit_share)}."
    )
    yield (
        "Envoy's memory grows with the configuration that istiod sends. Measure again when the "
        "mesh has grown."
    )
    yield from backtest_lines(found)
    yield from limit_lines(found)


def backtest_lines(found: Rightsizing) -> Iterator[str]:
    """Yield how often the second half of the window exceeds requests that the first half gives."""
    tested = [
        (item.exceeded_share, item.sidecar_count)
        for item in found.workloads
        if item.exceeded_share is not None
    ]
    sidecars = sum(count for _, count in tested)
    if not sidecars:
        return
    pooled = sum(share * count for share, count in tested) / sidecars
    left_out = (100 - found.policy.percentile) / 100
    more = sum(share > left_out for share, _ in tested)
    yield (
        "Backtest: requests from the first half of the window are exceeded in "
        f"{_percent(pooled)} of the intervals of the second, weighted by sidecars. More than "
        f"{100 * left_out:g} %: {more:,} of {fmt.counted(len(tested), 'workload')}."
    )
    if found.policy.window_hours < _LIKE_WITH_LIKE_HOURS:
        yield (
            "The halves of this window are different hours of the day, so the backtest includes "
            "the daily change in traffic. From two days on it compares like with like."
        )


def limit_lines(found: Rightsizing) -> Iterator[str]:
    """Yield what becomes of CPU limits, and what that does."""
    policy = found.policy
    if policy.cpu_limit == LimitPolicy.NONE:
        yield (
            "CPU limit: none. A burst can take all CPU that its node has free. A LimitRange of the "
            "namespace may still set a default limit."
        )
        yield _THREADS
    elif policy.cpu_limit == LimitPolicy.KEEP:
        if found.are_limits_known:
            yield (
                "CPU limit: today's, or the request where that is more. A sidecar without a limit "
                "gets none."
            )
        else:
            yield "CPU limit: not known today, and none is recommended."
        if any(
            item.recommended and item.recommended.limit_vcpu is None for item in found.workloads
        ):
            yield _THREADS
    else:
        yield (
            f"CPU limit: {policy.limit_factor:g} times the request. A sidecar that reaches it is "
            "throttled, which adds latency."
        )
        yield (
            "Envoy has as many worker threads as its limit has CPUs, rounded up (Istio 1.18 and "
            "later). A lower limit can mean fewer threads."
        )


def unknown_limit_lines(found: Rightsizing, patches: Patches) -> Iterator[str]:
    """Yield what the files do to limits that were not measured."""
    if found.are_limits_known or not found.workloads:
        return
    yield (
        "CPU and memory limits were not measured: no sidecar has one in the snapshot. Check "
        "kube_pod_container_resource_limits, or compare the files with your limits."
    )
    kept = found.policy.cpu_limit == LimitPolicy.KEEP
    if kept and patches.items:
        yield (
            f"Patches write no CPU limit. {CPU_LIMIT} stays where a pod template has it. Elsewhere "
            "Istio's default limit ends, because one annotation replaces all defaults."
        )
    if any(item.recommended for item in found.workloads):
        yield (
            "The memory limit in the files is the highest use plus "
            f"{_percent(found.policy.memory_limit_share)}. It may be lower than today's, and a "
            "lower limit can kill sidecars."
        )


def apply_lines(found: Patches, layout: Layout) -> Iterator[str]:
    """Yield how to use the files; nothing is applied by the tool."""
    yield "Nothing is applied by this tool. Review the files, then apply them yourself."
    if found.default is not None:
        yield from _default_lines(found)
    if not found.items:
        return
    folders = tuple(dict.fromkeys(map(layout.folder, found.items)))
    count = fmt.counted(len(found.items), "patch", "patches")
    first = folders[0]
    yield (
        f"{count} in {fmt.counted(len(folders), 'folder')}, each with a {KUSTOMIZATION}. It names "
        f"the base, where your manifests and their own {KUSTOMIZATION} must be: "
        f"{layout.base_of(found.items[0])} as seen from {first}."
    )
    yield (
        "One annotation alone erases Istio's defaults of the others (istio/istio issue 35905). "
        "So each patch sets all of them."
    )
    yield (
        f"Build and compare first, in this folder: kubectl kustomize {first}. Each patched pod "
        f"template has {CPU}. Then apply: kubectl apply -k {first}."
    )
    yield "A changed pod template restarts its pods."
    yield from _condition_lines(found, layout.api)


def _default_lines(found: Patches) -> Iterator[str]:
    yield (
        f"{VALUES} has the default for all sidecars. Add it to the values of your istiod release: "
        f"helm upgrade, with -f {VALUES} after your own. In an IstioOperator it belongs below "
        "spec.values."
    )
    yield "A sidecar gets a new default when its pod restarts."
    yield (
        "The default also reaches gateways that istiod creates from Gateway resources of the "
        "Gateway API. Their use has no part in it. Gateways of Istio's gateway chart have "
        "resources of their own."
    )
    if found.default is not None and found.default.limit_vcpu is None:
        yield (
            "The chart's own CPU limit (2000m) stays: Helm values cannot remove it (istio/istio "
            f"issues 28465 and 40078). Only annotations without {CPU_LIMIT} do."
        )


def _condition_lines(found: Patches, api: KustomizeApi) -> Iterator[str]:
    """Yield what the base must be like, and what kustomize does otherwise."""
    if api == KustomizeApi.CURRENT:
        yield (
            "Objects of the base must have their namespace. Kustomize skips a patch without an "
            "object in the base, and prints no error: count the patched templates."
        )
    else:
        yield (
            "Kustomize 2 finds objects by kind and name, in any namespace. So the base of each "
            "kustomization must have the objects of one namespace only."
        )
        yield (
            "Kustomize 2 stops at a patch without an object in the base: remove such lines from "
            f"{KUSTOMIZATION}."
        )
        yield f"Kustomize 2 keeps {CPU_LIMIT} where the base has it: remove it there."
        if any(patch.kind == "CronJob" for patch in found.items):
            yield (
                "Patches of CronJobs have apiVersion batch/v1. Kustomize 2 needs the same in the "
                "base."
            )
    if any(patch.template.is_immutable for patch in found.items):
        yield (
            "The pod template of an existing Job cannot change. Delete the Job and create it "
            "again, or patch what creates it."
        )


def style_title(style: Style) -> str:
    """Return the heading over what has no patch."""
    return "No patch" if style == Style.ANNOTATIONS else "No patch: these get the default"


def _percent(share: float) -> str:
    return fmt.share(100 * share)


def scope_lines(found: Rightsizing) -> Iterator[str]:
    """Yield what `Sidecar` resources that keep only called services would save."""
    scope = found.scope
    if scope is None:
        return
    sidecars = fmt.counted(round(scope.sidecar_count), "sidecar")
    saved = f"{fmt.ranged(scope.saved_memory_gib)} GiB of memory"
    if scope.saved_vcpu:
        saved += f" and {fmt.ranged(scope.saved_vcpu)} vCPU of configuration updates"
    yield (
        f"Sidecar resources that keep only called services would cut the Envoy clusters of "
        f"{sidecars} from {fmt.number(scope.configured_clusters)} to "
        f"{fmt.ranged(scope.needed_clusters)} each ({scope.provenance})."
    )
    yield f"That saves {saved}, which is in no total."
    if scope.left_out_count >= 1:
        yield (
            f"{fmt.counted(round(scope.left_out_count), 'sidecar')} opened TCP connections, whose "
            "callees are not known, and are not counted."
        )
