"""A projection done the slow way: plain loops over plain numbers, sharing no code with ours."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.projection.builders import Call, Node, Proxy
from tests.projection.by_hand_requests import requests_by_hand

__all__ = ["Bill", "Question", "bills"]

HOURS_PER_MONTH = 730

ON_ITS_HARDWARE = {
    # The sidecars of uds-core, and Netcracker's gateway: vCPU for 1000 requests per second.
    "ztunnel_idle_vcpu_per_node": 0.26,
    "ztunnel_vcpu_per_gbit_per_second": 0.23,
    "ztunnel_vcpu_per_1000_new_connections_per_second": 0.23,
    "ztunnel_vcpu_per_1000_open_connections": 0.23,
    "waypoint_vcpu_per_gbit_per_second": 0.23,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """Best estimates of one mode on one basis."""

    vcpu: float
    memory_gib: float
    usd_per_year: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is projected; every reservation and every node must be known.

    Attributes:
        waypoint: what one replica uses at rest, and for 1000 requests per second.
        assumed: the scenario's best estimates.
        sidecar_vcpu_per_rps: the fitted cost, for the growth and for what ztunnels cost.
        stated: the assumptions that the user states: they do not follow the sidecars.
        share_of: how much of a waypoint a namespace gets, by its name; those left out, where HTTP
            was seen.
        shared: the namespaces that each shared waypoint serves; no other has one.
        follows_load: whether there are as many replicas as each step needs.
        priced: whether nodes have prices of their own; one without has the mean of the nodes of its
            instance type.
        prefers_close: whether a caller uses a waypoint replica in its own zone, if there is any.
        cpu_times: by what the time that was not seen multiplies the sidecars' CPU; rps_times:
            their traffic. The number and the places of waypoints follow the best estimates.
    """

    proxies: Sequence[Proxy]
    calls: Sequence[Call]
    nodes: Sequence[Node]
    assumed: Mapping[str, float]
    waypoint: tuple[float, float]
    sidecar_vcpu_per_rps: float = 0.0003
    stated: Collection[str] = ()
    ingress_through_waypoint: bool = False
    istio_cni_installed: bool = False
    share_of: Mapping[str, float] = field(default_factory=dict)
    shared: Sequence[Sequence[str]] = ()
    follows_load: bool = False
    priced: bool = False
    prefers_close: bool = True
    cpu_times: float = 1.0
    rps_times: float = 1.0

    @property
    def growth(self) -> float:
        return self.assumed["traffic_growth_factor"]

    @property
    def sidecars(self) -> list[Proxy]:
        return [proxy for proxy in self.proxies if proxy.role == "sidecar"]

    @property
    def bytes_per_request(self) -> float:
        """As measured where any are known, else as assumed; a stated number is used as stated."""
        rps = total = 0.0
        for proxy in self.sidecars:
            if not math.isnan(proxy.http_bytes_per_second):
                for step in proxy.life:
                    if proxy.proxy_rps[step] > 0:
                        rps += proxy.proxy_rps[step]
                        total += proxy.http_bytes_per_second
        if rps > 0 and "http_bytes_per_request" not in self.stated:
            return total / rps
        return self.assumed["http_bytes_per_request"]

    @property
    def request_vcpu(self) -> float:
        """What 1000 requests/s cost a sidecar without bytes: 0.23 and 0.26 are a gateway's."""
        gbit = 1000 * self.bytes_per_request * 8 / 1_000_000_000
        return 1000 * self.sidecar_vcpu_per_rps / (1 + gbit * 0.26 / 0.23)

    def ambient(self, name: str) -> float:
        """Return a cost of ambient on the hardware of this mesh."""
        if name in self.stated:
            return self.assumed[name]
        slope = self.request_vcpu
        if name == "ztunnel_vcpu_per_1000_rps":
            return self.assumed["ztunnel_to_sidecar_ratio"] * slope
        return self.assumed[name] * slope / ON_ITS_HARDWARE[name]

    def price(self, node: str) -> tuple[float, float]:
        """Return a month of a vCPU and of a GiB there."""
        if not self.priced:
            return self.assumed["vcpu_month_usd"], self.assumed["memory_gib_month_usd"]
        (known,) = [one for one in self.nodes if one.name == node]
        return (
            self._hour(known, "vcpu_usd_per_hour") * HOURS_PER_MONTH,
            self._hour(known, "memory_usd_per_gib_hour") * HOURS_PER_MONTH,
        )

    def _hour(self, node: Node, name: str) -> float:
        own = float(getattr(node, name))
        if own > 0:
            return own
        total = time = 0.0
        for other in self.nodes:
            price = float(getattr(other, name))
            if other.instance_type == node.instance_type and price > 0:
                total += price * other.present_share
                time += other.present_share
        return total / time


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing that runs, and how many of it; a sidecar in one step is a part of one."""

    used_vcpu: float
    reserved_vcpu: float
    used_gib: float
    reserved_gib: float
    price: tuple[float, float]
    times: float = 1.0
    other_usd_per_year: float = 0.0
    """Of all of them together, for what is neither CPU nor memory."""


def bills(question: Question) -> dict[tuple[str, str], Bill]:
    """Return the bill of each (mode, basis)."""
    ztunnels = list(_ztunnels(question))
    units = {
        "sidecar": list(_sidecars(question)),
        "sidecar-rightsized": list(_rightsized(question)),
        "ambient-l4": ztunnels,
        "ambient-waypoint": [*ztunnels, *_waypoints(question, everywhere=False)],
        "ambient-waypoint-all": [*ztunnels, *_waypoints(question, everywhere=True)],
    }
    return {
        (mode, basis): _bill(rows, basis)
        for mode, rows in units.items()
        for basis in ("usage", "reserved", "billed")
    }


def _grown_vcpu(question: Question, proxy: Proxy, step: int) -> float:
    added_rps = (question.growth - 1) * proxy.proxy_rps[step] * question.rps_times
    added = question.sidecar_vcpu_per_rps * added_rps
    return max(0.0, proxy.cpu_vcpu[step] * question.cpu_times + added)


def _sidecars(question: Question) -> Iterable[Unit]:
    for proxy in question.sidecars:
        for step in proxy.life:
            yield Unit(
                used_vcpu=_grown_vcpu(question, proxy, step),
                # A sidecar without a request is billed for what it uses.
                reserved_vcpu=0.0 if math.isnan(proxy.reserved_vcpu) else proxy.reserved_vcpu,
                used_gib=proxy.memory_bytes / 2**30,
                reserved_gib=proxy.reserved_memory_bytes / 2**30,
                price=question.price(proxy.node),
                times=1 / len(proxy.cpu_vcpu),
            )


def _rightsized(question: Question) -> Iterable[Unit]:
    """Return the same with the recommended requests, where there are any."""
    requests = requests_by_hand(
        question.sidecars, lambda proxy, step: _grown_vcpu(question, proxy, step), question.assumed
    )
    known = [proxy for proxy in question.sidecars for _ in proxy.life]
    for proxy, unit in zip(known, _sidecars(question), strict=True):
        if proxy.workload in requests:
            vcpu, gib = requests[proxy.workload]
            yield replace(unit, reserved_vcpu=vcpu, reserved_gib=gib)
        else:
            yield unit


def _ztunnels(question: Question) -> Iterable[Unit]:
    assumed = question.assumed
    reserved_vcpu = 0.0
    reserved_gib = assumed["ztunnel_reserved_memory_gib_per_node"]
    if not question.istio_cni_installed:
        reserved_vcpu += assumed["istio_cni_reserved_vcpu_per_node"]
        reserved_gib += assumed["istio_cni_reserved_memory_gib_per_node"]
    nodes = [node for node in question.nodes if node.runs_daemonsets]
    time = sum(node.present_share for node in nodes)
    named = {node.name for node in nodes}
    elsewhere = [proxy for proxy in question.sidecars if proxy.node not in named]
    spread = sum(_carried_vcpu(question, proxy) for proxy in elsewhere) / time
    uses = []
    for node in nodes:
        used = spread
        for proxy in question.sidecars:
            if proxy.node == node.name:
                used += _carried_vcpu(question, proxy) / node.present_share
        uses.append(question.ambient("ztunnel_idle_vcpu_per_node") + used * question.growth)
    least = assumed["ztunnel_reserved_vcpu_per_node"]
    for used in uses:
        # One request for all nodes: that of the busiest.
        least = max(least, used)
    for node, used in zip(nodes, uses, strict=True):
        yield Unit(
            used_vcpu=used,
            reserved_vcpu=least + reserved_vcpu,
            used_gib=_ztunnel_gib(question, node, nodes),
            reserved_gib=reserved_gib,
            price=question.price(node.name),
            times=node.present_share,
        )


def _ztunnel_gib(question: Question, node: Node, nodes: Sequence[Node]) -> float:
    """Return the memory of a node's ztunnel."""
    assumed = question.assumed
    pods = assumed["cluster_pods"]
    if pods == 0:
        steps = range(len(question.proxies[0].cpu_vcpu))
        for role in ("sidecar", "gateway", "waypoint"):
            # At the end of a step is what is there in the next one too.
            there = [
                sum(
                    {step, min(step + 1, steps[-1])} <= set(proxy.life)
                    for proxy in question.proxies
                    if proxy.role == role
                )
                for step in steps
            ]
            pods += round(statistics.median(there))
    services = assumed["cluster_services"]
    if services == 0:
        services = len({call.destination for call in question.calls} - {"unknown/unknown"})
    connections = 0.0
    named = {known.name for known in nodes}
    for proxy in question.sidecars:
        part = 0.0
        if proxy.node == node.name:
            part = 1 / node.present_share
        elif proxy.node not in named:
            part = 1 / sum(known.present_share for known in nodes)
        for step in proxy.life:
            connections += part * _open(question, proxy, step) / len(proxy.cpu_vcpu)
    gib = assumed["ztunnel_memory_gib_per_node"]
    gib += pods / 1000 * assumed["ztunnel_memory_gib_per_1000_pods"]
    gib += services / 1000 * assumed["ztunnel_memory_gib_per_1000_services"]
    more = connections * question.growth
    return gib + more / 1000 * assumed["ztunnel_memory_gib_per_1000_open_connections"]


def _open(question: Question, proxy: Proxy, step: int) -> float:
    """Return the open connections of a sidecar."""
    still_open = 0.0
    if not math.isnan(proxy.open_connections):
        still_open += proxy.open_connections
    is_unknown = math.isnan(proxy.open_connections) and proxy.tcp_bytes_per_second > 0
    if proxy.proxy_rps[step] > 0 or is_unknown:
        still_open += question.assumed["open_connections_per_proxy"]
    return still_open


def _carried_vcpu(question: Question, proxy: Proxy) -> float:
    """Return what ztunnels use for the traffic of a sidecar, as a mean over the whole window."""
    used = 0.0
    for step in proxy.life:
        rps = proxy.proxy_rps[step]
        passing = rps / 1000 * question.ambient("ztunnel_vcpu_per_1000_rps")
        http_bytes = proxy.http_bytes_per_second
        if math.isnan(http_bytes):
            http_bytes = rps * question.bytes_per_request
        gbit = (proxy.tcp_bytes_per_second + http_bytes) * 8 / 1_000_000_000
        passing += gbit * question.ambient("ztunnel_vcpu_per_gbit_per_second")
        opened = rps * question.assumed["http_new_connection_share"]
        opened += proxy.new_connections_per_second
        each = question.ambient("ztunnel_vcpu_per_1000_new_connections_per_second")
        passing += opened / 1000 * each
        used += passing * question.rps_times
        still_open = 0.0
        if not math.isnan(proxy.open_connections):
            still_open += proxy.open_connections
        if rps > 0 or (math.isnan(proxy.open_connections) and proxy.tcp_bytes_per_second > 0):
            still_open += question.assumed["open_connections_per_proxy"]
        used += still_open / 1000 * question.ambient("ztunnel_vcpu_per_1000_open_connections")
    return used / len(proxy.cpu_vcpu)


def _waypoints(question: Question, *, everywhere: bool) -> Iterable[Unit]:
    each_gbit = question.ambient("waypoint_vcpu_per_gbit_per_second")
    idle, slope = question.waypoint
    alone = [[name] for name in sorted({proxy.namespace for proxy in question.sidecars})]
    for group in alone if everywhere or not question.shared else question.shared:
        streams, gbit, there = _handled(question, group)
        needed = []
        loads = [(max(streams), max(gbit))]
        if question.follows_load:
            loads = [(streams[step], gbit[step]) for step in sorted(there)]
        for rps, tcp in loads:
            needed.append(_replicas(rps, tcp * each_gbit, question.assumed, question.waypoint))
        replicas = sum(needed) / len(needed)
        mean_rps, mean_gbit = sum(streams) / len(there), sum(gbit) / len(there)
        carried = slope * mean_rps / 1000 + each_gbit * mean_gbit
        share = 1.0 if everywhere or question.shared else _share(question, group[0])
        yield Unit(
            used_vcpu=idle + carried * question.rps_times / replicas,
            reserved_vcpu=question.assumed["waypoint_reserved_vcpu_per_replica"],
            used_gib=_waypoint_gib(question, group, len(there)),
            reserved_gib=question.assumed["waypoint_reserved_memory_gib_per_replica"],
            price=_where_they_run(question, group),
            times=replicas * share * len(there) / len(streams),
            other_usd_per_year=share
            * sum(between_zones_usd(question, name, replicas) for name in group),
        )


def _waypoint_gib(question: Question, group: Collection[str], steps: int) -> float:
    """Return the memory of a waypoint that is there in so many steps."""
    assumed, hosts = question.assumed, 0.0
    for proxy in question.sidecars:
        if proxy.namespace in group:
            hosts += len(proxy.life) / steps
    called = {
        call.destination for call in question.calls if call.destination.split("/")[0] in group
    }
    gib = assumed["waypoint_memory_gib_per_replica"]
    gib += len(called) / 1000 * assumed["waypoint_memory_gib_per_1000_clusters"]
    return gib + hosts / 1000 * assumed["waypoint_memory_gib_per_1000_hosts"]


def _share(question: Question, namespace: str) -> float:
    into = 0.0
    for call in question.calls:
        if call.destination.split("/")[0] == namespace:
            into += sum(call.rps)
    return question.share_of.get(namespace, 1.0 if into > 0 else 0.0)


def _handled(
    question: Question, group: Collection[str]
) -> tuple[list[float], list[float], set[int]]:
    """Return the streams and the Gbit/s that a waypoint handles by step, and when it is there."""
    gateways = {proxy.workload for proxy in question.proxies if proxy.role == "gateway"}
    streams = [0.0] * len(question.proxies[0].cpu_vcpu)
    gbit = [0.0] * len(streams)
    there: set[int] = set()
    for call in question.calls:
        is_ingress = call.source in gateways and not question.ingress_through_waypoint
        if call.destination.split("/")[0] not in group:
            continue
        if call.source == "unknown/unknown" or is_ingress:
            continue
        for step, rps in enumerate(call.rps):
            streams[step] += rps * question.growth
    for proxy in question.sidecars:
        if proxy.namespace not in group:
            continue
        there.update(proxy.life)
        if proxy.inbound_tcp_bytes_per_second > 0:
            inbound = proxy.inbound_tcp_bytes_per_second
            part = inbound / proxy.tcp_bytes_per_second
            for step in proxy.life:
                streams[step] += part * proxy.new_connections_per_second * question.growth
                gbit[step] += inbound * 8 / 1_000_000_000 * question.growth
    return streams, gbit, there


def _where_they_run(question: Question, group: Sequence[str]) -> tuple[float, float]:
    """Return the mean prices of these namespaces' nodes, by what a waypoint handles for each."""
    handled = [sum(_handled(question, [name])[0]) for name in group]
    if sum(handled) == 0:
        handled = [1.0] * len(group)
    vcpu_usd = gib_usd = 0.0
    for name, weight in zip(group, handled, strict=True):
        vcpu, gib = _where_its_sidecars_run(question, name)
        vcpu_usd += vcpu * weight / sum(handled)
        gib_usd += gib * weight / sum(handled)
    return vcpu_usd, gib_usd


def _where_its_sidecars_run(question: Question, namespace: str) -> tuple[float, float]:
    """Return the prices of a namespace's nodes, by the CPU that its sidecars use there."""
    question = replace(question, cpu_times=1.0, rps_times=1.0)
    total = vcpu_usd = gib_usd = 0.0
    for proxy in question.sidecars:
        if proxy.namespace == namespace:
            for step in proxy.life:
                used = _grown_vcpu(question, proxy, step)
                total += used
                vcpu_usd += used * question.price(proxy.node)[0]
                gib_usd += used * question.price(proxy.node)[1]
    assert total > 0
    return vcpu_usd / total, gib_usd / total


def _replicas(
    peak_rps: float, tcp_vcpu: float, assumed: Mapping[str, float], waypoint: tuple[float, float]
) -> int:
    most = assumed["waypoint_limit_vcpu_per_replica"] * assumed["waypoint_target_utilisation_share"]
    replicas = int(assumed["waypoint_replicas"])
    while waypoint[0] + (waypoint[1] * peak_rps / 1000 + tcp_vcpu) / replicas > most:
        replicas += 1
    return replicas + int(assumed["waypoint_spare_replicas"])


def _bill(units: Sequence[Unit], basis: str) -> Bill:
    vcpu = memory_gib = month_usd = 0.0
    for unit in units:
        if basis == "usage":
            each_vcpu, each_gib = unit.used_vcpu, unit.used_gib
        elif basis == "reserved":
            each_vcpu, each_gib = unit.reserved_vcpu, unit.reserved_gib
        else:
            each_vcpu = max(unit.used_vcpu, unit.reserved_vcpu)
            each_gib = max(unit.used_gib, unit.reserved_gib)
        vcpu += each_vcpu * unit.times
        memory_gib += each_gib * unit.times
        month_usd += (each_vcpu * unit.price[0] + each_gib * unit.price[1]) * unit.times
        month_usd += unit.other_usd_per_year / 12
    assert math.isfinite(month_usd)
    return Bill(vcpu=vcpu, memory_gib=memory_gib, usd_per_year=month_usd * 12)


def between_zones_usd(question: Question, namespace: str, replicas: float) -> float:
    """Return a year of the bytes that cross zones in addition, through a namespace's waypoint.

    A mean of 1.4 replicas is two for 40 % of the time.
    """
    fewer = math.floor(replicas)
    times = [(fewer, 1 - (replicas - fewer)), (fewer + 1, replicas - fewer)]
    ways = [
        (time * chance, placed)
        for count, time in times
        for chance, placed in _placements(question, count)
    ]
    crossing = 0.0
    for source, target, amount in _flows_between_zones(question, namespace):
        for chance, placed in ways:
            extra = _extra_crossings(source, target, placed, prefers_close=question.prefers_close)
            crossing += chance * amount * extra
    seconds_a_year = 3600 * HOURS_PER_MONTH * 12
    price = question.assumed.get("zone_transfer_usd_per_gb", 0.0)
    return crossing * question.rps_times * seconds_a_year / 1_000_000_000 * price


def _extra_crossings(
    source: str, target: str, placed: Sequence[str], *, prefers_close: bool
) -> float:
    """Return the mean over the replicas that the caller may use; `placed` has a zone for each."""
    usable = [zone for zone in placed if zone == source] if prefers_close else []
    usable = usable or list(placed)
    total = 0.0
    for zone in usable:
        total += (source != zone) + (zone != target) - (source != target)
    return total / len(usable)


def _placements(question: Question, replicas: int) -> list[tuple[float, list[str]]]:
    """Return the ways to spread replicas evenly, each with its chance."""
    size: dict[str, float] = {}
    for node in question.nodes:
        if node.zone and node.runs_daemonsets:
            size[node.zone] = size.get(node.zone, 0.0) + node.present_share
    zones = sorted(size)
    if not zones:
        return []
    found = []
    for more in itertools.combinations(zones, replicas % len(zones)):
        chance = 1.0
        for zone in more:
            chance *= size[zone]
        found.append((chance, zones * (replicas // len(zones)) + list(more)))
    total = sum(chance for chance, _ in found)
    return [(chance / total, placed) for chance, placed in found]


def _zones_of(question: Question, chosen: Sequence[Proxy]) -> list[tuple[str, float]]:
    """Return the zones of some pods, each with its share of their time there."""
    zone_of = {node.name: node.zone for node in question.nodes if node.runs_daemonsets}
    there = [(zone_of.get(proxy.node, ""), len(proxy.life)) for proxy in chosen]
    time = sum(steps for zone, steps in there if zone)
    return [(zone, steps / time) for zone, steps in there if zone]


def _zones_of_workload(question: Question, name: str) -> list[tuple[str, float]]:
    pods = [proxy for proxy in question.proxies if proxy.workload == name]
    return _zones_of(question, pods) or _zones_of(question, question.sidecars)


def _flows_between_zones(question: Question, namespace: str) -> Iterable[tuple[str, str, float]]:
    """Return bytes a second from zone to zone, of HTTP and of TCP, as means over the window."""
    steps = len(question.proxies[0].cpu_vcpu)
    gateways = {proxy.workload for proxy in question.proxies if proxy.role == "gateway"}
    for call in question.calls:
        is_ingress = call.source in gateways and not question.ingress_through_waypoint
        if call.destination.split("/")[0] != namespace or call.source == "unknown/unknown":
            continue
        if is_ingress:
            continue
        rps = sum(call.rps) / steps * question.growth
        amount = rps * _bytes_of_call(question, call.destination)
        for source, one in _zones_of_workload(question, call.source):
            for target, other in _zones_of_workload(question, call.destination):
                yield source, target, amount * one * other
    for proxy in question.sidecars:
        if proxy.namespace == namespace and proxy.inbound_tcp_bytes_per_second > 0:
            amount = proxy.inbound_tcp_bytes_per_second * len(proxy.life) / steps * question.growth
            targets = _zones_of(question, [proxy]) or _zones_of(question, question.sidecars)
            for source, one in _zones_of(question, question.sidecars):
                for target, other in targets:
                    yield source, target, amount * one * other


def _bytes_of_call(question: Question, workload: str) -> float:
    rps = total = 0.0
    for proxy in question.sidecars:
        if proxy.workload == workload and not math.isnan(proxy.http_bytes_per_second):
            for step in proxy.life:
                if proxy.proxy_rps[step] > 0:
                    rps += proxy.proxy_rps[step]
                    total += proxy.http_bytes_per_second
    return total / rps if rps > 0 else question.bytes_per_request
