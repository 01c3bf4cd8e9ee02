"""Values that a series can have: what is negative or absurdly large is refused with its place.

Kept in a snapshot, it would make each command fail that reads it. An absurd size overflows when it
is squared. A counter of 64 bits that wraps or jumps makes rates far beyond any machine: these are
kept, and found by `impossible` beside what else is known of their proxy.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.errors import FrameError
from analyzer.prometheus.query import Query
from analyzer.prometheus.response import Series
from analyzer.prometheus.strict import LARGEST_SAMPLE, shown
from analyzer.units import counted, moment

_LARGEST: Final[Mapping[str, float]] = {
    "vcpu": 1e12,
    "usd per vcpu and hour": 1e6,
    "usd per gib and hour": 1e6,
    "share of periods": 1e3,
}
"""By unit, what no series reaches: 2^64 ns of CPU between two scrapes are 1.8e10 vCPU."""

_SMALLEST: Final = 1e-12
"""No counter shows less, in any unit: one request in a thousand years makes a rate of 3e-11, one
nanosecond of CPU in a quarter of an hour 1e-12 vCPU."""

_ROUNDING: Final = 1e-6
"""How far below zero the difference of two sums may be, in any unit."""

_LARGEST_COUNT: Final = 1e15
_BYTES: Final = "bytes"
_PER_SECOND: Final = "per second"


def largest_of(query: Query) -> float:
    """Return what no value of a quantity is above."""
    # Limits of memory may be 2^63 bytes, which means none; a counter may grow by 2^64.
    is_large = _BYTES in query.unit or query.unit.endswith(_PER_SECOND)
    others = LARGEST_SAMPLE if is_large else _LARGEST_COUNT
    return _LARGEST.get(query.unit, others)


def without_traces(values: Floats) -> Floats:
    """Return values with zero in place of what is too small to be more than a rounding.

    Divided by it, other quantities would overflow, and its squares would be zero.
    """
    return np.where(np.abs(values) < _SMALLEST, 0.0, values)


def require_possible(query: Query, series: Sequence[Series], samples: Floats) -> None:
    """Raise FrameError with series, value and time if a value is negative or too large.

    `samples` are those of all series, one after the other.
    """
    is_odd = np.isfinite(samples) & ((samples < -_ROUNDING) | (samples > largest_of(query)))
    if not is_odd.any():
        return
    place = int(np.argmax(is_odd))
    ends = np.cumsum([len(one.samples) for one in series])
    number = int(np.searchsorted(ends, place, side="right"))
    found = series[number]
    when = float(found.times[place - ends[number]])
    raise FrameError(
        f"{query.name}: the series {shown(found.labels)} has the impossible value "
        f"{samples[place]:g} ({query.unit}) at {moment(datetime.fromtimestamp(when, UTC))} UTC. "
        "Check the recording rules of this server, and whether a cache or a proxy answers in its "
        "place."
    )


def are_known(query: Query, values: Floats) -> bool:
    """Return whether all values are possible ones."""
    # NaN is neither above nor below.
    return bool(((values >= 0) & (values <= largest_of(query))).all())


def require_known(query: Query, frame: pd.DataFrame) -> None:
    """Raise FrameError with the first row that has no possible value."""
    values = frame[query.name].to_numpy(np.float64)
    is_bad = ~((values >= 0) & (values <= largest_of(query)))
    if is_bad.any():
        what = "missing, negative or impossibly large value"
        raise FrameError(
            f"{query.name}: {counted(int(is_bad.sum()), what)}, the first in row "
            f"{frame.index[is_bad][0]}."
        )
