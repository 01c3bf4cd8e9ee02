"""The last 30 % of the time, predicted from the first 70 %, workload by workload."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analyzer.arrays import Floats
from analyzer.calibration.result import Backtest
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.units import Refusal

_NAMED = 5
_LOGARITHMIC_FROM = 10
"""From this range on, linear axes would draw the small ones as one blot."""

_MANY = 300

_LEAST_COVERED = 0.8
"""Below this share, 90 % intervals are too narrow to rely on."""

_TWO_DECADES = 100

_READING = (
    "Each dot is a workload. On the dashed line, its predicted CPU equals its measured CPU. "
    "The vertical lines are 90 % prediction intervals, and crosses are workloads outside theirs."
)

_COLUMNS = ("measured_vcpu", "predicted_vcpu", "predicted_low_vcpu", "predicted_high_vcpu")


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw a dot for each workload, predicted against measured, with its prediction interval."""
    test = answer.sidecar.backtest if answer.sidecar else None
    if test is None or test.workloads.empty:
        return style.nothing_to_draw("backtest", "No workload could be predicted.")
    table = test.workloads
    figure, axes = style.new_figure(height_inches=5.6)
    low, high = _ends(axes, table)
    same = "predicted equals measured"
    axes.plot([low, high], [low, high], color=style.INK, lw=1, ls="--", label=same, zorder=3)
    is_outside = (table["measured_vcpu"] < table["predicted_low_vcpu"]) | (
        table["measured_vcpu"] > table["predicted_high_vcpu"]
    )
    _dots(axes, table[~is_outside], low, outside=False)
    _dots(axes, table[is_outside], low, outside=True)
    axes.set(xlim=(low, high), ylim=(low, high))
    _named(axes, table[is_outside], low, high)
    axes.set_xlabel("measured vCPU of a workload, mean of the last 30 % of the time")
    axes.set_ylabel("predicted vCPU, from the first 70 % of the time")
    parts.legend_below(figure, axes, columns=2)
    bias, error = (fmt.share(100 * abs(share)) for share in (test.bias_share, test.error_share))
    is_low = test.covered_share < _LEAST_COVERED
    warning = "Warning: under 80 % are inside, so the intervals are too narrow" if is_low else ""
    direction = "high" if test.bias_share >= 0 else "low"
    return style.titled(
        figure,
        f"The fit predicted the last 30 % of the time {bias} too {direction};\n"
        f"the average error of a workload is {error}",
        _coverage(test),
        reading=_READING,
        warning=warning,
    )


def _coverage(test: Backtest) -> str:
    inside = round(test.covered_share * test.workload_count)
    counted = (
        f"{inside:,} of {fmt.counted(test.workload_count, 'workload')} "
        f"({100 * test.covered_share:.0f} %)"
    )
    return f"{counted} inside their 90 % intervals"


def _ends(axes: Axes, table: pd.DataFrame) -> tuple[float, float]:
    """Return where both axes begin and end, and make them logarithmic where the range is wide."""
    drawn = table[["measured_vcpu", "predicted_vcpu"]].to_numpy(float)
    above = drawn[drawn > 0]
    if above.size and above.max() > _LOGARITHMIC_FROM * above.min():
        axes.set(xscale="log", yscale="log")
        # Between two powers of ten one number alone would not make a scale.
        steps = (1, 2, 5) if above.max() < _TWO_DECADES * above.min() else (1,)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=steps, numticks=8))
            axis.set_major_formatter(FuncFormatter(lambda value, _: fmt.number(value)))
            axis.set_minor_formatter(NullFormatter())
        return float(above.min()) / 1.5, float(above.max()) * 1.5
    parts.numbers(axes.xaxis)
    parts.numbers(axes.yaxis)
    # Where nothing was used, the axis still needs a length.
    return 0.0, float(drawn.max()) * 1.3 if above.size else 1.0


def _dots(axes: Axes, table: pd.DataFrame, low: float, *, outside: bool) -> None:
    """Draw the workloads; what a logarithmic axis cannot show is at its edge."""
    if table.empty:
        return
    measured, predicted, least, most = (
        np.maximum(table[name].to_numpy(float), low) for name in _COLUMNS
    )
    colour = style.COLOURS["fit"] if outside else style.COLOURS["sidecar"]
    many = len(table) > _MANY
    # Pale where they are close together, so that they hide nothing.
    pale = tuple(0.7 + 0.3 * part for part in to_rgb(colour))
    axes.vlines(measured, least, most, color=pale if many else colour, lw=1)
    axes.plot(
        measured,
        predicted,
        ls="",
        marker="X" if outside else "o",
        ms=3 if many else 7 if outside else 5,
        color=colour,
        mec=style.INK if outside else "white",
        mew=0 if many else 0.5,
        zorder=4,
        label=f"workload {'outside' if outside else 'inside'} its 90 % interval ({len(table):,})",
        clip_on=False,
    )


def _named(axes: Axes, table: pd.DataFrame, low: float, high: float) -> None:
    """Name the furthest at the right of the axes, in the order of the dots, with lines to them."""
    off = (table["predicted_vcpu"] - table["measured_vcpu"]).abs()
    furthest = table.loc[off.sort_values(ascending=False, kind="stable").index[:_NAMED]]
    ordered = furthest.sort_values("predicted_vcpu", kind="stable")
    measured, predicted = (np.maximum(ordered[name].to_numpy(float), low) for name in _COLUMNS[:2])
    names = [f"{space}/{short}" for space, short in ordered[["namespace", "workload"]].to_numpy()]
    heights = _apart(axes, predicted, low, high)
    for name, x, y, height in zip(names, measured, predicted, heights, strict=True):
        axes.annotate(
            parts.drawable(name),
            (x, y),
            xytext=(1.02, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8,
            color=style.INK,
            arrowprops={"arrowstyle": "-", "color": style.MUTED, "lw": 0.5, "relpos": (0, 0.5)},
            annotation_clip=False,
        )


def _apart(axes: Axes, values: Floats, low: float, high: float) -> Floats:
    """Return the values as shares of the axis, moved so that names do not touch."""
    ends = np.array([low, high])
    if axes.get_yscale() == "log":
        values, ends = np.log(values), np.log(ends)
    heights = (values - ends[0]) / (ends[1] - ends[0])
    gap = 0.06
    for place in range(1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + gap)
    # Those pushed over the top push the others down.
    for place in range(len(heights) - 1, -1, -1):
        ceiling = 0.98 if place == len(heights) - 1 else heights[place + 1] - gap
        heights[place] = min(heights[place], ceiling)
    return np.asarray(heights)
