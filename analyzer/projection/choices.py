"""What a scenario chooses between, where it is not a number: how each choice is read and told."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.errors import UsageError

__all__ = [
    "DAYS",
    "END_OF_DAY",
    "FLAT",
    "OBSERVED",
    "PERMITTED",
    "Basis",
    "NodePrice",
    "Placement",
    "Prices",
    "WorkingHours",
    "basis_of",
    "flag_of",
    "placement_of",
    "prices_of",
    "working_hours_of",
]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

END_OF_DAY: Final = time.max
"""What no clock shows, and a scenario writes as 24:00."""


_FLAG: Final = "true, false"
_NODE_PRICE: Final = "{ vcpu_hour_usd = number, memory_gib_hour_usd = number }, from 0 up"

PERMITTED: Final[Mapping[str, str]] = {
    "basis": "usage, reserved, billed",
    "waypoint_placement": "observed, all, none, a list of namespaces, or a share from 0 to 1",
    "ingress_through_waypoint": _FLAG,
    "istio_cni_installed": _FLAG,
    "prices": "flat, opencost, or a table of prices by instance type",
    "working_hours": (
        'a table like { days = ["mon", "fri"], start = "08:00", end = "18:00", '
        'time_zone = "Europe/Berlin" }, start before end, which may be "24:00"'
    ),
}
"""What each choice may be, by its key in a scenario file."""


class Basis(StrEnum):
    """Which vCPUs are meant."""

    USAGE = "usage"
    """CPU used."""
    RESERVED = "reserved"
    """CPU requested from the scheduler."""
    BILLED = "billed"
    """The larger of the two, proxy by proxy (OpenCost's rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which namespaces get waypoints in the mode `ambient-waypoint`.

    Attributes:
        rule: observed (where HTTP was seen), all, none, named, or share.
        names: of the namespaces, where named.
        l7_share: part of each observed namespace's waypoint that is needed, where share.
    """

    rule: str = "observed"
    names: tuple[str, ...] = ()
    l7_share: float = 1.0

    def weights(self, namespaces: pd.DataFrame) -> Floats:
        """Return how much of a waypoint each of these namespaces gets, 0-1."""
        has_http = namespaces["has_http"].to_numpy(bool)
        named = namespaces["namespace"].isin(self.names).to_numpy(bool)
        chosen = {
            "observed": has_http.astype(float),
            "all": np.ones(len(namespaces)),
            "none": np.zeros(len(namespaces)),
            "named": named.astype(float),
            "share": has_http * self.l7_share,
        }
        return chosen[self.rule]

    def to_toml(self) -> str | float | list[str]:
        """Return the choice as a scenario file says it."""
        if self.rule == "named":
            return list(self.names)
        return self.l7_share if self.rule == "share" else self.rule


OBSERVED: Final = Placement()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """Which part of the week counts.

    Attributes:
        days: 0 is Monday.
        end: not in it; `END_OF_DAY`: until midnight.
    """

    days: tuple[int, ...]
    start: time
    end: time
    time_zone: str

    def to_toml(self) -> dict[str, Any]:
        """Return the choice as a scenario file says it."""
        return {
            "days": [DAYS[day] for day in self.days],
            "start": _clock(self.start),
            "end": "24:00" if self.end == END_OF_DAY else _clock(self.end),
            "time_zone": self.time_zone,
        }


def _clock(moment: time) -> str:
    return moment.isoformat().removesuffix(":00")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePrice:
    """What one kind of machine costs."""

    vcpu_hour_usd: float
    memory_gib_hour_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Where prices come from.

    Attributes:
        rule: flat (vcpu_month_usd and memory_gib_month_usd for every node), opencost (as this
            Prometheus tells of each node), or list.
        by_instance_type: where list.
    """

    rule: str = "flat"
    by_instance_type: Mapping[str, NodePrice] | None = None

    def to_toml(self) -> str | dict[str, Any]:
        """Return the choice as a scenario file says it."""
        if self.by_instance_type is None:
            return self.rule
        return {
            name: {
                "vcpu_hour_usd": price.vcpu_hour_usd,
                "memory_gib_hour_usd": price.memory_gib_hour_usd,
            }
            for name, price in self.by_instance_type.items()
        }


FLAT: Final = Prices()


def basis_of(origin: str, key: str, value: object) -> Basis:
    """Read `basis`.

    Raises:
        UsageError: naming the origin, the key and what is permitted.
    """
    try:
        return Basis(str(value))
    except ValueError as error:
        raise _wrong(origin, key, value, PERMITTED["basis"]) from error


def flag_of(origin: str, key: str, value: object) -> bool:
    """Read a key that is true or false; errors as `basis_of`."""
    if not isinstance(value, bool):
        raise _wrong(origin, key, value, _FLAG)
    return value


def placement_of(origin: str, key: str, value: object) -> Placement:
    """Read `waypoint_placement`; errors as `basis_of`."""
    if isinstance(value, str) and value in ("observed", "all", "none"):
        return Placement(rule=value)
    if isinstance(value, list) and all(isinstance(name, str) and name for name in value):
        return Placement(rule="named", names=tuple(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return Placement(rule="share", l7_share=float(value))
    raise _wrong(origin, key, value, PERMITTED["waypoint_placement"])


def working_hours_of(origin: str, key: str, value: object) -> WorkingHours:
    """Read `working_hours`; errors as `basis_of`."""
    permitted = PERMITTED["working_hours"]
    names = {"days", "start", "end", "time_zone"}
    if not isinstance(value, Mapping) or set(value) != names or not isinstance(value["days"], list):
        raise _wrong(origin, key, value, permitted)
    try:
        days = tuple(sorted({DAYS.index(str(day).lower()) for day in value["days"]}))
        start, end = (_time_of_day(str(value[name])) for name in ("start", "end"))
        zone = str(ZoneInfo(str(value["time_zone"])))
    except (ValueError, TypeError, ZoneInfoNotFoundError, OSError) as error:
        raise _wrong(origin, key, value, permitted) from error
    if not days or start >= end:
        raise _wrong(origin, key, value, permitted)
    return WorkingHours(days=days, start=start, end=end, time_zone=zone)


def _time_of_day(text: str) -> time:
    """Return a time without a zone of its own.

    Raises:
        ValueError: if it is none.
    """
    found = END_OF_DAY if text == "24:00" else time.fromisoformat(text)
    if found.tzinfo:
        raise ValueError("the zone is a key of its own")
    return found


def prices_of(origin: str, key: str, value: object) -> Prices:
    """Read `prices`; errors as `basis_of`."""
    if isinstance(value, str) and value in ("flat", "opencost"):
        return Prices(rule=value)
    if isinstance(value, Mapping) and value:
        found = {
            str(name): _node_price(origin, f"{key}.{name}", item) for name, item in value.items()
        }
        return Prices(rule="list", by_instance_type=found)
    raise _wrong(origin, key, value, PERMITTED["prices"])


def _node_price(origin: str, key: str, value: object) -> NodePrice:
    names = ("vcpu_hour_usd", "memory_gib_hour_usd")
    numbers = (
        [value[name] for name in names]
        if isinstance(value, Mapping) and set(value) == set(names)
        else []
    )
    is_price = [
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and 0 <= number <= sys.float_info.max
        for number in numbers
    ]
    if len(is_price) != len(names) or not all(is_price):
        raise _wrong(origin, key, value, _NODE_PRICE)
    return NodePrice(vcpu_hour_usd=float(numbers[0]), memory_gib_hour_usd=float(numbers[1]))


def _wrong(origin: str, key: str, value: object, permitted: str) -> UsageError:
    # A key may hold the name of an instance type, and that anything.
    name = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in key)
    return UsageError(f"{origin}: {name} is {value!r}; permitted: {permitted}")
