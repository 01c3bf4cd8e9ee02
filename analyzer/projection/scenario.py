"""The assumptions of a projection: documented defaults, changed by the user's scenario file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from analyzer.data import Assumption, assumptions, assumptions_without_snapshot
from analyzer.errors import UsageError, brief
from analyzer.files import read_toml
from analyzer.projection import choices
from analyzer.projection.choices import CHOICES, Basis, NotPermitted
from analyzer.units import Interval

_COUNTS: Final = {"waypoint_replicas": 1, "waypoint_spare_replicas": 0}
"""Keys with whole numbers, and their least values."""

_SHARE: Final = "waypoint_target_utilisation_share"
_RIGHTSIZING: Final = "rightsizing_"
_PERCENTILE: Final = "rightsizing_percentile"
_EXACT: Final = (
    *_COUNTS,
    _SHARE,
    "waypoint_limit_vcpu_per_replica",
    "traffic_growth_factor",
    _PERCENTILE,
    "rightsizing_limit_factor",
)
"""Keys without a range: they set whole replicas, or are part of the question."""

HTTP_NEW_CONNECTIONS: Final = "http_new_connection_share"
ISTIOD_FIXED: Final = "istiod_fixed_share"

ZONE_PRICE: Final = "zone_transfer_usd_per_gb"
"""The price of bytes between zones. It is in a scenario only where zones are known, or stated."""

_RATIOS: Final = ("waypoint_to_sidecar_ratio", "ztunnel_to_sidecar_ratio")

_WITHIN: Final = {_PERCENTILE: (50, 100), "rightsizing_limit_factor": (1, 1000)}
"""Exact keys with a least and a greatest value."""

_ABOVE_ZERO: Final = {*_RATIOS, *_EXACT} - _COUNTS.keys()

_KEY_LENGTH: Final = 100
"""Characters of a wrong key that are compared with the known ones, or shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The assumptions of a projection.

    Attributes:
        assumptions: every name of data/assumptions.toml, with its value, unit and source. The other
            fields are described in `choices.CHOICES`.
    """

    assumptions: Mapping[str, Assumption]
    basis: Basis = Basis.BILLED
    waypoint_placement: choices.Placement = choices.OBSERVED
    waypoint_scaling: choices.Scaling = choices.Scaling.FIXED
    waypoint_traffic_distribution: choices.TrafficDistribution = choices.PREFER_CLOSE
    ingress_through_waypoint: bool = False
    istio_cni_installed: bool | None = None
    rightsizing_cpu_limit: choices.LimitPolicy = choices.LimitPolicy.KEEP
    prices: choices.Prices = choices.PriceSource.FLAT
    working_hours: choices.WorkingHours | None = None

    def __getitem__(self, name: str) -> Interval:
        """Return an assumption's value, in the unit of its name."""
        return self.assumptions[name].value

    @property
    def needs_steps(self) -> bool:
        """Whether waypoints are sized by what they handle in each interval."""
        is_shared = isinstance(self.waypoint_placement, choices.Shared)
        return is_shared or self.waypoint_scaling == choices.Scaling.HPA

    @property
    def waypoint_replicas(self) -> int:
        """Least number of replicas of each waypoint."""
        return int(self["waypoint_replicas"].mid)

    def with_assumptions(self, changes: Mapping[str, Assumption]) -> Scenario:
        """Return the scenario with other assumptions under some names."""
        return replace(self, assumptions={**self.assumptions, **changes})

    def changed(self, origin: str, changes: Mapping[str, Any]) -> Scenario:
        """Return the scenario with some values changed; `origin` becomes their source.

        A value equal to the present one keeps its source: a scenario that is printed and read again
        is the same scenario, and its defaults are still defaults.

        Raises:
            UsageError: with the origin, the key and the permitted values.
        """
        values = dict(self.assumptions)
        chosen: dict[str, Any] = {}
        for key, value in changes.items():
            try:
                if key in CHOICES:
                    chosen[key] = CHOICES[key].read(value)
                elif key not in values:
                    known = [*values, *CHOICES]
                    nearest = difflib.get_close_matches(key[:_KEY_LENGTH], known, n=1, cutoff=0.0)
                    raise UsageError(
                        f"{origin} has the unknown key {brief(key)}. The nearest known key is "
                        f"{nearest[0]!r}."
                    )
                elif (number := _interval(key, value)) != values[key].value:
                    values[key] = replace(values[key], value=number, source=origin)
            except NotPermitted as wrong:
                # A key may be the name of an instance type, with any characters.
                name = "".join(
                    letter if letter.isprintable() else repr(letter)[1:-1]
                    for letter in f"{key}{wrong.part}"[:_KEY_LENGTH]
                )
                raise UsageError(f"{origin}: {name} is {wrong}") from wrong
        return replace(self, assumptions=values, **chosen)


def default_scenario() -> Scenario:
    """Return the defaults of data/assumptions.toml."""
    return Scenario(assumptions=assumptions())


def hypothetical_scenario() -> Scenario:
    """Return the defaults for a mesh without a snapshot."""
    return Scenario(assumptions=assumptions_without_snapshot())


def load_scenario(path: Path, defaults: Scenario | None = None) -> Scenario:
    """Read a scenario file: TOML, each key a name of data/assumptions.toml or a choice.

    What it leaves out is as in `defaults`; None: as in `default_scenario`.

    Raises:
        UsageError: if it cannot be read, or has a key or value that is not permitted.
    """
    changes = read_toml(path, "scenario")
    return (defaults or default_scenario()).changed(str(path), changes)


def _interval(key: str, value: object) -> Interval:
    """Read a number or a range, or raise `NotPermitted`."""
    ends: Mapping[str, Any] = value if isinstance(value, Mapping) else {"mid": value}
    surplus = set(ends) - {"low", "mid", "high"}
    if surplus or "mid" not in ends or not all(map(choices.is_number, ends.values())):
        raise NotPermitted(value, "a number, or { low = number, mid = number, high = number }")
    try:
        low, mid, high = (float(ends.get(end, ends["mid"])) for end in ("low", "mid", "high"))
        interval = Interval(low=low, mid=mid, high=high)
    except (ValueError, OverflowError) as error:
        raise NotPermitted(value, "finite numbers with low <= mid <= high") from error
    if not all(choices.is_bounded(abs(end)) for end in (low, mid, high)):
        raise NotPermitted(value, f"numbers that are {choices.BOUNDS}")
    if permitted := _permitted(key, interval):
        raise NotPermitted(value, permitted)
    return interval


def _permitted(key: str, value: Interval) -> str:  # noqa: PLR0911 - a rule a line
    """Return the permitted values of a key; "" if this is one."""
    low, mid, high = value.low, value.mid, value.high
    if key in _COUNTS and not (low == high >= _COUNTS[key] and mid.is_integer()):
        return f"a whole number from {_COUNTS[key]} up"
    if key == _SHARE and not 0 < low == high <= 1:
        return "a number above 0, up to 1"
    if key in (HTTP_NEW_CONNECTIONS, ISTIOD_FIXED) and not 0 <= low <= high <= 1:
        return "numbers from 0 to 1"
    if key in _WITHIN and not _WITHIN[key][0] <= low == high <= _WITHIN[key][1]:
        return "a number from {:g} to {:g}".format(*_WITHIN[key])
    if (key in _EXACT or key.startswith(_RIGHTSIZING)) and low != high:
        return "a number without a range"
    if low < 0 or (key in _ABOVE_ZERO and mid == 0):
        return f"numbers {'above 0' if key in _ABOVE_ZERO else 'from 0 up'}"
    return ""
