"""For which shares of waypoints ambient costs less: yes, no, or cannot tell, by ranges alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from analyzer.projection.result import Sweep, SweepPoint
from analyzer.units import Interval

_NAMESPACES: Final = "of namespaces with a waypoint"

_EVERYWHERE: Final = {
    True: "Ambient costs less than sidecars,\nfor any share {}",
    False: "Ambient costs more than sidecars,\nfor any share {}",
    None: "Cannot tell whether ambient costs less than sidecars,\nfor any share {}",
}


def is_above_zero(value: Interval) -> bool | None:
    """Return whether all of a range is above zero or below; None where it cannot tell."""
    if value.low > 0:
        return True
    return False if value.high < 0 else None


def share_verdict(sweep: Sweep) -> str:
    """Return for which shares ambient costs less or more, in two lines without a full stop."""
    signs = [is_above_zero(point.usd_per_year) for point in sweep.points]
    if len(set(signs)) == 1:
        return _EVERYWHERE[signs[0]].format(_NAMESPACES)
    first, last = sweep.points[0].usd_per_year, sweep.points[-1].usd_per_year
    # Falling savings: less at the start, more at the end; rising ones the other way.
    less_first = first.mid >= last.mid
    claims = [
        claim
        for is_less in (True, False)
        if (claim := _claim(sweep.points, signs, is_less=is_less, at_start=is_less == less_first))
    ]
    if sum(claim.count for claim in claims) + signs.count(None) != len(signs):
        return f"The saving depends on the share {_NAMESPACES}"
    claim, *others = claims
    start = f"Ambient costs {claim.word} than sidecars {claim.reach} {_NAMESPACES}"
    if others:
        return f"{start},\n{others[0].word} {others[0].reach}"
    return f"{start};\n{'above' if claim.at_start else 'below'} that, cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What holds for the first or the last points of a sweep, and the share it reaches to."""

    word: str
    count: int
    share: float
    at_start: bool

    @property
    def reach(self) -> str:
        """The share, rounded so that the claim holds there too."""
        if self.at_start:
            return f"up to {math.floor(100 * self.share)} %"
        return f"from {math.ceil(100 * self.share)} %"


def _claim(
    points: Sequence[SweepPoint],
    signs: Sequence[bool | None],
    *,
    is_less: bool,
    at_start: bool,
) -> _Claim | None:
    ordered = points if at_start else points[::-1]
    ordered_signs = signs if at_start else signs[::-1]
    count = len([*takewhile(lambda sign: sign is is_less, ordered_signs)])
    if not count:
        return None
    inner, outer = ordered[count - 1], ordered[count]
    # Where the end of the range that is nearer to zero crosses it.
    end = "low" if is_less else "high"
    near, far = (getattr(point.usd_per_year, end) for point in (inner, outer))
    share = inner.choice + (outer.choice - inner.choice) * near / (near - far)
    word = "less" if is_less else "more"
    return _Claim(word=word, count=count, share=share, at_start=at_start)
