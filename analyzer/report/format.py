"""Numbers as text, the same in every kind of report."""

from collections.abc import Mapping, Sequence
from typing import Final

from analyzer import units
from analyzer.projection.choices import Basis
from analyzer.projection.modes import MODES
from analyzer.projection.result import Price
from analyzer.report.escapes import inert
from analyzer.units import Interval
from analyzer.window import TimeWindow

MODE_TITLES: Final = {kind.name: kind.title for kind in MODES.values()}

AS_BASIS: Final[Mapping[Basis, str]] = {
    Basis.USAGE: "as used",
    Basis.RESERVED: "as requested",
    Basis.BILLED: "as billed",
}
"""What dollars are computed from."""

_ROOM_FOR_DOLLARS = 10_000
"""Below this a range to the dollar fits a column of a terminal."""


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


counted = units.counted


def capital(text: str) -> str:
    """Return a text as it begins a sentence.

    >>> capital("ambient L4")
    'Ambient L4'
    """
    return text[:1].upper() + text[1:]


def continued(text: str) -> str:
    """Return a text as it goes on in a sentence.

    >>> continued("Move all")
    'move all'
    """
    return text[:1].lower() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """Return parts of a sentence with commas and "and".

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def in_two_lines(title: str) -> str:
    """Return a title that is no wider than a column of a terminal."""
    return title.replace(", ", ",\n").replace(" with ", " with\n")


def named(names: Sequence[str], most: int = 3) -> str:
    """Return names in a sentence; of more than one above `most`, the rest is counted.

    >>> named(["a", "b"]), named(["a", "b", "c", "d"]), named(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and d', 'a, b, c and 2 more')
    """
    shown = [shortened(name) for name in names[: most + (len(names) == most + 1)]]
    surplus = len(names) - len(shown)
    return listed([*shown, f"{surplus:,} more"] if surplus else shown)


def ranged(value: Interval) -> str:
    """Return an interval as "mid (low-high)", or the number alone where it is exact.

    >>> ranged(Interval(low=-0.5, mid=1.25, high=2)), ranged(Interval.exactly(9000))
    ('1.25 (-0.5 to 2)', '9,000')
    """
    return _with(number(value.mid), ends(value))


def ends(value: Interval) -> str:
    """Return both ends of a range; "" where they are written the same.

    >>> ends(Interval(low=0.169, mid=0.171, high=0.173)), ends(Interval.exactly(1))
    ('0.169-0.173', '')
    """
    return _between(number(value.low), number(value.high))


def _with(mid: str, ends: str) -> str:
    return f"{mid} ({ends})" if ends else mid


def _between(low: str, high: str) -> str:
    if low == high:
        return ""
    # A hyphen before a minus sign is hard to read.
    return f"{low} to {high}" if "-" in (low + high) else f"{low}-{high}"


def usd(value: Interval) -> str:
    """Return dollars, to the dollar, with their range where there is one.

    >>> usd(Interval.exactly(2376000.0)), usd(Interval(low=-2, mid=77, high=90))
    ('$2,376,000', '$77 (-$2 to $90)')
    """
    return _with(dollars(value.mid), usd_ends(value))


def usd_ends(value: Interval) -> str:
    """Return both ends of a range of dollars, to the dollar; "" where they are the same."""
    return _between(dollars(value.low), dollars(value.high))


def short_usd_ends(value: Interval) -> str:
    """Return both ends of a range of dollars, for a narrow column."""
    # One way of writing for both ends, and the shorter one only where there is no room.
    is_short = max(abs(value.low), abs(value.high)) < _ROOM_FOR_DOLLARS
    write = dollars if is_short else short_dollars
    return _between(write(value.low), write(value.high))


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


def share(percent: float) -> str:
    """Return a percentage: without decimals from 10 % on, with one below.

    >>> [share(percent) for percent in (7.5, 12.3, -0.02, 99.97)]
    ['7.5 %', '12 %', '0 %', '100 %']
    """
    return units.in_percent(percent / 100)


def percent(value: Interval) -> str:
    """Return percents, with their range where there is one that whole numbers show.

    >>> percent(Interval(low=61, mid=68, high=74)), percent(Interval(low=-6, mid=1.2, high=7))
    ('68 % (61-74 %)', '1 % (-6 to 7 %)')
    >>> [percent(Interval(low=at, mid=at + 0.3, high=at + 0.5)) for at in (6.4, 22)]
    ['6.7 % (6.4-6.9 %)', '22 %']
    """
    return _with(*percent_parts(value))


def percent_parts(value: Interval) -> tuple[str, str]:
    """Return percents, and both ends of their range or ""."""
    if value.low == value.high:
        return share(value.mid), ""
    coarse_from = 2
    decimals = 0 if value.high - value.low >= coarse_from else 1
    low, mid, high = (_percent(at, decimals=decimals) for at in (value.low, value.mid, value.high))
    ends = _between(low, high)
    return f"{mid} %", f"{ends} %" if ends else ""


def _percent(value: float, *, decimals: int) -> str:
    whole_from = 10
    # Adding 0 takes the sign off a zero.
    rounded = round(value, decimals) + 0.0
    return (
        f"{rounded:,.0f}"
        if abs(rounded) >= whole_from or not rounded
        else f"{rounded:.{decimals}f}"
    )


def saving(value: Interval, ending: str = "") -> str:
    """Return what a mode does to the cost, in percent; a range with both signs decides nothing.

    `ending` is that of the verb.

    >>> saving(Interval.exactly(7.5)), saving(Interval(low=-20, mid=-12, high=-4))
    ('save 7.5 %', 'cost 12 % (4-20 %) more')
    >>> saving(Interval(low=-6, mid=1, high=7))
    'cost between 7.0 % less and 6.0 % more'
    """
    if value.low >= 0:
        return f"save{ending} {percent(value)}"
    if value.high <= 0:
        return f"cost{ending} {percent(value.negated())} more"
    return f"cost{ending} between {share(value.high)} less and {share(-value.low)} more"


def price(value: Price) -> str:
    """Return what a vCPU costs, and a GiB where it costs something.

    >>> price(Price(vcpu_month_usd=22, memory_gib_month_usd=0.5, source=""))
    '$22 per vCPU-month and $0.5 per GiB-month'
    """
    gib_usd, gib_range = value.memory_gib_month_usd, value.memory_gib_month_usd_range
    gib = f" and {_month_usd(gib_usd, gib_range)} per GiB-month" if gib_usd else ""
    return f"{vcpu_price(value)}{gib}"


def vcpu_price(value: Price) -> str:
    """Return what a vCPU costs.

    >>> stated = Interval(low=22, mid=26, high=30)
    >>> vcpu_price(
    ...     Price(
    ...         vcpu_month_usd=26, memory_gib_month_usd=0, source="", vcpu_month_usd_range=stated
    ...     )
    ... )
    '$26 ($22-$30) per vCPU-month'
    """
    return f"{_month_usd(value.vcpu_month_usd, value.vcpu_month_usd_range)} per vCPU-month"


def _month_usd(mid: float, stated: Interval | None) -> str:
    ends = _between(*(f"${end:.4g}" for end in (stated.low, stated.high))) if stated else ""
    return _with(f"${mid:.4g}", ends)


def time_title(window: TimeWindow) -> str:
    """Return the time of a window, and the length of its intervals."""
    step = window.step_seconds
    length = f"{step} s" if step % 60 else f"{step // 60} min"
    return f"{span_title(window)} in intervals of {length}"


def span_title(window: TimeWindow) -> str:
    """Return the time of a window, and how long it is."""
    length = units.duration((window.end - window.start).total_seconds())
    return f"{units.moment(window.start)} to {units.moment(window.end)} UTC, {length}"
