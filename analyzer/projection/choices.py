"""The choices of a scenario that are not numbers, and how they are read and written."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, Final, TypeGuard
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.errors import UsageError, brief

END_OF_DAY: Final = time.max
"""The end of a day, which a scenario file writes as 24:00."""

LARGEST: Final = 1e12
"""The most that an assumption, a price or a rate may be: far more would overflow in products."""

LEAST: Final = 1e-12
"""The least that they may be if they are not 0: what is divided by far less would overflow."""

BOUNDS: Final = f"0, or from {LEAST:g} to {LARGEST:g}"

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FLAG: Final = "true, false"
_NODE_PRICE: Final = f"{{ vcpu_hour_usd = number, memory_gib_hour_usd = number }}, each {BOUNDS}"


class NotPermitted(ValueError):
    """A value that is not permitted for a key of a scenario, or for a part of it."""

    def __init__(self, value: object, permitted: str, part: str = "") -> None:
        super().__init__(f"{brief(value)}. Permitted: {permitted}.")
        self.part = part


class Basis(StrEnum):
    """The CPU that a figure is computed from."""

    USAGE = "usage"
    """CPU used."""
    RESERVED = "reserved"
    """CPU requested from the scheduler."""
    BILLED = "billed"
    """The larger of the two per proxy; see `sidecars.billed`."""


class Spread(StrEnum):
    """Placement of waypoints by a rule."""

    OBSERVED = "observed"
    """A waypoint in every namespace with HTTP."""
    ALL = "all"
    """A waypoint in every namespace with sidecars."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Named:
    """A waypoint in the namespaces with these names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """One waypoint for several namespaces: each group has one, no other namespace has any."""

    groups: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The namespaces that a waypoint serves."""
        return tuple(name for group in self.groups for name in group)

    def to_toml(self) -> dict[str, list[list[str]]]:
        """Return the choice in the form of a scenario file."""
        return {"shared": [list(group) for group in self.groups]}

    def waypoint_of(self, known: Collection[str]) -> dict[str, str]:
        """Return the name of the waypoint of each of these namespaces: those that it serves.

        Raises:
            UsageError: if a group spans clusters, whose namespaces are written cluster/namespace.
        """
        groups = [[name for name in group if name in known] for group in self.groups]
        for group in groups:
            if len({name.rpartition("/")[0] for name in group}) > 1:
                raise UsageError(
                    f"waypoint_placement shares a waypoint between clusters: {', '.join(group)}. "
                    "Give each cluster its own list."
                )
        return {name: " + ".join(members) for members in groups for name in members}


@dataclass(frozen=True, slots=True)
class Share:
    """This share of a waypoint, 0-1, in every namespace with HTTP."""

    l7_share: float


Placement = Spread | Named | Shared | Share
"""The namespaces with waypoints in the mode `ambient-waypoint`."""

OBSERVED: Final = Spread.OBSERVED


def is_settled(placement: Placement) -> bool:
    """Return whether a scenario states which namespaces need a waypoint."""
    return not (placement == OBSERVED or isinstance(placement, Share))


def waypoint_weights(placement: Placement, namespaces: pd.DataFrame) -> Floats:
    """Return each namespace's share of a waypoint, 0-1, shape (namespaces,)."""
    has_http = namespaces["has_http"].to_numpy(bool).astype(float)
    match placement:
        case Spread.ALL:
            return np.ones(len(namespaces))
        case Spread.NONE:
            return np.zeros(len(namespaces))
        case Named(names) | Shared(names=names):
            return namespaces["namespace"].isin(names).to_numpy(bool).astype(float)
        case Share(share):
            return has_http * share
        case _:
            return has_http


class TrafficDistribution(StrEnum):
    """Which replica of a waypoint a caller uses."""

    PREFER_CLOSE = "prefer-close"
    """One in its own zone, if there is any: Istio sets this for waypoints, from 1.24 on."""
    RANDOM = "random"


PREFER_CLOSE: Final = TrafficDistribution.PREFER_CLOSE


class Scaling(StrEnum):
    """When a waypoint has the replicas that its load needs."""

    FIXED = "fixed"
    """Always those of the busiest interval."""
    HPA = "hpa"
    """Those of each interval, as an autoscaler without delay would give it."""


class LimitPolicy(StrEnum):
    """What becomes of the CPU limits of right-sized sidecars."""

    NONE = "none"
    """No limit: a burst takes CPU that its node has free."""
    KEEP = "keep"
    """Today's limit, or the request where that is more."""
    SET = "set"
    """A multiple of the request."""


class PriceSource(StrEnum):
    """Source of prices, if not a list."""

    FLAT = "flat"
    """vcpu_month_usd and memory_gib_month_usd on every node."""
    OPENCOST = "opencost"
    """The prices of each node that OpenCost exports to this Prometheus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePrice:
    """The price of one instance type."""

    vcpu_hour_usd: float
    memory_gib_hour_usd: float


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by instance type."""

    by_instance_type: Mapping[str, NodePrice]


Prices = PriceSource | PriceList
"""Source of prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """The part of the week that counts.

    Attributes:
        days: 0 is Monday.
        end: excluded; `END_OF_DAY`: until midnight.
    """

    days: tuple[int, ...]
    start: time
    end: time
    time_zone: str

    @property
    def length(self) -> timedelta:
        """How long they are on one day."""
        start, end = (timedelta(hours=at.hour, minutes=at.minute) for at in (self.start, self.end))
        return (timedelta(days=1) if self.end == END_OF_DAY else end) - start

    def to_toml(self) -> dict[str, list[str] | str]:
        """Return the choice in the form of a scenario file."""
        start, end = (
            "24:00" if clock == END_OF_DAY else clock.isoformat().removesuffix(":00")
            for clock in (self.start, self.end)
        )
        days = [_DAYS[day] for day in self.days]
        return {"days": days, "start": start, "end": end, "time_zone": self.time_zone}


def toml_of(choice: object) -> object:
    """Return a choice in the form of a scenario file."""
    match choice:
        case StrEnum():
            return str(choice)
        case Named(names):
            return list(names)
        case Share(share):
            return share
        case PriceList(prices):
            return {name: asdict(price) for name, price in prices.items()}
        case WorkingHours() | Shared():
            return choice.to_toml()
        case _:
            return choice


def is_number(value: object) -> bool:
    """Return whether a TOML value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_bounded(number: float) -> bool:
    """Return whether a number is in `BOUNDS`; NaN is not."""
    return number == 0 or LEAST <= number <= LARGEST


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _placement(value: object) -> Placement:
    if value in [*Spread]:
        return Spread(str(value))
    if _are_names(value):
        return Named(tuple(value))
    if isinstance(value, Mapping) and set(value) == {"shared"}:
        return _shared(value["shared"])
    if isinstance(value, int | float) and is_number(value) and 0 <= value <= 1:
        return Share(float(value))
    raise ValueError


def _are_names(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)


def _shared(value: object) -> Shared:
    groups = value if isinstance(value, list) else []
    found = Shared(tuple(tuple(group) for group in groups if group and _are_names(group)))
    is_complete = len(found.groups) == len(groups) > 0
    if not is_complete or len(set(found.names)) < len(found.names):
        raise ValueError
    return found


def _prices(value: object) -> Prices:
    if value in [*PriceSource]:
        return PriceSource(str(value))
    if isinstance(value, Mapping) and value:
        return PriceList({str(name): _node_price(str(name), item) for name, item in value.items()})
    raise ValueError


def _node_price(name: str, value: object) -> NodePrice:
    if (
        not isinstance(value, Mapping)
        or set(value) != {item.name for item in fields(NodePrice)}
        or not all(is_number(number) and is_bounded(number) for number in value.values())
    ):
        raise NotPermitted(value, _NODE_PRICE, f".{name}")
    return NodePrice(**{key: float(number) for key, number in value.items()})


def _working_hours(value: object) -> WorkingHours:
    names = {item.name for item in fields(WorkingHours)}
    if not isinstance(value, Mapping) or set(value) != names or not isinstance(value["days"], list):
        raise ValueError
    days = tuple(sorted({_DAYS.index(str(day).lower()) for day in value["days"]}))
    start, end = (_clock(str(value[name])) for name in ("start", "end"))
    zone = str(ZoneInfo(str(value["time_zone"])))
    if not days or start >= end:
        raise ValueError
    return WorkingHours(days=days, start=start, end=end, time_zone=zone)


def _clock(text: str) -> time:
    clock = END_OF_DAY if text == "24:00" else time.fromisoformat(text)
    if clock.tzinfo:
        raise ValueError("A time has no zone: time_zone is a separate key.")
    return clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A key of a scenario that is not a number.

    Attributes:
        parse: from a TOML value; raises Python's own errors for a wrong one.
        example: a line of a scenario file, if the default does not show the syntax.
    """

    meaning: str
    permitted: str
    parse: Callable[[object], Any]
    example: str = ""

    def read(self, value: object) -> object:
        """Return the choice of a TOML value.

        Raises:
            NotPermitted: if the value is not permitted.
        """
        try:
            return self.parse(value)
        except NotPermitted:
            raise
        except (ValueError, TypeError, ZoneInfoNotFoundError, OSError) as error:
            raise NotPermitted(value, self.permitted) from error


CHOICES: Final[Mapping[str, Choice]] = {
    "basis": Choice(
        meaning="basis of the headline dollars: CPU used, requested, or per proxy the larger one",
        permitted="usage, reserved, billed",
        parse=lambda value: Basis(str(value)),
    ),
    "waypoint_placement": Choice(
        meaning="namespaces with a waypoint in the mode ambient-waypoint",
        permitted=(
            "observed, all, none, a list of namespaces, a share from 0 to 1, or "
            '{ shared = [["a", "b"], ["c"]] }: one waypoint for each list, no namespace in two'
        ),
        parse=_placement,
        example='waypoint_placement = ["shop", "data"]',
    ),
    "waypoint_traffic_distribution": Choice(
        meaning=(
            "which replica of a waypoint callers use: any, or one in their own zone where there is "
            "one (networking.istio.io/traffic-distribution, which Istio sets from 1.24 on)"
        ),
        permitted="prefer-close, random",
        parse=lambda value: TrafficDistribution(str(value)),
    ),
    "waypoint_scaling": Choice(
        meaning=(
            "replicas of a waypoint; fixed: always those of its busiest interval; hpa: those that "
            "each interval needs"
        ),
        permitted="fixed, hpa",
        parse=lambda value: Scaling(str(value)),
    ),
    "ingress_through_waypoint": Choice(
        meaning="whether requests from ingress gateways pass waypoints",
        permitted=_FLAG,
        parse=_flag,
    ),
    "istio_cni_installed": Choice(
        meaning="whether istio-cni is installed already; if not, ambient adds its requests. Left "
        "out: as its containers show",
        permitted=_FLAG,
        parse=_flag,
        example="istio_cni_installed = true",
    ),
    "rightsizing_cpu_limit": Choice(
        meaning=(
            "CPU limit of right-sized sidecars; none: no limit; keep: today's; set: "
            "rightsizing_limit_factor times the request"
        ),
        permitted="none, keep, set",
        parse=lambda value: LimitPolicy(str(value)),
    ),
    "prices": Choice(
        meaning=("source of prices; flat: vcpu_month_usd and memory_gib_month_usd for every node"),
        permitted="flat, opencost, or a table of prices by instance type",
        parse=_prices,
        example=(
            'prices = { "m5.xlarge" = { vcpu_hour_usd = 0.048, memory_gib_hour_usd = 0.0064 } }'
        ),
    ),
    "working_hours": Choice(
        meaning="the part of the week that counts; the whole week if not set",
        permitted=(
            'a table like { days = ["mon", "fri"], start = "08:00", end = "18:00", '
            'time_zone = "Europe/Berlin" }, start before end, which may be "24:00"'
        ),
        parse=_working_hours,
        example=(
            'working_hours = { days = ["mon", "tue", "wed", "thu", "fri"], start = "08:00", '
            'end = "18:00", time_zone = "Europe/Berlin" }'
        ),
    ),
}
"""By key in a scenario file, which is also the field of `Scenario`."""
