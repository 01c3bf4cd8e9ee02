"""Costs of ambient on this mesh's hardware: published figures, scaled by the cost of a sidecar.

A figure of CPU depends on the machine that it was measured on. Where this mesh's sidecars have a
fit, ambient's costs follow it:

    pass through a ztunnel     ztunnel_to_sidecar_ratio x cost of a request here
    idle, bytes, connections   published figure x cost of a request here / the same on its hardware

What was measured here, and what the user states, stays as it is.
"""

from dataclasses import replace
from typing import Final

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import Assumption, assumptions, published_constants
from analyzer.projection.scenario import Scenario
from analyzer.units import Interval, Provenance

REQUEST_COST: Final = "ztunnel_vcpu_per_1000_rps"
"""The cost of a pass; it follows `REQUEST_RATIO`."""

REQUEST_RATIO: Final = "ztunnel_to_sidecar_ratio"


def on_this_hardware(scenario: Scenario, calibration: Calibration) -> Scenario:
    """Return the scenario with measured costs of ztunnels, and with its defaults scaled.

    Without a fit of sidecars the defaults stay those that are published.
    """
    scenario = with_measured(scenario, calibration.ztunnel)
    sidecar = calibration.sidecar
    if not isinstance(sidecar, RoleCalibration) or sidecar.vcpu_per_1000_rps.mid <= 0:
        return scenario
    vcpu, defaults, ratio = sidecar.vcpu_per_1000_rps.mid, assumptions(), scenario[REQUEST_RATIO]
    changed = {}
    for name, item in scenario.assumptions.items():
        if item != defaults[name]:
            continue
        if name == REQUEST_COST:
            source = f"{REQUEST_RATIO} x {vcpu:.3g}, the cost of a request here"
            changed[name] = _derived(item, ratio.scaled(vcpu), source)
        elif on_its_own := hardware_vcpu(item):
            how = f"{vcpu:.3g} / {on_its_own:g}, a request here and on that hardware"
            source = f"{item.source}. Times {how}"
            changed[name] = _derived(item, item.value.scaled(vcpu / on_its_own), source)
    return replace(scenario, assumptions={**scenario.assumptions, **changed})


def _derived(item: Assumption, value: Interval, source: str) -> Assumption:
    return replace(item, value=value, source=source, is_derived=True)


def hardware_vcpu(item: Assumption) -> float | None:
    """Return what 1000 requests/s through a sidecar cost on the hardware of a figure's source."""
    known = published_constants().get(item.hardware)
    return known.hardware_vcpu_per_1000_rps if known else None


def with_measured(scenario: Scenario, ztunnel: RoleCalibration) -> Scenario:
    """Return the scenario with measured costs of ztunnels in place of its defaults.

    A value that the user has changed is kept: the scenario may be about other ztunnels.
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
    values, defaults = scenario.assumptions, assumptions()
    changed = {
        name: replace(values[name], value=value, source="measured in this mesh", is_measured=True)
        for name, value in measured.items()
        if value is not None and values[name] == defaults[name]
    }
    return replace(scenario, assumptions={**values, **changed})
