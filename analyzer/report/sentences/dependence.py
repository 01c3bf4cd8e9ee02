"""What the saving depends on, largest effect first, and what is measured and what assumed."""

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.data import BLOG
from analyzer.projection.choices import Basis, Placement, Scaling, Spread
from analyzer.projection.decision import Outcome
from analyzer.projection.hardware import REQUEST_COST, REQUEST_RATIO
from analyzer.projection.modes import AMBIENT_WAYPOINT_ALL, MODES, RIGHTSIZED, SIDECAR
from analyzer.projection.result import Price, Projection
from analyzer.projection.scenario import Scenario
from analyzer.projection.unseen import UNSEEN_TIME
from analyzer.report import format as fmt
from analyzer.report.sentences.control_plane import control_plane_line
from analyzer.report.sentences.projection import assumed, assumption_title
from analyzer.report.sentences.ztunnels import istio_cni_line
from analyzer.units import Provenance, Role

_PLACED: Final[Mapping[Placement, str]] = {
    Spread.OBSERVED: "a waypoint in each namespace with HTTP",
    Spread.ALL: "a waypoint in every namespace",
    Spread.NONE: "no waypoints",
}

_MOST: Final = 4  # of what the saving depends on; all of it is in the tables

_MOST_NAMED: Final = 3

_REPLICAS_OF_OTHERS: Final = (1, 3)
"""Replicas in both columns of the Solo.io post; one is also what Istio deploys by itself."""


def dependence_lines(projection: Projection) -> Iterator[str]:
    """Return what moves the saving most, then what lower CPU requests would save without moving.

    The replicas of others are always there: what decides the sign is often their number.
    """
    replicas = tuple(_by_replicas(projection))
    ranked = sorted(
        (*_by_l7_share(projection), *replicas, *_assumptions(projection)),
        key=lambda item: -item[0],
    )
    moving = [item for item in ranked if fmt.dollars(item[0]) != fmt.dollars(0)]
    shown = [item for place, item in enumerate(moving) if place < _MOST or item in replicas]
    yield from (text for _, text in shown)
    yield from _named(projection)
    yield from lower_requests(projection)


def _named(projection: Projection) -> Iterator[str]:
    """Return the names of the assumptions that matter most."""
    names = [
        assumption_title(item.assumption)
        for item in projection.sensitivity[:_MOST_NAMED]
        if fmt.dollars(item.low_usd_per_year) != fmt.dollars(item.high_usd_per_year)
    ]
    if len(names) > 1:
        yield f"Assumptions that move the saving most: {fmt.listed(names)}."


def _by_l7_share(projection: Projection) -> Iterator[tuple[float, str]]:
    sweep = projection.sweep_of("l7_share")
    none, every = map(sweep.at, (0, 1)) if sweep else (None, None)
    if none and every:
        count = int(projection.load.namespaces["has_http"].sum())
        those = "the one with HTTP does" if count == 1 else f"all {count:,} with HTTP do"
        text = (
            f"If no namespace needs a waypoint the saving is {fmt.usd(none)} a year; if {those}, "
            f"{fmt.usd(every)}."
        )
        yield none.mid - every.mid, text


def _by_replicas(projection: Projection) -> Iterator[tuple[float, str]]:
    sweep, workings = projection.sweep_of("waypoint_replicas"), projection.workings
    if sweep is None:
        return
    stated = [round(workings.scenario["waypoint_replicas"].mid)] if workings else []
    counts = sorted({*_REPLICAS_OF_OTHERS, *stated})
    savings = {each: saving for each in counts if (saving := sweep.at(each))}
    if len(savings) > 1:
        (few, least), *others = savings.items()
        parts = [f"with {each}, {fmt.usd(saving)}" for each, saving in others]
        text = (
            f"With {fmt.counted(few, 'replica')} per waypoint the saving is {fmt.usd(least)} a "
            f"year; {'; '.join(parts)}."
        )
        amounts = [saving.mid for saving in savings.values()]
        yield max(amounts) - min(amounts), text


def _assumptions(projection: Projection) -> Iterator[tuple[float, str]]:
    for item in projection.sensitivity:
        value, unit = assumed(projection, item.assumption)
        low, high = (fmt.dollars(at) for at in (item.low_usd_per_year, item.high_usd_per_year))
        if value:
            at_low, at_high = (fmt.number(end) for end in (value.low, value.high))
            text = (
                f"If the {assumption_title(item.assumption)} is {at_low} the saving is {low} a "
                f"year; if it is {at_high}, {high}.{f' Unit: {unit}.' if unit else ''}"
            )
            if item.assumption == UNSEEN_TIME:
                text = (
                    f"If unseen time was quiet ({at_low} {unit}) the saving is {low} a year; if it "
                    f"was busy ({at_high}), {high}."
                )
            yield abs(item.high_usd_per_year - item.low_usd_per_year), text


def lower_requests(projection: Projection, outcome: Outcome | None = None) -> Iterator[str]:
    """Return what lower CPU requests alone would save, if that is more than an outcome.

    An upper bound, for a window that is too short for a recommendation.
    """
    sidecars, bases = projection.load.sidecars, projection.modes[0].bases
    # Where requests were recommended, their saving has a row of its own.
    if projection.saving_of(RIGHTSIZED):
        return
    if sidecars is None or sidecars.reserved_vcpu is None or Basis.BILLED not in bases:
        return
    surplus = bases[Basis.BILLED].usd_per_year.mid - bases[Basis.USAGE].usd_per_year.mid
    least = outcome.usd_per_year.mid if outcome else 0
    if surplus > least and sidecars.reserved_vcpu > sidecars.vcpu:
        yield (
            "Alternative: keep the sidecars and lower their CPU requests to what they use, which "
            f"saves at most {fmt.dollars(surplus)} a year as billed."
        )


def origin_lines(projection: Projection) -> Iterator[str]:
    """Return which figures are measured, derived, published and assumed, and what is left out."""
    workings = projection.workings
    if workings:
        unseen = "" if projection.load.ranges.are_exact else "unseen time and "
        yield (
            f"How sure: the 90 % intervals cover {unseen}the ranges of measured, derived and "
            "published costs. They do not cover lines marked Assumed, warnings, or days unlike the "
            "measured."
        )
    yield from _by_provenance(projection)
    if workings:
        for text in _assumed(projection, workings.scenario):
            yield f"Assumed: {text}."
        if projection.istio_cni:
            yield istio_cni_line(projection.istio_cni)
        yield from control_plane_line(projection)
    elif projection.price.vcpu_month_usd_range:
        yield f"Assumed: {_priced(projection.price)}."
    yield from _post(projection)


def _by_provenance(projection: Projection) -> Iterator[str]:
    load = projection.load.sidecars
    measured = []
    if load:
        requests = ["sidecar CPU requests"] if load.reserved_vcpu is not None else []
        measured = ["sidecar CPU used", *requests, "request rates"]
    roles = {
        item.role: item.provenance
        for mode in projection.modes
        for item in mode.components
        if MODES[mode.name].is_ambient
    }
    for provenance in Provenance:
        costs = [f"{role} cost" for role, known in roles.items() if known == provenance]
        parts = {
            Provenance.MEASURED: measured + costs,
            Provenance.DERIVED: [f"{cost}{_derivation(projection, cost)}" for cost in costs],
            Provenance.PUBLISHED: costs if load else ["all figures"],
        }[provenance]
        if parts:
            yield f"{str(provenance).capitalize()}: {fmt.listed(parts)}."


def _derivation(projection: Projection, cost: str) -> str:
    workings = projection.workings
    if workings is None:
        return " (measured in part)"
    if cost == f"{Role.WAYPOINT} cost":
        ratio = workings.scenario["waypoint_to_sidecar_ratio"]
        return f" (sidecar cost times an assumed {fmt.ranged(ratio)})"
    if not workings.parameters.following:
        return " (measured in part)"
    parts = ["measured in part"] if _is_measured_in_part(workings.scenario) else []
    if REQUEST_COST in workings.parameters.following:
        times = f"times an assumed {fmt.ranged(workings.scenario[REQUEST_RATIO])}"
        parts.append(f"per request a sidecar's cost {times}")
    others = [name for name in workings.parameters.following if name != REQUEST_COST]
    parts += ["published costs scaled to this hardware"] if others else []
    return f" ({fmt.listed(parts)})"


def _is_measured_in_part(scenario: Scenario) -> bool:
    ztunnels = (item for item in scenario.assumptions.values() if item.name.startswith("ztunnel"))
    return any(item.is_measured for item in ztunnels)


def _assumed(projection: Projection, scenario: Scenario) -> Iterator[str]:
    replicas = fmt.counted(round(scenario["waypoint_replicas"].mid), "replica")
    placed = _PLACED.get(scenario.waypoint_placement, "waypoints where the scenario places them")
    scaled = scenario.waypoint_scaling == Scaling.HPA
    follows = ", as many as each interval needs" if scaled else ""
    yield f"{placed}, at least {replicas} per waypoint{follows}"
    ztunnel = scenario["ztunnel_reserved_vcpu_per_node"].mid
    ambient = (part for mode in projection.modes for part in mode.components)
    busiest = [part.hottest_vcpu for part in ambient if part.role == Role.ZTUNNEL]
    ztunnel = max([ztunnel, *(known.mid for known in busiest if known)])
    with_cni = ""
    if projection.istio_cni and not projection.istio_cni.is_installed:
        ztunnel += scenario["istio_cni_reserved_vcpu_per_node"].mid
        with_cni = " with istio-cni"
    waypoint = scenario["waypoint_reserved_vcpu_per_replica"].mid
    yield (
        f"CPU requests of {fmt.number(ztunnel)} vCPU per ztunnel{with_cni} and "
        f"{fmt.number(waypoint)} vCPU per waypoint replica"
    )
    yield _priced(projection.price, zones=_pays_for_zones(projection))


def _pays_for_zones(projection: Projection) -> bool:
    found = projection.zone_transfer
    return found is not None and found.choices[0].transfer_usd_per_year.mid > 0


def _priced(price: Price, *, zones: bool = False) -> str:
    ranged = "; the ranges of dollars cover its range" if price.vcpu_month_usd_range else ""
    memory = "" if price.memory_gib_month_usd else "; memory has no price of its own"
    but = " but that of traffic between zones" if zones else ""
    return f"{fmt.price(price)}; every dollar figure{but} scales with it{ranged}{memory}"


def _post(projection: Projection) -> Iterator[str]:
    for reference in projection.references:
        if reference.name == BLOG and AMBIENT_WAYPOINT_ALL in reference.vcpu:
            yield (
                f"For comparison, {reference.title} would give this mesh "
                f"{fmt.number(reference.vcpu[SIDECAR])} vCPU in sidecar mode and "
                f"{fmt.number(reference.vcpu[AMBIENT_WAYPOINT_ALL])} vCPU in ambient with "
                "waypoints everywhere. It gives every pod the same CPU at any traffic."
            )
