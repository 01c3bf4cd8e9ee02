"""What the projection found, in sentences."""

from collections.abc import Iterator
from itertools import chain

from analyzer.data import BLOG
from analyzer.projection.choices import OBSERVED
from analyzer.projection.demand import MeshLoad
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Projection, Reference
from analyzer.report import format as fmt
from analyzer.units import Interval

_WORTH_NAMING = 3  # namespaces in a sentence; the others are counted


def headline(projection: Projection) -> str | None:
    """Return what moving saves, from needing no waypoint to needing one wherever HTTP is."""
    savings = {item.mode: item for item in projection.savings}
    most, least = savings.get(AMBIENT_L4), savings.get(AMBIENT_WAYPOINT)
    if most is None or least is None:
        return None
    # The verb stands before the first one already.
    both_save = min(most.percent.mid, least.percent.mid) >= 0
    second = fmt.percent(least.percent) if both_save else fmt.saving(least.percent)
    where = (
        "wherever HTTP was seen, which is the most that policy can need"
        if projection.waypoint_placement == OBSERVED
        else "where the scenario puts one"
    )
    chance = least.probability_cheaper
    doubt = "" if chance in (0.0, 1.0) else f"; with {chance:.0%} probability it is cheaper at all"
    return (
        f"For the same traffic ambient would {fmt.saving(most.percent)} where L4 is enough, and "
        f"{second} with a waypoint {where}{doubt}."
    )


def projection_lines(projection: Projection) -> Iterator[str]:
    """Return where the answer turns, and what is behind its totals."""
    yield from _break_evens(projection)
    l4 = (mode.components for mode in projection.modes if mode.name == AMBIENT_L4)
    for part in chain.from_iterable(l4):
        if part.hottest_vcpu is not None and part.count > 1:
            yield (
                f"The busiest of {part.count:.0f} ztunnels would use "
                f"{fmt.number(part.hottest_vcpu.mid)} vCPU, the mean one "
                f"{fmt.number(part.vcpu.mid / part.count)}"
            )
    yield from _freed(projection)
    yield from _losers(projection)


def why_different(reference: Reference, load: MeshLoad) -> str:
    """Return why published figures give this mesh another answer than its own do."""
    if reference.is_per_proxy:
        each_rps = load.proxy_rps / load.sidecar_count if load.sidecar_count else 0.0
        reason = (
            "a figure per pod whatever its traffic; a sidecar here carries "
            f"{fmt.number(each_rps)} requests/s, in and out"
        )
    else:
        reason = "per request through one proxy, of which a call here passes up to two, and no idle"
        used, published = load.sidecars.vcpu if load.sidecars else 0.0, reference.vcpu.get(SIDECAR)
        if published and used:
            reason += f"; the sidecars here use {fmt.number(used / published)} times that"
    return f"{reason} ({reference.remark})" if reference.remark else reason


def _break_evens(projection: Projection) -> Iterator[str]:
    for sweep in projection.sweeps:
        first, last = sweep.points[0].usd_per_year.mid, sweep.points[-1].usd_per_year.mid
        if sweep.name == "l7_share" and sweep.break_even is None:
            more = "cheaper" if min(first, last) >= 0 else "dearer"
            yield f"Ambient is {more} than sidecars whatever share of the namespaces needs L7"
        elif sweep.name == "l7_share":
            yield (
                f"Ambient costs what sidecars do when {sweep.break_even:.0%} of the namespaces "
                "with HTTP need a waypoint; beyond, more"
            )
        elif sweep.break_even is not None:
            yield (
                f"With more than {sweep.break_even:.1f} replicas of each waypoint ambient costs "
                "more than sidecars"
            )


def _freed(projection: Projection) -> Iterator[str]:
    counts = {item.mode: item.freed_node_count for item in projection.savings}
    least, most = counts.get(AMBIENT_WAYPOINT), counts.get(AMBIENT_L4)
    if least is None or most is None:
        return
    if min(least, most) >= 0:
        yield (
            f"Reservations that fall away would fill {least} (with waypoints) "
            f"to {most} (L4 only) whole nodes; money is saved when these go away"
        )
        return
    l4, waypoints = (
        f"free {count} whole nodes"
        if count >= 0
        else f"need {-count} more node{'s' if count < -1 else ''}"
        for count in (most, least)
    )
    yield (
        f"By what is reserved, L4 only would {l4}, and waypoints would {waypoints}; money is saved "
        "when nodes go away"
    )


def _losers(projection: Projection) -> Iterator[str]:
    namespaces = projection.namespaces
    if "waypoint_costs_more" not in namespaces:
        return
    losing = namespaces[namespaces["waypoint_costs_more"]].sort_values("saving_waypoint_vcpu")
    if losing.empty:
        return
    names = ", ".join(losing["namespace"].head(_WORTH_NAMING))
    more = f" and {len(losing) - _WORTH_NAMING} more" if len(losing) > _WORTH_NAMING else ""
    lost_vcpu = -float(losing["saving_waypoint_vcpu"].sum())
    yield (
        f"A waypoint would cost more than the sidecars it replaces in {fmt.inert(names)}{more}: "
        f"{fmt.number(lost_vcpu)} vCPU together"
    )


def mesh_lines(load: MeshLoad, projection: Projection | None) -> Iterator[str]:
    """Return how large the mesh is, and what its sidecars used."""
    nodes = "unknown" if load.nodes is None else f"{len(load.nodes):,}"
    yield (
        f"{load.sidecar_count:,} sidecars in {len(load.namespaces):,} namespaces on {nodes} nodes; "
        f"{fmt.number(load.proxy_rps)} proxy requests/s, {fmt.number(load.mesh_rps)} calls/s"
    )
    sidecars = load.sidecars
    if sidecars is None:
        return
    parts = [f"{fmt.number(sidecars.vcpu)} vCPU used"]
    if sidecars.reserved_vcpu is not None:
        parts.append(f"{fmt.number(sidecars.reserved_vcpu)} reserved")
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
    """Return what dollars are of, and where the price of a vCPU is from."""
    price = f"${projection.price.vcpu_month_usd:.4g} per vCPU-month ({projection.price.source})"
    return f"Dollars are of {projection.basis}, at {price}."


def component_lines(projection: Projection) -> Iterator[str]:
    """Return what each component uses, what the post would make of it, and what is left out."""
    everything = [item for mode in projection.modes for item in mode.components]
    # Modes share components.
    for part in {(item.role, item.count): item for item in everything}.values():
        yield f"{part.count:.0f} {part.role}: {fmt.ranged(part.vcpu)} vCPU ({part.provenance})"
    for reference in projection.references:
        if reference.name == BLOG and AMBIENT_WAYPOINT_ALL in reference.vcpu:
            yield (
                "The post's constants would give this mesh "
                f"{fmt.number(reference.vcpu[SIDECAR])} vCPU of sidecars and "
                f"{fmt.number(reference.vcpu[AMBIENT_WAYPOINT_ALL])} of ambient with waypoints "
                "everywhere, whatever its traffic."
            )
    if projection.references:
        yield "Not compared: istiod, gateways, and the work of moving."


def assumed(projection: Projection, name: str) -> tuple[Interval | None, str]:
    """Return the range of what was assumed, and its unit; a fitted figure has it in its name."""
    workings = projection.workings
    if workings is None:
        return None, ""
    assumption = workings.scenario.assumptions.get(name)
    if assumption:
        return assumption.value, assumption.unit
    return workings.parameters.waypoint_fit.get(name), ""
