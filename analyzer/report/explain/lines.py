"""The lines of an explanation: arithmetic, and the sources of its figures.

Arithmetic is "label: expression = result unit", with six digits, in plain text. A figure comes from
a query of this Prometheus, the fit, a document, or the user.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from analyzer.arrays import Floats
from analyzer.calibration.result import RoleCalibration
from analyzer.data import assumptions
from analyzer.projection.choices import Basis
from analyzer.projection.components import COMPONENTS
from analyzer.projection.needs import Need, Units
from analyzer.projection.scenario import Scenario
from analyzer.report.escapes import inert
from analyzer.units import Interval, Provenance

_TERMS: Final = 10
"""Terms of a sum in one line; a longer sum is divided into parts."""

_LARGEST_WHOLE: Final = 1e15


def figure(value: float) -> str:
    """Return a number with six significant digits, never as a power of ten.

    >>> [figure(value) for value in (0.00804512345, 1628384.25, 22.0, 0.0, 22603)]
    ['0.00804512', '1628380', '22', '0', '22603']
    """
    if float(value).is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    return format(Decimal(f"{value:.6g}"), "f")


def spread(value: Interval) -> str:
    """Return a figure with its range, if it has one.

    >>> spread(Interval(low=0.5, mid=1, high=2))
    '1 (0.5 to 2)'
    """
    if value.low == value.high:
        return figure(value.mid)
    return f"{figure(value.mid)} ({figure(value.low)} to {figure(value.high)})"


def equation(label: str, how: str, terms: Iterable[float], result: float, unit: str) -> str:
    """Return one line that can be recalculated by hand; the terms fill the braces of `how`."""
    return f"  {label}: {how.format(*map(figure, terms))} = {figure(result)} {unit}"


def total(label: str, terms: Iterable[float], result: float, unit: str) -> Iterator[str]:
    """Return a sum, in parts if it is long."""
    parts = list(terms)
    while len(parts) > _TERMS:
        chunks = [parts[at : at + _TERMS] for at in range(0, len(parts), _TERMS)]
        parts = [sum(chunk) for chunk in chunks]
        for number, (chunk, part) in enumerate(zip(chunks, parts, strict=True), start=1):
            yield equation(f"{label}, part {number}", plus(chunk), (), part, unit)
    yield equation(label, plus(parts) or "0", (), result, unit)


def plus(terms: Iterable[float]) -> str:
    """Return a sum in writing."""
    return " + ".join(map(figure, terms))


def assumed(scenario: Scenario, *names: str) -> Iterator[str]:
    """Return each assumption with its range and its source."""
    for name in names:
        item = scenario.assumptions[name]
        if item == assumptions()[name]:
            origin = f"{item.source} ({Provenance.PUBLISHED})"
        elif item.is_derived:
            origin = f"{item.source} ({Provenance.DERIVED})"
        else:
            origin = Provenance.MEASURED if item.is_measured else f"stated in {item.source}"
        yield f"  {name} is {spread(item.value)}. Unit: {item.unit}. Source: {inert(origin)}."


def fitted(role: RoleCalibration) -> Iterator[str]:
    """Return the fitted costs of a role, with their ranges."""
    yield (
        f"  {role.role}, by the fit: {spread(role.idle_vcpu_per_proxy)} vCPU idle and "
        f"{spread(role.vcpu_per_1000_rps)} vCPU per 1000 requests/s "
        f"({role.provenance}; {inert(role.model)})"
    )


def query_file(name: str) -> str:
    """Return the file of a query."""
    return f"queries/{name}.promql"


def component_lines(need: Need) -> Iterator[str]:
    """Return the need of a component without its own explanation."""
    yield f"{COMPONENTS[need.role].plural.capitalize()} ({need.provenance})"
    yield f"  used: {figure(need.vcpu[Basis.USAGE][0])} vCPU"
    yield from sum_lines(need)


def sum_lines(need: Need) -> Iterator[str]:
    """Return what a component requests, what is billed, and its memory."""
    units, count = need.units, need.count
    if units is None:
        return
    each = count, units.reserved_vcpu
    yield equation("requested", "{} x {}", each, need.vcpu[Basis.RESERVED][0], "vCPU")
    yield from _billed("billed", units, units.used_vcpu, each[1], need.vcpu[Basis.BILLED][0])
    used, reserved = units.used_memory_gib, units.reserved_memory_gib
    gib = {basis: float(amounts[0]) for basis, amounts in need.memory_gib.items()}
    terms = [part for part in units.unit_count * used if part]
    if len(set(used)) == 1:
        yield equation("memory", "{} x {}", (count, used[0]), gib[Basis.USAGE], "GiB")
    else:
        yield from total("memory", terms, gib[Basis.USAGE], "GiB")
    yield equation("memory requested", "{} x {}", (count, reserved), gib[Basis.RESERVED], "GiB")
    yield from _billed("memory billed", units, used, reserved, gib[Basis.BILLED], unit="GiB")


def _billed(
    label: str, units: Units, of_each: Floats, reserved: float, billed: float, unit: str = "vCPU"
) -> Iterator[str]:
    """Name those that use more than they request; the others are billed what they request."""
    rows = list(zip(units.names, units.unit_count, of_each, strict=True))
    above = [row for row in rows if row[1] > 0 and row[2] > reserved]
    below = sum(times for _, times, used in rows if used <= reserved)
    for name, times, used in above:
        line = f"{label}, {inert(name)} uses more than it requests"
        yield equation(line, "{} x max({}, {})", (times, used, reserved), times * used, unit)
    requested, line = below * reserved, f"{label}, all that use less"
    yield equation(line, "{} x {}", (below, reserved), requested, unit)
    yield from total(label, [requested, *(times * used for _, times, used in above)], billed, unit)
