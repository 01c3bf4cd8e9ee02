"""Migrations whose cost and memory are known: the ranges of `compare` hold them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from analyzer.calibration import calibrate_usage
from analyzer.comparison.compare import compare_usage
from analyzer.comparison.result import Comparison
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis
from analyzer.projection.components import each_ztunnel
from analyzer.projection.demand import mesh_load
from analyzer.projection.needs import Case
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.projection.uncertainty import drawn
from analyzer.projection.waypoints import each_waypoint, placed, replicas_of
from analyzer.units import BYTES_PER_GIB, Role
from tests.comparison.costed import SIZES, sized
from tests.comparison.test_known_truth import Z, mesh_of

MESHES = 60
ASSUMED = default_scenario().changed(
    "a test",
    {
        "basis": "usage",
        "memory_gib_month_usd": 3,
        "waypoint_replicas": 1,
        "ztunnel_memory_gib_per_node": {"low": 0.012, "mid": 0.03, "high": 0.08},
        "waypoint_memory_gib_per_replica": {"low": 0.03, "mid": 0.05, "high": 0.11},
    },
)
MEMORY = "memory_gib_per"


def drawn_memory(seed: int) -> Scenario:
    """Return the scenario with the memory of ambient drawn from its ranges."""
    rng, values = np.random.default_rng(50_000 + seed), {}
    for name, item in ASSUMED.assumptions.items():
        value, normal = item.value, float(rng.normal())
        if MEMORY in name and value.low < value.high:
            end = value.high if normal > 0 else value.low
            values[name] = max(0.0, value.mid + abs(normal) / Z * (end - value.mid))
    return ASSUMED.changed("a test", values)


def with_memory(usage: MeshUsage, before: MeshUsage, truth: Scenario) -> MeshUsage:
    """Return AFTER with the memory that ztunnels and waypoints have by a scenario."""
    parameters = drawn(truth, calibrate_usage(before))
    case = Case(load=mesh_load(before), parameters=parameters)
    waypoints = placed(case.load, parameters.placement)
    of_waypoint = each_waypoint(case, waypoints, replicas_of(waypoints, parameters)).used[1]
    of_ztunnel = each_ztunnel(case).used[1]
    by_role = {
        Role.ZTUNNEL: np.atleast_2d(of_ztunnel)[:, 0].mean(),
        Role.WAYPOINT: np.atleast_2d(of_waypoint)[:, 0].mean(),
    }
    sizes = {
        role: replace(SIZES[role], memory_gib=float(memory)) for role, memory in by_role.items()
    }
    return sized(usage, sizes)


@cache
def compared(seed: int) -> Comparison:
    _, truth, _ = mesh_of(seed)
    before = sized(truth.usage, {Role.SIDECAR: SIZES[Role.SIDECAR]})
    after = with_memory(truth.after, truth.usage, drawn_memory(seed))
    found = compare_usage(before, after, ASSUMED)
    assert isinstance(found, Comparison)
    return found


def test_what_is_measured_is_the_law_of_the_mesh() -> None:
    for seed in range(5):
        _, truth, _ = mesh_of(seed)
        usage = (compared(seed).total.bases or {})[Basis.USAGE]
        assert np.isclose(usage.vcpu.measured.mid, truth.vcpu["ambient-waypoint"])
        assert usage.memory_gib is not None
        assert usage.usd_per_year is not None
        memory_gib = truth.after.steps["proxy"].nunique()
        assert 0 < usage.memory_gib.measured.mid < memory_gib * BYTES_PER_GIB
        usd = 12 * (22 * usage.vcpu.measured.mid + 3 * usage.memory_gib.measured.mid)
        assert np.isclose(usage.usd_per_year.measured.mid, usd)


@pytest.mark.long
def test_dollars_and_memory_are_in_their_ranges_in_about_ninety_of_a_hundred_meshes() -> None:
    held = {"usd": 0, "memory": 0, "saving": 0}
    for seed in range(MESHES):
        found = compared(seed)
        usage = (found.total.bases or {})[Basis.USAGE]
        assert usage.memory_gib is not None
        assert usage.usd_per_year is not None
        held["usd"] += usage.usd_per_year.is_within
        held["memory"] += usage.memory_gib.is_within
        held["saving"] += found.costs.savings[Basis.USAGE].is_within_at_after

    # Seen of 60: 55, 50 and 55. Where the number of replicas is another one, memory is too.
    for name, count in held.items():
        assert 0.78 * MESHES <= count <= 0.98 * MESHES, (name, count)
