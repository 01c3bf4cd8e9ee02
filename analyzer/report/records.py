"""Results as flat rows, one key a column: what CSV files and data frames are made of.

An interval is three columns, `_low`, `_mid` and `_high`; the unit stays in the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from analyzer.calibration.result import Calibration
from analyzer.measurement.findings import Finding
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.result import Mode, Projection
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.report.document import plain
from analyzer.units import Refusal

if TYPE_CHECKING:
    from analyzer.projection.meshes import Meshes

Row = dict[str, Any]

_SAVED: Final = {
    f"usd_per_year_{end}": f"saved_usd_per_year_{end}" for end in ("low", "mid", "high")
}
"""What a column of a saving is called beside that of a cost."""


def flat(value: object) -> Row:
    """Return a result as one row: the keys of what is nested in it joined.

    >>> from analyzer.units import Interval
    >>> flat({"mode": "sidecar", "vcpu": Interval(low=1, mid=2, high=3)})
    {'mode': 'sidecar', 'vcpu_low': 1, 'vcpu_mid': 2, 'vcpu_high': 3}
    """
    found = plain(value)
    if not isinstance(found, Mapping):
        raise TypeError(f"no result with keys: {type(value).__name__}")
    row: Row = {}
    for key, item in found.items():
        if isinstance(item, Mapping):
            row |= {f"{key}_{end}": nested for end, nested in flat(item).items()}
        else:
            row[key] = item
    return row


def table_rows(table: pd.DataFrame) -> Iterable[Row]:
    """Return a row a row of a table; what is not known is absent."""
    found = plain(table)
    return map(flat, found if isinstance(found, list) else ())


def mode_rows(projection: Projection) -> Iterator[Row]:
    """Return one row a mode and basis."""
    for mode in projection.modes:
        for basis, footprint in mode.bases.items():
            yield {"mode": mode.name, "basis": str(basis), **flat(footprint), **_transfer(mode)}


def _transfer(mode: Mode) -> Row:
    if mode.transfer is None:
        return {}
    gb, usd = mode.transfer.gb_per_month, mode.transfer.usd_per_year
    return flat({"zone_transfer_gb_per_month": gb, "zone_transfer_usd_per_year": usd})


def sweep_rows(projection: Projection) -> Iterator[Row]:
    """Return one row a point of a sweep."""
    for sweep in projection.sweeps:
        for point in sweep.points:
            yield {"sweep": sweep.name, **flat(point)}


def reference_rows(projection: Projection) -> Iterator[Row]:
    """Return one row a set of published constants and mode that it has figures of."""
    for item in projection.references:
        for mode, vcpu in item.vcpu.items():
            row = {"constants": item.name, "mode": mode, "vcpu": vcpu}
            row["usd_per_year"] = item.usd_per_year.get(mode)
            if mode in item.usd_per_year_range:
                row["usd_per_year_range"] = item.usd_per_year_range[mode]
            yield flat(row | {"title": item.title})


def workload_rows(calibration: Calibration | None) -> Iterable[Row]:
    """Return one row a workload."""
    return map(flat, calibration.workloads if calibration else ())


def role_rows(calibration: Calibration) -> Iterator[Row]:
    """Return one row a role whose cost is known; what is a list or a table of its own is left."""
    for role in (calibration.sidecar, calibration.waypoint, calibration.ztunnel):
        if not isinstance(role, Refusal):
            row = {"role": str(role.role), **flat(role)}
            yield {key: value for key, value in row.items() if not isinstance(value, list)}


def timeline_rows(calibration: Calibration | None) -> Iterator[Row]:
    """Return one row a step: what the sidecars used, and what passed them."""
    for row in calibration.timeline.to_dict("records") if calibration else ():
        yield {
            str(key): value.isoformat() if isinstance(value, datetime) else value
            for key, value in row.items()
            if pd.notna(value)
        }


def proxy_rows(usage: MeshUsage | None) -> Iterator[Row]:
    """Return one row a proxy: where it runs, its role, and the evidence that decided it."""
    columns = ["namespace", "pod", "workload", "node", "role", "evidence"]
    if usage:
        for proxy in usage.proxies[columns].itertuples(index=False):
            yield dict(zip(columns, proxy, strict=True))


def finding_rows(findings: Iterable[Finding]) -> Iterator[Row]:
    """Return one row a finding: what it affects is counted, and its names are in the JSON."""
    for item in findings:
        yield {
            "code": item.code,
            "name": item.name,
            "severity": str(item.severity),
            "text": item.text,
            "affected_count": len(item.affected),
            "cpu_share": item.cpu_share,
            "rps_share": item.rps_share,
            "time_share": item.time_share,
            "bias": item.bias and str(item.bias),
            "fix": item.fix,
        }


def meshes_rows(meshes: Meshes) -> Iterator[Row]:
    """Return one row a mesh and mode, then those of the sum."""
    for mesh in (*meshes.meshes, meshes.total):
        savings = {item.mode: item for item in mesh.savings}
        for mode in mesh.modes:
            row: Row = {"mesh": mesh.name, "mode": mode.name, "basis": str(meshes.basis)}
            row |= {"sidecar_count": mesh.sidecar_count, "namespace_count": mesh.namespace_count}
            figures = {"node_count": mesh.node_count, **flat(mode)}
            saving = flat(savings[mode.name]) if mode.name in savings else {}
            saved = {_SAVED.get(key, key): item for key, item in saving.items() if key != "mode"}
            figures.pop("name")
            yield {**row, **figures, **saved}


def rightsizing_rows(found: Rightsizing, worded: Callable[[Refusal], Refusal]) -> Iterator[Row]:
    """Return one row a workload, with the reason where it has no recommendation."""
    for item in found.workloads:
        refusal = worded(item.refusal) if item.refusal else None
        reason = {"reason": str(refusal.reason), "detail": refusal.detail} if refusal else {}
        yield {**flat(item), **reason}
