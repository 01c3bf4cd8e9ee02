"""The answer's tables as flat rows, one key a column: what CSV files and data frames are made of.

An interval is three columns, `_low`, `_mid` and `_high`; the unit stays in the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "Row",
    "flat",
    "mode_rows",
    "node_rows",
    "reference_rows",
    "role_rows",
    "saving_rows",
    "sensitivity_rows",
    "sweep_rows",
    "workload_rows",
]

Row = dict[str, Any]
Document = Mapping[str, Any]


def mode_rows(document: Document) -> Iterator[Row]:
    """Return one row a mode and basis."""
    for mode in _projection(document).get("modes", []):
        for basis, footprint in mode["bases"].items():
            yield {"mode": mode["name"], "basis": basis, **flat(footprint)}


def saving_rows(document: Document) -> Iterator[Row]:
    """Return one row a mode that is not the sidecars'."""
    yield from map(flat, _projection(document).get("savings", []))


def node_rows(document: Document) -> Iterator[Row]:
    """Return one row a node: what its ztunnel would use."""
    yield from map(flat, _projection(document).get("nodes", []))


def sensitivity_rows(document: Document) -> Iterator[Row]:
    """Return one row a figure that moves the saving."""
    yield from map(flat, _projection(document).get("sensitivity", []))


def sweep_rows(document: Document) -> Iterator[Row]:
    """Return one row a point of a sweep."""
    for sweep in _projection(document).get("sweeps", []):
        for point in sweep["points"]:
            yield {"sweep": sweep["name"], **flat(point)}


def reference_rows(document: Document) -> Iterator[Row]:
    """Return one row a set of published constants and mode that it speaks of."""
    for item in document.get("reference", []):
        for mode, vcpu in item["vcpu"].items():
            usd = item["usd_per_year"].get(mode)
            yield {
                "constants": item["name"],
                "mode": mode,
                "vcpu": vcpu,
                "usd_per_year": usd,
                "title": item["title"],
            }


def workload_rows(document: Document) -> Iterator[Row]:
    """Return one row a workload."""
    yield from map(flat, document.get("calibration", {}).get("workloads", []))


def role_rows(document: Document) -> Iterator[Row]:
    """Return one row a role whose cost is known; what is a list or a table of its own is left."""
    calibration = document.get("calibration", {})
    for role in ("sidecar", "waypoint", "ztunnel"):
        if role in calibration:
            row = flat({"role": role, **calibration[role]})
            yield {key: value for key, value in row.items() if not isinstance(value, list)}


def flat(value: Document) -> Row:
    """Return nested tables as one row: the keys joined.

    >>> flat({"mode": "sidecar", "vcpu": {"low": 1.0, "mid": 2.0, "high": 3.0}})
    {'mode': 'sidecar', 'vcpu_low': 1.0, 'vcpu_mid': 2.0, 'vcpu_high': 3.0}
    """
    row: Row = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            row |= {f"{key}_{end}": number for end, number in item.items()}
        else:
            row[key] = item
    return row


def _projection(document: Document) -> Document:
    found: Document = document.get("projection", {})
    return found
