"""Random projections: meshes, prices and choices of all kinds, for what must always hold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.units import Interval
from tests.projection.builders import Call, Proxy, mesh, scenario
from tests.projection.fits import calibration, fit

_PLACEMENTS = ("observed", "all", "none", 0.4, ["n0", "n2"])


@st.composite
def _ranges(draw: st.DrawFn, most: float) -> Interval:
    mid = draw(st.floats(most / 100, most))
    width = draw(st.sampled_from((0.02, 0.3, 0.9)))
    return Interval(low=mid * (1 - width), mid=mid, high=mid * (1 + width))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What a random projection is made from; its own text would fill a screen."""

    proxies: list[Proxy]
    calls: list[Call]
    nodes: list[str]
    slope: Interval
    idle: Interval
    changes: dict[str, Any]

    @cached_property
    def projection(self) -> Projection:
        """The projection of it."""
        usage = mesh(*self.proxies, calls=self.calls, nodes=["a", *self.nodes])
        fitted = fit(slope=self.slope, idle=self.idle)
        known = calibration(sidecar=fitted, waypoint=fitted)
        return project_usage(usage, known, scenario(**self.changes))


@st.composite
def projections(draw: st.DrawFn) -> Drawn:
    """Return a projection of one to five namespaces on one to eight nodes.

    CPU, requests, TCP and CPU requests are drawn apart from each other, so that there are meshes
    that surely gain, surely lose, and neither; the CPU of some namespaces was not measured.
    """
    proxies, calls = [], []
    for number in range(draw(st.integers(1, 5))):
        name, rps = f"n{number}/w", draw(st.sampled_from((0.0, 1.0, 100.0, 3000.0)))
        vcpu = draw(st.sampled_from((0.0001, 0.003, 0.02, 0.5, math.nan if number else 0.02)))
        proxy = Proxy(
            workload=name,
            cpu_vcpu=(vcpu, vcpu),
            proxy_rps=(rps, rps),
            tcp_bytes_per_second=draw(st.sampled_from((0.0, 0.0, 1e8))),
            reserved_vcpu=draw(st.sampled_from((math.nan, 0.01, 0.1))),
        )
        proxies += [proxy] * draw(st.integers(1, 3))
        if rps and draw(st.booleans()):
            calls.append(Call(source="n0/w", destination=name, rps=(rps / 2, rps / 2)))
    changes: dict[str, Any] = {
        "basis": str(draw(st.sampled_from(Basis))),
        "waypoint_placement": draw(st.sampled_from(_PLACEMENTS)),
        "waypoint_reserved_vcpu_per_replica": draw(st.sampled_from((0.0, 0.1))),
        "ztunnel_reserved_vcpu_per_node": draw(st.sampled_from((0.0, 0.01, 0.2))),
        "memory_gib_month_usd": draw(st.sampled_from((0, 2))),
    }
    nodes = [f"node-{number}" for number in range(draw(st.integers(0, 8)))]
    names = {proxy.workload.split("/")[0] for proxy in proxies}
    if isinstance(placement := changes["waypoint_placement"], list):
        changes["waypoint_placement"] = [name for name in placement if name in names]
    return Drawn(
        proxies=proxies,
        calls=calls,
        nodes=nodes,
        slope=draw(_ranges(1.0)),
        idle=draw(_ranges(0.05)),
        changes=changes,
    )
