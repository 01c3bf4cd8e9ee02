"""Costs of ambient on this mesh's hardware: published figures, scaled by the cost of a sidecar.

A figure of CPU depends on the machine that it was measured on. Where this mesh's sidecars have a
fit, ambient's costs follow it:

    pass through a ztunnel     ztunnel_to_sidecar_ratio x cost of a request here
    idle, bytes, connections   published figure x cost of a request here / the same on its hardware

What was measured here, and what the user states, stays as it is.
"""

import math
from dataclasses import replace
from typing import Final, NamedTuple

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import Assumption, PublishedConstants, assumptions, published_constants
from analyzer.projection.scenario import Scenario
from analyzer.units import BITS_PER_GBIT, Interval, Provenance

REQUEST_COST: Final = "ztunnel_vcpu_per_1000_rps"
"""The cost of a pass; it follows `REQUEST_RATIO`."""

REQUEST_RATIO: Final = "ztunnel_to_sidecar_ratio"

_GATEWAY: Final = "netcracker-1.30"
"""The source that has the requests and the bytes of one proxy apart."""


def on_this_hardware(
    scenario: Scenario, calibration: Calibration, http_gbit_per_1000_rps: float | None
) -> Scenario:
    """Return the scenario with measured costs of ztunnels, and with its defaults scaled.

    Without a fit of sidecars the defaults stay those that are published. The last argument is the
    traffic of 1000 requests/s here; None: as assumed.
    """
    scenario = with_measured(scenario, calibration.ztunnel)
    sidecar = calibration.sidecar
    if not isinstance(sidecar, RoleCalibration) or sidecar.vcpu_per_1000_rps.mid <= 0:
        return scenario
    vcpu, defaults = request_vcpu(scenario, sidecar, http_gbit_per_1000_rps), assumptions()
    ratio, changed = scenario[REQUEST_RATIO], {}
    for name, item in scenario.assumptions.items():
        if item != defaults[name]:
            continue
        if name == REQUEST_COST:
            source = f"{REQUEST_RATIO} x {vcpu:.3g}, 1000 requests/s here without their bytes"
            changed[name] = _derived(item, ratio.scaled(vcpu), source)
        elif on_its_own := hardware_vcpu(item):
            how = f"{vcpu:.3g} / {on_its_own:.3g}, a request here and on that hardware"
            source = f"{item.source}. Times {how}"
            changed[name] = _derived(item, item.value.scaled(vcpu / on_its_own), source)
    return replace(scenario, assumptions={**scenario.assumptions, **changed})


def _derived(item: Assumption, value: Interval, source: str) -> Assumption:
    return replace(item, value=value, source=source, is_derived=True)


def request_vcpu(
    scenario: Scenario, sidecar: RoleCalibration, http_gbit_per_1000_rps: float | None
) -> float:
    """Return what 1000 requests/s through a sidecar cost here, without their bytes."""
    vcpu = sidecar.vcpu_per_1000_rps.mid
    return vcpu / _with_bytes(gbit_in_a_request(scenario, sidecar, http_gbit_per_1000_rps))


def gbit_in_a_request(
    scenario: Scenario, sidecar: RoleCalibration, http_gbit_per_1000_rps: float | None
) -> float:
    """Return the Gbit/s whose cost is in the fitted cost of 1000 requests/s."""
    if sidecar.vcpu_per_gbit_per_second is not None:
        return 0.0
    if http_gbit_per_1000_rps is not None:
        return http_gbit_per_1000_rps
    return 1000 * scenario["http_bytes_per_request"].mid * 8 / BITS_PER_GBIT


def hardware_vcpu(item: Assumption) -> float | None:
    """Return what 1000 requests/s without bytes cost a sidecar on the hardware of a source."""
    known = published_constants().get(item.hardware)
    return published_request_vcpu(known) if known else None


def published_request_vcpu(item: PublishedConstants) -> float | None:
    """Return the cost of 1000 requests/s through a sidecar, or its stand-in, without their bytes.

    A payload that is not stated is left in: it is small beside a request.
    """
    vcpu = item.hardware_vcpu_per_1000_rps
    return vcpu and vcpu / _with_bytes(1000 * (item.payload_bytes or 0.0) * 8 / BITS_PER_GBIT)


def _with_bytes(gbit: float) -> float:
    """Return what 1000 requests/s and so many Gbit/s cost a sidecar, over the requests alone.

    No source has the bytes of a sidecar: a gateway's beside its requests are the stand-in. Both are
    costs of the same program, so their ratio is that of any hardware.
    """
    gateway = gateway_costs()
    return 1 + gbit * gateway.byte / gateway.request


class GatewayCosts(NamedTuple):
    """What 1000 requests/s and 1 Gbit/s cost a gateway, in vCPU."""

    request: float
    byte: float


def gateway_costs() -> GatewayCosts:
    """Return the published costs of a gateway whose requests and bytes were fitted apart."""
    found = published_constants()[_GATEWAY]
    return GatewayCosts(
        request=found.gateway_vcpu_per_1000_rps or math.nan,
        byte=found.gateway_vcpu_per_gbit_per_second or math.nan,
    )


def with_measured(scenario: Scenario, ztunnel: RoleCalibration) -> Scenario:
    """Return the scenario with measured costs of ztunnels in place of its defaults.

    A value that the user has changed is kept: the scenario may be about other ztunnels. Ztunnels do
    not count requests: of those that they carry, the cost is in the measured cost of bytes. How
    many they carry is not known, so a pass costs between nothing and its default beside it.
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
    ratio = values[REQUEST_RATIO]
    if "ztunnel_vcpu_per_gbit_per_second" in changed and ratio == defaults[REQUEST_RATIO]:
        source = f"{ratio.source}. From nothing: a measured cost of bytes includes requests"
        part = Interval(low=0.0, mid=ratio.value.mid / 2, high=ratio.value.high)
        changed[REQUEST_RATIO] = replace(ratio, value=part, source=source, is_derived=True)
    return replace(scenario, assumptions={**values, **changed})
