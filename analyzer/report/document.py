"""Results as plain values, which JSON, CSV files and data frames are made of.

A result becomes a mapping of its fields: the name of a field is its key. What differs from that is
stated below, once a type; a field that is marked `metadata={"json": False}` is left out.
The keys are promised by analyzer/data/result.schema.json, comparison.schema.json,
meshes.schema.json and rightsizing.schema.json.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import pandas as pd

import analyzer
from analyzer.calibration.models import Knee, Power
from analyzer.calibration.observations import Exclusion
from analyzer.calibration.result import (
    Decomposition,
    RoleCalibration,
    TcpCalibration,
    WorkloadCalibration,
)
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import Manifest, window_to_json
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeshLoad
from analyzer.projection.result import Mode
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.report.answer import Answer
from analyzer.units import BYTES_PER_GIB, Refusal, Role
from analyzer.window import TimeWindow

if TYPE_CHECKING:
    from analyzer.projection.meshes import Meshes

# Keys may be added under the same version of the JSON, never renamed or retyped.
SCHEMA_VERSION: Final = 1
COMPARISON_SCHEMA_VERSION: Final = 1
MESHES_SCHEMA_VERSION: Final = 1
RIGHTSIZING_SCHEMA_VERSION: Final = 1

# More would differ between machines: the last bits of a sum depend on its order.
_SIGNIFICANT_DIGITS: Final = 9

_LARGEST_WHOLE: Final = 2**53
"""Of the whole numbers that every program reads exactly."""


def plain(value: object) -> object:
    """Return a result as mappings, lists, numbers and text; what is None is left out."""
    # Hundreds of thousands of values come here, and most are text or figures.
    if isinstance(value, str):
        return value
    # Programs read larger whole numbers as floats.
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST_WHOLE):
        if not math.isfinite(value):
            raise ValueError("a figure that is not finite must be a refusal")
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in _records(value)]
    if is_dataclass(value):
        return plain(members(value))
    return [plain(item) for item in value] if isinstance(value, Iterable) else value


def _records(table: pd.DataFrame) -> Iterator[Mapping[Hashable, object]]:
    """Yield rows without what is not known in them; three columns of a range are one value."""
    ends = {
        name: (low, high)
        for name in map(str, table)
        for stem, _, unit in [name.rpartition("_")]
        for low, high in [(f"{stem}_low_{unit}", f"{stem}_high_{unit}")]
        if low in table and high in table
    }
    part_of_range = {end for pair in ends.values() for end in pair}
    for row in table.to_dict("records"):
        yield {
            name: {"low": row[ends[str(name)][0]], "mid": item, "high": row[ends[str(name)][1]]}
            if name in ends
            else item
            for name, item in row.items()
            if name not in part_of_range and not pd.isna(item)
        }


def members(value: object) -> Mapping[str, object]:
    """Return the members of a result, by key.

    A field that holds a refusal in place of its value is left out: the list of refusals has it.
    """
    if isinstance(value, TimeWindow):
        return window_to_json(value)
    if not is_dataclass(value):
        raise TypeError(f"no result: {type(value).__name__}")
    found: dict[str, object] = {}
    instead = _instead(value)
    # The checker takes no class for hashable.
    for name in _shown(type(value)):  # type: ignore[arg-type]
        if name in instead:
            found |= instead[name]
            continue
        item = getattr(value, name)
        if item is not None and not isinstance(item, Refusal):
            found[name] = item
    return found


@cache
def _shown(kind: type) -> tuple[str, ...]:
    """Return the names of a dataclass's fields that are in the JSON."""
    return tuple(field.name for field in fields(kind) if field.metadata.get("json", True))


def _instead(value: object) -> Mapping[str, Mapping[str, object]]:  # noqa: PLR0911 - one a type
    """Return by field the members that replace it."""
    if isinstance(value, Finding):
        affected = {"affected_count": len(value.affected), "affected": value.affected}
        code = {"code": value.code, "name": value.name}
        return {"name": code, "affected": affected, "fix": {"fix": value.fix or None}}
    if isinstance(value, RoleCalibration):
        test, curve = value.backtest, value.curve
        unless_empty = ("remarks", "candidates", "source")
        return {
            "curve": {
                "exponent": curve.exponent if isinstance(curve, Power) else None,
                "knee": _knee(curve) if isinstance(curve, Knee) else None,
            },
            "cost_of_each": value.cost_of_each,
            "cpu_of_node_kinds": {"cpu_of_node_kinds": value.cpu_of_node_kinds or None},
            "fitted_rps": {"fitted_rps": _ends(value.fitted_rps)},
            "backtest": {"backtest_error": test and test.bias_share, "backtest": test},
            **{name: {name: getattr(value, name) or None} for name in unless_empty},
        }
    if isinstance(value, WorkloadCalibration):
        return {"fitted_rps": {"fitted_rps": _ends(value.fitted_rps)}}
    if isinstance(value, Mode):
        every = (*value.components, *([value.transfer] if value.transfer else ()))
        return {"components": {"components": every}}
    if isinstance(value, TcpCalibration):
        return {"remarks": {"remarks": value.remarks or None}}
    if isinstance(value, Decomposition):
        ranges = {"idle_vcpu": value.idle_vcpu, "traffic_vcpu": value.traffic_vcpu}
        if value.tcp_vcpu is not None:
            ranges["tcp_vcpu"] = value.tcp_vcpu
        return {
            **{name: {name: item.mid} for name, item in ranges.items()},
            "events_vcpu": {"events_vcpu": value.events_vcpu or None},
            "excluded_vcpu": {
                "excluded_vcpu": value.excluded_vcpu,
                "unexplained_vcpu": value.unexplained_vcpu,
                **{f"{name}_range": item for name, item in ranges.items()},
            },
        }
    return {"mean_vcpu": {"vcpu": value.mean_vcpu}} if isinstance(value, Exclusion) else {}


def _knee(curve: Knee) -> Mapping[str, float]:
    return {"rate_share": curve.knee_share, "rps": curve.knee_rps, "rise_share": curve.rise_share}


def _ends(rps: tuple[float, float] | None) -> Mapping[str, float] | None:
    return None if rps is None else {"min": rps[0], "max": rps[1]}


def of_answer(
    answer: Answer, summary: str | None, decision: tuple[str, ...]
) -> Mapping[str, object]:
    """Return the answer by key; what could not be had is None."""
    document: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": analyzer.__version__,
        "summary": summary,
    }
    if answer.manifest:
        document |= of_snapshot(answer.manifest)
    if answer.load:
        document["mesh"] = _mesh(answer.load, answer.usage)
        document["measured"] = _measured(answer.load, answer.usage)
    document["calibration"] = answer.calibration
    if answer.projection:
        document["decision"] = {**members(answer.projection.decision), "text": decision}
        document["projection"] = answer.projection
        document["reference"] = answer.projection.references
    if answer.usage:
        # Of the fit and the projection too: machines read codes and shares here, people `warnings`.
        document["quality"] = (*answer.findings, *answer.warnings)
    return document | {"refusals": answer.refusals, "warnings": tuple(map(str, answer.warnings))}


def of_snapshot(manifest: Manifest) -> dict[str, object]:
    """Return by key which snapshot an answer is from."""
    return {"window": manifest.window, "source": manifest.source, "note": manifest.note}


def _mesh(load: MeshLoad, usage: MeshUsage | None) -> Mapping[str, object]:
    counts = {f"{role}_count": usage.count(role) for role in Role} if usage else {}
    return {
        "sidecar_count": load.sidecar_count,
        **counts,
        "node_count": load.node_count,
        "namespace_count": load.namespace_count,
        "cluster_count": len(usage.clusters) or None if usage else None,
        "mesh_rps": load.mesh_rps,
        "proxy_rps": load.proxy_rps,
        "mesh_rps_range": load.ranges.of_traffic(load.mesh_rps),
        "proxy_rps_range": load.ranges.of_traffic(load.proxy_rps),
    }


def _measured(load: MeshLoad, usage: MeshUsage | None) -> Mapping[str, object] | None:
    sidecars, ranges = load.sidecars, load.ranges
    if sidecars is None:
        return None
    limit_bytes = usage.mean_total(Role.SIDECAR, "limit_memory_bytes") if usage else None
    names = ("vcpu", "memory_gib", "reserved_vcpu", "reserved_memory_gib", "billed_vcpu")
    return {
        **{f"sidecar_{name}": getattr(sidecars, name) for name in names},
        "sidecar_limit_vcpu": usage and usage.mean_total(Role.SIDECAR, "limit_vcpu"),
        "sidecar_limit_memory_gib": None if limit_bytes is None else limit_bytes / BYTES_PER_GIB,
        "cpu_with_requests_share": usage and usage.known_share("cpu_vcpu", "proxy_rps"),
        "requests_with_cpu_share": usage and usage.known_share("proxy_rps", "cpu_vcpu"),
        **{
            f"sidecar_{name}_range": amount if amount is None else ranged(amount, basis)
            for name, amount, ranged, basis in (
                ("vcpu", sidecars.vcpu, ranges.of_vcpu, Basis.USAGE),
                ("memory_gib", sidecars.memory_gib, ranges.of_memory, Basis.USAGE),
                ("reserved_vcpu", sidecars.reserved_vcpu, ranges.of_vcpu, Basis.RESERVED),
                (
                    "reserved_memory_gib",
                    sidecars.reserved_memory_gib,
                    ranges.of_memory,
                    Basis.RESERVED,
                ),
                ("billed_vcpu", sidecars.billed_vcpu, ranges.of_vcpu, Basis.BILLED),
            )
        },
        "filled_cpu_share": ranges.filled_cpu_share,
        "filled_rps_share": ranges.filled_rps_share,
    }


def of_meshes(
    meshes: Meshes, summary: str, refusals: tuple[Refusal, ...], warnings: tuple[str, ...]
) -> Mapping[str, object]:
    """Return several meshes by key."""
    return {
        "schema_version": MESHES_SCHEMA_VERSION,
        "tool_version": analyzer.__version__,
        "summary": summary,
        **members(meshes),
        "refusals": refusals,
        "warnings": warnings,
    }


def of_rightsizing(
    found: Rightsizing,
    manifest: Manifest | None,
    summary: str,
    *,
    patches: Iterable[Mapping[str, object]],
    refusals: tuple[Refusal, ...],
    warnings: tuple[str, ...],
) -> Mapping[str, object]:
    """Return recommended requests by key, and the patches that bring them."""
    return {
        "schema_version": RIGHTSIZING_SCHEMA_VERSION,
        "tool_version": analyzer.__version__,
        "summary": summary,
        **(of_snapshot(manifest) if manifest else {}),
        **members(found),
        "patches": patches,
        "refusals": refusals,
        "warnings": warnings,
    }
