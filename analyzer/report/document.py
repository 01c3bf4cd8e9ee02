"""The answer as JSON; its keys are promised by analyzer/data/result.schema.json."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import orjson

import analyzer
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import window_to_json
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeshLoad
from analyzer.projection.result import Footprint, Mode, Projection, Saving, Sweep
from analyzer.report.answer import Answer
from analyzer.report.calibrated import calibration_json, interval_json
from analyzer.report.summary import executive_summary
from analyzer.units import BYTES_PER_GIB, Refusal, Role

__all__ = [
    "SCHEMA_VERSION",
    "as_document",
    "as_json",
    "cleaned",
    "json_text",
    "refusal_json",
]

SCHEMA_VERSION = 1
"""Of the JSON answer. Keys may be added under the same version, never renamed or retyped."""

_SIGNIFICANT_DIGITS = 9
"""More would differ between machines: the last bits of a sum depend on its order."""


def as_json(answer: Answer) -> str:
    """Return the answer as JSON text; the same answer gives the same bytes."""
    return json_text(as_document(answer))


def json_text(document: Mapping[str, Any]) -> str:
    """Return JSON values as text that no terminal obeys."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    # JSON demands it of \x1b and its like only, but terminals obey these as well.
    return re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def as_document(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON values; what could not be had is absent."""
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": analyzer.__version__,
        "summary": executive_summary(answer),
    }
    if answer.manifest:
        document["window"] = window_to_json(answer.manifest.window)
        document["source"] = answer.manifest.source
        document["note"] = answer.manifest.note
    if answer.load:
        document["mesh"] = _mesh(answer.load, answer.usage)
        document["measured"] = _measured(answer.load, answer.usage)
    if answer.calibration:
        document["calibration"] = calibration_json(answer.calibration)
    if answer.projection:
        document["projection"] = _projection(answer.projection)
        document["reference"] = [
            {
                "name": item.name,
                "title": item.title,
                "source": item.source,
                "remark": item.remark,
                "vcpu": item.vcpu,
                "usd_per_year": item.usd_per_year,
            }
            for item in answer.projection.references
        ]
    if answer.usage:
        document["quality"] = [_finding(item) for item in answer.findings]
    document["refusals"] = [refusal_json(item) for item in answer.refusals]
    document["warnings"] = list(answer.warnings)
    return cleaned(document)


def _mesh(load: MeshLoad, usage: MeshUsage | None) -> dict[str, Any]:
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


def _measured(load: MeshLoad, usage: MeshUsage | None) -> dict[str, Any] | None:
    sidecars = load.sidecars
    if sidecars is None:
        return None
    return {
        "sidecar_vcpu": sidecars.vcpu,
        "sidecar_memory_gib": sidecars.memory_gib,
        "sidecar_reserved_vcpu": sidecars.reserved_vcpu,
        "sidecar_reserved_memory_gib": sidecars.reserved_memory_gib,
        "sidecar_billed_vcpu": sidecars.billed_vcpu,
        "sidecar_limit_vcpu": usage and usage.mean_total(Role.SIDECAR, "limit_vcpu"),
        "sidecar_limit_memory_gib": _limit_gib(usage),
        "cpu_with_requests_share": usage and usage.known_share("cpu_vcpu", "proxy_rps"),
        "requests_with_cpu_share": usage and usage.known_share("proxy_rps", "cpu_vcpu"),
    }


def _limit_gib(usage: MeshUsage | None) -> float | None:
    if usage is None:
        return None
    limit_bytes = usage.mean_total(Role.SIDECAR, "limit_memory_bytes")
    return None if limit_bytes is None else limit_bytes / BYTES_PER_GIB


def _projection(projection: Projection) -> dict[str, Any]:
    price = projection.price
    return {
        "price": {
            "vcpu_month_usd": price.vcpu_month_usd,
            "memory_gib_month_usd": price.memory_gib_month_usd,
            "source": price.source,
        },
        "basis": projection.basis,
        "modes": [_mode(mode, projection) for mode in projection.modes],
        "savings": [_saving(item) for item in projection.savings],
        "namespaces": [_known(row) for row in projection.namespaces.to_dict("records")],
        "sensitivity": [
            {
                "mode": item.mode,
                "assumption": item.assumption,
                "low_usd_per_year": item.low_usd_per_year,
                "high_usd_per_year": item.high_usd_per_year,
            }
            for item in projection.sensitivity
        ],
        "sweeps": [_sweep(item) for item in projection.sweeps],
        "nodes": [
            {
                "node": item.node,
                "passes_rps": item.passes_rps,
                "gbit_per_second": item.gbit_per_second,
                "ztunnel_vcpu": interval_json(item.ztunnel_vcpu),
            }
            for item in projection.nodes
        ],
    }


def _known(row: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
    """Leave out what is not known of a row: NaN is nothing that JSON could say."""
    return {key: value for key, value in row.items() if value == value}  # noqa: PLR0124


def _mode(mode: Mode, projection: Projection) -> dict[str, Any]:
    headline = mode.bases[projection.basis]
    return {
        "name": mode.name,
        **_footprint(headline),
        "bases": {basis: _footprint(footprint) for basis, footprint in mode.bases.items()},
        "components": [
            {
                "role": item.role,
                "count": item.count,
                "vcpu": interval_json(item.vcpu),
                "hottest_vcpu": interval_json(item.hottest_vcpu),
                "provenance": item.provenance,
            }
            for item in mode.components
        ],
    }


def _footprint(footprint: Footprint) -> dict[str, Any]:
    return {
        "vcpu": interval_json(footprint.vcpu),
        "memory_gib": interval_json(footprint.memory_gib),
        "usd_per_year": interval_json(footprint.usd_per_year),
    }


def _saving(item: Saving) -> dict[str, Any]:
    return {
        "mode": item.mode,
        "vcpu": interval_json(item.vcpu),
        "usd_per_year": interval_json(item.usd_per_year),
        "percent": interval_json(item.percent),
        "probability_cheaper": item.probability_cheaper,
        "freed_node_count": item.freed_node_count,
    }


def _sweep(item: Sweep) -> dict[str, Any]:
    return {
        "name": item.name,
        "points": [
            {"choice": point.choice, "usd_per_year": interval_json(point.usd_per_year)}
            for point in item.points
        ],
        "break_even": item.break_even,
    }


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "name": item.name,
        "severity": item.severity,
        "text": item.text,
        "affected_count": len(item.affected),
        "affected": list(item.affected),
        "mending": item.mending or None,
        "cpu_share": item.cpu_share,
        "rps_share": item.rps_share,
    }


def refusal_json(item: Refusal) -> dict[str, Any]:
    """Return a refusal as JSON."""
    return {"subject": item.subject, "reason": item.reason, "detail": item.detail}


def cleaned(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None, and round what is not whole.

    Raises:
        ValueError: if a figure is not finite.
    """
    return {str(key): _clean(item) for key, item in document.items() if item is not None}


def _clean(value: object) -> object:
    if isinstance(value, Mapping):
        return cleaned(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_clean(item) for item in value]
    if isinstance(value, float):
        return _rounded(value)
    return value


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a figure that is not finite must be a refusal")
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
