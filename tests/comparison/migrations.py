"""Meshes before and after a migration, of which the truth is chosen in both modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import numpy as np

from analyzer.arrays import Floats
from analyzer.measurement.usage import MeshUsage
from analyzer.measurement.who_reports import REPORTS, Callee, Caller
from analyzer.units import Role
from tests.projection.builders import Call, Proxy, mesh
from tests.support.kept import Kept

__all__ = ["NODES", "SERVICES", "Costs", "Migrated", "Service"]

STEPS = 48
NODES = tuple(f"node-{number}" for number in range(4))

SIDECAR_IDLE_VCPU = 0.01
SIDECAR_VCPU_PER_1000_RPS = 0.35
NOISE_SHARE = 0.01
BYTES_PER_PASS = 4000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A workload of two pods, called by another at a rate that rises over the window."""

    name: str
    caller: str
    rps: float

    @property
    def namespace(self) -> str:
        return self.name.split("/")[0]


_AFTER: Final = Kept["Migrated", MeshUsage](lambda one, other: one == other)
"""What is fitted to the same mesh is kept with it: see `measuring_once`."""

SERVICES = (
    Service(name="shop/cart", caller="web/front", rps=400),
    Service(name="shop/stock", caller="shop/cart", rps=600),
    Service(name="pay/api", caller="shop/cart", rps=500),
    Service(name="pay/books", caller="pay/api", rps=300),
    Service(name="web/front", caller="edge/gateway", rps=500),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What ztunnels and waypoints cost after the migration: the defaults' best estimates."""

    waypoint_idle_vcpu: float = 1.15 * SIDECAR_IDLE_VCPU
    waypoint_vcpu_per_1000_rps: float = 1.15 * SIDECAR_VCPU_PER_1000_RPS
    # On the hardware of these sidecars; uds-core's use 0.26.
    ztunnel_idle_vcpu: float = 0.003 * SIDECAR_VCPU_PER_1000_RPS / 0.26
    ztunnel_vcpu_per_1000_rps: float = 0.3 * SIDECAR_VCPU_PER_1000_RPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """One mesh, before its migration and after.

    Attributes:
        moved: namespaces that have moved.
        costs: of ambient.
        growth: traffic after over traffic before.
        replicas: of each moved namespace's waypoint; one, where not told.
        sidecar_factor: times the CPU that the sidecars used before.
        steady: whether the traffic after never changes, so that nothing can be fitted to it.
        newcomers: proxies that were not there before.
        counted_by_waypoints: whether what has moved is behind waypoints.
        sidecars_reach_waypoints: whether callers with sidecars are sent through them, as by
            ENABLE_WAYPOINT_INTEROP.
    """

    moved: tuple[str, ...] = ("shop", "pay", "web")
    costs: Costs = field(default_factory=Costs)
    growth: float = 1.0
    replicas: Mapping[str, int] = field(default_factory=dict)
    sidecar_factor: float = 1.0
    steady: bool = False
    newcomers: tuple[Proxy, ...] = ()
    counted_by_waypoints: bool = True
    sidecars_reach_waypoints: bool = False

    def before(self) -> MeshUsage:
        """Return the mesh with sidecars everywhere, which must not be changed."""
        return _before()

    def after(self) -> MeshUsage:
        """Return the mesh as it is after the migration, which must not be changed."""
        return _AFTER.get(self, self._after)

    def _after(self) -> MeshUsage:
        stayed = [service for service in SERVICES if service.namespace not in self.moved]
        calls = [
            replace(call, reporter=reporter)
            for call in _calls(self.growth, steady=self.steady)
            if (reporter := self._reporter(call.source, call.destination))
        ]
        usage = mesh(
            *self._sidecars(stayed, self.growth, self.sidecar_factor),
            *self._waypoints(),
            *self._ztunnels(),
            *self.newcomers,
            _gateway(),
            calls=calls,
            nodes=NODES,
            steps=STEPS,
        )
        return _with_bytes(usage, self.costs)

    def waypoint_rps(self, namespace: str, growth: float = 1.0) -> float:
        """Return the mean rate that a namespace's waypoint handles."""
        into = [
            service
            for service in SERVICES
            if service.namespace == namespace
            and self._reporter(service.caller, service.name) == "waypoint"
        ]
        return growth * sum(float(_course(service.rps).mean()) for service in into)

    def passes_rps(self, growth: float = 1.0) -> float:
        """Return the mean rate of passes through ztunnels: a call passes one at each moved end."""
        return growth * sum(
            float(_course(service.rps).mean())
            * sum(end.split("/")[0] in self.moved for end in (service.name, service.caller))
            for service in SERVICES
        )

    def _reporter(self, source: str, destination: str) -> str:
        """Return whose report of a call counts after the migration; "" if no proxy makes one."""
        caller, callee = Caller.SIDECAR, Callee.SIDECAR
        if source == "edge/gateway":
            caller = Caller.GATEWAY
        elif source.split("/", maxsplit=1)[0] in self.moved or self.sidecars_reach_waypoints:
            caller = Caller.AMBIENT
        if destination.split("/", maxsplit=1)[0] in self.moved:
            callee = Callee.WAYPOINT if self.counted_by_waypoints else Callee.AMBIENT
        return next((one.reporter for one in REPORTS[caller, callee] if one.counts), "")

    def _sidecars(
        self, services: Sequence[Service], growth: float, factor: float = 1.0
    ) -> list[Proxy]:
        found = []
        for number, service in enumerate(services):
            sent = sum(other.rps for other in SERVICES if other.caller == service.name)
            each = growth * _course(service.rps + sent) / 2
            law = SIDECAR_IDLE_VCPU + SIDECAR_VCPU_PER_1000_RPS * each / 1000
            found += [
                Proxy(
                    workload=service.name,
                    node=NODES[(number + pod) % len(NODES)],
                    cpu_vcpu=tuple(factor * law * _noise(service.name, pod)),
                    proxy_rps=tuple(each),
                )
                for pod in range(2)
            ]
        return found

    def _waypoints(self) -> list[Proxy]:
        found = []
        for namespace in self.moved:
            count = self.replicas.get(namespace, 1)
            rps = self.waypoint_rps(namespace)
            for pod in range(count):
                each = self.growth * _course(rps, steady=self.steady) / count
                law = self.costs.waypoint_idle_vcpu + (
                    self.costs.waypoint_vcpu_per_1000_rps * each / 1000
                )
                found.append(
                    Proxy(
                        workload=f"{namespace}/waypoint",
                        role=Role.WAYPOINT,
                        node=NODES[pod % len(NODES)],
                        cpu_vcpu=tuple(law * _noise(namespace, pod)),
                        proxy_rps=tuple(each),
                    )
                )
        return found

    def _ztunnels(self) -> list[Proxy]:
        shares = np.array([0.1, 0.2, 0.3, 0.4])
        passes = self.passes_rps(self.growth)
        course = _course(1.0, steady=self.steady)
        found = []
        for node, share in zip(NODES, shares, strict=True):
            each = passes * share * course / course.mean()
            law = self.costs.ztunnel_idle_vcpu + (
                self.costs.ztunnel_vcpu_per_1000_rps * each / 1000
            )
            found.append(
                Proxy(
                    workload="istio-system/ztunnel",
                    role=Role.ZTUNNEL,
                    node=node,
                    cpu_vcpu=tuple(law * _noise(node, 0)),
                    proxy_rps=tuple(0.0 * each),
                )
            )
        return found


def _with_bytes(usage: MeshUsage, costs: Costs) -> MeshUsage:
    """Return the mesh with the bytes of the passes that its ztunnels' CPU stands for."""
    rows = usage.steps
    is_ztunnel = rows["proxy"].map(usage.proxies["role"]) == Role.ZTUNNEL
    passes = (rows["cpu_vcpu"] - costs.ztunnel_idle_vcpu).clip(lower=0.0) * 1000
    passes = passes / costs.ztunnel_vcpu_per_1000_rps
    told = rows["tcp_bytes_per_second"].where(~is_ztunnel, passes * BYTES_PER_PASS)
    return replace(usage, steps=rows.assign(tcp_bytes_per_second=told))


@cache
def _before() -> MeshUsage:
    sidecars = Migrated()._sidecars(SERVICES, 1.0)
    return mesh(*sidecars, _gateway(), calls=_calls(1.0), nodes=NODES, steps=STEPS)


def _gateway() -> Proxy:
    return Proxy(
        workload="edge/gateway",
        role=Role.GATEWAY,
        node=NODES[0],
        cpu_vcpu=(0.5,) * STEPS,
        proxy_rps=tuple(_course(500.0)),
    )


def _calls(growth: float, *, steady: bool = False) -> list[Call]:
    return [
        Call(
            source=service.caller,
            destination=service.name,
            rps=tuple(growth * _course(service.rps, steady=steady)),
        )
        for service in SERVICES
    ]


def _course(rps: float, *, steady: bool = False) -> Floats:
    wave = 1 + 0.5 * np.sin(np.linspace(0, 4 * np.pi, STEPS, endpoint=False))
    return rps * (np.ones(STEPS) if steady else wave)


def _noise(name: str, pod: int) -> Floats:
    rng = np.random.default_rng([*name.encode(), pod])
    return 1 + NOISE_SHARE * rng.standard_normal(STEPS)
