"""What a projection assumes: the documented defaults, changed by the user's scenario file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from analyzer.data import Assumption, assumptions
from analyzer.errors import UsageError
from analyzer.units import Interval

__all__ = ["Basis", "Scenario", "default_scenario", "load_scenario"]

_BASIS = "basis"
_WHOLE = frozenset({"waypoint_replicas"})
_ABOVE_ZERO = frozenset({"waypoint_to_sidecar_ratio"})


class Basis(StrEnum):
    """Which vCPUs are meant."""

    USAGE = "usage"
    """CPU used."""
    RESERVED = "reserved"
    """CPU requested from the scheduler."""
    BILLED = "billed"
    """The larger of the two, proxy by proxy (OpenCost's rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a projection assumes.

    Attributes:
        assumptions: every name of data/assumptions.toml, with its value, unit and source.
        basis: which vCPUs the headline dollars are of.
    """

    assumptions: Mapping[str, Assumption]
    basis: Basis = Basis.USAGE

    def __getitem__(self, name: str) -> Interval:
        """Return an assumption's value, in the unit that its name says."""
        return self.assumptions[name].value

    @property
    def waypoint_replicas(self) -> int:
        """Replicas of each waypoint."""
        return int(self["waypoint_replicas"].mid)

    def changed(self, origin: str, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario with some values changed.

        Args:
            origin: where the changes come from, for messages and as their source.
            changes: numbers, or tables of low, mid and high, by name; and `basis`.

        Raises:
            UsageError: naming the origin, the key and what is permitted.
        """
        values = dict(self.assumptions)
        basis = self.basis
        for key, value in changes.items():
            if key == _BASIS:
                basis = _basis(origin, value)
                continue
            if key not in values:
                raise UsageError(_unknown(origin, key, [*values, _BASIS]))
            changed = _interval(origin, key, value)
            values[key] = replace(values[key], value=changed, source=origin)
        return Scenario(assumptions=values, basis=basis)


def default_scenario() -> Scenario:
    """Return the defaults of data/assumptions.toml."""
    return Scenario(assumptions=assumptions())


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file: TOML, each key a name of data/assumptions.toml, or `basis`.

    Raises:
        UsageError: if it cannot be read, or holds what it may not.
    """
    try:
        changes = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read scenario {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"scenario {path} is not TOML: {error}") from error
    return default_scenario().changed(str(path), changes)


def _basis(origin: str, value: object) -> Basis:
    try:
        return Basis(str(value))
    except ValueError as error:
        permitted = ", ".join(Basis)
        raise UsageError(f"{origin}: basis is {value!r}; permitted: {permitted}") from error


def _interval(origin: str, key: str, value: object) -> Interval:
    ends: Mapping[str, Any] = value if isinstance(value, Mapping) else {"mid": value}
    surplus = set(ends) - {"low", "mid", "high"}
    numbers = [number for number in ends.values() if _is_number(number)]
    if surplus or "mid" not in ends or len(numbers) != len(ends):
        raise UsageError(
            f"{origin}: {key} is {value!r}; permitted: a number, or "
            "{ low = number, mid = number, high = number }"
        )
    try:
        low, mid, high = (float(ends.get(end, ends["mid"])) for end in ("low", "mid", "high"))
        interval = Interval(low=low, mid=mid, high=high)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{origin}: {key} is {value!r}; permitted: finite numbers with low <= mid <= high"
        ) from error
    if key in _WHOLE and not (low == high >= 1 and mid.is_integer()):
        raise UsageError(f"{origin}: {key} is {value!r}; permitted: a whole number from 1 up")
    if low < 0 or (key in _ABOVE_ZERO and mid == 0):
        bound = "above 0" if key in _ABOVE_ZERO else "from 0 up"
        raise UsageError(f"{origin}: {key} is {value!r}; permitted: numbers {bound}")
    return interval


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unknown(origin: str, key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    return f"{origin}: unknown key {key!r}; the nearest known one is {nearest!r}"
