"""Published constants applied to a mesh: the vendor post's arithmetic, and each release's."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.data import PublishedConstants
from analyzer.errors import UsageError
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import (
    NOTHING_TO_SAVE,
    Component,
    Footprint,
    Mode,
    Price,
    Projection,
    Reference,
    Saving,
)
from analyzer.projection.scenario import Basis, Scenario
from analyzer.units import MONTHS_PER_YEAR, Interval, Provenance, Reason, Refusal, Role

__all__ = ["project_constants", "reference"]


def reference(
    constants: PublishedConstants, load: MeshLoad, scenario: Scenario, price: Price
) -> Reference:
    """Apply published constants to a mesh, at the answer's price of a vCPU and its replicas."""
    components = _components(constants, load, scenario.waypoint_replicas)
    vcpu = {mode: sum(parts.values()) for mode, parts in components.items()}
    usd_per_vcpu_year = price.vcpu_month_usd * MONTHS_PER_YEAR
    return Reference(
        name=constants.name,
        title=constants.title,
        source=constants.source,
        remark=constants.remark,
        is_per_proxy=not constants.needs_requests,
        vcpu=vcpu,
        component_vcpu=components,
        usd_per_year={mode: value * usd_per_vcpu_year for mode, value in vcpu.items()},
    )


def project_constants(
    constants: PublishedConstants, load: MeshLoad, scenario: Scenario
) -> Projection:
    """Project a mesh of stated size from published constants alone.

    Raises:
        UsageError: if the constants are per request and no request rate was stated.
    """
    if constants.needs_requests and load.proxy_rps <= 0:
        raise UsageError(
            f"the constants {constants.name!r} are per 1000 requests per second: "
            "say how many with --proxy-rps (all proxies together)"
        )
    price = Price(
        vcpu_month_usd=scenario["vcpu_month_usd"].mid,
        memory_gib_month_usd=scenario["memory_gib_month_usd"].mid,
        source=scenario.assumptions["vcpu_month_usd"].source,
    )
    needs = _components(constants, load, scenario.waypoint_replicas)
    modes = tuple(
        _mode(name, components, load, scenario, price) for name, components in needs.items()
    )
    free = modes[0].bases[Basis.USAGE].usd_per_year.mid == 0
    savings = () if free else tuple(_saving(modes[0], mode) for mode in modes[1:])
    return Projection(
        load=load,
        price=price,
        basis=Basis.USAGE,
        modes=modes,
        savings=savings,
        namespaces=load.namespaces.iloc[:0],
        sensitivity=(),
        references=(),
        refusals=_refusals(constants, modes, savings),
    )


def _components(
    constants: PublishedConstants, load: MeshLoad, waypoint_replicas: int
) -> dict[str, dict[Role, float]]:
    """Return the vCPU of each component of each mode that the constants speak of."""
    node_count = 0 if load.nodes is None else len(load.nodes)
    sidecar = _vcpu(
        constants.sidecar_vcpu_per_proxy,
        load.sidecar_count,
        constants.sidecar_vcpu_per_1000_rps,
        load.proxy_rps,
    )
    # Each passage of a request through a sidecar becomes one through a ztunnel.
    ztunnel = _vcpu(
        constants.ztunnel_vcpu_per_node,
        node_count,
        constants.ztunnel_vcpu_per_1000_rps,
        load.proxy_rps,
    )
    waypoint = _vcpu(
        constants.waypoint_vcpu_per_replica,
        len(load.namespaces) * waypoint_replicas,
        constants.waypoint_vcpu_per_1000_rps,
        float(load.namespaces["waypoint_rps"].sum()),
    )
    modes: dict[str, dict[Role, float]] = {}
    if sidecar is not None:
        modes[SIDECAR] = {Role.SIDECAR: sidecar}
    if ztunnel is not None and node_count:
        modes[AMBIENT_L4] = {Role.ZTUNNEL: ztunnel}
        if waypoint is not None:
            modes[AMBIENT_WAYPOINT_ALL] = {Role.ZTUNNEL: ztunnel, Role.WAYPOINT: waypoint}
    return modes


def _vcpu(
    per_unit: float | None, units: float, per_1000_rps: float | None, rps: float
) -> float | None:
    if per_unit is None and per_1000_rps is None:
        return None
    return (per_unit or 0.0) * units + (per_1000_rps or 0.0) * rps / 1000


def _mode(
    name: str,
    components: Mapping[Role, float],
    load: MeshLoad,
    scenario: Scenario,
    price: Price,
) -> Mode:
    counts = {
        Role.SIDECAR: load.sidecar_count,
        Role.ZTUNNEL: 0 if load.nodes is None else len(load.nodes),
        Role.WAYPOINT: len(load.namespaces) * scenario.waypoint_replicas,
    }
    memory_gib_each = {
        Role.SIDECAR: scenario["sidecar_memory_gib_per_proxy"].mid,
        Role.ZTUNNEL: scenario["ztunnel_memory_gib_per_node"].mid,
        Role.WAYPOINT: scenario["waypoint_memory_gib_per_replica"].mid,
    }
    vcpu = sum(components.values())
    memory_gib = sum(counts[role] * memory_gib_each[role] for role in components)
    month_usd = vcpu * price.vcpu_month_usd + memory_gib * price.memory_gib_month_usd
    footprint = Footprint(
        vcpu=Interval.exactly(vcpu),
        memory_gib=Interval.exactly(memory_gib),
        usd_per_year=Interval.exactly(month_usd * MONTHS_PER_YEAR),
    )
    return Mode.on(
        Basis.USAGE,
        name=name,
        components=tuple(
            Component(
                role=role,
                count=counts[role],
                vcpu=Interval.exactly(value),
                provenance=Provenance.PUBLISHED,
            )
            for role, value in components.items()
        ),
        bases={Basis.USAGE: footprint},
    )


def _saving(sidecar: Mode, mode: Mode) -> Saving:
    before, after = sidecar.bases[Basis.USAGE], mode.bases[Basis.USAGE]
    saved_usd = before.usd_per_year.mid - after.usd_per_year.mid
    return Saving(
        mode=mode.name,
        vcpu=Interval.exactly(before.vcpu.mid - after.vcpu.mid),
        usd_per_year=Interval.exactly(saved_usd),
        percent=Interval.exactly(100 * saved_usd / before.usd_per_year.mid),
        probability_cheaper=float(saved_usd > 0),
    )


def _refusals(
    constants: PublishedConstants, modes: tuple[Mode, ...], savings: tuple[Saving, ...]
) -> tuple[Refusal, ...]:
    names = {mode.name for mode in modes}
    silent = [mode for mode in (AMBIENT_L4, AMBIENT_WAYPOINT_ALL) if mode not in names]
    return (
        Refusal(
            subject="ambient-waypoint",
            reason=Reason.NOT_ASKED,
            detail="which namespaces carry HTTP is only known from a snapshot",
        ),
        Refusal(
            subject="reserved and billed",
            reason=Reason.NOT_ASKED,
            detail="what is reserved is only known from a snapshot",
        ),
        *(
            Refusal(
                subject=mode,
                reason=Reason.NO_DATA,
                detail=f"{constants.title} says nothing of its components",
            )
            for mode in silent
        ),
        *([NOTHING_TO_SAVE] if len(modes) > 1 and not savings else []),
    )
