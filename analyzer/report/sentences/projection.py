"""What the projection found, in sentences."""

from collections.abc import Callable, Iterator
from itertools import chain

from analyzer.data import BLOG
from analyzer.projection.choices import OBSERVED, Basis
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Component, Projection, Reference, Saving, Sweep
from analyzer.report import format as fmt
from analyzer.report.sentences import whole
from analyzer.units import Interval


def headline(projection: Projection) -> str | None:
    """Return what moving saves, from needing no waypoint to needing one wherever HTTP is."""
    savings = {item.mode: item for item in projection.savings}
    most, least = savings.get(AMBIENT_L4), savings.get(AMBIENT_WAYPOINT)
    if most is None or least is None:
        return None
    where = (
        "for every namespace with HTTP"
        if projection.waypoint_placement == OBSERVED
        else "where the scenario places them"
    )
    return (
        f"For the same traffic, {fmt.AS_BASIS[projection.basis]}: ambient L4 would "
        f"{fmt.saving(most.percent)}; with waypoints {where} ambient would "
        f"{fmt.saving(least.percent)}{_chance(least)}."
    )


def _chance(saving: Saving) -> str:
    if saving.percent.low >= 0 or saving.percent.high <= 0:
        return ""
    return f" ({fmt.share(100 * saving.probability_cheaper)} likely to cost less)"


def side_by_side(projection: Projection) -> Iterator[str]:
    """Return the savings in CPU used and as billed, and which of the two is on the invoice."""
    known = [basis for basis in (Basis.USAGE, Basis.BILLED) if _all_know(projection, basis)]
    if len(known) > 1:
        yield (
            f"The invoice follows dollars {fmt.IN_FULL[Basis.BILLED]}. Dollars "
            f"{fmt.AS_BASIS[Basis.USAGE]} show what the proxies consume."
        )
    elif known and projection.savings:
        yield "Dollars are as used: CPU requests are not known, so what is billed is not known."


def _all_know(projection: Projection, basis: Basis) -> bool:
    return all(basis in item.bases for item in projection.savings) and bool(projection.savings)


def projection_lines(projection: Projection) -> Iterator[str]:
    """Return where the answer turns, and what is behind its totals."""
    yield from _break_evens(projection)
    l4 = (mode.components for mode in projection.modes if mode.name == AMBIENT_L4)
    for part in chain.from_iterable(l4):
        if part.hottest_vcpu is not None and part.count > 1:
            yield (
                f"Busiest ztunnel of {part.count:.0f}: {fmt.number(part.hottest_vcpu.mid)} vCPU. "
                f"Average: {fmt.number(part.vcpu.mid / part.count)}."
            )
    yield from _freed(projection)


def why_different(reference: Reference, load: MeshLoad) -> str:
    """Return why published figures give this mesh another answer than its own do."""
    if reference.is_per_proxy:
        reason = "One figure per pod at any traffic."
        if load.proxy_rps and load.sidecar_count:
            each_rps = load.proxy_rps / load.sidecar_count
            reason += f" A sidecar here handles {fmt.number(each_rps)} proxy requests/s."
    else:
        reason = "A figure per request through one proxy, without idle CPU."
        used, published = load.sidecars.vcpu if load.sidecars else 0.0, reference.vcpu.get(SIDECAR)
        if published and used:
            reason += f" The sidecars here use {fmt.number(used / published)} times that."
    return f"{reason} {whole(reference.remark)}" if reference.remark else reason


def _break_evens(projection: Projection) -> Iterator[str]:
    basis = fmt.AS_BASIS[projection.basis]
    for sweep in projection.sweeps:
        if sweep.name == "l7_share":
            share = "share of namespaces with HTTP that needs a waypoint"
            yield f"{_turning(sweep, share, lambda at: fmt.share(100 * at))} {basis}."
        elif sweep.saves_until != sweep.last:
            yield f"{_turning(sweep, 'number of replicas per waypoint', fmt.number)} {basis}."


def _turning(sweep: Sweep, choice: str, written: Callable[[float], str]) -> str:
    """Return where along a choice ambient surely costs less, surely more, and neither."""
    saves, loses = sweep.saves_until, sweep.loses_from
    subject = f"By the {choice}, ambient costs"
    if saves is None and loses is None:
        return f"At any {choice}, the ranges cannot tell whether ambient costs less"
    if loses is None:
        if saves == sweep.last:
            return f"At any {choice}, ambient costs less than sidecars"
        return f"{subject} less up to {written(saves or 0)}; beyond, the ranges cannot tell,"
    if saves is None:
        if loses == sweep.first:
            return f"At any {choice}, ambient costs more than sidecars"
        return f"{subject} more from {written(loses)} on; below, the ranges cannot tell,"
    return f"{subject} less up to {written(saves)} and more from {written(loses)} on"


def _freed(projection: Projection) -> Iterator[str]:
    counts = {item.mode: item.freed_node_count for item in projection.savings}
    known = {
        mode: count
        for mode in (AMBIENT_L4, AMBIENT_WAYPOINT)
        if (count := counts.get(mode)) is not None
    }
    if not known:
        return
    parts = (f"{fmt.MODE_TITLES[mode]} {nodes(count)}" for mode, count in known.items())
    yield (
        f"By CPU and memory requests, {' and '.join(parts)}. Money is saved when nodes are removed."
    )


def nodes(count: int) -> str:
    """Return how many whole nodes a mode frees or needs, with the verb."""
    if count == 0:
        return "frees no whole node"
    if count > 0:
        return f"frees {fmt.counted(count, 'whole node')}"
    return f"needs {fmt.counted(-count, 'more node')}"


def mesh_lines(load: MeshLoad, projection: Projection | None) -> Iterator[str]:
    """Return how large the mesh is, and what its sidecars used."""
    nodes = "" if load.nodes is None else f" on {fmt.counted(len(load.nodes), 'node')}"
    size = (
        f"{fmt.counted(load.sidecar_count, 'sidecar')} in "
        f"{fmt.counted(len(load.namespaces), 'namespace')}{nodes}"
    )
    sidecars = load.sidecars
    rates = (
        f"; {fmt.number(load.proxy_rps)} proxy requests/s, {fmt.number(load.mesh_rps)} mesh "
        "requests/s"
    )
    yield f"{size}{rates if sidecars or load.proxy_rps else ''}"
    if sidecars is None:
        return
    parts = [f"{fmt.number(sidecars.vcpu)} vCPU used"]
    if sidecars.reserved_vcpu is not None:
        parts.append(f"{fmt.number(sidecars.reserved_vcpu)} vCPU requested")
    if sidecars.memory_gib is not None:
        parts.append(f"{fmt.number(sidecars.memory_gib)} GiB of memory used")
    growth = growth_factor(projection)
    when = "measured" if growth == 1 else f"at {fmt.number(growth)} times the traffic"
    yield f"Sidecars, {when}: {', '.join(parts)}"


def growth_factor(projection: Projection | None) -> float:
    """Return by how much the traffic was made to grow."""
    workings = projection.workings if projection else None
    return workings.scenario["traffic_growth_factor"].mid if workings else 1.0


def price_line(projection: Projection) -> str:
    """Return what a vCPU and a GiB cost."""
    vcpu_usd, gib_usd = projection.price.vcpu_month_usd, projection.price.memory_gib_month_usd
    return f"${vcpu_usd:g} per vCPU-month, ${gib_usd:g} per GiB-month"


def price_sentence(projection: Projection) -> str:
    """Return what dollars are computed from, and the source of the price of a vCPU."""
    price = f"${projection.price.vcpu_month_usd:.4g} per vCPU-month ({projection.price.source})"
    return f"Dollars are {fmt.AS_BASIS[projection.basis]}, at {price}."


def component_lines(projection: Projection) -> Iterator[str]:
    """Return what the components of each mode use, and what is left out."""
    for mode in projection.modes:
        yield f"{fmt.MODE_TITLES[mode.name]}: {'; '.join(map(_component, mode.components))}"
    for reference in projection.references:
        if reference.name == BLOG and AMBIENT_WAYPOINT_ALL in reference.vcpu:
            yield (
                f"By the constants of {reference.title} this mesh would use "
                f"{fmt.number(reference.vcpu[SIDECAR])} vCPU in sidecar mode and "
                f"{fmt.number(reference.vcpu[AMBIENT_WAYPOINT_ALL])} in ambient with waypoints "
                "everywhere, at any traffic."
            )
    if projection.references:
        yield "Not included: istiod, gateways, and the work of migrating."


def _component(part: Component) -> str:
    who = f"1 {part.role} uses" if part.count == 1 else f"{fmt.count(part.count)} {part.role}s use"
    return f"{who} {fmt.ranged(part.vcpu)} vCPU ({part.provenance})"


def assumed(projection: Projection, name: str) -> tuple[Interval | None, str]:
    """Return the range of what was assumed, and its unit; a fitted figure has it in its name."""
    workings = projection.workings
    if workings is None:
        return None, ""
    assumption = workings.scenario.assumptions.get(name)
    if assumption:
        return assumption.value, assumption.unit
    return workings.parameters.waypoint_fit.get(name), ""


def assumption_title(name: str) -> str:
    """Return an assumption's or a fitted figure's name as text.

    >>> assumption_title("ztunnel_vcpu_per_1000_rps")
    'ztunnel vCPU per 1000 RPS'
    """
    words = {"vcpu": "vCPU", "rps": "RPS", "gbit": "Gbit", "gib": "GiB", "usd": "USD"}
    return " ".join(words.get(word, word) for word in name.split("_"))
