"""A comparison as JSON and CSV; the keys are promised by analyzer/data/comparison.schema.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import analyzer
from analyzer.calibration.result import RoleCalibration
from analyzer.comparison.result import (
    Compared,
    Comparison,
    Difference,
    NamespaceCompared,
    UnitCost,
)
from analyzer.measurement.manifest import Manifest, window_to_json
from analyzer.report.calibrated import interval_json, role_json
from analyzer.report.cells import csv_text
from analyzer.report.document import cleaned, json_text, refusal_json
from analyzer.report.outcome import outcome
from analyzer.units import Refusal

__all__ = ["COMPARISON_SCHEMA_VERSION", "as_comparison_json", "comparison_csv"]

COMPARISON_SCHEMA_VERSION = 1
"""Of the JSON. Keys may be added under the same version, never renamed or retyped."""


def as_comparison_json(comparison: Comparison, before: Manifest, after: Manifest) -> str:
    """Return a comparison as JSON text; the same snapshots give the same bytes."""
    largest = comparison.largest
    document = {
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
        "components": [_compared(item) for item in comparison.components],
        "total": _compared(comparison.total),
        "namespaces": [_namespace(item) for item in comparison.namespaces],
        "calibration": {
            "waypoint": _fit(comparison.waypoint),
            "ztunnel": _fit(comparison.ztunnel),
        },
        "refusals": [refusal_json(item) for item in comparison.refusals],
        "warnings": list(comparison.warnings),
    }
    return json_text(cleaned(document))


def comparison_csv(comparison: Comparison) -> str:
    """Return one line a component of the mesh (no namespace) and of each namespace."""
    return csv_text(_rows(comparison))


def _rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for item in (*comparison.components, comparison.total):
        yield {"namespace": "", "status": "", **_row(item)}
    for namespace in comparison.namespaces:
        for item in namespace.components:
            names = {"namespace": namespace.namespace, "status": str(namespace.status)}
            yield {**names, **_row(item)}


def _row(item: Difference) -> dict[str, Any]:
    row: dict[str, Any] = {"role": item.role}
    for name, value in cleaned(_compared(item)).items():
        if name in ("predicted_cost", "measured_cost", "role"):
            continue
        if isinstance(value, dict):
            row |= {f"{name}_{key}": part for key, part in value.items()}
        else:
            row[name] = value
    return row


def _snapshot(manifest: Manifest) -> dict[str, Any]:
    return {
        "window": window_to_json(manifest.window),
        "source": manifest.source,
        "note": manifest.note,
    }


def _namespace(item: NamespaceCompared) -> dict[str, Any]:
    return {
        "namespace": item.namespace,
        "status": item.status,
        "before_sidecar_count": item.before_sidecar_count,
        "after_sidecar_count": item.after_sidecar_count,
        "components": [_compared(part) for part in item.components],
    }


def _compared(item: Difference) -> dict[str, Any]:
    return {
        "role": item.role,
        "predicted_vcpu": interval_json(item.predicted_vcpu),
        "predicted_at_after_vcpu": interval_json(item.predicted_at_after_vcpu),
        "measured_vcpu": item.measured_vcpu,
        "difference_vcpu": item.difference_vcpu,
        "bias_percent": interval_json(item.bias_percent),
        "bias_at_after_percent": interval_json(item.bias_at_after_percent),
        "is_within": item.is_within,
        "is_within_at_after": item.is_within_at_after,
        "parts_vcpu": dict(item.parts_vcpu),
        **(_amounts(item) if isinstance(item, Compared) else {}),
    }


def _amounts(item: Compared) -> dict[str, Any]:
    """Return what would be a sum of different things in a total."""
    return {
        "predicted_count": item.predicted_count,
        "measured_count": item.measured_count,
        "before_rps": item.before_rps,
        "after_rps": item.after_rps,
        "predicted_cost": _cost(item.predicted_cost),
        "measured_cost": _cost(item.measured_cost),
    }


def _cost(cost: UnitCost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "idle_vcpu_per_proxy": interval_json(cost.idle_vcpu_per_proxy),
        "vcpu_per_1000_rps": interval_json(cost.vcpu_per_1000_rps),
    }


def _fit(fit: RoleCalibration | Refusal) -> dict[str, Any] | None:
    return None if isinstance(fit, Refusal) else role_json(fit)
