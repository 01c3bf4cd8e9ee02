"""Meshes over several zones whose traffic between zones can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, project_usage
from analyzer.projection.result import TransferComponent, ZoneChoice
from tests.projection.builders import Call, Node, Proxy, mesh, scenario
from tests.projection.fits import calibration

CALL_BYTES = 2048.0
"""1 KiB each way."""

RPS = 1000.0

SECONDS = 3600 * 730


def spread_mesh(
    zones: Sequence[str] = ("a", "b", "c"),
    *,
    front: Sequence[int] = (0, 1, 2),
    back: Sequence[int] = (0, 1, 2),
    provider: str = "aws",
    instance_type: str = "",
) -> MeshUsage:
    """Return 1000 calls a second from shop/front to shop/back.

    There is a node in each of these zones; `front` and `back` are the nodes of their pods.
    """
    nodes = [
        Node(name=f"n{number}", zone=zone, provider=provider, instance_type=instance_type)
        for number, zone in enumerate(zones)
    ]
    pods = [("front", node, RPS / len(front)) for node in front]
    pods += [("back", node, RPS / len(back)) for node in back]
    proxies = [
        Proxy(
            workload=f"shop/{name}",
            node=f"n{node}",
            cpu_vcpu=(0.3, 0.3),
            proxy_rps=(rps, rps),
            http_bytes_per_second=rps * CALL_BYTES,
            reserved_vcpu=0.1,
        )
        for name, node, rps in pods
    ]
    calls = (Call(source="shop/front", destination="shop/back", rps=(RPS, RPS)),)
    return mesh(*proxies, calls=calls, nodes=nodes)


def projected(usage: MeshUsage, **changes: object) -> Projection:
    """Return the projection, with one replica a waypoint unless the changes have another number."""
    return project_usage(usage, calibration(), scenario(**{"waypoint_replicas": 1, **changes}))


def transfer(projection: Projection, mode: str = "ambient-waypoint") -> TransferComponent:
    (found,) = [item.transfer for item in projection.modes if item.name == mode]
    assert found is not None
    return found


def choice(projection: Projection, replicas: str, distribution: str) -> ZoneChoice:
    assert projection.zone_transfer is not None
    (found,) = [
        item
        for item in projection.zone_transfer.choices
        if (item.replicas, item.traffic_distribution) == (replicas, distribution)
    ]
    return found
