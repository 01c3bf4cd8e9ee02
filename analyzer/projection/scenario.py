"""What a projection assumes: the documented defaults, changed by the user's scenario file."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analyzer.data import Assumption, assumptions
from analyzer.errors import UsageError
from analyzer.projection.choices import (
    FLAT,
    OBSERVED,
    Basis,
    Placement,
    Prices,
    WorkingHours,
    basis_of,
    flag_of,
    placement_of,
    prices_of,
    working_hours_of,
)
from analyzer.units import Interval

__all__ = ["Basis", "Scenario", "default_scenario", "load_scenario"]

_COUNTS = {"waypoint_replicas": 1, "waypoint_spare_replicas": 0}
"""Keys that are whole numbers, and the least they may be."""

_ABOVE_ZERO = frozenset(
    {
        "waypoint_to_sidecar_ratio",
        "waypoint_limit_vcpu_per_replica",
        "waypoint_target_utilisation_share",
        "traffic_growth_factor",
    }
)
_SHARES = frozenset({"waypoint_target_utilisation_share"})
_EXACT = frozenset({*_COUNTS, *_SHARES, "waypoint_limit_vcpu_per_replica", "traffic_growth_factor"})
"""Keys that decide on whole replicas, or on the question itself, and have no range."""

_CHOICES: Mapping[str, Callable[[str, str, object], Any]] = {
    "basis": basis_of,
    "waypoint_placement": placement_of,
    "ingress_through_waypoint": flag_of,
    "istio_cni_installed": flag_of,
    "prices": prices_of,
    "working_hours": working_hours_of,
}
"""Keys that are no numbers, each with what reads it; fields of `Scenario`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a projection assumes.

    Attributes:
        assumptions: every name of data/assumptions.toml, with its value, unit and source.
        basis: which vCPUs the headline dollars are of.
        waypoint_placement: which namespaces get waypoints in the mode `ambient-waypoint`.
        ingress_through_waypoint: whether what comes from ingress gateways passes waypoints too.
        istio_cni_installed: whether istio-cni runs already, so that ambient need not bring it.
        prices: where prices come from.
        working_hours: which part of the week counts; None: all of it.
    """

    assumptions: Mapping[str, Assumption]
    basis: Basis = Basis.USAGE
    waypoint_placement: Placement = OBSERVED
    ingress_through_waypoint: bool = False
    istio_cni_installed: bool = False
    prices: Prices = FLAT
    working_hours: WorkingHours | None = None

    def __getitem__(self, name: str) -> Interval:
        """Return an assumption's value, in the unit that its name says."""
        return self.assumptions[name].value

    @property
    def waypoint_replicas(self) -> int:
        """Replicas of each waypoint, at least."""
        return int(self["waypoint_replicas"].mid)

    def changed(self, origin: str, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario with some values changed.

        A value that is said again keeps its source: a printed scenario that is read again is the
        same scenario, and its defaults are still defaults.

        Args:
            origin: where the changes come from, for messages and as their source.
            changes: numbers, or tables of low, mid and high, and choices, by name.

        Raises:
            UsageError: naming the origin, the key and what is permitted.
        """
        values = dict(self.assumptions)
        chosen: dict[str, Any] = {}
        for key, value in changes.items():
            if key in _CHOICES:
                chosen[key] = _CHOICES[key](origin, key, value)
                continue
            if key not in values:
                raise UsageError(_unknown(origin, key, [*values, *_CHOICES]))
            changed = _interval(origin, key, value)
            if changed != values[key].value:
                values[key] = replace(values[key], value=changed, source=origin)
        return replace(self, assumptions=values, **chosen)


def default_scenario() -> Scenario:
    """Return the defaults of data/assumptions.toml."""
    return Scenario(assumptions=assumptions())


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file: TOML, each key a name of data/assumptions.toml or a choice.

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
    permitted = _permitted(key, interval)
    if permitted:
        raise UsageError(f"{origin}: {key} is {value!r}; permitted: {permitted}")
    return interval


def _permitted(key: str, value: Interval) -> str:
    """Return what a key may be, if this is not it."""
    low, mid, high = value.low, value.mid, value.high
    if key in _COUNTS and not (low == high >= _COUNTS[key] and mid.is_integer()):
        return f"a whole number from {_COUNTS[key]} up"
    if key in _SHARES and not 0 < low == high <= 1:
        return "a number above 0, up to 1"
    if key in _EXACT and low != high:
        return "a number without a range"
    if low < 0 or (key in _ABOVE_ZERO and mid == 0):
        return f"numbers {'above 0' if key in _ABOVE_ZERO else 'from 0 up'}"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unknown(origin: str, key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
    return f"{origin}: unknown key {key!r}; the nearest known one is {nearest!r}"
