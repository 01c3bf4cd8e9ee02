"""Calls of chosen rates between workloads that are attached to a mesh in chosen ways, as series.

`who_reports.REPORTS` has which proxies report each. Nothing is random: every rate is constant, so
that what a server calculates of it is exact, or all rise and fall together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from analyzer.measurement.who_reports import REPORTS, Callee, Caller, Named, Report
from tests.support.series import Series

SCRAPE_SECONDS = 30
_IDLE, _PER_RPS = 0.01, 0.0003
_APP_VCPU = 0.05
_NODES = 2

End = tuple[str, str]
"""Namespace and workload, as a report names them."""

UNKNOWN: End = ("unknown", "unknown")
_EGRESS: End = ("edge", "egress")
_ABROAD_WAYPOINT: End = ("abroad", "waypoint")
_OUT_WAYPOINT: End = ("out", "waypoint")

CALLERS: Mapping[Caller, End] = {
    Caller.SIDECAR: ("front", "web"),
    Caller.AMBIENT: ("calm", "client"),
    Caller.UNMESHED: UNKNOWN,
    Caller.GATEWAY: ("edge", "ingress"),
    Caller.GATEWAY_TO_WAYPOINT: ("edge", "labelled"),
    Caller.SIDECAR_ELSEWHERE: ("abroad", "web"),
    Caller.AMBIENT_ELSEWHERE: ("abroad", "client"),
}
CALLEES: Mapping[Callee, End] = {
    Callee.SIDECAR: ("shop", "cart"),
    Callee.SIDECAR_BEHIND_WAYPOINT: ("guarded", "stock"),
    Callee.AMBIENT: ("plain", "api"),
    Callee.WAYPOINT: ("behind", "books"),
    Callee.SERVICE_WAYPOINT: ("part", "api"),
    Callee.OTHER_SERVICE: ("part", "api"),
    Callee.OUTSIDE: UNKNOWN,
    Callee.OUTSIDE_WAYPOINT: UNKNOWN,
    Callee.GATEWAY: UNKNOWN,
}
_SERVICES: Mapping[Callee, str] = {
    Callee.OTHER_SERVICE: "api-internal",
    Callee.OUTSIDE: "rates.example.com",
    Callee.OUTSIDE_WAYPOINT: "maps.example.com",
    Callee.GATEWAY: "mail.example.com",
}
"""What is called, where that is not the workload's own name."""

_GATEWAYS = frozenset({Caller.GATEWAY, Caller.GATEWAY_TO_WAYPOINT})
_BEHIND = frozenset({Callee.SIDECAR_BEHIND_WAYPOINT, Callee.WAYPOINT, Callee.SERVICE_WAYPOINT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Calls between two kinds of ends; `begin` and `end` are shares of the time."""

    caller: Caller
    callee: Callee
    rps: float
    begin: float = 0.0
    end: float = 1.0
    caller_pods: str = ""
    """Who calls, if not the usual workload of the kind: "namespace/workload"."""
    callee_pods: str = ""

    @property
    def source(self) -> End:
        return _end(self.caller_pods) or CALLERS[self.caller]

    @property
    def destination(self) -> End:
        return _end(self.callee_pods) or CALLEES[self.callee]

    @property
    def waypoint(self) -> End:
        """The waypoint that the callee is behind."""
        if self.callee == Callee.OUTSIDE_WAYPOINT:
            return _OUT_WAYPOINT
        return self.destination[0], "waypoint"

    def named(self, name: Named) -> End:
        """Return what a report calls one of its ends."""
        names = {
            Named.CALLER: self.source,
            Named.CALLEE: self.destination,
            Named.WAYPOINT: self.waypoint,
            Named.GATEWAY: _EGRESS,
            Named.UNKNOWN: UNKNOWN,
        }
        return names[name]

    def reported_by(self, report: Report) -> End:
        """Return the workload of the proxy that makes a report."""
        if report.reporter == "destination":
            return self.destination
        if report.reporter == "source":
            return self.named(report.source)
        if report.destination == Named.UNKNOWN and self.callee != Callee.OUTSIDE_WAYPOINT:
            return _ABROAD_WAYPOINT
        return self.waypoint

    @property
    def reports(self) -> tuple[Report, ...]:
        return REPORTS[self.caller, self.callee]

    @property
    def counted(self) -> Mapping[tuple[End, End], float]:
        """How many calls are counted between which ends, over the whole time."""
        return {
            (self.named(one.source), self.named(one.destination)): self.rps
            * (self.end - self.begin)
            for one in self.reports
            if one.counts
        }


def _end(key: str) -> End | None:
    namespace, _, workload = key.partition("/")
    return (namespace, workload) if key else None


def counted(calls: Iterable[Called]) -> dict[tuple[End, End], float]:
    """Return how many calls per second are counted between which ends."""
    totals: defaultdict[tuple[End, End], float] = defaultdict(float)
    for call in calls:
        for ends, rps in call.counted.items():
            totals[ends] += rps
    return dict(totals)


def attached_series(
    calls: Iterable[Called],
    start: datetime,
    hours: float,
    *,
    ztunnels: bool = True,
    waves: int = 0,
) -> tuple[Series, ...]:
    """Return what a server stores of these calls and of their proxies.

    Rates rise and fall so many times; their means are as chosen.
    """
    return tuple(_World(tuple(calls), start, hours, waves).series(ztunnels=ztunnels))


Key = tuple[str, End, End, str]
"""Reporter, source, destination and service."""


class _World:
    def __init__(
        self, calls: tuple[Called, ...], start: datetime, hours: float, waves: int
    ) -> None:
        seconds = int(hours * 3600)
        self.start = start.timestamp()
        self.times = self.start + np.arange(-600, seconds + 1, SCRAPE_SECONDS, dtype=float)
        self.seconds = float(seconds)
        self.calls = calls
        turns = waves * (self.times - self.start) / self.seconds
        self.course = 1 + 0.5 * np.sin(2 * np.pi * turns)

    def series(self, *, ztunnels: bool) -> Iterator[Series]:
        roles = self._roles()
        rates = self._rates()
        lives = self._lives(roles)
        for number, (end, role) in enumerate(sorted(roles.items())):
            own = rates.get(end, {})
            here = lives[end]
            who = _identity(end, number)
            for (reporter, source, target, service), rate in own.items():
                labels = _requests(reporter, source, target, service)
                total = np.floor(_counter(rate, self.times, 1e5))
                yield self._series({**_scraped(who), **labels}, total, here)
            yield from self._others(who, role, sum(own.values(), np.zeros(len(self.times))), here)
        if ztunnels:
            for number in range(_NODES):
                yield from self._ztunnel(number)
        yield from self._nodes()

    def _roles(self) -> dict[End, str]:
        roles: dict[End, str] = {}
        for call in self.calls:
            for report in call.reports:
                end = call.reported_by(report)
                if report.reporter == "waypoint":
                    roles[end] = "waypoint"
                elif report.source == Named.GATEWAY or (
                    report.reporter == "source" and call.caller in _GATEWAYS
                ):
                    roles[end] = "gateway"
                else:
                    roles[end] = "sidecar"
        return roles

    def _inside(self, call: Called) -> np.ndarray:
        share = (self.times - self.start) / self.seconds
        begin = call.begin if call.begin > 0 else -1.0
        # A rate at a moment is that since the scrape before.
        return np.asarray((share > begin) & (share <= call.end))

    def _rates(self) -> dict[End, dict[Key, np.ndarray]]:
        found: dict[End, dict[Key, np.ndarray]] = defaultdict(dict)
        for call in self.calls:
            service = _SERVICES.get(call.callee, call.destination[1])
            for report in call.reports:
                key = (
                    report.reporter, call.named(report.source), call.named(report.destination),
                    f"{service}.{call.destination[0]}" if "." not in service else service,
                )  # fmt: skip
                own = found[call.reported_by(report)]
                own[key] = own.get(
                    key, np.zeros(len(self.times))
                ) + call.rps * self.course * self._inside(call)
        return found

    def _lives(self, roles: Mapping[End, str]) -> dict[End, np.ndarray]:
        """Return when each workload has its proxy: sidecars while they report, others always."""
        lives = {
            end: np.zeros(len(self.times), dtype=bool)
            if role == "sidecar"
            else np.ones(len(self.times), dtype=bool)
            for end, role in roles.items()
        }
        for call in self.calls:
            for report in call.reports:
                lives[call.reported_by(report)] |= self._inside(call)
        return lives

    def _others(
        self, who: Mapping[str, str], role: str, rps: np.ndarray, here: np.ndarray
    ) -> Iterator[Series]:
        vcpu = _counter(_IDLE + _PER_RPS * rps, self.times, 50.0)
        yield self._series({**_of_kubelet(who, "istio-proxy"), "__name__": _CPU}, vcpu, here)
        if role == "sidecar":
            app = _counter(np.full(len(self.times), _APP_VCPU), self.times, 50.0)
            yield self._series({**_of_kubelet(who, "app"), "__name__": _CPU}, app, here)
        yield from self._placed(who, here, "ReplicaSet", f"{who['workload']}-5d8f7c", "proxy")

    def _placed(
        self, who: Mapping[str, str], here: np.ndarray, kind: str, creator: str, component: str
    ) -> Iterator[Series]:
        one = np.ones(len(self.times))
        build = {"__name__": "istio_build", "component": component, "tag": "1.27.1"}
        yield self._series({**_scraped(who), **build}, one, here)
        state = {name: who[name] for name in ("namespace", "pod", "node")} | {"job": "ksm"}
        info = {
            **state, "__name__": "kube_pod_info", "pod_ip": who["ip"],
            "created_by_kind": kind, "created_by_name": creator,
        }  # fmt: skip
        yield self._series(info, one, here)

    def _ztunnel(self, number: int) -> Iterator[Series]:
        who = {
            "namespace": "istio-system", "pod": f"ztunnel-{number}abcd", "workload": "ztunnel",
            "node": f"node-{number}", "ip": f"10.8.0.{number}",
        }  # fmt: skip
        always = np.ones(len(self.times), dtype=bool)
        vcpu = _counter(np.full(len(self.times), 0.02), self.times, 50.0)
        yield self._series({**_of_kubelet(who, "istio-proxy"), "__name__": _CPU}, vcpu, always)
        for name in ("sent_bytes", "received_bytes", "connections_opened"):
            labels = {**_requests("destination", UNKNOWN, ("plain", "api"), "api.plain")}
            labels |= {"__name__": f"istio_tcp_{name}_total", "request_protocol": "tcp"}
            rate = 2e5 if "bytes" in name else 2.0
            total = _counter(np.full(len(self.times), rate), self.times, 1e7)
            yield self._series({**_scraped(who), **labels}, np.floor(total), always)
        yield from self._placed(who, always, "DaemonSet", "ztunnel", "ztunnel")

    def _nodes(self) -> Iterator[Series]:
        always = np.ones(len(self.times), dtype=bool)
        name = "kube_node_status_allocatable"
        for number in range(_NODES):
            for kind, size in (("cpu", 7.5), ("memory", 3e10)):
                labels = {"__name__": name, "node": f"node-{number}", "resource": kind}
                whole = {**labels, "job": "ksm"}
                yield self._series(whole, np.full(len(self.times), size), always)

    def _series(self, labels: Mapping[str, str], values: np.ndarray, here: np.ndarray) -> Series:
        return Series(
            labels=tuple(sorted(labels.items())),
            times_ms=np.rint(self.times[here] * 1000).astype(np.int64),
            values=np.asarray(values[here], dtype=float),
        )


_CPU = "container_cpu_usage_seconds_total"


def _counter(rate: np.ndarray, times: np.ndarray, first: float) -> np.ndarray:
    grown = np.concatenate([[0.0], np.cumsum(rate[1:] * np.diff(times))])
    return np.asarray(grown + first)


def _identity(end: End, number: int) -> dict[str, str]:
    namespace, workload = end
    return {
        "namespace": namespace,
        "pod": f"{workload}-5d8f7c-{number:05d}",
        "workload": workload,
        "node": f"node-{number % _NODES}",
        "ip": f"10.9.0.{number}",
    }


def _scraped(who: Mapping[str, str]) -> dict[str, str]:
    named = {name: who[name] for name in ("namespace", "pod")}
    return {**named, "job": "envoy-stats", "instance": f"{who['ip']}:15020"}


def _of_kubelet(who: Mapping[str, str], container: str) -> dict[str, str]:
    named = {name: who[name] for name in ("namespace", "pod", "node")}
    kubelet = {"job": "kubelet", "instance": f"{who['node']}:10250", "cpu": "total"}
    return {**named, **kubelet, "container": container}


def _requests(reporter: str, source: End, target: End, service: str) -> dict[str, str]:
    is_outside = service.endswith(".com")
    name, namespace = (service, "unknown") if is_outside else tuple(service.split("."))
    return {
        "__name__": "istio_requests_total",
        "reporter": reporter,
        "source_workload_namespace": source[0],
        "source_workload": source[1],
        "destination_workload_namespace": target[0],
        "destination_workload": target[1],
        "destination_service": service if is_outside else f"{service}.svc.cluster.local",
        "destination_service_name": name,
        "destination_service_namespace": namespace,
        "request_protocol": "http",
        "response_code": "200",
    }


def later(start: datetime, number: int) -> datetime:
    """Return the begin of one of several meshes in one server, each on days of its own."""
    return start + timedelta(days=2 * number)
