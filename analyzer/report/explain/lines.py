"""Lines that every explanation is made of: arithmetic, and where its figures come from.

Arithmetic is "what it is: how = how much unit", to six digits, in plain text. A figure comes from a
query of this Prometheus, the fit, a page, or the user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from analyzer.calibration.result import RoleCalibration
from analyzer.data import assumptions
from analyzer.measurement.manifest import Manifest
from analyzer.projection.components import COMPONENTS
from analyzer.projection.needs import Need, Units
from analyzer.projection.scenario import Basis, Scenario
from analyzer.report import format as fmt
from analyzer.units import Interval, Provenance

_TERMS: Final = 10
"""Terms of a sum in one line; a longer one is added up in parts."""

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
    """Return a figure with its 90 % range, where it has one."""
    if value.low == value.high:
        return figure(value.mid)
    return f"{figure(value.mid)} [{figure(value.low)} to {figure(value.high)}]"


def equation(label: str, expression: str, result: float, unit: str) -> str:
    """Return one line that can be redone by hand."""
    return f"  {label}: {expression} = {figure(result)} {unit}"


def total(label: str, terms: Sequence[float], result: float, unit: str) -> Iterator[str]:
    """Return a sum, in parts where it is long."""
    parts = list(terms)
    while len(parts) > _TERMS:
        chunks = [parts[at : at + _TERMS] for at in range(0, len(parts), _TERMS)]
        parts = [sum(chunk) for chunk in chunks]
        for number, (chunk, part) in enumerate(zip(chunks, parts, strict=True), start=1):
            yield equation(f"{label}, part {number}", plus(chunk), part, unit)
    yield equation(label, plus(parts) or "0", result, unit)


def plus(terms: Sequence[float]) -> str:
    """Return a sum as it is written."""
    return " + ".join(map(figure, terms))


def per_month(amount: str) -> str:
    """Return the unit of what so much of a thing costs in a month."""
    return f"USD per {amount}-month"


def weighted_mean(
    label: str, weighted: Sequence[tuple[str, float, float]], result: float, amount: str
) -> Iterator[str]:
    """Return a mean price: a line for each (name, amount, price), and then the quotient."""
    products = [weight * value for _, weight, value in weighted]
    for (name, weight, value), product in zip(weighted, products, strict=True):
        yield equation(
            f"{label}, {name}, amount x price",
            f"{figure(weight)} x {figure(value)}",
            product,
            "USD",
        )
    weights = [weight for _, weight, _ in weighted]
    yield from total(f"{label}, together", products, sum(products), "USD")
    yield from total(f"{label}, amounts together", weights, sum(weights), amount)
    quotient = f"{figure(sum(products))} / {figure(sum(weights))}"
    yield equation(label, quotient, result, per_month(amount))


def assumed(scenario: Scenario, *names: str) -> Iterator[str]:
    """Return each assumption with its range and where it comes from."""
    for name in names:
        item = scenario.assumptions[name]
        if item == assumptions()[name]:
            origin = f"{Provenance.PUBLISHED}: {item.source}"
        elif item.is_measured:
            origin = str(Provenance.MEASURED)
        else:
            origin = f"stated in {item.source}"
        yield f"  {name} is {spread(item.value)} {item.unit} ({fmt.inert(origin)})"


def fitted(role: RoleCalibration) -> Iterator[str]:
    """Return what the fit found of a role, with its range."""
    yield (
        f"  {role.role}, by the fit: {spread(role.idle_vcpu_per_proxy)} vCPU at rest and "
        f"{spread(role.vcpu_per_1000_rps)} for 1000 requests/s more "
        f"({role.provenance}; {fmt.inert(role.model)})"
    )


def query_file(name: str) -> str:
    """Return the file of a query."""
    return f"queries/{name}.promql"


def cpu_query(manifest: Manifest | None) -> str:
    """Return the file of the query that the CPU comes from: the counter, or the rule of it."""
    is_recorded = manifest is not None and manifest.label_mapping.is_recorded
    return query_file("proxy_recorded_cpu_vcpu" if is_recorded else "proxy_cpu_vcpu")


def component_lines(need: Need) -> Iterator[str]:
    """Return what a component needs that has no explanation of its own."""
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
            f"billed, {fmt.inert(name)} uses more than is reserved",
            f"{figure(times)} x max({figure(used)}, {figure(units.reserved_vcpu)})",
            times * used,
            "vCPU",
        )
    at_rest = below * units.reserved_vcpu
    others = f"{figure(below)} x {figure(units.reserved_vcpu)}"
    yield equation("billed, those that use less", others, at_rest, "vCPU")
    terms = [at_rest, *(times * used for _, times, used in above)]
    yield from total("billed", terms, billed_vcpu, "vCPU")
