"""What ztunnels and waypoint replicas add up to, on each basis."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.projection.components import COMPONENTS
from analyzer.projection.needs import Need, Units
from analyzer.projection.scenario import Basis
from analyzer.report.explain.lines import equation, figure, total
from analyzer.report.words import inert

__all__ = ["component_lines", "sum_lines"]


def component_lines(need: Need) -> Iterator[str]:
    """Return what a component needs of which no more is known than that."""
    yield f"{COMPONENTS[need.role].plural.capitalize()} ({need.provenance})"
    yield f"  used: {figure(need.vcpu[Basis.USAGE][0])} vCPU"
    yield from sum_lines(need)


def sum_lines(need: Need) -> Iterator[str]:
    """Return what a component needs beyond what it uses: reserved and billed, and memory."""
    units = need.units
    if units is None:
        return
    vcpu, memory_gib = need.vcpu, need.memory_gib
    count, each = figure(need.count), figure(units.reserved_vcpu)
    yield equation("reserved", f"{count} x {each}", vcpu[Basis.RESERVED][0], "vCPU")
    yield from _billed(units, float(vcpu[Basis.BILLED][0]))
    used, reserved = figure(units.used_memory_gib), figure(units.reserved_memory_gib)
    for label, expression, basis in (
        ("memory", f"{count} x {used}", Basis.USAGE),
        ("memory reserved", f"{count} x {reserved}", Basis.RESERVED),
        ("memory billed", f"{count} x max({used}, {reserved})", Basis.BILLED),
    ):
        yield equation(label, expression, memory_gib[basis][0], "GiB")


def _billed(units: Units, billed_vcpu: float) -> Iterator[str]:
    """Name those that use more than they reserve; the others are billed what they reserve."""
    rows = list(zip(units.names, units.unit_count, units.used_vcpu, strict=True))
    above = [row for row in rows if row[1] > 0 and row[2] > units.reserved_vcpu]
    below = sum(times for _, times, used in rows if used <= units.reserved_vcpu)
    for name, times, used in above:
        yield equation(
            f"billed, {inert(name)} uses more than is reserved",
            f"{figure(times)} x max({figure(used)}, {figure(units.reserved_vcpu)})",
            times * used,
            "vCPU",
        )
    at_rest = below * units.reserved_vcpu
    others = f"{figure(below)} x {figure(units.reserved_vcpu)}"
    yield equation("billed, those that use less", others, at_rest, "vCPU")
    terms = [at_rest, *(times * used for _, times, used in above)]
    yield from total("billed", terms, billed_vcpu, "vCPU")
