"""The quantities and words that every layer shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

BITS_PER_GBIT = 1e9

GBIT_PER_BYTE = 8 / BITS_PER_GBIT

HOURS_PER_WEEK = 168

HOURS_PER_MONTH = 730
"""Hours in a month of cloud bills: 8760 / 12, the convention of OpenCost's documentation."""

MONTHS_PER_YEAR = 12

BYTES_PER_GIB = 1024**3
MIB_PER_GIB = 1024

CONFIDENCE = 0.90
"""Probability that each `Interval` of an answer covers."""


class Role(StrEnum):
    """What a proxy does in the mesh."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    WAYPOINT = "waypoint"
    ZTUNNEL = "ztunnel"


class Provenance(StrEnum):
    """Where a figure comes from."""

    MEASURED = "measured"
    """From this Prometheus."""
    DERIVED = "derived"
    """From a measured figure and an assumed ratio."""
    PUBLISHED = "published"
    """From a cited document."""


class Reason(StrEnum):
    """Why a question has no answer."""

    NO_DATA = "no_data"
    TOO_FEW_SAMPLES = "too_few_samples"
    TOO_FEW_PROXIES = "too_few_proxies"
    NO_TRAFFIC = "no_traffic"
    CONSTANT_TRAFFIC = "constant_traffic"
    NEGATIVE_SLOPE = "negative_slope"
    AMBIGUOUS = "ambiguous"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A question without an answer, and why; never NaN, 0 or an empty cell.

    Attributes:
        subject: what has no answer, as a noun.
        detail: cause and action, as whole sentences.
    """

    subject: str
    reason: Reason
    detail: str

    def __str__(self) -> str:
        """Return the subject and why it has no answer."""
        return f"{self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A quantity with its 90 % interval; the unit is in the name of the field that holds it.

    Raises:
        ValueError: if the three are not finite and in order.
    """

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.low, self.mid, self.high))):
            raise ValueError(f"Not finite: {self.low}, {self.mid}, {self.high}.")
        if not self.low <= self.mid <= self.high:
            raise ValueError(f"Not in order: {self.low}, {self.mid}, {self.high}.")

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """Return the interval of a value without uncertainty."""
        return cls(low=value, mid=value, high=value)

    def __add__(self, other: Interval) -> Interval:
        """Add low to low and high to high: the errors of both are fully correlated."""
        return Interval(
            low=self.low + other.low, mid=self.mid + other.mid, high=self.high + other.high
        )

    def negated(self) -> Interval:
        """Return the interval with the opposite sign: a saving becomes an extra cost."""
        return Interval(low=-self.high, mid=-self.mid, high=-self.low)

    def scaled(self, factor: float) -> Interval:
        """Return the interval multiplied by a factor: another unit, or several of the same.

        Raises:
            ValueError: if `factor` is negative, which would swap low and high.
        """
        if factor < 0:
            raise ValueError(f"A negative factor would swap low and high: {factor}.")
        return Interval(low=self.low * factor, mid=self.mid * factor, high=self.high * factor)


def counted(count: int, thing: str, things: str = "") -> str:
    """Return a count with its noun.

    >>> counted(1, "sidecar"), counted(1200, "sidecar"), counted(2, "proxy", "proxies")
    ('1 sidecar', '1,200 sidecars', '2 proxies')
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def enumerated(parts: Sequence[str]) -> str:
    """Return the parts as one text, with "and" before the last.

    >>> enumerated(["CPU", "requests", "time"])
    'CPU, requests and time'
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def in_percent(share: float) -> str:
    """Return a share as percent: without decimals from 10 % on, with one below.

    >>> in_percent(0.934), in_percent(0.0421), in_percent(0.04), in_percent(-0.0001)
    ('93 %', '4.2 %', '4.0 %', '0 %')
    """
    percent, whole_from = round(100 * share, 1), 10
    # A zero has no sign and no decimals.
    is_whole = abs(percent) >= whole_from or percent == 0
    return f"{abs(percent) if percent == 0 else percent:.{0 if is_whole else 1}f} %"


def duration(seconds: float) -> str:
    """Return how long a time is: in minutes below 2 hours, in hours below 2 days.

    >>> duration(1800), duration(86_400), duration(7 * 86_400), duration(1500 * 86_400)
    ('30 min', '24 h', '7 days', '1,500 days')
    """
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86_400
    if hours < 2:  # noqa: PLR2004 - as stated above
        return f"{minutes:.3g} min"
    if days < 2:  # noqa: PLR2004 - as stated above
        return f"{hours:.3g} h"
    # Whole days where there are three digits of them.
    return f"{days:,.0f} days" if days >= 100 else f"{days:.3g} days"  # noqa: PLR2004


def moment(time: datetime) -> str:
    """Return a date and time of day, with seconds only where they are not 0.

    >>> moment(datetime(2024, 5, 14, 10)), moment(datetime(2024, 5, 14, 10, 2, 30))
    ('2024-05-14 10:00', '2024-05-14 10:02:30')
    """
    return f"{time:%Y-%m-%d %H:%M:%S}" if time.second else f"{time:%Y-%m-%d %H:%M}"
