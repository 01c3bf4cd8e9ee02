"""istiod in each mode, beside the totals: how many proxies it serves, and what that takes.

served      sidecar mode: sidecars, gateways, and the waypoints and ztunnels of today
ambient: ztunnels and waypoint replicas of the mode, and gateways
load        the same, where a ztunnel counts as so many sidecars as the scenario assumes
today       as measured, else the published amount for 1000 sidecars x load / 1000
ambient     today x (fixed share + (1 - fixed share) x load there / load today)
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np

from analyzer.arrays import Floats
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis
from analyzer.projection.modes import MODES, SIDECAR, ModeNeeds
from analyzer.projection.needs import Need
from analyzer.projection.result import ControlPlane, Mode
from analyzer.projection.scenario import ISTIOD_FIXED
from analyzer.projection.uncertainty import Parameters, to_interval
from analyzer.units import MONTHS_PER_YEAR, Provenance, Role

PER_PROXIES: Final = ("istiod_vcpu_per_1000_proxies", "istiod_memory_gib_per_1000_proxies")
"""vCPU and GiB of istiod where it was not measured."""

ZTUNNEL_RATIO: Final = "istiod_ztunnel_to_sidecar_ratio"

Served = Mapping[Role, float]
"""How many proxies of each role istiod serves at a time."""


def with_control_plane(
    modes: Mapping[str, ModeNeeds],
    found: tuple[Mode, ...],
    usage: MeshUsage,
    assumed: Parameters,
    basis: Basis,
) -> tuple[Mode, ...]:
    """Return the modes with what istiod needs in each; as they are where it serves nothing today.

    Args:
        modes: what each needs, on draws.
        found: the same modes, as they are read.
        usage: the mesh as measured, with the proxies and istiod of today.
        assumed: the assumptions on draws.
        basis: of the mean price, where nodes differ in theirs.
    """
    today: Served = {role: float(usage.count(role)) for role in Role}
    if sum(today.values()) == 0:
        return found
    amounts = _today(usage, today, assumed)
    month_usd = modes[SIDECAR].needs[0].month_usd
    prices = month_usd[basis] if month_usd else assumed.flat_month_usd
    served = {name: _served(mode.needs, today) for name, mode in modes.items()}
    return tuple(
        replace(
            mode,
            control_plane=_of_mode(
                usage,
                served[mode.name],
                _scaled(amounts, _times(served[mode.name], today, assumed)),
                prices,
                is_today=not MODES[mode.name].is_ambient,
            ),
        )
        for mode in found
    )


def _served(needs: tuple[Need, ...], today: Served) -> Served:
    if needs[0].role == Role.SIDECAR:
        return today
    # Waypoints of today keep their work.
    kept = {role: today[role] for role in (Role.GATEWAY, Role.WAYPOINT)}
    return {**kept, **{need.role: kept.get(need.role, 0.0) + need.count for need in needs}}


Amount = TypeVar("Amount", float, Floats)


def load_of(served: Served, ztunnel_ratio: Amount) -> Amount:
    """Return how many sidecars load istiod as much as these proxies, at the best or on draws."""
    others = sum(count for role, count in served.items() if role != Role.ZTUNNEL)
    return others + served.get(Role.ZTUNNEL, 0.0) * ztunnel_ratio


def _today(usage: MeshUsage, today: Served, assumed: Parameters) -> tuple[Floats, ...]:
    """Return vCPU and GiB of istiod today, on draws."""
    load = load_of(today, assumed[ZTUNNEL_RATIO]) / 1000
    return tuple(
        assumed[name] * load if measured is None else np.full_like(load, measured)
        for name, measured in zip(
            PER_PROXIES, (usage.istiod.vcpu, usage.istiod.memory_gib), strict=True
        )
    )


def _times(served: Served, today: Served, assumed: Parameters) -> Floats:
    """Return what today's CPU and memory of istiod are multiplied by where it serves these."""
    ratio, fixed = assumed[ZTUNNEL_RATIO], np.clip(assumed[ISTIOD_FIXED], 0.0, 1.0)
    if served is today:
        return np.ones_like(ratio)
    return np.asarray(fixed + (1 - fixed) * load_of(served, ratio) / load_of(today, ratio))


def _scaled(amounts: tuple[Floats, ...], times: Floats) -> tuple[Floats, ...]:
    return tuple(np.asarray(amount * times) for amount in amounts)


def _of_mode(
    usage: MeshUsage,
    served: Served,
    amounts: tuple[Floats, ...],
    prices: tuple[Floats, Floats],
    *,
    is_today: bool,
) -> ControlPlane:
    vcpu, memory_gib = amounts
    vcpu_usd, memory_gib_usd = prices
    usd = (vcpu * vcpu_usd + memory_gib * memory_gib_usd) * MONTHS_PER_YEAR
    istiod = usage.istiod
    is_measured = istiod.vcpu is not None
    provenance, source = Provenance.PUBLISHED, "published CPU and memory for 1000 sidecars"
    if is_measured:
        provenance = Provenance.MEASURED if is_today else Provenance.DERIVED
        source = "istiod's own CPU" + (" and memory" if istiod.memory_gib is not None else "")
    if not is_today:
        source += ", by the number of proxies"
    return ControlPlane(
        proxies_served=sum(served.values()),
        proxies_by_role={role: count for role, count in served.items() if count},
        vcpu=to_interval(vcpu),
        memory_gib=to_interval(memory_gib),
        usd_per_year=to_interval(np.asarray(usd)),
        requested_vcpu=istiod.reserved_vcpu if is_today else None,
        requested_memory_gib=istiod.reserved_memory_gib if is_today else None,
        provenance=provenance,
        source=source,
        is_measured=(is_measured, istiod.memory_gib is not None),
    )
