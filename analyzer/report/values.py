"""Results as plain values, which JSON, CSV files and data frames are made of.

A result becomes a mapping of its fields: the name of a field is its key. What differs from that is
stated below, once a type; a field that is marked `metadata={"json": False}` is not in it at all.
"""

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import Final

import pandas as pd

from analyzer.calibration.models import Power
from analyzer.calibration.observations import Exclusion
from analyzer.calibration.result import Decomposition, RoleCalibration, WorkloadCalibration
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import window_to_json
from analyzer.units import Refusal
from analyzer.window import TimeWindow

_SIGNIFICANT_DIGITS: Final = 9
"""More would differ between machines: the last bits of a sum depend on its order."""


def plain(value: object) -> object:
    """Return a result as mappings, lists, numbers and text; what is None is left out.

    Raises:
        ValueError: if a figure is not finite.
    """
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in _records(value)]
    if is_dataclass(value):
        return plain(members(value))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("a figure that is not finite must be a refusal")
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")


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


@singledispatch
def members(value: object) -> Mapping[str, object]:
    """Return what is told of a result, by key."""
    return _fields(value)


def _fields(value: object, **instead: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of a dataclass that are known, with other keys in place of some of them.

    A field that holds a refusal in place of its value is left out: the list of refusals has it.
    """
    if not is_dataclass(value):
        raise TypeError(f"no result: {type(value).__name__}")
    found: dict[str, object] = {}
    for field in fields(value):
        if field.metadata.get("json", True):
            item = getattr(value, field.name)
            found |= instead.get(
                field.name, {} if item is None or isinstance(item, Refusal) else {field.name: item}
            )
    return found


@members.register
def _(window: TimeWindow) -> Mapping[str, object]:
    return window_to_json(window)


@members.register
def _(finding: Finding) -> Mapping[str, object]:
    return _fields(
        finding,
        affected={"affected_count": len(finding.affected), "affected": finding.affected},
        mending={"mending": finding.mending or None},
    )


@members.register
def _(role: RoleCalibration) -> Mapping[str, object]:
    backtest = role.backtest
    return _fields(
        role,
        curve={"exponent": role.curve.exponent if isinstance(role.curve, Power) else None},
        cost_of_each=role.cost_of_each,
        remarks={"remarks": role.remarks or None},
        candidates={"candidates": role.candidates or None},
        fitted_rps={"fitted_rps": _ends(role.fitted_rps)},
        backtest={"backtest_error": backtest and backtest.bias_share, "backtest": backtest},
        source={"source": role.source or None},
    )


def _ends(rps: tuple[float, float] | None) -> Mapping[str, float] | None:
    return None if rps is None else {"min": rps[0], "max": rps[1]}


@members.register
def _(item: WorkloadCalibration) -> Mapping[str, object]:
    return _fields(item, fitted_rps={"fitted_rps": _ends(item.fitted_rps)})


@members.register
def _(parts: Decomposition) -> Mapping[str, object]:
    return _fields(
        parts,
        idle_vcpu={"idle_vcpu": parts.idle_vcpu.mid},
        traffic_vcpu={"traffic_vcpu": parts.traffic_vcpu.mid},
        excluded_vcpu={
            "excluded_vcpu": parts.excluded_vcpu,
            "unexplained_vcpu": parts.unexplained_vcpu,
            "idle_vcpu_range": parts.idle_vcpu,
            "traffic_vcpu_range": parts.traffic_vcpu,
        },
    )


@members.register
def _(item: Exclusion) -> Mapping[str, object]:
    return _fields(item, mean_vcpu={"vcpu": item.mean_vcpu})
