"""What each mode costs per year, by component, and what published figures give instead."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from matplotlib.axes import Axes

from analyzer.data import BLOG
from analyzer.projection.choices import Basis
from analyzer.projection.modes import (
    AMBIENT_L4,
    AMBIENT_WAYPOINT,
    AMBIENT_WAYPOINT_ALL,
    RIGHTSIZED,
    SIDECAR,
)
from analyzer.projection.result import Component, Mode, Price, Projection, Reference
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.units import MONTHS_PER_YEAR, Refusal

_ROW_INCHES: Final = 0.34

_ROOM: Final = 1.45
"""How much longer than the longest bar the upper axis is, so that the figures beside it fit."""

_NAME_WIDTH: Final = 24

_CUT_FROM: Final = 2
"""A gap of this factor between two bars is worth a cut."""

_CUT_ROOM: Final = 1.15

_READING: Final = (
    "Each bar is the best estimate, divided by kind of proxy. The thin line across its end is the "
    "90 % interval. A bar with a gap is longer than the axis."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw a bar for each mode, stacked by component, with its 90 % interval.

    Published figures for the same mesh have their own panel and scale: on a shared scale the
    measured bars would be too short to see.
    """
    projection = answer.projection
    if projection is None:
        return style.nothing_to_draw("cost", "Nothing was projected.")
    rows = [(item, mode) for item in projection.references for mode in item.component_vcpu]
    lower_inches = len(rows) * _ROW_INCHES
    upper_inches = max(len(projection.modes), 2) * 0.7
    height = upper_inches + 1.7 + (lower_inches + 0.7 if rows else 0.0)
    figure, axes = style.new_figure(height_inches=height)
    panels = [axes]
    if rows:
        panels.append(parts.panel_below(figure, axes, (upper_inches, lower_inches)))
        # Published figures are of used CPU alone, at one price.
        vcpu_year_usd = projection.price.vcpu_month_usd * MONTHS_PER_YEAR
        measured = projection.modes[0].bases[Basis.USAGE].vcpu.mid * vcpu_year_usd
        _published_panel(panels[1], rows, measured)
    _modes(axes, projection)
    for panel in panels:
        parts.numbers(panel.xaxis, "${:,.0f}".format, most=5)
    axes.set_xlabel(
        f"cost in USD per year, {fmt.AS_BASIS[projection.basis]}, at {fmt.price(projection.price)}"
    )
    has_zones = any(map(_between_zones_usd, projection.modes))
    parts.legend_below(figure, *panels, columns=4 if has_zones else 5)
    detail = _post_cost(projection.references)
    return style.titled(figure, _savings(projection), detail, reading=_READING)


def _savings(projection: Projection) -> str:
    """Return what right-sizing saves, and the least and the most of ambient."""
    found = {item.mode: item.percent for item in projection.savings}
    most = next((name for name in (AMBIENT_WAYPOINT, AMBIENT_WAYPOINT_ALL) if name in found), None)
    if AMBIENT_L4 not in found or most is None:
        usd = fmt.dollars(projection.modes[0].usd_per_year.mid)
        return f"{fmt.capital(fmt.MODE_TITLES[SIDECAR])}: {usd} per year"
    claims = [
        f"{fmt.MODE_TITLES[name]} {fmt.saving(found[name], 's')}"
        for name in (RIGHTSIZED, AMBIENT_L4, most)
        if name in found
    ]
    return fmt.capital(";\n".join(claims) + f", {fmt.AS_BASIS[projection.basis]}")


def _post_cost(references: Sequence[Reference]) -> str:
    post = next((item for item in references if item.name == BLOG), None)
    if post is None:
        return "Hypothetical mesh, published benchmarks"
    costs = [
        f"{fmt.MODE_TITLES[name]} {fmt.usd(post.usd_interval(name))}"
        for name in (SIDECAR, AMBIENT_WAYPOINT_ALL)
        if name in post.usd_per_year
    ]
    return f"With the figures of the {style.POST}: {'; '.join(costs)}"


def _modes(axes: Axes, projection: Projection) -> None:
    modes = projection.modes
    for row, mode in enumerate(modes):
        _bar(axes, row, mode, projection)
    longest = max(mode.usd_per_year.high for mode in modes)
    # Where nothing costs anything, the axis still needs a length.
    axes.set_xlim(0, longest * _ROOM or 1)
    parts.rows_named(axes, [_on_two_lines(fmt.MODE_TITLES[mode.name]) for mode in modes])


def _on_two_lines(name: str) -> str:
    return name.replace(", ", ",\n")


def _bar(axes: Axes, row: int, mode: Mode, projection: Projection) -> None:
    low, mid, high = mode.usd_per_year.low, mode.usd_per_year.mid, mode.usd_per_year.high
    usd = {
        str(item.role): _vcpu_usd(item, projection.basis, projection.price)
        for item in mode.components
    }
    between_zones = _between_zones_usd(mode)
    memory = mid - sum(usd.values()) - between_zones
    if memory > mid * 1e-9:
        usd["memory"] = memory
    if between_zones > 0:
        usd[style.BETWEEN_ZONES] = between_zones
    parts.stacked(axes, row, usd.items())
    if low < high:
        parts.range_bar(axes, row, mode.usd_per_year)
    text = f"  {fmt.dollars(mid)}  ({fmt.number(mode.vcpu.mid)} vCPU)"
    axes.text(high, row, text, va="center", fontsize=9, color=style.INK)


def _between_zones_usd(mode: Mode) -> float:
    return mode.transfer.usd_per_year.mid if mode.transfer else 0.0


def _vcpu_usd(item: Component, basis: Basis, price: Price) -> float:
    """Return what a component's CPU costs per year, at the price of the nodes it runs on."""
    month_usd = price.vcpu_month_usd
    if item.need.month_usd is not None:
        month_usd = float(item.need.month_usd[basis][0][0])
    return float(item.need.vcpu[basis][0]) * month_usd * MONTHS_PER_YEAR


def _published_panel(
    axes: Axes, rows: Sequence[tuple[Reference, str]], measured_usd: float
) -> None:
    """Draw a bar for each row, stacked by component, and a line at the measured sidecars' cost.

    The longest bars are cut where they would make all others too short to compare.
    """
    costs = [reference.usd_interval(mode) for reference, mode in rows]
    limit = cut_at([usd.high for usd in costs], measured_usd)
    for row, (reference, mode) in enumerate(rows):
        vcpu, cost = reference.vcpu[mode], costs[row]
        scale = cost.mid / vcpu if vcpu else 0.0
        by_role = reference.component_vcpu[mode].items()
        usd = ((str(role), scale * part) for role, part in by_role)
        parts.stacked(axes, row, _within(usd, limit), height=0.62)
        if cost.high > limit:
            _gap(axes, row, limit)
        elif cost.low < cost.high:
            parts.range_bar(axes, row, cost)
        # In a column of their own, through which no line passes.
        axes.annotate(
            f"{fmt.dollars(cost.mid)}  ({fmt.number(vcpu)} vCPU)",
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=style.INK,
        )
    label = f"sidecars of this mesh, used CPU: {fmt.dollars(measured_usd)}"
    axes.axvline(measured_usd, color=style.COLOURS["fit"], lw=1.4, ls="--", label=label)
    axes.set_xlim(0, limit or 1)
    parts.rows_named(axes, [_name(*row) for row in rows], fontsize=8)
    count = sum(usd.high > limit for usd in costs)
    cut = f" ({fmt.counted(count, 'bar')} cut short)" if count else ""
    axes.set_title(f"Published figures for the same mesh{cut}", loc="left", fontsize=10)
    axes.set_xlabel("cost in USD per year, as used, at the same price of a vCPU")


def cut_at(costs: Sequence[float], measured: float) -> float:
    """Return where an axis ends that keeps the short bars comparable.

    It holds all costs, unless the longest ones are beyond a wide gap. `measured` is always inside.
    """
    ranked = sorted({measured, *costs})
    gaps = [
        (more / less, less)
        for less, more in pairwise(ranked)
        # Most bars stay whole.
        if less >= measured and less > 0 and 2 * sum(cost > less for cost in costs) < len(costs)
    ]
    factor, below = max(gaps, default=(0.0, 0.0))
    longest = below if factor >= _CUT_FROM else ranked[-1]
    return longest * _CUT_ROOM


def _within(shares: Iterable[tuple[str, float]], limit: float) -> Iterable[tuple[str, float]]:
    """Yield the parts of a bar as far as the axis reaches."""
    left = 0.0
    for name, width in shares:
        if left < limit:
            yield name, min(width, limit - left)
        left += width


def _gap(axes: Axes, row: int, limit: float) -> None:
    """Mark a bar as cut: a white gap that slants through it."""
    slant = [(-0.5, -1.0), (0.5, 1.0)]
    axes.plot(0.95 * limit, row, marker=slant, ms=22, mew=4, color="white", ls="", zorder=4)


def _name(reference: Reference, mode: str) -> str:
    # Years and remarks in brackets do not fit at the left of a bar.
    title = style.POST if reference.name == BLOG else reference.title.split(" (")[0]
    name = _on_two_lines(fmt.MODE_TITLES.get(mode, mode))
    return f"{fmt.shortened(title, _NAME_WIDTH)}: {name}"
