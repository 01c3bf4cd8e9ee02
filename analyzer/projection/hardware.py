"""Costs of ambient on this mesh's hardware: published figures, scaled by the cost of a sidecar.

A figure of CPU depends on the machine that it was measured on. Where this mesh's sidecars have a
fit, ambient's costs follow it:

    pass through a ztunnel     ztunnel_to_sidecar_ratio x cost of a request here
    idle, bytes, connections   published figure x cost of a request here / the same on its hardware

What was measured here, and what the user states, stays as it is.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.data import Assumption, PublishedConstants, assumptions, published_constants
from analyzer.projection.scenario import Scenario
from analyzer.units import GBIT_PER_BYTE, Interval, Provenance

REQUEST_COST: Final = "ztunnel_vcpu_per_1000_rps"
"""The cost of a pass; it follows `REQUEST_RATIO`."""

REQUEST_RATIO: Final = "ztunnel_to_sidecar_ratio"
REQUEST_BYTES: Final = "http_bytes_per_request"

BYTES_COST: Final = "ztunnel_vcpu_per_gbit_per_second"
NEW_CONNECTIONS_COST: Final = "ztunnel_vcpu_per_1000_new_connections_per_second"
OPEN_CONNECTIONS_COST: Final = "ztunnel_vcpu_per_1000_open_connections"

_LEAST_SHARE: Final = 0.1
"""Of the cost of a request: no less is left for it beside its bytes."""

_GATEWAY: Final = "netcracker-1.30"
"""The source that has the requests and the bytes of one proxy apart."""


def on_this_hardware(
    scenario: Scenario, calibration: Calibration, http_gbit_per_1000_rps: float | None
) -> Scenario:
    """Return the scenario with measured costs of ztunnels, and with its defaults scaled.

    Without a fit of sidecars the defaults stay those that are published. The last argument is the
    traffic of 1000 requests/s here; None: as assumed.
    """
    scenario = _with_bytes_of_requests(scenario, http_gbit_per_1000_rps)
    changed, sidecar = {}, calibration.sidecar
    if isinstance(sidecar, RoleCalibration) and sidecar.vcpu_per_1000_rps.mid > 0:
        cost = request_cost(scenario, sidecar, http_gbit_per_1000_rps)
        changed = dict(_scaled(scenario, cost.vcpu))
    here = scenario.with_assumptions(changed)
    return with_measured(here, calibration.ztunnel, {**assumptions(), **changed})


def _with_bytes_of_requests(scenario: Scenario, gbit_per_1000_rps: float | None) -> Scenario:
    """Return the scenario with the mean bytes of a request here, unless they are stated."""
    item = scenario.assumptions[REQUEST_BYTES]
    if gbit_per_1000_rps is None or item != assumptions()[REQUEST_BYTES]:
        return scenario
    each = Interval.exactly(gbit_per_1000_rps / GBIT_PER_BYTE / 1000)
    return scenario.with_assumptions({REQUEST_BYTES: item.measured(each)})


def _scaled(scenario: Scenario, vcpu: float) -> Iterator[tuple[str, Assumption]]:
    """Yield the defaults that depend on hardware, where 1000 requests/s cost so much."""
    defaults, ratio = assumptions(), scenario[REQUEST_RATIO]
    for name, item in scenario.assumptions.items():
        if item != defaults[name]:
            continue
        if name == REQUEST_COST:
            source = f"{REQUEST_RATIO} x {vcpu:.3g}, 1000 requests/s here without their bytes"
            yield name, _derived(item, ratio.scaled(vcpu), source)
        elif on_its_own := hardware_vcpu(item):
            how = f"{vcpu:.3g} / {on_its_own:.3g}, a request here and on that hardware"
            source = f"{item.source}. Times {how}"
            yield name, _derived(item, item.value.scaled(vcpu / on_its_own), source)


def _derived(item: Assumption, value: Interval, source: str) -> Assumption:
    return replace(item, value=value, source=source, is_derived=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCost:
    """What 1000 requests/s through a sidecar cost here.

    Attributes:
        mean_vcpu: with their bytes: on a curve, one more request costs another amount.
        gbit_per_second: of their HTTP.
        byte_vcpu: fitted cost of 1 Gbit/s through a sidecar; None: as a gateway's, beside its
            requests.
    """

    mean_vcpu: float
    gbit_per_second: float
    byte_vcpu: float | None

    @property
    def vcpu(self) -> float:
        """The same without their bytes."""
        if self.byte_vcpu is None:
            return self.mean_vcpu / _with_bytes(self.gbit_per_second)
        least = _LEAST_SHARE * self.mean_vcpu
        return max(self.mean_vcpu - self.gbit_per_second * self.byte_vcpu, least)


def request_cost(
    scenario: Scenario, sidecar: RoleCalibration, http_gbit_per_1000_rps: float | None
) -> RequestCost:
    """Return the cost of requests here; where bytes were not measured, they are the scenario's."""
    gbit = http_gbit_per_1000_rps
    if gbit is None:
        gbit = 1000 * scenario[REQUEST_BYTES].mid * GBIT_PER_BYTE
    fitted = sidecar.cost_of_each.get("vcpu_per_gbit_per_second")
    return RequestCost(
        mean_vcpu=sidecar.vcpu_per_1000_rps.mid / sidecar.curve.marginal_share,
        gbit_per_second=gbit,
        byte_vcpu=fitted.mid if fitted else None,
    )


def hardware_vcpu(item: Assumption) -> float | None:
    """Return what 1000 requests/s without bytes cost a sidecar on the hardware of a source."""
    known = published_constants().get(item.hardware)
    return published_request_vcpu(known) if known else None


def published_request_vcpu(item: PublishedConstants) -> float | None:
    """Return the cost of 1000 requests/s through a sidecar, or its stand-in, without their bytes.

    A payload that is not stated is left in: it is small beside a request.
    """
    vcpu = item.hardware_vcpu_per_1000_rps
    return vcpu and vcpu / _with_bytes(item.gbit_per_1000_rps)


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


def with_measured(
    scenario: Scenario, ztunnel: RoleCalibration, defaults: Mapping[str, Assumption]
) -> Scenario:
    """Return the scenario with measured costs of ztunnels in place of its defaults.

    A value that the user has changed is kept: the scenario may be about other ztunnels. Ztunnels do
    not count requests: of those that they carry, the cost is in the measured cost of bytes, and so
    is that of connections which follow bytes. How many they carry is not known, so each of these
    costs between nothing and its default beside it. `defaults` are those on this hardware.
    """
    if ztunnel.provenance != Provenance.MEASURED:
        return scenario
    measured: dict[str, Interval | None] = {
        "ztunnel_idle_vcpu_per_node": ztunnel.idle_vcpu_per_proxy,
        BYTES_COST: ztunnel.vcpu_per_gbit_per_second,
        NEW_CONNECTIONS_COST: ztunnel.vcpu_per_1000_new_connections_per_second,
    }
    values = scenario.assumptions
    changed = {
        name: assumptions()[name].measured(value)
        for name, value in measured.items()
        if value is not None and values[name] == defaults[name]
    }
    if BYTES_COST in changed:
        is_stated = values[REQUEST_RATIO] != defaults[REQUEST_RATIO]
        of_requests = () if is_stated else (REQUEST_RATIO, REQUEST_COST)
        for name in (*of_requests, NEW_CONNECTIONS_COST, OPEN_CONNECTIONS_COST):
            item = values[name]
            if name not in changed and item == defaults[name]:
                source = f"{item.source}. From nothing: the measured cost of bytes may include it"
                part = Interval(low=0.0, mid=item.value.mid / 2, high=item.value.high)
                changed[name] = _derived(item, part, source)
    return scenario.with_assumptions(changed)
