"""What each workload's sidecars cost, idle and per request, with 90 % intervals."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.sentences.calibration import post_vcpu
from analyzer.units import Interval, Provenance, Refusal

_ROWS = 24
_NAME_WIDTH = 36
_BORROWED_SHARE = 0.5
_WILD_FACTOR = 4
"""A value above so many times the median would squeeze all others."""

_READING = (
    "Each row is a workload: its best estimate and 90 % interval. Hollow dots use mostly the "
    "mesh-wide estimate. An arrow marks a value beyond the axis."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw a row for each workload, those with the most CPU first: idle CPU, and cost per request.

    A value beyond an axis that fits the others is an arrow at its edge.
    """
    calibration = answer.calibration
    if calibration is None or not calibration.workloads:
        return style.nothing_to_draw("workloads", "No workload was fitted.")
    fitted = sorted(
        (item for item in calibration.workloads if item.vcpu_per_1000_rps is not None),
        key=lambda item: (-item.mean_vcpu, item.namespace, item.workload),
    )
    if not fitted:
        return style.nothing_to_draw("workloads", "No workload has a known cost per request.")
    rows = fitted[:_ROWS]
    figure, idle = style.new_figure(9.0, 2.3 + 0.21 * len(rows))
    slope = parts.panel_beside(figure, idle, (1, 1))
    mean = answer.sidecar
    idles = {at: value for at, item in enumerate(rows) if (value := item.idle_vcpu_per_proxy)}
    _panel(idle, idles, mean.idle_vcpu_per_proxy if mean else None)
    slopes = {at: value for at, item in enumerate(rows) if (value := item.vcpu_per_1000_rps)}
    borrowed = {
        at
        for at, item in enumerate(rows)
        if item.provenance is Provenance.DERIVED or item.own_share < _BORROWED_SHARE
    }
    _panel(slope, slopes, mean.vcpu_per_1000_rps if mean else None, borrowed)
    beyond = _posts_line(slope)
    names = [parts.drawable(f"{item.namespace}/{item.workload}", _NAME_WIDTH) for item in rows]
    # Labels that are not shown are set too: both panels share them.
    parts.rows_named(slope, names, fontsize=8)
    parts.rows_named(idle, names, fontsize=8)
    slope.tick_params(labelleft=False)
    idle.set_xlabel("idle CPU of one proxy in vCPU", fontsize=9)
    slope.set_xlabel("cost per request in vCPU per 1000 requests/s", fontsize=9)
    parts.legend_below(figure, slope, columns=2)
    mids = [item.vcpu_per_1000_rps.mid for item in fitted if item.vcpu_per_1000_rps]
    finding = f"Workloads cost {parts.between(min(mids), max(mids))} vCPU per 1000 requests/s"
    if mean is not None:
        finding += f";\nthe mesh-wide mean is {fmt.ranged(mean.vcpu_per_1000_rps)}"
    which = (
        f"The {_ROWS} of {len(fitted):,} workloads with the most CPU"
        if len(fitted) > _ROWS
        else f"{fmt.counted(len(fitted), 'workload')}, the most CPU first"
    )
    of_tcp = sum(item.has_tcp_cost for item in calibration.workloads)
    refused = len(calibration.workloads) - len(fitted) - of_tcp
    without = f"; {refused:,} more without a fit" if refused else ""
    without += f"; {of_tcp:,} more with TCP only" if of_tcp else ""
    return style.titled(figure, finding, f"{which}{without}{beyond}", reading=_READING)


def _panel(
    axes: Axes,
    values: Mapping[int, Interval],
    mean: Interval | None,
    borrowed: Collection[int] = (),
) -> None:
    """Draw a panel of values by row: dots and whiskers in front of the mesh-wide mean."""
    if mean is not None:
        axes.axvspan(mean.low, mean.high, color=style.COLOURS["fit"], alpha=0.25, lw=0)
        label = "mesh-wide mean and 90 % interval"
        axes.axvline(mean.mid, color=style.COLOURS["fit"], lw=1.2, label=label)
    low, high = _ends([*values.values()], mean)
    # A dot at the very edge is whole all the same.
    axes.set_xlim(low - 0.02 * (high - low) if low < 0 else low, high)
    for hollow in sorted({row in borrowed for row in values}):
        drawn = {row: value.mid for row, value in values.items() if (row in borrowed) == hollow}
        _dots(axes, {row: mid for row, mid in drawn.items() if low <= mid <= high}, hollow=hollow)
    for row, value in values.items():
        _whisker(axes, row, value, low, high)
    parts.numbers(axes.xaxis)
    axes.grid(axis="y", lw=0.3)
    axes.set_axisbelow(True)


def _ends(values: Sequence[Interval], mean: Interval | None) -> tuple[float, float]:
    """Return the ends of an axis that shows all values but those that would squeeze the rest."""
    everything = [*values, *([mean] if mean else [])]
    if not everything:
        return 0.0, 1.0
    most = _WILD_FACTOR * statistics.median(item.mid for item in everything)
    most = max(most, mean.high) if mean else most
    high = min(max(item.high for item in everything), most) * 1.08
    # Where nothing costs anything, the axis still needs a length.
    high = high if high > 0 else 1.0
    return max(min(0.0, *(item.low for item in everything)), -0.25 * high), high


def _dots(axes: Axes, mids: Mapping[int, float], *, hollow: bool) -> None:
    colour = style.COLOURS["sidecar"]
    fill = "white" if hollow else colour
    look: dict[str, Any] = {"marker": "o", "ms": 5, "color": colour, "mfc": fill}
    # Before the whiskers: a hollow dot hides its own.
    axes.plot([*mids.values()], [*mids], ls="", zorder=4, clip_on=False, **look)
    whose = "mostly the mesh-wide estimate" if hollow else "workload and 90 % interval"
    axes.plot([], [], lw=1.2, label=whose, **look)


def _whisker(axes: Axes, row: int, value: Interval, low: float, high: float) -> None:
    """Draw an interval as far as the axis reaches, with an arrow where it goes on."""
    colour = style.COLOURS["sidecar"]
    ends = [min(max(end, low), high) for end in (value.low, value.high)]
    axes.plot(ends, [row] * 2, color=colour, lw=1.2, zorder=3)
    arrows = [(low, "<")] * (value.low < low) + [(high, ">")] * (value.high > high)
    for place, marker in arrows:
        axes.plot(place, row, marker=marker, color=colour, ms=6, zorder=5, clip_on=False)
    if value.mid > high:
        text = fmt.number(value.mid)
        parts.beside(axes, text, (high, row), (-8, 0), paper=parts.PAPER, zorder=4)


def _posts_line(axes: Axes) -> str:
    """Draw the post's figure if a little more axis can show it; else return a remark on it."""
    low, high = axes.get_xlim()
    name = f"{style.POST}: {post_vcpu()}"
    if high * 2 < post_vcpu():
        return f"; the {style.POST}'s {post_vcpu()} is beyond the axis"
    axes.axvline(post_vcpu(), ls="--", color=style.INK, lw=1.2, label=name)
    axes.set_xlim(low, max(high, post_vcpu() * 1.05))
    return ""
