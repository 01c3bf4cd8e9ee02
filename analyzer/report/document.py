"""What the JSON of an answer and of a comparison holds.

The keys are promised by analyzer/data/result.schema.json and comparison.schema.json.
"""

from collections.abc import Mapping
from typing import Final

import analyzer
from analyzer.comparison.result import Comparison
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeshLoad
from analyzer.report.answer import Answer
from analyzer.report.sentences.comparison import outcome
from analyzer.report.values import members
from analyzer.units import BYTES_PER_GIB, Role

SCHEMA_VERSION: Final = 1
"""Of the JSON answer. Keys may be added under the same version, never renamed or retyped."""

COMPARISON_SCHEMA_VERSION: Final = 1
"""Of the JSON of a comparison, likewise."""


def of_answer(answer: Answer, summary: str | None) -> Mapping[str, object]:
    """Return the answer by key; what could not be had is None."""
    document: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": analyzer.__version__,
        "summary": summary,
    }
    if answer.manifest:
        document |= _snapshot(answer.manifest)
    if answer.load:
        document["mesh"] = _mesh(answer.load, answer.usage)
        document["measured"] = _measured(answer.load, answer.usage)
    document["calibration"] = answer.calibration
    if answer.projection:
        document["projection"] = answer.projection
        document["reference"] = answer.projection.references
    if answer.usage:
        document["quality"] = answer.findings
    return document | {"refusals": answer.refusals, "warnings": answer.warnings}


def _snapshot(manifest: Manifest) -> dict[str, object]:
    return {"window": manifest.window, "source": manifest.source, "note": manifest.note}


def _mesh(load: MeshLoad, usage: MeshUsage | None) -> Mapping[str, object]:
    counts = {f"{role}_count": usage.count(role) for role in Role} if usage else {}
    return {
        "sidecar_count": load.sidecar_count,
        **counts,
        "node_count": None if load.nodes is None else len(load.nodes),
        "namespace_count": len(load.namespaces),
        "cluster_count": len(usage.clusters) or None if usage else None,
        "mesh_rps": load.mesh_rps,
        "proxy_rps": load.proxy_rps,
    }


def _measured(load: MeshLoad, usage: MeshUsage | None) -> Mapping[str, object] | None:
    sidecars = load.sidecars
    if sidecars is None:
        return None
    limit_bytes = usage.mean_total(Role.SIDECAR, "limit_memory_bytes") if usage else None
    return {
        "sidecar_vcpu": sidecars.vcpu,
        "sidecar_memory_gib": sidecars.memory_gib,
        "sidecar_reserved_vcpu": sidecars.reserved_vcpu,
        "sidecar_reserved_memory_gib": sidecars.reserved_memory_gib,
        "sidecar_billed_vcpu": sidecars.billed_vcpu,
        "sidecar_limit_vcpu": usage and usage.mean_total(Role.SIDECAR, "limit_vcpu"),
        "sidecar_limit_memory_gib": None if limit_bytes is None else limit_bytes / BYTES_PER_GIB,
        "cpu_with_requests_share": usage and usage.known_share("cpu_vcpu", "proxy_rps"),
        "requests_with_cpu_share": usage and usage.known_share("proxy_rps", "cpu_vcpu"),
    }


def of_comparison(
    comparison: Comparison, before: Manifest, after: Manifest
) -> Mapping[str, object]:
    """Return the comparison by key; what could not be had is None."""
    largest = comparison.largest
    found = members(comparison)
    return {
        "schema_version": COMPARISON_SCHEMA_VERSION,
        "tool_version": analyzer.__version__,
        "before": _snapshot(before),
        "after": _snapshot(after),
        "outcome": outcome(comparison),
        "largest": largest
        and {
            "role": largest[0].role,
            "cause": largest[1],
            "vcpu": largest[0].parts_vcpu[largest[1]],
        },
        **{name: found[name] for name in ("components", "total", "namespaces")},
        "calibration": {name: found.get(name) for name in ("waypoint", "ztunnel")},
        **{name: found[name] for name in ("refusals", "warnings")},
    }
