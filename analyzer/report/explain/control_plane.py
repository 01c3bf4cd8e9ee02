"""istiod in a mode: how many proxies it serves, and what follows for its CPU and memory."""

from collections.abc import Iterator
from typing import Final

from analyzer.projection.components import COMPONENTS
from analyzer.projection.control_plane import FIXED_SHARE, PER_PROXIES, ZTUNNEL_RATIO, load_of
from analyzer.projection.modes import SIDECAR
from analyzer.projection.result import ControlPlane, Mode, Price, Projection, Workings
from analyzer.report.explain.lines import assumed, equation, figure, plus, query_file
from analyzer.report.tables.control_plane import CAPTION
from analyzer.units import MONTHS_PER_YEAR, Role

_MEASURED_BY: Final = ("istiod_vcpu", "istiod_memory_bytes")
_UNITS: Final = ("vCPU", "GiB")


def control_plane_lines(projection: Projection, mode: Mode, workings: Workings) -> Iterator[str]:
    """Return how istiod's figures in a mode are calculated; nothing where there are none."""
    today = next(item.control_plane for item in projection.modes if item.name == SIDECAR)
    found = mode.control_plane
    if today is None or found is None:
        return
    yield f"  {CAPTION}, by {found.source} ({found.provenance})"
    by_role = {_plural(role): count for role, count in found.proxies_by_role.items()}
    label = f"proxies that istiod serves, {' + '.join(by_role)}"
    yield equation(label, plus(by_role.values()), (), found.proxies_served, "proxies")
    scenario = workings.scenario
    ratio, fixed = scenario[ZTUNNEL_RATIO].mid, scenario[FIXED_SHARE].mid
    load, load_today = (load_of(item.proxies_by_role, ratio) for item in (found, today))
    if Role.ZTUNNEL in found.proxies_by_role:
        ztunnels = found.proxies_by_role[Role.ZTUNNEL]
        yield from assumed(scenario, ZTUNNEL_RATIO)
        terms = found.proxies_served - ztunnels, ztunnels, ratio
        yield equation("the same load in sidecars", "{} + {} x {}", terms, load, "sidecars")
    if found is not today:
        yield from assumed(scenario, FIXED_SHARE)
    for column, unit in enumerate(_UNITS):
        now, there = ((item.vcpu, item.memory_gib)[column].mid for item in (today, found))
        if found is not today:
            how = "{} x ({} + (1 - {}) x {} / {})"
            scaled = now, fixed, fixed, load, load_today
            yield equation(f"istiod, {unit}", how, scaled, there, unit)
        elif today.is_measured[column]:
            yield f"  istiod, {unit}: {figure(now)} ({query_file(_MEASURED_BY[column])})"
        else:
            yield from assumed(scenario, PER_PROXIES[column])
            published = scenario[PER_PROXIES[column]].mid, load
            yield equation(f"istiod, {unit}", "{} x {} / 1000", published, there, unit)
    yield from _dollars(found, projection.price)


def _dollars(found: ControlPlane, price: Price) -> Iterator[str]:
    terms = found.vcpu.mid, price.vcpu_month_usd, found.memory_gib.mid, price.memory_gib_month_usd
    how = "({} x {} + {} x {}) x " + str(MONTHS_PER_YEAR)
    yield equation("istiod, not in the totals", how, terms, found.usd_per_year.mid, "USD a year")


def _plural(role: Role) -> str:
    return COMPONENTS[role].plural if role in COMPONENTS else f"{role}s"
