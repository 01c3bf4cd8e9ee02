"""Traffic between zones that waypoints add, in sentences."""

from collections.abc import Iterator
from typing import Final

from analyzer.projection.choices import PREFER_CLOSE
from analyzer.projection.modes import AMBIENT_WAYPOINT
from analyzer.projection.result import Projection, ReplicaChoice, ZoneChoice, ZoneTransfer
from analyzer.report import format as fmt
from analyzer.units import Interval

WORTH_A_LINE: Final = 0.1
"""Share of the waypoints' cost from which traffic between zones is in the summary."""


def gigabytes(value: Interval) -> str:
    """Return an amount with its range.

    >>> gigabytes(Interval.exactly(3588.2)), gigabytes(Interval(low=1, mid=2.5, high=4))
    ('3,590 GB', '2.5 (1-4) GB')
    """
    return f"{fmt.ranged(value)} GB"


def zone_lines(projection: Projection) -> Iterator[str]:
    """Return how much waypoints add, what it costs, and what would cost less."""
    found = projection.zone_transfer
    if found is None:
        return
    assumed = found.choices[0]
    if found.zone_count == 1:
        yield "All nodes are in one zone, so waypoints add no traffic between zones."
        return
    if not assumed.waypoint_count:
        return
    yield from added_lines(projection)
    if found.usd_per_gb.high > 0:
        yield from _least(found)


def added_lines(projection: Projection) -> Iterator[str]:
    """Return how much waypoints add, and how that compares with their own cost."""
    found = projection.zone_transfer
    if found is None or not found.choices[0].waypoint_count:
        return
    assumed = found.choices[0]
    if assumed.gb_per_month.high <= 0:
        yield "Waypoints add no traffic between zones."
        return
    amount = f"Waypoints add {gigabytes(assumed.gb_per_month)} a month between zones"
    if found.usd_per_gb.high <= 0:
        yield f"{amount}. No price is added ({found.source})."
        return
    usd = assumed.transfer_usd_per_year
    price = f"${fmt.ranged(found.usd_per_gb)} per GB"
    cost = f"which costs {fmt.usd(usd)} a year at {price}"
    yield f"{amount}, {cost}. {_compared(projection, assumed)}"


def _compared(projection: Projection, assumed: ZoneChoice) -> str:
    own, usd = assumed.waypoint_usd_per_year, assumed.transfer_usd_per_year
    basis = fmt.AS_BASIS[projection.basis]
    if usd.mid > own.mid:
        return f"That is more than the waypoints themselves: {fmt.usd(own)} a year {basis}."
    part = fmt.share(100 * usd.mid / own.mid)
    return f"That is {part} of the cost of the waypoints themselves {basis}."


def is_leading(projection: Projection) -> bool:
    """Return whether traffic between zones is worth a line of the summary."""
    found = projection.zone_transfer
    if found is None:
        return False
    assumed = found.choices[0]
    return assumed.transfer_usd_per_year.mid > WORTH_A_LINE * assumed.waypoint_usd_per_year.mid


def _least(found: ZoneTransfer) -> Iterator[str]:
    """Return what one replica in each zone costs with its traffic, if callers stay in their own."""
    assumed = found.choices[0]
    for choice in _one_a_zone(found):
        verb = "saves" if choice.usd_per_year.mid < assumed.usd_per_year.mid else "costs more"
        together = fmt.dollars(choice.usd_per_year.mid)
        yield (
            "With PreferClose, one waypoint replica in each zone adds "
            f"{gigabytes(choice.gb_per_month)}. It "
            f"{verb}: waypoints and traffic cost {together} a year together, instead of "
            f"{fmt.dollars(assumed.usd_per_year.mid)}."
        )


def _one_a_zone(found: ZoneTransfer) -> Iterator[ZoneChoice]:
    """Yield the choice of one replica in each zone that callers there prefer, if it is another."""
    for choice in found.choices[1:]:
        is_close = choice.traffic_distribution == PREFER_CLOSE
        if is_close and choice.replicas == ReplicaChoice.ONE_A_ZONE:
            yield choice


def better_replicas(projection: Projection) -> Iterator[str]:
    """Return that one replica in each zone turns a loss into a saving, where it does."""
    found = projection.zone_transfer
    savings = {item.mode: item.usd_per_year.mid for item in projection.savings}
    usd = savings.get(AMBIENT_WAYPOINT)
    if found is None or usd is None or usd > 0:
        return
    for choice in _one_a_zone(found):
        better = usd + found.choices[0].usd_per_year.mid - choice.usd_per_year.mid
        if better > 0:
            yield (
                "With one waypoint replica in each zone, ambient with waypoints would save "
                f"{fmt.dollars(better)} a year: it avoids traffic between zones."
            )


def missing_line(projection: Projection) -> Iterator[str]:
    """Return that traffic between zones is not included, where zones were asked for."""
    if projection.workings and projection.workings.zones_are_missing:
        yield "Not priced either: traffic between zones, because no zone of a node is known."
