"""What each mode costs a year, and what it is made of."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from analyzer.data import BLOG
from analyzer.projection.choices import Basis
from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, AMBIENT_WAYPOINT_ALL, SIDECAR
from analyzer.projection.result import Component, Mode, Price, Projection, Reference
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
from analyzer.units import MONTHS_PER_YEAR, Refusal

_ROW_INCHES = 0.34

_ROOM = 1.45
"""How much longer than the longest bar the axis is, so that the figures at its right fit."""

_NAME_WIDTH = 24


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw a bar a mode, stacked by component, with its 90 % interval.

    What published constants say of the same mesh has a panel and a scale of its own: next to it,
    what was measured would be too short to see.
    """
    projection = answer.projection
    if projection is None:
        return style.nothing_to_draw("cost", "nothing was projected")
    rows = [(item, mode) for item in projection.references for mode in item.component_vcpu]
    lower_inches = len(rows) * _ROW_INCHES
    upper_inches = max(len(projection.modes), 2) * 0.7
    height = upper_inches + 1.7 + (lower_inches + 0.7 if rows else 0.0)
    figure, axes = style.new_figure(height_inches=height)
    panels = [axes]
    if rows:
        panels.append(style.panel_below(figure, axes, (upper_inches, lower_inches)))
        # As theirs: of the CPU alone, at one price for all.
        vcpu_year_usd = projection.price.vcpu_month_usd * MONTHS_PER_YEAR
        measured = projection.modes[0].bases[Basis.USAGE].vcpu.mid * vcpu_year_usd
        _published_panel(panels[1], rows, measured)
    _modes(axes, projection)
    for panel in panels:
        style.numbers(panel.xaxis, "${:,.0f}".format, most=5)
    price, memory = projection.price, ""
    if price.memory_gib_month_usd:
        memory = f" and ${price.memory_gib_month_usd:g} a GiB-month"
    axes.set_xlabel(f"USD a year, as used, at ${price.vcpu_month_usd:g} a vCPU-month{memory}")
    style.legend_below(figure, *panels, columns=5)
    return style.titled(figure, _savings(projection), _post_cost(projection.references))


def _savings(projection: Projection) -> str:
    """Return what ambient saves with and without waypoints."""
    savings = {item.mode: item for item in projection.savings}
    least = savings.get(AMBIENT_L4)
    most = savings.get(AMBIENT_WAYPOINT) or savings.get(AMBIENT_WAYPOINT_ALL)
    if least is None or most is None:
        return "What the sidecars cost"
    where = "where HTTP is" if AMBIENT_WAYPOINT in savings else "everywhere"
    basis = "" if projection.basis == Basis.USAGE else f" (of dollars as {projection.basis})"
    return (
        f"Ambient {fmt.saving(least.percent, 's')} without waypoints;\n"
        f"with waypoints {where} it {fmt.saving(most.percent, 's')}{basis}"
    )


def _post_cost(references: Sequence[Reference]) -> str:
    post = next((item.usd_per_year for item in references if item.name == BLOG), None)
    if post is None:
        return "published constants, stated size"
    costs = [fmt.dollars(post[name]) for name in (SIDECAR, AMBIENT_WAYPOINT_ALL) if name in post]
    return f"the post's constants give this mesh {' and '.join(costs)}"


def _modes(axes: Axes, projection: Projection) -> None:
    modes = projection.modes
    for row, mode in enumerate(modes):
        _bar(axes, row, mode, projection)
    longest = max(mode.bases[Basis.USAGE].usd_per_year.high for mode in modes)
    # Where nothing costs anything, an axis needs a length all the same.
    axes.set_xlim(0, longest * _ROOM or 1)
    style.rows_named(axes, [fmt.MODE_TITLES[mode.name].replace(", ", ",\n") for mode in modes])


def _bar(axes: Axes, row: int, mode: Mode, projection: Projection) -> None:
    usage = mode.bases[Basis.USAGE]
    low, mid, high = usage.usd_per_year.low, usage.usd_per_year.mid, usage.usd_per_year.high
    parts = {str(item.role): _vcpu_usd(item, projection.price) for item in mode.components}
    memory = mid - sum(parts.values())
    if memory > mid * 1e-9:
        parts["memory"] = memory
    style.stacked(axes, row, parts.items())
    if low < high:
        axes.errorbar(mid, row, xerr=[[mid - low], [high - mid]], color=style.INK, capsize=3, lw=1)
    text = f"  {fmt.dollars(mid)}  ({fmt.number(usage.vcpu.mid)} vCPU)"
    axes.text(high, row, text, va="center", fontsize=9, color=style.INK)


def _vcpu_usd(item: Component, price: Price) -> float:
    """Return what a component's CPU costs a year, at the price of the nodes that it is on."""
    month_usd = price.vcpu_month_usd
    if item.need.month_usd is not None:
        month_usd = float(item.need.month_usd[Basis.USAGE][0][0])
    return item.vcpu.mid * month_usd * MONTHS_PER_YEAR


def _published_panel(
    axes: Axes, rows: Sequence[tuple[Reference, str]], measured_usd: float
) -> None:
    """Draw a bar a row, stacked by component, and a line at what the sidecars were measured at."""
    for row, (reference, mode) in enumerate(rows):
        usd, vcpu = reference.usd_per_year[mode], reference.vcpu[mode]
        scale = usd / vcpu if vcpu else 0.0
        parts = ((str(role), scale * part) for role, part in reference.component_vcpu[mode].items())
        style.stacked(axes, row, parts, height=0.62)
        text = f"{fmt.dollars(usd)}  ({fmt.number(vcpu)} vCPU)"
        style.beside(axes, text, (usd, row), (5, 0), paper=style.PAPER)
    label = f"sidecars of this mesh, {fmt.dollars(measured_usd)}"
    axes.axvline(measured_usd, color=style.COLOURS["fit"], lw=1.4, ls="--", label=label)
    longest = max(reference.usd_per_year[mode] for reference, mode in rows)
    axes.set_xlim(0, max(longest, measured_usd) * _ROOM or 1)
    style.rows_named(axes, [_name(*row) for row in rows], fontsize=8)
    axes.set_title("Published figures for the same mesh", loc="left", fontsize=10, color=style.INK)
    axes.set_xlabel("USD a year, at the same price of a vCPU")


def _name(reference: Reference, mode: str) -> str:
    # Years and remarks in brackets do not fit at the left of a bar.
    title = "the post" if reference.name == BLOG else reference.title.split(" (")[0]
    name = fmt.MODE_TITLES.get(mode, mode).replace(", ", ",\n")
    return f"{fmt.shortened(title, _NAME_WIDTH)}: {name}"
