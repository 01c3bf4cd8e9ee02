"""Up to which choice ambient costs less: yes, no, or cannot tell, by ranges alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analyzer.projection.result import Sweep
from analyzer.report import format as fmt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """How a sweep's choices are written: one of them, and all of them."""

    one: Callable[[float], str]
    any: str


_CHOICES: Final = {
    "l7_share": _Choice(
        one=lambda at: f"{fmt.share(100 * at)} of namespaces with a waypoint",
        any="any share of namespaces with a waypoint",
    ),
    "waypoint_replicas": _Choice(
        one=lambda at: f"{fmt.counted(round(at), 'replica')} per waypoint",
        any="any number of replicas per waypoint",
    ),
}


def turning(sweep: Sweep) -> str:
    """Return where along a sweep ambient surely costs less, surely more, and neither.

    Ranges of the points decide. The text has no full stop.
    """
    saves, loses, choice = sweep.saves_until, sweep.loses_from, _CHOICES[sweep.name]
    if saves == sweep.last:
        return f"Ambient costs less than sidecars for {choice.any}"
    if loses == sweep.first:
        return f"Ambient costs more than sidecars for {choice.any}"
    if saves is None and loses is None:
        return f"Cannot tell whether ambient costs less than sidecars, for {choice.any}"
    less = "" if saves is None else f"costs less than sidecars up to {choice.one(saves)}"
    more = "" if loses is None else f"costs more than sidecars from {choice.one(loses)}"
    if less and more:
        return f"Ambient {less}, and {more}"
    return f"Ambient {less or more}; {'above' if less else 'below'} that, cannot tell"
