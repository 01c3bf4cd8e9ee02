"""What the projection found, in sentences."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from analyzer.data import assumptions
from analyzer.projection.choices import OBSERVED, Basis
from analyzer.projection.demand import MeshLoad
from analyzer.projection.hardware import REQUEST_COST, REQUEST_RATIO
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, MODES, SIDECAR
from analyzer.projection.result import Component, Mode, Projection, Reference, Saving, Sweep
from analyzer.projection.sidecars import SidecarFootprint
from analyzer.projection.unseen import UNSEEN_TIME
from analyzer.report import format as fmt
from analyzer.report.sentences import whole
from analyzer.report.sentences.unseen import filled_line
from analyzer.units import Interval, Role


def headline(projection: Projection) -> str | None:
    """Return what moving saves, from needing no waypoint to needing one wherever HTTP is."""
    savings = {item.mode: item for item in projection.savings}
    most, least = savings.get(AMBIENT_L4), savings.get(AMBIENT_WAYPOINT)
    if most is None or least is None:
        return None
    where = (
        "in every namespace with HTTP"
        if projection.waypoint_placement == OBSERVED
        else "where the scenario places them"
    )
    return (
        f"For the same traffic, ambient L4 would {fmt.saving(most.percent)} "
        f"{fmt.AS_BASIS[projection.basis]}. With waypoints {where}, ambient would "
        f"{fmt.saving(least.percent)}{_chance(least)}."
    )


def _chance(saving: Saving) -> str:
    if saving.percent.low >= 0 or saving.percent.high <= 0:
        return ""
    likely = fmt.share(100 * saving.probability_cheaper)
    return f" ({likely} likely to cost less, if the assumptions hold)"


def break_even_line(projection: Projection) -> Iterator[str]:
    """Return up to which cost of a pass ambient with waypoints saves, beside that of the sources.

    Nothing if it saves at any cost.
    """
    workings, cost = projection.workings, projection.ztunnel_vcpu_per_1000_rps
    found = {
        item.mode: item.break_even_ztunnel_vcpu_per_1000_rps for item in projection.savings
    }.get(AMBIENT_WAYPOINT)
    if workings is None or cost is None or found is None:
        return
    who = fmt.capital(fmt.MODE_TITLES[AMBIENT_WAYPOINT])
    if found == 0:
        yield f"{who} would cost more even if a pass through a ztunnel cost nothing."
        return
    known = workings.scenario.assumptions
    is_stated = any(
        known[name] != assumptions()[name] and not known[name].is_derived
        for name in (REQUEST_COST, REQUEST_RATIO)
    )
    low, high = fmt.number(cost.low), fmt.number(cost.high)
    given = low if low == high else f"{low} to {high}"
    yield (
        f"{who} saves as long as a pass through a ztunnel costs under {fmt.number(found)} vCPU per "
        f"1000 requests/s; {'the scenario states' if is_stated else 'sources give'} {given}."
    )


def side_by_side(projection: Projection) -> Iterator[str]:
    """Return the savings in CPU used and as billed, and which of the two is on the invoice."""
    known = [basis for basis in (Basis.USAGE, Basis.BILLED) if _all_know(projection, basis)]
    if len(known) > 1:
        yield (
            "The billed figure is your bill if that charges per CPU: per proxy, the larger of CPU "
            "used and requested. The used figure is only what the proxies consume."
        )
    elif known:
        yield "Dollars are as used: CPU requests are not known, so what is billed is not known."


def _all_know(projection: Projection, basis: Basis) -> bool:
    return all(basis in item.bases for item in projection.savings) and bool(projection.savings)


def projection_lines(projection: Projection) -> Iterator[str]:
    """Return where the answer turns, and whether whole nodes are freed."""
    yield from _break_evens(projection)
    yield from break_even_line(projection)
    yield from daemonset_line(projection)
    yield from _freed(projection)


def busiest_line(projection: Projection) -> Iterator[str]:
    """Return what the busiest ztunnel would use, beside the average."""
    l4 = (mode.components for mode in projection.modes if mode.name == AMBIENT_L4)
    for part in chain.from_iterable(l4):
        if part.hottest_vcpu is not None and part.count > 1:
            yield (
                f"Busiest ztunnel of {part.count:.0f}: {fmt.number(part.hottest_vcpu.mid)} vCPU. "
                f"Average: {fmt.number(part.vcpu.mid / part.count)}."
            )


def daemonset_line(projection: Projection) -> Iterator[str]:
    """Return that the busiest node sets the CPU request of every ztunnel, if it does."""
    workings = projection.workings
    l4 = (mode.components for mode in projection.modes if mode.name == AMBIENT_L4)
    for part in chain.from_iterable(l4):
        if workings is None or part.role != Role.ZTUNNEL or part.hottest_vcpu is None:
            continue
        chart = workings.scenario["ztunnel_reserved_vcpu_per_node"].mid
        if part.hottest_vcpu.mid > chart:
            yield (
                f"The busiest ztunnel would use {fmt.number(part.hottest_vcpu.mid)} vCPU, more "
                f"than its request of {fmt.number(chart)}. A DaemonSet has one request, so every "
                f"node's ztunnel requests {fmt.number(part.hottest_vcpu.mid)} vCPU."
            )


def why_different(reference: Reference, load: MeshLoad) -> str:
    """Return why published figures give this mesh another answer than its own do."""
    if reference.is_share:
        reason = "Ambient as a share of the sidecars' CPU, at any traffic."
    elif reference.is_per_proxy:
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


_ONE: Final = {Role.WAYPOINT: "waypoint replica"}
"""One of a component, where that is not its role."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """How a sweep is written: what costs, at any choice, the first, up to one, from one on, one.

    `at` is for choices that are not in a row from an end.
    """

    subject: str
    at_any: str
    at_first: str
    up_to: str
    at_least: str
    one: Callable[[float], str]
    at: str


_CHOICES: Final = {
    "l7_share": _Choice(
        "With the assumed replicas, ambient costs",
        "however many namespaces with HTTP need a waypoint",
        "if no namespace needs a waypoint",
        "if up to {} of the namespaces with HTTP need a waypoint",
        "if at least {} of the namespaces with HTTP need a waypoint",
        lambda share: fmt.share(100 * share),
        "if {} of the namespaces with HTTP need a waypoint",
    ),
    "waypoint_replicas": _Choice(
        "Ambient costs",
        "however many replicas each waypoint has",
        "with 1 replica per waypoint",
        "with up to {} per waypoint",
        "with at least {} per waypoint",
        lambda count: fmt.counted(round(count), "replica"),
        "with {} per waypoint",
    ),
}


def _break_evens(projection: Projection) -> Iterator[str]:
    for sweep in projection.sweeps:
        if sweep.name == "l7_share" or sweep.saves_until != sweep.last:
            yield turning(sweep, projection.basis)


def turning(sweep: Sweep, basis: Basis) -> str:
    """Return where along a choice ambient surely costs less, surely more, and neither."""
    words, basis_text = _CHOICES[sweep.name], fmt.AS_BASIS[basis]
    of = words.subject
    saves, loses = sweep.saves_until, sweep.loses_from
    if saves == sweep.last:
        return f"{of} less than sidecars {basis_text}, {words.at_any}."
    if loses == sweep.first:
        return f"{of} more than sidecars {basis_text}, {words.at_any}."
    at_most = words.at_first
    if saves not in (None, sweep.first):
        at_most = words.up_to.format(words.one(saves))
    if saves is not None and loses is not None:
        return f"{of} less {basis_text} {at_most}, and more from {words.one(loses)} on."
    if saves is not None:
        return f"{of} less {basis_text} {at_most}; beyond, the ranges cannot tell."
    if loses is not None:
        at_least = words.at_least.format(words.one(loses))
        return f"{of} more {basis_text} {at_least}; below, the ranges cannot tell."
    return f"{_now_and_then(sweep, words, basis_text)}."


def _now_and_then(sweep: Sweep, words: _Choice, basis_text: str) -> str:
    """Return where ambient surely costs less if not from an end on; else that it is open."""
    sure = [words.one(point.choice) for point in sweep.points if point.usd_per_year.low > 0]
    if not sure:
        return f"The ranges cannot tell whether ambient costs less {basis_text}, {words.at_any}"
    # More replicas may cost less: one in each zone saves traffic between zones.
    where = words.at.format(fmt.listed(sure))
    return f"{words.subject} less {basis_text} {where}; otherwise, the ranges cannot tell"


def _freed(projection: Projection) -> Iterator[str]:
    known = {
        item.mode: item.freed_node_count
        for item in projection.savings
        if item.freed_node_count is not None
    }
    if not any(MODES[mode].is_ambient for mode in known):
        return
    if not any(known.values()):
        yield "By CPU and memory requests, no ambient mode frees a whole node."
    else:
        parts = [f"{fmt.MODE_TITLES[mode]} {nodes(count)}" for mode, count in known.items()]
        yield f"By CPU and memory requests, {fmt.listed(parts)}."


def nodes(count: int) -> str:
    """Return how many whole nodes a mode frees or needs, with the verb."""
    if count == 0:
        return "frees no whole node"
    if count > 0:
        return f"frees {fmt.counted(count, 'whole node')}"
    return f"needs {fmt.counted(-count, 'more node')}"


def mesh_lines(load: MeshLoad, projection: Projection | None) -> Iterator[str]:
    """Return how large the mesh is, and what its sidecars used."""
    nodes = "" if load.node_count is None else f" on {fmt.counted(load.node_count, 'node')}"
    size = (
        f"{fmt.counted(load.sidecar_count, 'sidecar')} in "
        f"{fmt.counted(load.namespace_count, 'namespace')}{nodes}"
    )
    sidecars = load.sidecars
    mesh_rps, proxy_rps = (load.ranges.of_traffic(rps) for rps in (load.mesh_rps, load.proxy_rps))
    proxy = f"{fmt.ranged(proxy_rps)} proxy requests/s"
    rates = (
        f"; {fmt.ranged(mesh_rps)} requests/s, which make {proxy}: a call may pass two sidecars"
        if load.mesh_rps
        else f"; {proxy}"
    )
    yield f"{size}{rates if sidecars or load.proxy_rps else ''}"
    if sidecars is None:
        return
    parts = [f"{used_vcpu(load, sidecars)} vCPU used"]
    if sidecars.reserved_vcpu is not None:
        parts.append(f"{requested_vcpu(load, sidecars.reserved_vcpu)} vCPU requested")
    if sidecars.memory_gib is not None:
        memory_gib = fmt.ranged(load.ranges.of_memory(sidecars.memory_gib))
        parts.append(f"{memory_gib} GiB of memory used")
    growth = growth_factor(projection)
    when = "measured" if growth == 1 else f"at {fmt.number(growth)} times the traffic"
    yield f"Sidecars, {when}: {', '.join(parts)}"
    yield from filled_line(load)


def used_vcpu(load: MeshLoad, sidecars: SidecarFootprint) -> str:
    """Return what the sidecars use, with its range."""
    return fmt.ranged(load.ranges.of_vcpu(sidecars.vcpu))


def requested_vcpu(load: MeshLoad, vcpu: float) -> str:
    """Return what the sidecars request, with its range."""
    return fmt.ranged(load.ranges.of_vcpu(vcpu, Basis.RESERVED))


def growth_factor(projection: Projection | None) -> float:
    """Return by how much the traffic was made to grow."""
    workings = projection.workings if projection else None
    return workings.scenario["traffic_growth_factor"].mid if workings else 1.0


def price_sentence(projection: Projection) -> str:
    """Return what dollars are computed from, and the source of the price of a vCPU."""
    price = projection.price
    return (
        f"Dollars are {fmt.AS_BASIS[projection.basis]}, at {fmt.vcpu_price(price)}. Source of the "
        f"price: {price.source}."
    )


def component_lines(projection: Projection) -> Iterator[str]:
    """Return what the components of each mode use."""
    for mode in projection.modes:
        parts = [*map(_component, mode.components), *_between_zones(mode)]
        yield f"{fmt.MODE_TITLES[mode.name]}: {'; '.join(parts)}"


def _between_zones(mode: Mode) -> Iterator[str]:
    if mode.transfer and mode.transfer.count:
        amount, usd = mode.transfer.gb_per_month, mode.transfer.usd_per_year
        yield (
            f"traffic between zones adds {fmt.ranged(amount)} GB a month, {fmt.usd(usd)} a year "
            f"({mode.transfer.provenance})"
        )


def _component(part: Component) -> str:
    one = _ONE.get(part.role, str(part.role))
    who = f"1 {one} uses" if part.count == 1 else f"{fmt.count(part.count)} {one}s use"
    return f"{who} {fmt.ranged(part.vcpu)} vCPU ({part.provenance})"


def assumed(projection: Projection, name: str) -> tuple[Interval | None, str]:
    """Return the range of what was assumed, and its unit; a fitted figure has it in its name."""
    workings, load = projection.workings, projection.load
    if workings is None:
        return None, ""
    if name == UNSEEN_TIME:
        used = load.ranges.of_vcpu(load.sidecars.vcpu) if load.sidecars else None
        if used and used.low < used.high:
            return used, "vCPU of all sidecars"
        return load.ranges.of_traffic(load.proxy_rps), "proxy requests/s of all sidecars"
    assumption = workings.scenario.assumptions.get(name)
    if assumption:
        return assumption.value, assumption.unit
    return workings.parameters.fitted.get(name), ""


def assumption_title(name: str) -> str:
    """Return an assumption's or a fitted figure's name as text.

    >>> assumption_title("ztunnel_vcpu_per_1000_rps")
    'ztunnel vCPU per 1000 RPS'
    """
    if name == UNSEEN_TIME:
        return "load of unseen time"
    words = {
        "vcpu": "vCPU",
        "rps": "RPS",
        "gbit": "Gbit",
        "gib": "GiB",
        "usd": "USD",
        "http": "HTTP",
    }
    return " ".join(words.get(word, word) for word in name.split("_"))
