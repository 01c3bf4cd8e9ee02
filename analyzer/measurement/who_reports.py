"""Who reports an HTTP request, by how caller and callee are attached to the mesh.

Sources, all of Istio: stats filter (istio/proxy `istio_stats.cc`): an outbound listener and every
gateway report as source, an inbound one as destination, a waypoint as waypoint. ztunnel README,
"Metrics": only the four TCP metrics, so that no ztunnel counts a request. Endpoints (istio/istio
`pilot/pkg/xds/endpoints/endpoint_builder.go`): a gateway gets those of a waypoint only for services
with the label istio.io/ingress-use-waypoint, an ambient east-west gateway always, a sidecar never.
ENABLE_WAYPOINT_INTEROP, which sends sidecars there too, is not in open-source Istio; then they
report TCP, and the waypoint alone reports the request. Names of the other end (`pilot/pkg/xds/
filters/filters.go`): by headers of Istio's own proxies, else by address, where that is known.
istio/istio issue 58476: a waypoint that calls another cluster names the server "unknown".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Caller(StrEnum):
    """How a caller is attached to the mesh."""

    SIDECAR = "sidecar"
    AMBIENT = "ambient"
    """Behind a ztunnel; with or without a waypoint is the same for what it sends."""
    UNMESHED = "unmeshed"
    GATEWAY = "gateway"
    GATEWAY_TO_WAYPOINT = "gateway to waypoint"
    """With the label istio.io/ingress-use-waypoint on the service."""
    SIDECAR_ELSEWHERE = "sidecar in another cluster"
    AMBIENT_ELSEWHERE = "ambient in another cluster, behind a waypoint there"


class Callee(StrEnum):
    """How a callee is attached to the mesh."""

    SIDECAR = "sidecar"
    SIDECAR_BEHIND_WAYPOINT = "sidecar behind a waypoint"
    AMBIENT = "ambient L4"
    WAYPOINT = "ambient with a waypoint of its namespace"
    SERVICE_WAYPOINT = "ambient, the service called has a waypoint"
    OTHER_SERVICE = "ambient, another service of the workload has a waypoint"
    OUTSIDE = "outside the mesh"
    OUTSIDE_WAYPOINT = "outside the mesh, behind a waypoint of its ServiceEntry"
    GATEWAY = "egress gateway, to a host outside the mesh"


class Named(StrEnum):
    """What a report names as one end of the call."""

    CALLER = "caller"
    CALLEE = "callee"
    WAYPOINT = "waypoint"
    GATEWAY = "gateway"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of a call.

    Attributes:
        reporter: the label.
        source: what it names as the caller.
        destination: what it names as the callee.
        counts: whether the call counts by this report; of the others it is left out.
    """

    reporter: str
    source: Named = Named.CALLER
    destination: Named = Named.CALLEE
    counts: bool = False


_SENT: Final = Report(reporter="source")
_ONLY_SENT: Final = Report(reporter="source", counts=True)
_ABROAD: Final = Report(reporter="source", destination=Named.UNKNOWN)
_OUT: Final = Report(reporter="source", destination=Named.UNKNOWN, counts=True)
_RECEIVED: Final = Report(reporter="destination", counts=True)
_FROM_UNKNOWN: Final = Report(reporter="destination", source=Named.UNKNOWN, counts=True)
_BEHIND: Final = Report(reporter="destination", source=Named.WAYPOINT)
_TO_WAYPOINT: Final = Report(reporter="source", destination=Named.WAYPOINT)
_TO_GATEWAY: Final = Report(reporter="source", destination=Named.GATEWAY)
_FORWARDED: Final = Report(
    reporter="source", source=Named.GATEWAY, destination=Named.UNKNOWN, counts=True
)
_HANDLED: Final = Report(reporter="waypoint", counts=True)
_HANDLED_FROM_UNKNOWN: Final = Report(reporter="waypoint", source=Named.UNKNOWN, counts=True)
_HANDLED_ABROAD: Final = Report(reporter="waypoint", destination=Named.UNKNOWN)
_HANDLED_OUT: Final = Report(reporter="waypoint", destination=Named.UNKNOWN, counts=True)

Reports = tuple[Report, ...]

REPORTS: Final[Mapping[tuple[Caller, Callee], Reports]] = {
    (Caller.SIDECAR, Callee.SIDECAR): (_SENT, _RECEIVED),
    (Caller.SIDECAR, Callee.SIDECAR_BEHIND_WAYPOINT): (_SENT, _RECEIVED),
    (Caller.SIDECAR, Callee.AMBIENT): (_ONLY_SENT,),
    (Caller.SIDECAR, Callee.WAYPOINT): (_ONLY_SENT,),
    (Caller.SIDECAR, Callee.SERVICE_WAYPOINT): (_ONLY_SENT,),
    (Caller.SIDECAR, Callee.OTHER_SERVICE): (_ONLY_SENT,),
    (Caller.SIDECAR, Callee.OUTSIDE): (_OUT,),
    (Caller.SIDECAR, Callee.OUTSIDE_WAYPOINT): (_OUT,),
    (Caller.SIDECAR, Callee.GATEWAY): (_TO_GATEWAY, _FORWARDED),
    (Caller.AMBIENT, Callee.SIDECAR): (_RECEIVED,),
    (Caller.AMBIENT, Callee.SIDECAR_BEHIND_WAYPOINT): (_BEHIND, _HANDLED),
    (Caller.AMBIENT, Callee.AMBIENT): (),
    (Caller.AMBIENT, Callee.WAYPOINT): (_HANDLED,),
    (Caller.AMBIENT, Callee.SERVICE_WAYPOINT): (_HANDLED,),
    (Caller.AMBIENT, Callee.OTHER_SERVICE): (),
    (Caller.AMBIENT, Callee.OUTSIDE): (),
    (Caller.AMBIENT, Callee.OUTSIDE_WAYPOINT): (_HANDLED_OUT,),
    (Caller.AMBIENT, Callee.GATEWAY): (_FORWARDED,),
    (Caller.UNMESHED, Callee.SIDECAR): (_FROM_UNKNOWN,),
    (Caller.UNMESHED, Callee.SIDECAR_BEHIND_WAYPOINT): (_FROM_UNKNOWN,),
    (Caller.UNMESHED, Callee.AMBIENT): (),
    (Caller.UNMESHED, Callee.WAYPOINT): (),
    (Caller.UNMESHED, Callee.SERVICE_WAYPOINT): (),
    (Caller.UNMESHED, Callee.OTHER_SERVICE): (),
    (Caller.UNMESHED, Callee.OUTSIDE): (),
    (Caller.UNMESHED, Callee.OUTSIDE_WAYPOINT): (),
    (Caller.UNMESHED, Callee.GATEWAY): (_FORWARDED,),
    (Caller.GATEWAY, Callee.SIDECAR): (_SENT, _RECEIVED),
    (Caller.GATEWAY, Callee.SIDECAR_BEHIND_WAYPOINT): (_SENT, _RECEIVED),
    (Caller.GATEWAY, Callee.AMBIENT): (_ONLY_SENT,),
    (Caller.GATEWAY, Callee.WAYPOINT): (_ONLY_SENT,),
    (Caller.GATEWAY, Callee.SERVICE_WAYPOINT): (_ONLY_SENT,),
    (Caller.GATEWAY, Callee.OTHER_SERVICE): (_ONLY_SENT,),
    (Caller.GATEWAY, Callee.OUTSIDE): (_OUT,),
    (Caller.GATEWAY, Callee.OUTSIDE_WAYPOINT): (_OUT,),
    (Caller.GATEWAY, Callee.GATEWAY): (_TO_GATEWAY, _FORWARDED),
    (Caller.GATEWAY_TO_WAYPOINT, Callee.SIDECAR_BEHIND_WAYPOINT): (_SENT, _BEHIND, _HANDLED),
    (Caller.GATEWAY_TO_WAYPOINT, Callee.WAYPOINT): (_TO_WAYPOINT, _HANDLED),
    (Caller.GATEWAY_TO_WAYPOINT, Callee.SERVICE_WAYPOINT): (_TO_WAYPOINT, _HANDLED),
    (Caller.SIDECAR_ELSEWHERE, Callee.SIDECAR): (_ABROAD, _RECEIVED),
    (Caller.SIDECAR_ELSEWHERE, Callee.AMBIENT): (_OUT,),
    (Caller.SIDECAR_ELSEWHERE, Callee.WAYPOINT): (_OUT,),
    (Caller.AMBIENT_ELSEWHERE, Callee.SIDECAR): (_HANDLED_ABROAD, _FROM_UNKNOWN),
    (Caller.AMBIENT_ELSEWHERE, Callee.WAYPOINT): (_HANDLED_ABROAD, _HANDLED_FROM_UNKNOWN),
    (Caller.AMBIENT_ELSEWHERE, Callee.AMBIENT): (_HANDLED_OUT,),
}
"""The reports of a call in each combination; none: no proxy counts the request.

A call through an egress gateway is one call, which the gateway reports as it passes it on. A client
without a sidecar may have a name: a sidecar that discovers workloads by address gives it one.
"""


def is_counted(caller: Caller, callee: Callee) -> bool:
    """Return whether any proxy reports the requests of this combination."""
    return any(report.counts for report in REPORTS[caller, callee])
