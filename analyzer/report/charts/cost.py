"""What each mode costs a year, and what it is made of."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analyzer.data import BLOG
from analyzer.projection.result import Mode, Projection, Reference
from analyzer.projection.scenario import Basis
from analyzer.report.answer import Answer
from analyzer.report.charts.style import COLOURS, INK, new_figure, titled
from analyzer.report.words import MODE_TITLES, number, percent
from analyzer.units import MONTHS_PER_YEAR

__all__ = ["cost_chart"]


def cost_chart(answer: Answer) -> Figure | None:
    """Draw a bar a mode, stacked by component, with its 90 % interval.

    The post's constants applied to the same mesh are told in words: they would not fit the scale.
    """
    projection = answer.projection
    if projection is None:
        return None
    figure, axes = new_figure()
    modes = projection.modes
    labels = [MODE_TITLES[mode.name].replace(", ", ",\n") for mode in modes]
    for row, mode in enumerate(modes):
        _bar(axes, row, mode, projection)
    longest = max(_usage_usd(mode)[2] for mode in modes)
    axes.set_xlim(0, longest * 1.3)
    axes.set_yticks(range(len(modes)), labels)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${value:,.0f}"))
    axes.set_xlabel(f"USD a year, as used, at ${projection.price.vcpu_month_usd:g} a vCPU-month")
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axes.legend(unique.values(), unique.keys(), loc="lower right", frameon=False, fontsize=9)
    titled(axes, _finding(projection), _post_detail(projection))
    return figure


def _bar(axes: Axes, row: int, mode: Mode, projection: Projection) -> None:
    usd_per_vcpu = projection.price.vcpu_month_usd * MONTHS_PER_YEAR
    left = 0.0
    for component in mode.components:
        width = component.vcpu.mid * usd_per_vcpu
        axes.barh(row, width, left=left, color=COLOURS[component.role], label=component.role)
        left += width
    low, mid, high = _usage_usd(mode)
    if low < high:
        axes.errorbar(mid, row, xerr=[[mid - low], [high - mid]], color=INK, capsize=3, lw=1)
    vcpu = mode.bases[Basis.USAGE].vcpu.mid
    text = f"  ${mid:,.0f}  ({number(vcpu)} vCPU)"
    axes.text(high, row, text, va="center", fontsize=9, color=INK)


def _usage_usd(mode: Mode) -> tuple[float, float, float]:
    usd = mode.bases[Basis.USAGE].usd_per_year
    return usd.low, usd.mid, usd.high


def _finding(projection: Projection) -> str:
    savings = {item.mode: item for item in projection.savings}
    least = savings.get("ambient-l4")
    most = savings.get("ambient-waypoint") or savings.get("ambient-waypoint-all")
    if least is None or most is None:
        return "What the sidecars cost"
    where = "where HTTP is" if "ambient-waypoint" in savings else "everywhere"
    change = "saves" if most.percent.mid >= 0 else "costs"
    return (
        f"Ambient saves {percent(least.percent)} without waypoints;\n"
        f"with waypoints {where} it {change} {_magnitude(most.percent.mid)}"
        f"{'' if change == 'saves' else ' more'}"
    )


def _magnitude(value: float) -> str:
    return f"{abs(value):.0f} %"


def _post_detail(projection: Projection) -> str:
    post: Reference | None = next(
        (item for item in projection.references if item.name == BLOG), None
    )
    if post is None or "ambient-waypoint-all" not in post.vcpu:
        return "published constants, stated size"
    sidecar, ambient = post.usd_per_year["sidecar"], post.usd_per_year["ambient-waypoint-all"]
    return f"the post's constants give this mesh ${sidecar:,.0f} and ${ambient:,.0f}"
