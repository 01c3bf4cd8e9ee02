"""Everything uncertain in a projection: what was calibrated, and what is assumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import assumptions
from analyzer.projection.components import Parameters
from analyzer.projection.draws import draw, draw_curve, generator
from analyzer.projection.scenario import Scenario
from analyzer.units import Interval, Provenance

__all__ = ["MEASURED_HERE", "drawn", "exact", "with_measured"]

MEASURED_HERE = "measured here"
"""Source of an assumption that is none any more."""


def with_measured(scenario: Scenario, ztunnel: RoleCalibration) -> Scenario:
    """Return the scenario with what was measured of ztunnels in place of its defaults.

    What the user has changed stays: the scenario may be of other ztunnels than these.
    """
    if ztunnel.provenance != Provenance.MEASURED:
        return scenario
    measured: dict[str, Interval | None] = {
        "ztunnel_idle_vcpu_per_node": ztunnel.idle_vcpu_per_proxy,
        "ztunnel_vcpu_per_gbit_per_second": ztunnel.vcpu_per_gbit_per_second,
        "ztunnel_vcpu_per_1000_new_connections_per_second": (
            ztunnel.vcpu_per_1000_new_connections_per_second
        ),
    }
    defaults = assumptions()
    values = dict(scenario.assumptions)
    for name, value in measured.items():
        if value is not None and values[name] == defaults[name]:
            values[name] = replace(values[name], value=value, source=MEASURED_HERE)
    return replace(scenario, assumptions=values)


def drawn(scenario: Scenario, calibration: Calibration) -> Parameters | None:
    """Draw everything uncertain once; None where a waypoint's cost is not known."""
    rng = generator()
    values = {name: draw(item.value, rng) for name, item in scenario.assumptions.items()}
    waypoint, sidecar = calibration.waypoint, calibration.sidecar
    measured = isinstance(waypoint, RoleCalibration) and waypoint.provenance == Provenance.MEASURED
    if isinstance(waypoint, RoleCalibration) and measured:
        curve = waypoint
        idle, slope = draw_curve(waypoint, rng)
    elif isinstance(sidecar, RoleCalibration):
        curve = sidecar
        ratio = values["waypoint_to_sidecar_ratio"]
        idle, slope = (ratio * part for part in draw_curve(sidecar, rng))
    else:
        return None
    of_ztunnel = calibration.ztunnel.provenance
    return Parameters(
        values=values,
        waypoint_idle_vcpu=idle,
        waypoint_vcpu_per_1000_rps=slope,
        waypoint_effective_rps=curve.effective_rps,
        waypoint_fit={
            f"{curve.role}_idle_vcpu_per_proxy": curve.idle_vcpu_per_proxy,
            f"{curve.role}_vcpu_per_1000_rps": curve.vcpu_per_1000_rps,
        },
        waypoint_follows_sidecar=not measured,
        placement=scenario.waypoint_placement,
        istio_cni_installed=scenario.istio_cni_installed,
        ztunnel_provenance=Provenance.DERIVED
        if of_ztunnel == Provenance.MEASURED
        else Provenance.PUBLISHED,
    )


def exact(scenario: Scenario) -> Parameters:
    """Return parameters good for prices alone."""
    return Parameters(
        values={name: np.array([item.value.mid]) for name, item in scenario.assumptions.items()},
        waypoint_idle_vcpu=np.zeros(1),
        waypoint_vcpu_per_1000_rps=np.zeros(1),
        waypoint_follows_sidecar=False,
    )
