"""Events beside requests that use CPU, and that proxies count: each may be a term of the fit."""

from dataclasses import dataclass
from typing import Final

from analyzer.calibration.fit.least_squares import Term
from analyzer.units import BITS_PER_GBIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to a proxy so often in a second, at a cost of its own.

    Attributes:
        name: a key of `Decomposition.events_vcpu`.
        column: of the measured steps, and of `Observations.rows`: events per second.
        term: of the regression. Its coefficient has no floor: of an event without a cost, half of
            all estimates are below zero, and a floor would make their mean too high.
        cost: the name of its cost, as a key of `RoleCalibration.cost_of_each`.
        events_per_second: those that the cost is of.
        is_request: whether the event is a request too, so that its cost is a part of the mean cost
            of a request.
    """

    name: str
    column: str
    term: Term
    cost: str
    events_per_second: float
    is_request: bool = False


CONFIGURATION: Final = Event(
    name="configuration_updates",
    column="configuration_updates_per_second",
    term=Term(name="configuration updates"),
    cost="vcpu_seconds_per_configuration_update",
    events_per_second=1.0,
)
CONNECTIONS: Final = Event(
    name="accepted_connections",
    column="accepted_connections_per_second",
    term=Term(name="accepted connections"),
    cost="vcpu_per_1000_accepted_connections_per_second",
    events_per_second=1000.0,
)
FAILURES: Final = Event(
    name="failed_requests",
    column="failed_rps",
    term=Term(name="failed requests"),
    cost="more_vcpu_per_1000_failed_rps",
    events_per_second=1000.0,
    is_request=True,
)

TCP_BYTES: Final = Event(
    name="tcp_beside_requests",
    column="tcp_bytes_per_second",
    term=Term(name="TCP bytes beside requests"),
    cost="vcpu_per_tcp_gbit_per_second",
    events_per_second=BITS_PER_GBIT / 8,
)
"""Bytes of TCP through proxies that handle requests as well: each byte is an event."""

EVENTS: Final = (CONFIGURATION, CONNECTIONS, FAILURES, TCP_BYTES)
