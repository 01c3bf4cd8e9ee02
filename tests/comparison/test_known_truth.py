"""Meshes whose truth is known in both modes: measured with sidecars, then played in ambient."""

from dataclasses import fields
from functools import cache

import numpy as np
import pytest

from analyzer.calibration import Calibration, calibrate_usage
from analyzer.projection import project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import mesh_load, through_waypoints
from analyzer.projection.hardware import on_this_hardware
from analyzer.projection.modes import evaluate
from analyzer.projection.needs import Case
from analyzer.projection.own_costs import own_costs
from analyzer.projection.passing import http_gbit_per_1000_rps
from analyzer.projection.scenario import default_scenario
from analyzer.projection.uncertainty import drawn, to_interval
from analyzer.units import Interval
from tests.comparison.migrating import Costs, migrating_mesh
from tests.comparison.playing import Truth

NAMES = [field.name for field in fields(Costs)]
MESHES = 100
MODES = ["ambient-l4", "ambient-waypoint"]
Z = 1.6448536269514722
"""A normal draw lies below -Z in 5 % and above Z in 5 % of all cases."""


@cache
def mesh_of(seed: int) -> tuple[Costs, Truth, Calibration]:
    """Return a mesh whose unit costs are drawn from the ranges that the scenario states."""
    rng = np.random.default_rng(10_000 + seed)
    assumed, costs = default_scenario(), {}
    for name in NAMES:
        value, normal = assumed[name], float(rng.normal())
        end = value.high if normal > 0 else value.low
        if assumed.assumptions[name].is_log_normal:
            costs[name] = value.mid * (end / value.mid) ** (abs(normal) / Z)
        else:
            costs[name] = max(0.0, value.mid + abs(normal) / Z * (end - value.mid))
    chosen = Costs(**costs)
    truth = migrating_mesh(seed, chosen)
    return chosen, truth, calibrate_usage(truth.usage)


@pytest.mark.parametrize("seed", range(12))
def test_with_the_true_unit_costs_ambient_is_predicted_within_ten_percent(seed: int) -> None:
    _, truth, calibration = mesh_of(seed)
    projection = project_usage(
        truth.usage, calibration, default_scenario().changed("a test", truth.costs)
    )

    for mode in projection.modes:
        if mode.name in MODES:
            found = mode.bases[Basis.USAGE].vcpu.mid
            assert found == pytest.approx(truth.vcpu[mode.name], rel=0.10), mode.name


def predicted(seed: int) -> dict[str, Interval]:
    """Return the ranges of what ambient would use, as a projection's but without its extras."""
    _, truth, calibration = mesh_of(seed)
    calls = through_waypoints(truth.usage, ingress_through_waypoint=False)
    points = len(truth.usage.observed_points)
    own = own_costs(calls, calibration, points, points)
    gbit = http_gbit_per_1000_rps(truth.usage)
    here = on_this_hardware(default_scenario(), calibration, gbit)
    parameters = drawn(here, calibration, own=own)
    modes = evaluate(Case(load=mesh_load(truth.usage), parameters=parameters))
    return {name: to_interval(modes[name].vcpu(Basis.USAGE)) for name in MODES}


def test_the_ranges_below_are_those_of_a_projection() -> None:
    _, truth, calibration = mesh_of(0)
    projection = project_usage(truth.usage, calibration, default_scenario())

    shown = {mode.name: mode.bases[Basis.USAGE].vcpu for mode in projection.modes}
    assert predicted(0) == {name: shown[name] for name in MODES}


@pytest.mark.long
def test_ninety_percent_ranges_hold_the_truth_in_about_ninety_of_a_hundred_meshes() -> None:
    covered = dict.fromkeys(MODES, 0)
    for seed in range(MESHES):
        truth = mesh_of(seed)[1]
        for name, vcpu in predicted(seed).items():
            covered[name] += vcpu.low <= truth.vcpu[name] <= vcpu.high

    # Seen: 92 and 92. Ranges so wide that they held all would say nothing.
    for name, count in covered.items():
        assert 85 <= count <= 98, (name, count)
