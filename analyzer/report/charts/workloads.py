"""What each workload's sidecars cost, at rest and for a request, with its 90 % interval."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from analyzer.calibration.result import WorkloadCalibration
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
from analyzer.report.sentences.calibration import post_vcpu
from analyzer.units import Interval, Provenance, Refusal

_ROWS = 24
_NAME_WIDTH = 36
_BORROWED_SHARE = 0.5
_WILD_FACTOR = 4
"""A value above so many times the median would squeeze all others."""


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw a row a workload, those with the most CPU first: idle at the left, slope at the right.

    What lies beyond an axis that fits the others is an arrow at its edge.
    """
    calibration = answer.calibration
    if calibration is None or not calibration.workloads:
        return style.nothing_to_draw("workloads", "no workload was fitted")
    fitted = sorted(
        (item for item in calibration.workloads if item.vcpu_per_1000_rps is not None),
        key=lambda item: (-item.mean_vcpu, item.namespace, item.workload),
    )
    if not fitted:
        return style.nothing_to_draw("workloads", "no workload's cost of a request could be told")
    rows = fitted[:_ROWS]
    figure, idle = style.new_figure(9.0, 2.3 + 0.21 * len(rows))
    slope = style.panel_beside(figure, idle, (1, 1))
    mean = answer.sidecar
    _panel(idle, _idles(rows), mean.idle_vcpu_per_proxy if mean else None)
    _panel(slope, _slopes(rows), mean.vcpu_per_1000_rps if mean else None)
    _posts_line(slope)
    names = [style.drawable(f"{item.namespace}/{item.workload}", _NAME_WIDTH) for item in rows]
    # Labels that are not shown are set all the same.
    style.rows_named(slope, names, fontsize=8)
    style.rows_named(idle, names, fontsize=8)
    slope.tick_params(labelleft=False)
    idle.set_xlabel("idle vCPU of one proxy", fontsize=9)
    slope.set_xlabel("vCPU per 1000 requests/s", fontsize=9)
    style.legend_below(figure, slope, columns=2)
    slopes = [item.vcpu_per_1000_rps.mid for item in fitted if item.vcpu_per_1000_rps]
    finding = f"Workloads cost {style.between(min(slopes), max(slopes))} vCPU per 1000 requests/s"
    if mean is not None:
        finding += f";\nthe mesh's mean is {fmt.number(mean.vcpu_per_1000_rps.mid)}"
    which = (
        f"the {_ROWS} workloads with the most CPU, and {len(fitted) - _ROWS:,} more"
        if len(fitted) > _ROWS
        else f"workloads with a fit, the most CPU first: {len(fitted)}"
    )
    refused = len(calibration.workloads) - len(fitted)
    return style.titled(figure, finding, f"{which}; without a fit: {refused:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """One row of a panel."""

    row: int
    value: Interval
    borrowed: bool = False


def _idles(rows: Sequence[WorkloadCalibration]) -> list[_Estimate]:
    found = ((row, item.idle_vcpu_per_proxy) for row, item in enumerate(rows))
    return [_Estimate(row=row, value=value) for row, value in found if value is not None]


def _slopes(rows: Sequence[WorkloadCalibration]) -> list[_Estimate]:
    return [
        _Estimate(
            row=row,
            value=item.vcpu_per_1000_rps,
            borrowed=item.provenance is Provenance.DERIVED or item.own_share < _BORROWED_SHARE,
        )
        for row, item in enumerate(rows)
        if item.vcpu_per_1000_rps is not None
    ]


def _panel(axes: Axes, estimates: Sequence[_Estimate], mean: Interval | None) -> None:
    """Draw a panel: the mesh's mean behind, a dot and a whisker a row before it."""
    if mean is not None:
        axes.axvspan(mean.low, mean.high, color=style.COLOURS["fit"], alpha=0.25, lw=0)
        label = "the mesh's mean and its 90 % interval"
        axes.axvline(mean.mid, color=style.COLOURS["fit"], lw=1.2, label=label)
    low, high = _ends([item.value for item in estimates], mean)
    # A dot at the very edge is whole all the same.
    axes.set_xlim(low - 0.02 * (high - low) if low < 0 else low, high)
    for borrowed in sorted({item.borrowed for item in estimates}):
        drawn = [item for item in estimates if item.borrowed == borrowed]
        _dots(axes, [item for item in drawn if low <= item.value.mid <= high], borrowed=borrowed)
    for item in estimates:
        _whisker(axes, item, low, high)
    style.numbers(axes.xaxis)
    axes.grid(axis="y", lw=0.3)
    axes.set_axisbelow(True)


def _ends(values: Sequence[Interval], mean: Interval | None) -> tuple[float, float]:
    """Return an axis that holds all but what would squeeze the rest."""
    everything = [*values, *([mean] if mean else [])]
    if not everything:
        return 0.0, 1.0
    most = _WILD_FACTOR * statistics.median(item.mid for item in everything)
    most = max(most, mean.high) if mean else most
    high = min(max(item.high for item in everything), most) * 1.08
    # Where nothing costs anything, an axis needs a length all the same.
    high = high if high > 0 else 1.0
    return max(min(0.0, *(item.low for item in everything)), -0.25 * high), high


def _dots(axes: Axes, drawn: Sequence[_Estimate], *, borrowed: bool) -> None:
    look: dict[str, Any] = {
        "marker": "o",
        "ms": 5,
        "color": style.COLOURS["sidecar"],
        "mfc": "white" if borrowed else style.COLOURS["sidecar"],
    }
    axes.plot(
        [item.value.mid for item in drawn],
        [item.row for item in drawn],
        ls="",
        **look,
        # Before the whiskers: a hollow dot hides its own.
        zorder=4,
        clip_on=False,
    )
    whose = "slope mostly borrowed from the others" if borrowed else "workload and 90 % interval"
    axes.plot([], [], lw=1.2, label=whose, **look)


def _whisker(axes: Axes, item: _Estimate, low: float, high: float) -> None:
    """Draw an interval as far as the axis reaches, with an arrow where it goes on."""
    value, colour = item.value, style.COLOURS["sidecar"]
    ends = [min(max(end, low), high) for end in (value.low, value.high)]
    axes.plot(ends, [item.row] * 2, color=colour, lw=1.2, zorder=3)
    arrows = [(low, "<")] * (value.low < low) + [(high, ">")] * (value.high > high)
    for place, marker in arrows:
        axes.plot(place, item.row, marker=marker, color=colour, ms=6, zorder=5, clip_on=False)
    if value.mid > high:
        style.beside(
            axes, fmt.number(value.mid), (high, item.row), (-8, 0), paper=style.PAPER, zorder=4
        )


def _posts_line(axes: Axes) -> None:
    """Draw the post's figure where a little more of the axis holds it, else name it."""
    low, high = axes.get_xlim()
    name = f"the post's {post_vcpu()}"
    if high * 2 < post_vcpu():
        axes.plot([], [], ls="--", color=style.INK, lw=1.2, label=f"{name}: beyond this axis")
        return
    axes.axvline(post_vcpu(), ls="--", color=style.INK, lw=1.2, label=name)
    axes.set_xlim(low, max(high, post_vcpu() * 1.05))
