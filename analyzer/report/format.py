"""Numbers in words, the same in every kind of report."""

from collections.abc import Mapping
from typing import Final

from analyzer import units
from analyzer.projection.choices import Basis
from analyzer.projection.modes import MODES
from analyzer.projection.result import Price
from analyzer.units import Interval
from analyzer.window import TimeWindow

MODE_TITLES: Final = {kind.name: kind.title for kind in MODES.values()}

AS_BASIS: Final[Mapping[Basis, str]] = {
    Basis.USAGE: "as used",
    Basis.RESERVED: "as reserved",
    Basis.BILLED: "as billed",
}
"""Which vCPUs dollars are of, in words."""

IN_FULL: Final[Mapping[Basis, str]] = {
    **AS_BASIS,
    Basis.BILLED: "as billed (the larger of used and reserved, proxy by proxy)",
}
"""The same, with what the least known of these words means."""

counted = units.counted

_LONG_MINUTES = 120
"""From here on a time is shown in hours."""


def inert(text: str) -> str:
    r"""Return text from outside as one line that a terminal shows and does not obey.

    >>> inert("shop\x1b[2J")
    'shop�[2J'
    """
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else "�" for character in line)


def shortened(name: str, width: int = 28) -> str:
    """Return a name that fits, its middle left out: names differ at their ends.

    >>> shortened("recommendations-service-canary-v2", 20)
    'recommenda…canary-v2'
    >>> shortened("shop")
    'shop'
    """
    name = inert(name)
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return f"{name[: width - 1 - tail]}…{name[-tail:]}"


def number(value: float) -> str:
    """Return a number with three significant digits, thousands separated.

    >>> [number(value) for value in (0.30487, 12.34, 9000.0, 0.0)]
    ['0.305', '12.3', '9,000', '0']
    """
    if abs(value) >= 100:  # noqa: PLR2004 - from here on whole numbers have three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"


def count(value: float) -> str:
    """Return how many there are; of a mean over time, with three digits."""
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


def ranged(value: Interval) -> str:
    """Return an interval as "mid [low-high]", or the number alone where it is exact."""
    if value.low == value.high:
        return number(value.mid)
    return f"{number(value.mid)} [{number(value.low)}-{number(value.high)}]"


def usd(value: Interval) -> str:
    """Return dollars, to the dollar, with their range where there is one.

    >>> usd(Interval.exactly(2376000.0))
    '$2,376,000'
    """
    if value.low == value.high:
        return dollars(value.mid)
    return f"{dollars(value.mid)} [{dollars(value.low)} to {dollars(value.high)}]"


def dollars(value: float) -> str:
    """Return dollars, to the dollar."""
    whole = round(value)
    return f"{'-' if whole < 0 else ''}${abs(whole):,}"


def short_dollars(value: float) -> str:
    """Return dollars with three digits, for a narrow column.

    >>> [short_dollars(value) for value in (437.2, 1610.0, 2376000.0)]
    ['$437', '$1.61k', '$2.38M']
    """
    # 999,999 rounds to a million, which has the next unit.
    rounded = float(f"{value:.3g}")
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(rounded) >= size:
            return f"{'-' if rounded < 0 else ''}${abs(rounded) / size:.3g}{unit}"
    return dollars(value)


def percent(value: Interval) -> str:
    """Return percents, with their range where there is one."""
    if value.low == value.high:
        # Adding 0 takes the sign off a zero.
        return f"{round(value.mid, 1) + 0.0:.1f} %"
    return f"{round(value.mid)} % [{round(value.low)} to {round(value.high)}]"


def saving(share: Interval, ending: str = "") -> str:
    """Return what a mode does to the bill, in percents; `ending` is the verb's.

    >>> saving(Interval.exactly(7.5)), saving(Interval.exactly(-12.0), "s")
    ('save 7.5 %', 'costs 12.0 % more')
    """
    if share.mid >= 0:
        return f"save{ending} {percent(share)}"
    return f"cost{ending} {percent(share.negated())} more"


def price(value: Price) -> str:
    """Return what a vCPU costs, and a GiB where it costs something."""
    gib_usd, vcpu = value.memory_gib_month_usd, f"${value.vcpu_month_usd:.4g} per vCPU-month"
    return f"{vcpu} and ${gib_usd:.4g} per GiB-month" if gib_usd else vcpu


def time_title(window: TimeWindow) -> str:
    """Return which time a window is, and how long its steps are."""
    step = window.step_seconds
    return f"{span_title(window)} in steps of {f'{step} s' if step % 60 else f'{step // 60} min'}"


def span_title(window: TimeWindow) -> str:
    """Return which time a window is."""
    minutes = (window.end - window.start).total_seconds() / 60
    length = f"{number(minutes / 60)} h" if minutes >= _LONG_MINUTES else f"{number(minutes)} min"
    return f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC, {length}"
