"""Small meshes, loads and calibrations made by hand, so that every answer can be worked out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.needs import Case
from analyzer.projection.places import CARRIED, WAYPOINT_LOADS
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.sidecars import SidecarFootprint, SidecarTally
from analyzer.projection.uncertainty import Parameters
from analyzer.units import Provenance, Role
from analyzer.window import TimeWindow

MEBIBYTE = 1024.0**2
STEP_SECONDS = 300
START = datetime(2024, 5, 14, tzinfo=UTC)
_NONE_OF_IT = ("throttled_share", "resets")
_UNKNOWN = ("configured_clusters", "limit_vcpu", "limit_memory_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One proxy; tuples hold one value a step of the window, NaN is unknown.

    `points` are the steps in which it exists; None: all.
    """

    workload: str = "shop/front"
    node: str = "a"
    role: Role = Role.SIDECAR
    cpu_vcpu: tuple[float, ...] = (0.1, 0.1)
    proxy_rps: tuple[float, ...] = (100.0, 100.0)
    http_bytes_per_second: float = 0.0
    tcp_bytes_per_second: float = 0.0
    inbound_tcp_bytes_per_second: float = 0.0
    open_connections: float = math.nan
    accepted_connections_per_second: float = math.nan
    new_connections_per_second: float = 0.0
    memory_bytes: float = math.nan
    reserved_vcpu: float = math.nan
    reserved_memory_bytes: float = math.nan
    points: tuple[int, ...] | None = None

    @property
    def namespace(self) -> str:
        return self.workload.split("/")[0]

    @property
    def life(self) -> Sequence[int]:
        return range(len(self.cpu_vcpu)) if self.points is None else self.points


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node; what Prometheus does not have of it is NaN or "".

    `present_share` is the share of the time for which it exists.
    """

    name: str
    vcpu_usd_per_hour: float = math.nan
    memory_usd_per_gib_hour: float = math.nan
    instance_type: str = ""
    allocatable_vcpu: float = 4.0
    allocatable_memory_bytes: float = 1e10
    present_share: float = 1.0
    runs_daemonsets: bool = True
    zone: str = ""
    provider: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Calls from one workload to another, each written namespace/name; one rate a step."""

    source: str
    destination: str
    rps: tuple[float, ...]
    reporter: str = "destination"


def steady(namespace: str, vcpu: float, rps: float = 0.0, gbit: float = 0.0) -> Proxy:
    """Return the only sidecar of a namespace, with the same CPU and traffic in each step."""
    return Proxy(
        workload=f"{namespace}/w",
        cpu_vcpu=(vcpu, vcpu),
        proxy_rps=(rps, rps),
        tcp_bytes_per_second=gbit * 1e9 / 8,
    )


def called(namespace: str, rps: float) -> Call:
    """Return calls within a namespace, so that it carries HTTP."""
    return Call(source=f"{namespace}/w", destination=f"{namespace}/w", rps=(rps, rps))


# As `measure` holds names.
@pd.option_context("mode.string_storage", "python")
def mesh(
    *proxies: Proxy,
    calls: Sequence[Call] = (),
    nodes: Sequence[str | Node] = ("a",),
    steps: int = 2,
    start: datetime = START,
) -> MeshUsage:
    """Return the mesh of these proxies, each seen in every step of its life."""
    return MeshUsage(
        window=TimeWindow(
            start=start,
            end=start + timedelta(seconds=STEP_SECONDS * steps),
            step_seconds=STEP_SECONDS,
        ),
        observed_points=np.arange(steps, dtype=np.int64),
        proxies=pd.DataFrame(
            [
                {
                    "namespace": proxy.namespace,
                    "pod": f"pod-{number}",
                    "workload": proxy.workload.split("/")[1],
                    "node": proxy.node,
                    "role": str(proxy.role),
                    "evidence": "chosen",
                }
                for number, proxy in enumerate(proxies)
            ],
            columns=["namespace", "pod", "workload", "node", "role", "evidence"],
        ),
        steps=pd.DataFrame(
            [
                {
                    "proxy": number,
                    "point": point,
                    "cpu_vcpu": proxy.cpu_vcpu[point],
                    "inbound_rps": proxy.proxy_rps[point],
                    "outbound_rps": 0.0,
                    "proxy_rps": proxy.proxy_rps[point],
                    "http_bytes_per_second": proxy.http_bytes_per_second,
                    "tcp_bytes_per_second": proxy.tcp_bytes_per_second,
                    "inbound_tcp_bytes_per_second": proxy.inbound_tcp_bytes_per_second,
                    "open_connections": proxy.open_connections,
                    "accepted_connections_per_second": proxy.accepted_connections_per_second,
                    "new_connections_per_second": proxy.new_connections_per_second,
                    "memory_bytes": proxy.memory_bytes,
                    "reserved_vcpu": proxy.reserved_vcpu,
                    "reserved_memory_bytes": proxy.reserved_memory_bytes,
                    "lived_share": 1.0,
                    **dict.fromkeys(_NONE_OF_IT, 0.0),
                    **dict.fromkeys(_UNKNOWN, math.nan),
                }
                for number, proxy in enumerate(proxies)
                for point in range(steps)
                if point in proxy.life
            ]
        ),
        calls=pd.DataFrame(
            [
                (*call.source.split("/"), *call.destination.split("/"), call.reporter, point, rate)
                for call in calls
                for point, rate in enumerate(call.rps)
            ],
            columns=[
                "source_workload_namespace",
                "source_workload",
                "destination_workload_namespace",
                "destination_workload",
                "reporter",
                "point",
                "rps",
            ],
        ),
        nodes=_node_table(nodes),
        refusals=(),
        warnings=(),
    )


def _node_table(nodes: Sequence[str | Node]) -> pd.DataFrame:
    known = [Node(name=node) if isinstance(node, str) else node for node in nodes]
    columns = [field.name for field in fields(Node)]
    rows = [[getattr(node, column) for column in columns] for node in known]
    return pd.DataFrame(rows, columns=columns).rename(columns={"name": "node"})


Ends = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartlySeen(MeshUsage):
    """A mesh of which so much was filled, by column."""

    filled_shares: Mapping[str, float]

    def filled_share(self, role: Role, column: str) -> float:
        return self.filled_shares.get(column, 0.0) if role == Role.SIDECAR else 0.0


def partly_seen(
    usage: MeshUsage, filled: Mapping[str, float] | None = None, /, **ends: Ends
) -> MeshUsage:
    """Return the mesh as if columns of its sidecars were filled, with shares that were.

    `ends` are multiples of what is in a column, which stays the best estimate.
    """
    steps = usage.steps.copy()
    sidecars = usage.proxies.index[usage.proxies["role"] == Role.SIDECAR]
    filling = [usage.filling]
    for column, (low, high) in ends.items():
        unseen = steps["proxy"].isin(sidecars) & steps[column].notna()
        mid = steps.loc[unseen, column]
        filling.append(
            steps.loc[unseen, ["proxy", "point"]].assign(
                column=column, mid=mid, low=low * mid, high=high * mid
            )
        )
        steps.loc[unseen, column] = math.nan
    known = {field.name: getattr(usage, field.name) for field in fields(MeshUsage)}
    changed = {"steps": steps, "filling": pd.concat(filling, ignore_index=True)}
    return PartlySeen(**(known | changed), filled_shares=filled or {})


def shop_mesh() -> MeshUsage:
    """Return three sidecars and a gateway over two steps; its figures are in the tests."""
    return mesh(
        Proxy(
            workload="shop/front",
            node="a",
            cpu_vcpu=(0.2, 0.4),
            proxy_rps=(100, 300),
            memory_bytes=64 * MEBIBYTE,
            reserved_vcpu=0.1,
            reserved_memory_bytes=128 * MEBIBYTE,
        ),
        Proxy(
            workload="shop/back",
            node="b",
            cpu_vcpu=(0.1, 0.1),
            proxy_rps=(50, 50),
            tcp_bytes_per_second=125e6,
            memory_bytes=192 * MEBIBYTE,
            reserved_vcpu=0.2,
            reserved_memory_bytes=128 * MEBIBYTE,
        ),
        Proxy(
            workload="data/db",
            node="",
            cpu_vcpu=(0.04, 0.04),
            proxy_rps=(10, 30),
            memory_bytes=32 * MEBIBYTE,
        ),
        Proxy(
            workload="istio-system/ingress",
            node="a",
            role=Role.GATEWAY,
            cpu_vcpu=(5.0, 5.0),
            proxy_rps=(9000, 9000),
        ),
        calls=(
            Call(source="istio-system/ingress", destination="shop/front", rps=(80, 80)),
            Call(source="unknown/unknown", destination="shop/front", rps=(20, 20)),
            Call(source="shop/front", destination="shop/back", rps=(40, 60)),
            Call(source="shop/front", destination="data/db", rps=(10, 30)),
            Call(source="shop/back", destination="elsewhere/api", rps=(5, 5)),
        ),
        nodes=("a", "b"),
    )


_WAYPOINT_TCP = (*WAYPOINT_LOADS[1:], "waypoint_peak_gbit_per_second")

_KEPT_OPEN: Mapping[str, object] = {"http_new_connection_share": 0, "open_connections_per_proxy": 0}
"""HTTP on connections that cost nothing, so that figures by hand stay short."""


def scenario(**changes: object) -> Scenario:
    """Return the default assumptions with some changed."""
    # Of usage unless a test is about money: what is used can be worked out by hand.
    short = {"basis": "usage", "waypoint_replicas": 1, **_KEPT_OPEN}
    return default_scenario().changed("a test", {**short, **changes})


def as_published(**changes: object) -> Scenario:
    """Return the same with the costs of ambient that documents give, on any hardware.

    They are stated, so that they do not follow the sidecars, and figures by hand stay round.
    """
    assumed = scenario()
    stated = {
        name: replace(item, source="a test")
        for name, item in assumed.assumptions.items()
        if name.startswith(("ztunnel_", "waypoint_vcpu_per"))
    }
    assumed = replace(assumed, assumptions={**assumed.assumptions, **stated})
    ratio = {"waypoint_to_sidecar_ratio": {"low": 1.0, "mid": 1.25, "high": 1.52}}
    return assumed.changed("a test", {**ratio, **changes})


def exactly(
    assumed: Scenario, *, waypoint_idle_vcpu: float, waypoint_vcpu_per_1000_rps: float
) -> Parameters:
    """Return parameters without draws: every assumption at its best estimate."""
    return Parameters(
        values={name: np.array([assumed[name].mid]) for name in assumed.assumptions},
        waypoint_idle_vcpu=np.array([waypoint_idle_vcpu]),
        waypoint_vcpu_per_1000_rps=np.array([waypoint_vcpu_per_1000_rps]),
        waypoint_provenance=Provenance.MEASURED,
    )


def load(
    *,
    passes_rps: Sequence[float] = (1000.0,),
    waypoint_rps: Sequence[float] = (500.0,),
    has_http: Sequence[bool] = (True,),
    sidecars: SidecarFootprint | None = None,
) -> MeasuredLoad:
    """Return a load with one node an element of the first, one namespace one of the others."""
    count = len(waypoint_rps)
    return MeasuredLoad(
        sidecar_count=10,
        proxy_rps=sum(passes_rps),
        mesh_rps=sum(waypoint_rps),
        nodes=pd.DataFrame(
            {
                "node": [f"node-{number}" for number in range(len(passes_rps))],
                "passes_rps": list(passes_rps),
                **dict.fromkeys(CARRIED[1:], 0.0),
                "present_share": 1.0,
            }
        ),
        namespaces=pd.DataFrame(
            {
                "namespace": [f"namespace-{number}" for number in range(count)],
                "present_share": 1.0,
                "sidecar_count": 10 / count,
                "sidecar_vcpu": 1.0,
                "proxy_rps": sum(passes_rps) / count,
                **dict.fromkeys(CARRIED[1:], 0.0),
                "waypoint_rps": list(waypoint_rps),
                "waypoint_peak_rps": list(waypoint_rps),
                **dict.fromkeys(_WAYPOINT_TCP, 0.0),
                "called_count": 0.0,
                "has_http": list(has_http),
            }
        ),
        sidecars=sidecars or footprint(1.0),
        tally=SidecarTally(**{field.name: 0 for field in fields(SidecarTally)}),
        placement=pd.DataFrame(),
        allocatable_vcpu_per_node=None,
        allocatable_memory_gib_per_node=None,
    )


def case(carried: MeasuredLoad, parameters: Parameters, vcpu: float = 1.0) -> Case:
    """Return what is evaluated, with sidecars that use so much CPU."""
    return Case(load=replace(carried, sidecars=footprint(vcpu)), parameters=parameters)


def footprint(
    vcpu: float, *, reserved_vcpu: float | None = None, billed_vcpu: float | None = None
) -> SidecarFootprint:
    return SidecarFootprint(
        vcpu=vcpu,
        billed_vcpu=billed_vcpu,
        reserved_vcpu=reserved_vcpu,
        memory_gib=None,
        reserved_memory_gib=None,
        billed_memory_gib=None,
    )
