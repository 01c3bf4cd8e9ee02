"""What a scenario chooses between, where it is not a number, and how that is read and written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import time
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from analyzer.arrays import Floats

END_OF_DAY: Final = time.max
"""What no clock shows, and a scenario writes as 24:00."""

_MOST_USD: Final = sys.float_info.max
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FLAG: Final = "true, false"
_BASES: Final = "usage, reserved, billed"
_PLACEMENTS: Final = "observed, all, none, a list of namespaces, or a share from 0 to 1"
_PRICES: Final = "flat, opencost, or a table of prices by instance type"
_NODE_PRICE: Final = "{ vcpu_hour_usd = number, memory_gib_hour_usd = number }, from 0 up"
_HOURS: Final = (
    'a table like { days = ["mon", "fri"], start = "08:00", end = "18:00", '
    'time_zone = "Europe/Berlin" }, start before end, which may be "24:00"'
)


class NotPermitted(ValueError):
    """A value that a key of a scenario may not have.

    Attributes:
        value: what it is.
        permitted: what it may be, in words.
        part: of the key, where the value is within it.
    """

    def __init__(self, value: object, permitted: str, part: str = "") -> None:
        super().__init__(f"{value!r}; permitted: {permitted}")
        self.value, self.permitted, self.part = value, permitted, part


class Basis(StrEnum):
    """Which vCPUs are meant."""

    USAGE = "usage"
    """CPU used."""
    RESERVED = "reserved"
    """CPU requested from the scheduler."""
    BILLED = "billed"
    """What is paid for; see `sidecars.billed`."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A waypoint where HTTP was seen."""


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A waypoint in every namespace with sidecars."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """No waypoint."""


@dataclass(frozen=True, slots=True)
class Named:
    """A waypoint in the namespaces of these names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """This share of a waypoint, 0-1, where HTTP was seen."""

    l7_share: float


Placement = Observed | Everywhere | Nowhere | Named | Share
"""Which namespaces get waypoints in the mode `ambient-waypoint`."""


OBSERVED: Final = Observed()


def waypoint_weights(placement: Placement, namespaces: pd.DataFrame) -> Floats:
    """Return how much of a waypoint each of these namespaces gets, 0-1, shape (namespaces,)."""
    has_http = namespaces["has_http"].to_numpy(bool).astype(float)
    match placement:
        case Observed():
            return has_http
        case Everywhere():
            return np.ones(len(namespaces))
        case Nowhere():
            return np.zeros(len(namespaces))
        case Named(names):
            return namespaces["namespace"].isin(names).to_numpy(bool).astype(float)
        case Share(share):
            return has_http * share


@dataclass(frozen=True, slots=True)
class Flat:
    """vcpu_month_usd and memory_gib_month_usd on every node."""


@dataclass(frozen=True, slots=True)
class OpenCost:
    """The prices of each node that OpenCost exports to this Prometheus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePrice:
    """What one kind of machine costs."""

    vcpu_hour_usd: float
    memory_gib_hour_usd: float


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of each kind of machine, by its instance type."""

    by_instance_type: Mapping[str, NodePrice]


Prices = Flat | OpenCost | PriceList
"""Where prices come from."""

FLAT: Final = Flat()

_WORDS: Final[Mapping[str, Placement | Prices]] = {
    "observed": OBSERVED,
    "all": Everywhere(),
    "none": Nowhere(),
    "flat": FLAT,
    "opencost": OpenCost(),
}
"""Choices that a scenario file names by a word."""


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

    def to_toml(self) -> dict[str, list[str] | str]:
        """Return the choice as a scenario file has it."""
        start, end = (
            "24:00" if clock == END_OF_DAY else clock.isoformat().removesuffix(":00")
            for clock in (self.start, self.end)
        )
        days = [_DAYS[day] for day in self.days]
        return {"days": days, "start": start, "end": end, "time_zone": self.time_zone}


def toml_of(choice: Placement | Prices) -> str | float | list[str] | dict[str, dict[str, float]]:
    """Return a choice as a scenario file has it."""
    match choice:
        case Named(names):
            return list(names)
        case Share(share):
            return share
        case PriceList(prices):
            return {name: asdict(price) for name, price in prices.items()}
        case _:
            return next(word for word, same in _WORDS.items() if same == choice)


def is_number(value: object) -> bool:
    """Return whether a TOML value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _basis(value: object) -> Basis:
    try:
        return Basis(str(value))
    except ValueError as error:
        raise NotPermitted(value, _BASES) from error


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise NotPermitted(value, _FLAG)
    return value


def _placement(value: object) -> Placement:
    if isinstance(value, str) and isinstance(word := _WORDS.get(value), Placement):
        return word
    if isinstance(value, list) and all(isinstance(name, str) and name for name in value):
        return Named(tuple(value))
    if isinstance(value, int | float) and is_number(value) and 0 <= value <= 1:
        return Share(float(value))
    raise NotPermitted(value, _PLACEMENTS)


def _prices(value: object) -> Prices:
    if isinstance(value, str) and isinstance(word := _WORDS.get(value), Prices):
        return word
    if isinstance(value, Mapping) and value:
        return PriceList({str(name): _node_price(str(name), item) for name, item in value.items()})
    raise NotPermitted(value, _PRICES)


def _node_price(name: str, value: object) -> NodePrice:
    is_price = (
        isinstance(value, Mapping)
        and set(value) == {item.name for item in fields(NodePrice)}
        and all(is_number(number) and 0 <= number <= _MOST_USD for number in value.values())
    )
    if not (is_price and isinstance(value, Mapping)):
        raise NotPermitted(value, _NODE_PRICE, f".{name}")
    return NodePrice(**{key: float(number) for key, number in value.items()})


def _working_hours(value: object) -> WorkingHours:
    names = {item.name for item in fields(WorkingHours)}
    if not isinstance(value, Mapping) or set(value) != names or not isinstance(value["days"], list):
        raise NotPermitted(value, _HOURS)
    try:
        days = tuple(sorted({_DAYS.index(str(day).lower()) for day in value["days"]}))
        start, end = (_clock(str(value[name])) for name in ("start", "end"))
        zone = str(ZoneInfo(str(value["time_zone"])))
    except (ValueError, TypeError, ZoneInfoNotFoundError, OSError) as error:
        raise NotPermitted(value, _HOURS) from error
    if not days or start >= end:
        raise NotPermitted(value, _HOURS)
    return WorkingHours(days=days, start=start, end=end, time_zone=zone)


def _clock(text: str) -> time:
    clock = END_OF_DAY if text == "24:00" else time.fromisoformat(text)
    if clock.tzinfo:
        raise ValueError("the zone is a key of its own")
    return clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A key of a scenario that is no number.

    Attributes:
        meaning: what it decides.
        permitted: what it may be, in words.
        read: from a TOML value; raises `NotPermitted`.
        example: a line of a scenario file, where the default does not show how it is written.
    """

    meaning: str
    permitted: str
    read: Callable[[object], Any]
    example: str = ""


CHOICES: Final[Mapping[str, Choice]] = {
    "basis": Choice(
        meaning="which vCPUs the headline dollars are of", permitted=_BASES, read=_basis
    ),
    "waypoint_placement": Choice(
        meaning="which namespaces get waypoints in the mode ambient-waypoint",
        permitted=_PLACEMENTS,
        read=_placement,
        example='waypoint_placement = ["shop", "data"]',
    ),
    "ingress_through_waypoint": Choice(
        meaning="whether what comes from ingress gateways passes waypoints too",
        permitted=_FLAG,
        read=_flag,
    ),
    "istio_cni_installed": Choice(
        meaning="whether istio-cni runs already, so that ambient need not bring it",
        permitted=_FLAG,
        read=_flag,
    ),
    "prices": Choice(
        meaning=(
            "where prices come from; flat: vcpu_month_usd and memory_gib_month_usd of every node"
        ),
        permitted=_PRICES,
        read=_prices,
        example=(
            'prices = { "m5.xlarge" = { vcpu_hour_usd = 0.048, memory_gib_hour_usd = 0.0064 } }'
        ),
    ),
    "working_hours": Choice(
        meaning="which part of the week counts; all of it where not set",
        permitted=_HOURS,
        read=_working_hours,
        example=(
            'working_hours = { days = ["mon", "tue", "wed", "thu", "fri"], start = "08:00", '
            'end = "18:00", time_zone = "Europe/Berlin" }'
        ),
    ),
}
"""By its key in a scenario file, which is its field of `Scenario`."""
