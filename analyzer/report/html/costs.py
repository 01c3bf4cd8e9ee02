"""Tables of what the modes cost, and of what moves that."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.projection.choices import Basis
from analyzer.projection.result import Mode, NodeZtunnel, Projection, Sweep
from analyzer.report.html.cells import (
    NOT_KNOWN,
    Cell,
    Column,
    Row,
    Table,
    figure,
    interval,
    trimmed,
)
from analyzer.report.summary import IN_FULL, price_title
from analyzer.report.words import MODE_TITLES, dollars, number

__all__ = ["cost_tables"]

_BASIS_TITLES = {Basis.USAGE: "used", Basis.RESERVED: "reserved", Basis.BILLED: "billed"}

_SWEEP_TITLES = {
    "l7_share": ("namespaces that need L7", "If only some of the namespaces with HTTP need L7"),
    "waypoint_replicas": ("replicas of each waypoint", "If waypoints have more replicas"),
}


def cost_tables(projection: Projection) -> Iterator[Table]:
    """Return what each mode costs, what moves the saving, and what each node's ztunnel uses."""
    yield _modes(projection)
    yield from _sensitivity(projection)
    for sweep in projection.sweeps:
        yield _sweep(sweep)
    yield from _ztunnels(projection)


def _modes(projection: Projection) -> Table:
    known = [basis for basis in Basis if any(basis in mode.bases for mode in projection.modes)]
    pairs = [
        Column(title=f"{unit} {_BASIS_TITLES[basis]}")
        for basis in known
        for unit in ("vCPU", "USD a year,")
    ]
    return Table(
        anchor="cost",
        caption="What each mode needs and costs for the same traffic",
        columns=(
            Column(title="mode, and what its figures are"),
            *pairs,
            Column(title="GiB of memory"),
            Column(title="saved"),
            Column(title="saved, USD a year"),
        ),
        rows=tuple(tuple(_mode(mode, projection, known)) for mode in projection.modes),
        note=_note(projection, known),
    )


def _note(projection: Projection, known: list[Basis]) -> str:
    """Return what the figures of the table are of."""
    footprints = [item for mode in projection.modes for item in mode.bases.values()]
    has_range = any(item.vcpu.low < item.vcpu.high for item in footprints)
    price = projection.price
    sentences = [
        *(["Small figures: 90 % range."] if has_range else []),
        (
            f"Memory and savings are {IN_FULL[projection.basis]}; dollars at {price_title(price)} "
            f"({price.source})."
        ),
        *([] if Basis.RESERVED in known else ["What is reserved, and thus billed, is not known."]),
    ]
    return " ".join(sentences)


def _mode(mode: Mode, projection: Projection, known: list[Basis]) -> Iterator[Cell]:
    provenance = ", ".join(f"{item.role} {item.provenance}" for item in mode.components)
    yield Cell(text=MODE_TITLES[mode.name], detail=provenance)
    for basis in known:
        footprint = mode.bases.get(basis)
        yield interval(footprint.vcpu if footprint else None)
        yield interval(footprint.usd_per_year if footprint else None, dollars)
    yield interval(mode.bases[projection.basis].memory_gib)
    saving = next((item for item in projection.savings if item.mode == mode.name), None)
    nothing = Cell(text="" if mode == projection.modes[0] else NOT_KNOWN)
    yield interval(saving.percent, _percent) if saving else nothing
    yield interval(saving.usd_per_year, dollars) if saving else nothing


def _percent(value: float) -> str:
    # Adding 0 takes the sign off a zero.
    return f"{round(value, 1) + 0.0:.1f} %"


def _sensitivity(projection: Projection) -> Iterator[Table]:
    if not projection.sensitivity:
        return
    workings = projection.workings
    assumed = workings.scenario.assumptions if workings else {}
    fitted = workings.parameters.waypoint_fit if workings else {}
    rows = []
    for item in projection.sensitivity:
        name = item.assumption
        value = assumed[name].value if name in assumed else fitted.get(name)
        unit = assumed[name].unit if name in assumed else "by the fit; the unit is in the name"
        ends = (item.low_usd_per_year, item.high_usd_per_year)
        rows.append(
            (
                Cell(text=name),
                interval(value),
                *(Cell(text=dollars(end)) for end in ends),
                Cell(text=unit),
            )
        )
    yield Table(
        anchor="sensitivity",
        caption="What moves the saving with waypoints most, each alone",
        columns=(
            Column(title="assumption"),
            Column(title="value"),
            Column(title="USD saved at its low end"),
            Column(title="USD saved at its high end"),
            Column(title="unit", is_text=True),
        ),
        rows=tuple(rows),
    )


def _sweep(sweep: Sweep) -> Table:
    title, caption = _SWEEP_TITLES[sweep.name]
    is_share = sweep.name == "l7_share"
    return Table(
        anchor=sweep.name,
        caption=caption,
        columns=(Column(title=title), Column(title="saved, USD a year")),
        rows=tuple(
            (
                Cell(text=f"{point.choice:.0%}" if is_share else f"{point.choice:.0f}"),
                interval(point.usd_per_year, dollars),
            )
            for point in sweep.points
        ),
    )


def _ztunnels(projection: Projection) -> Iterator[Table]:
    if not projection.nodes:
        return
    rows, note = trimmed([_ztunnel(node) for node in projection.nodes], "nodes.csv")
    yield Table(
        anchor="ztunnels",
        caption="What the ztunnel of each node would use, the busiest first",
        columns=(
            Column(title="node"),
            Column(title="vCPU"),
            Column(title="requests/s"),
            Column(title="Gbit/s of TCP"),
        ),
        rows=rows,
        note=note,
    )


def _ztunnel(node: NodeZtunnel) -> Row:
    used = node.ztunnel_vcpu
    return (
        Cell(text=node.node),
        Cell(text=number(used.mid), detail=f"{number(used.low)} to {number(used.high)}"),
        figure(node.passes_rps),
        figure(node.gbit_per_second),
    )
