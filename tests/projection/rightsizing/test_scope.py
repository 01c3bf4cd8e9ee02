"""What `Sidecar` resources save: by hand in plain loops, on a mesh whose memory follows a law."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from analyzer.calibration.memory import fit_memory
from analyzer.calibration.result import Calibration, MemoryCalibration
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import default_scenario
from analyzer.projection.rightsizing.result import ScopedConfiguration
from analyzer.projection.rightsizing.scope import (
    COST_OF_UPDATE,
    FIXED,
    PER_SERVICE,
    UPDATES,
    scoped,
)
from analyzer.units import BYTES_PER_GIB, Interval, Reason, Refusal
from tests.projection.builders import Call, Proxy, mesh
from tests.projection.fits import calibration, fit

IDLE_GIB, GIB_PER_1000 = 0.04, 0.5
SCENARIO = default_scenario()
PER, FIX = SCENARIO[PER_SERVICE], SCENARIO[FIXED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload of two sidecars for two steps: its clusters, and whom it calls."""

    name: str
    clusters: float
    calls: tuple[str, ...] = ()
    tcp: float = 0.0
    inbound_tcp: float = 0.0
    updates_per_second: float = math.nan


def workloads(**more: float) -> list[Workload]:
    """Return ten workloads with 100 to 370 clusters; number i calls i others."""
    names = [f"w{number}" for number in range(10)]
    return [
        Workload(name=name, clusters=100 + 30.0 * number, calls=tuple(names[:number]), **more)
        for number, name in enumerate(names)
    ]


def usage_of(items: list[Workload]) -> MeshUsage:
    proxies = [
        Proxy(
            workload=f"shop/{item.name}",
            tcp_bytes_per_second=item.tcp,
            inbound_tcp_bytes_per_second=item.inbound_tcp,
        )
        for item in items
        for _ in range(2)
    ]
    calls = [
        Call(source=f"shop/{item.name}", destination=f"shop/{called}", rps=(1.0, 2.0))
        for item in items
        for called in item.calls
    ]
    usage = mesh(*proxies, calls=calls)
    clusters, updates = (
        np.repeat([getattr(item, name) for item in items], 4)
        for name in ("clusters", "updates_per_second")
    )
    memory = (IDLE_GIB + GIB_PER_1000 * clusters / 1000) * BYTES_PER_GIB
    steps = usage.steps.assign(
        configured_clusters=clusters, memory_bytes=memory, **{UPDATES: updates}
    )
    return replace(usage, steps=steps)


def calibrated(usage: MeshUsage, costs: Mapping[str, Interval] | None = None) -> Calibration:
    memory = fit_memory(usage)
    known = calibration(sidecar=replace(fit(), cost_of_each=costs or {}))
    return replace(known, memory=memory)


def found_in(
    items: list[Workload], costs: Mapping[str, Interval] | None = None
) -> ScopedConfiguration | None:
    usage = usage_of(items)
    return scoped(usage, calibrated(usage, costs), SCENARIO)


def by_hand(items: list[Workload]) -> tuple[list[float], list[float]]:
    """Return saved GiB and needed clusters of a sidecar, by the low, mid and high of needs."""
    saved, needed = [], []
    for per_service, fixed in ((PER.low, FIX.low), (PER.mid, FIX.mid), (PER.high, FIX.high)):
        gib = clusters = 0.0
        for item in items:
            need = min(fixed + per_service * len(item.calls), item.clusters)
            gib += 2 * (item.clusters - need) / 1000 * GIB_PER_1000
            clusters += 2 * need
        saved.append(gib)
        needed.append(clusters / (2 * len(items)))
    return saved, needed


def test_memory_of_clusters_that_no_call_needs_is_saved() -> None:
    items = workloads()

    found = found_in(items)

    assert found is not None
    saved, needed = by_hand(items)
    assert found.sidecar_count == 20
    assert found.left_out_count == 0
    assert found.configured_clusters == pytest.approx(235)
    clusters = found.needed_clusters
    assert [clusters.low, clusters.mid, clusters.high] == pytest.approx(needed)
    # The law has no noise, so the fit has no range.
    gib = found.saved_memory_gib
    assert [gib.high, gib.mid, gib.low] == pytest.approx(saved, rel=1e-6)
    assert found.saved_vcpu is None


def test_several_calls_of_one_workload_need_its_clusters_once() -> None:
    items = workloads()
    twice = usage_of(items)
    twice = replace(twice, calls=twice.calls.assign(reporter="source"))
    both = replace(twice, calls=usage_of(items).calls)

    assert scoped(twice, calibrated(twice), SCENARIO) == scoped(both, calibrated(both), SCENARIO)


def test_a_call_without_requests_is_none() -> None:
    items = workloads()
    usage = usage_of(items)
    silent = replace(usage, calls=usage.calls.assign(rps=0.0))

    found = scoped(silent, calibrated(silent), SCENARIO)

    assert found is not None
    assert found.needed_clusters == FIX


def test_workloads_that_open_tcp_connections_are_left_out() -> None:
    items = workloads()
    items[4] = replace(items[4], tcp=1e6)
    # What it only receives needs no cluster; its two sums may differ in the last bits.
    items[5] = replace(items[5], tcp=1e6 * (1 + 1e-9), inbound_tcp=1e6)
    # Of this one it is not known.
    items[6] = replace(items[6], tcp=math.nan, inbound_tcp=math.nan)

    found = found_in(items)

    assert found is not None
    assert (found.sidecar_count, found.left_out_count) == (16, 4)
    kept = [item for number, item in enumerate(items) if number not in (4, 6)]
    assert found.saved_memory_gib.mid == pytest.approx(by_hand(kept)[0][1])


def test_where_all_open_tcp_connections_nothing_is_saved() -> None:
    assert found_in(workloads(tcp=1e6)) is None
    assert found_in(workloads(tcp=math.nan)) is None


def test_without_a_line_of_memory_there_is_no_answer() -> None:
    alike = [replace(item, clusters=100.0) for item in workloads()]
    unscraped = [replace(item, clusters=math.nan) for item in workloads()]
    usage = usage_of(workloads())
    refused = Refusal(subject="memory", reason=Reason.NO_DATA, detail="none")

    assert found_in(alike) is None
    assert scoped(usage, replace(calibration(), memory=refused), SCENARIO) is None
    known = usage_of(unscraped)
    line = calibrated(usage)
    assert isinstance(line.memory, MemoryCalibration)
    assert line.memory.gib_per_1000_clusters is not None
    assert scoped(known, line, SCENARIO) is None


def test_where_all_is_called_nothing_is_saved() -> None:
    """Their clusters are fewer than their calls need."""
    usage = usage_of([replace(item, clusters=5.0 + n / 10) for n, item in enumerate(workloads())])

    assert scoped(usage, calibrated(usage_of(workloads())), SCENARIO) is None


def test_pushes_are_saved_between_none_and_the_share_of_the_clusters() -> None:
    items = workloads(updates_per_second=0.5)
    items[9] = replace(items[9], tcp=1e6)
    cost = Interval(low=0.01, mid=0.02, high=0.04)

    found = found_in(items, {COST_OF_UPDATE: cost})

    assert found is not None
    assert found.saved_vcpu is not None
    mid = high = 0.0
    for item in items[:9]:
        updates = 2 * 0.5
        need = min(FIX.mid + PER.mid * len(item.calls), item.clusters)
        mid += updates * cost.mid * (item.clusters - need) / item.clusters / 2
        need = min(FIX.low + PER.low * len(item.calls), item.clusters)
        high += updates * cost.high * (item.clusters - need) / item.clusters
    saved = found.saved_vcpu
    assert [saved.low, saved.mid, saved.high] == pytest.approx([0, mid, high])


def test_without_measured_updates_their_cost_saves_nothing() -> None:
    cost = {COST_OF_UPDATE: Interval.exactly(0.02)}
    unseen = found_in(workloads(), cost)
    unfitted = found_in(workloads(updates_per_second=0.5))

    assert unseen is not None
    assert unfitted is not None
    assert unseen.saved_vcpu is None
    assert unfitted.saved_vcpu is None


def test_the_range_has_that_of_memory_for_a_cluster() -> None:
    usage = usage_of(workloads())
    line = calibrated(usage)
    assert isinstance(line.memory, MemoryCalibration)
    slope = Interval(low=0.25, mid=0.5, high=1.0)
    wide = replace(line, memory=replace(line.memory, gib_per_1000_clusters=slope))

    found = scoped(usage, wide, SCENARIO)

    assert found is not None
    saved, _ = by_hand(workloads())
    gib = found.saved_memory_gib
    assert [gib.high, gib.mid, gib.low] == pytest.approx([saved[0] * 2, saved[1], saved[2] / 2])
