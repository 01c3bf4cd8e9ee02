"""The few quantities and words that every layer shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

BITS_PER_GBIT = 1e9

HOURS_PER_MONTH = 730
"""Hours in a month of cloud bills: 8760 / 12, the convention of OpenCost's documentation."""

MONTHS_PER_YEAR = 12

BYTES_PER_GIB = 1024**3

CONFIDENCE = 0.90
"""How much of the probability every `Interval` in an answer holds."""

_WHOLE_PERCENT = 10
"""Percent from which no decimals are written; below there is one."""


def counted(count: int, thing: str, things: str = "") -> str:
    """Return a number with its noun; the plural is `things`, or `thing` and an s.

    >>> counted(1, "sidecar"), counted(1200, "sidecar"), counted(2, "proxy", "proxies")
    ('1 sidecar', '1,200 sidecars', '2 proxies')
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"


def percent_of(share: float) -> str:
    """Return a share of 1 as percent, whole numbers from 10 % on.

    >>> percent_of(0.0431), percent_of(0.254), percent_of(0.04), percent_of(-0.0001)
    ('4.3 %', '25 %', '4 %', '0 %')
    """
    # Adding 0 takes the sign off a zero.
    percent = round(100 * share, 1) + 0.0
    return f"{percent:.0f} %" if abs(percent) >= _WHOLE_PERCENT else f"{percent:g} %"


class Role(StrEnum):
    """What a proxy does in the mesh; design vocabulary of the README."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    WAYPOINT = "waypoint"
    ZTUNNEL = "ztunnel"


class Provenance(StrEnum):
    """Where a figure comes from."""

    MEASURED = "measured"
    """From this Prometheus."""
    DERIVED = "derived"
    """From a measured figure and a stated ratio."""
    PUBLISHED = "published"
    """From a cited document."""


class Reason(StrEnum):
    """Why something cannot be said."""

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
    """An answer that says what cannot be said, and why; never NaN, 0 or an empty cell."""

    subject: str
    reason: Reason
    detail: str

    def __str__(self) -> str:
        """Return the refusal as one sentence."""
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
            raise ValueError(f"not finite: {self.low}, {self.mid}, {self.high}")
        if not self.low <= self.mid <= self.high:
            raise ValueError(f"not in order: {self.low}, {self.mid}, {self.high}")

    @classmethod
    def exactly(cls, value: float) -> Interval:
        """Return the interval of a value that carries no uncertainty of its own."""
        return cls(low=value, mid=value, high=value)

    def __add__(self, other: Interval) -> Interval:
        """Return both end to end: of what errs the same way."""
        return Interval(
            low=self.low + other.low, mid=self.mid + other.mid, high=self.high + other.high
        )

    def negated(self) -> Interval:
        """Return the interval of what is lost where this is won."""
        return Interval(low=-self.high, mid=-self.mid, high=-self.low)

    def scaled(self, factor: float) -> Interval:
        """Return the interval in another unit, or of several such things.

        Raises:
            ValueError: if `factor` is negative, which would turn the ends round.
        """
        if factor < 0:
            raise ValueError(f"a negative factor turns an interval round: {factor}")
        return Interval(low=self.low * factor, mid=self.mid * factor, high=self.high * factor)
