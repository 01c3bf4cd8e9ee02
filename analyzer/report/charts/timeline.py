"""The sidecars over time: used CPU, the fit's prediction, and what the fit leaves out."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.units import Refusal, moment

_PARTS: Final[Mapping[str, tuple[str, str, str]]] = {
    # Name, colour and hatch of each, from the axis upwards.
    "fitted_vcpu": ("measured and fitted", "#a6cee8", ""),
    "unfitted_vcpu": ("workloads without a fit", "#f0e0a0", "...."),
    "throttled_vcpu": ("left out: throttled", style.COLOURS["memory"], "xxxx"),
    "filled_vcpu": ("not seen, but filled", "#ffffff", "\\\\\\"),
    "left_out_vcpu": ("left out: other reasons", "#e8e8e8", "////"),
}

_EVEN_STEPS = 300
"""Lines of more steps are thinner: thick ones would become blots."""

_NO_STEP_SECONDS = 60.0

_LEAST_PERCENT = 0.1
"""A smaller share is written as less than this: it is not zero."""

_READING: Final = (
    "Areas are the CPU of all sidecars, split by their part in the fit. Where the dashed line is "
    "away from the blue area, the fit misses. The lower panel shows their requests."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the sidecars' CPU and requests in every observed step; a gap in the data is a gap."""
    if answer.calibration is None or answer.calibration.timeline.empty:
        return style.nothing_to_draw("timeline", "No sidecar was observed.")
    table = answer.calibration.timeline
    figure, axes = style.new_figure(height_inches=5.6)
    below = parts.panel_below(figure, axes, (3, 1))
    below.sharex(axes)
    steps = _as_steps(table, _step_seconds(answer, table))
    width = min(max(1.3 * _EVEN_STEPS / len(table), 0.3), 1.3)
    _cpu(axes, table, steps, width)
    _line(below, steps, "proxy_rps", {"color": style.COLOURS["sidecar"], "lw": width})
    below.set_ylim(0, float(steps["proxy_rps"].max()) * 1.15 or 1)
    parts.numbers(below.yaxis, "{:,.10g}".format, most=3)
    below.set_ylabel("proxy\nrequests/s")
    _times(axes, below, steps)
    parts.legend_below(figure, axes, columns=2)
    for line in figure.legends[0].get_lines():
        line.set_linewidth(1.5)
    used, rps, fitted = table["measured_vcpu"], table["proxy_rps"], table["fitted_vcpu"].sum()
    fit = ";\nnone of it was fitted"
    if fitted > 0:
        off = float(table["predicted_vcpu"].sum() / fitted) - 1
        direction = "high" if off >= 0 else "low"
        share = fmt.share(100 * abs(off))
        fit = f";\non average the fit is {share} too {direction}"
    return style.titled(
        figure,
        f"The sidecars used {parts.between(used.min(), used.max())} vCPU{fit}",
        f"{fmt.counted(len(table), 'step')}; on average {fmt.number(used.mean())} vCPU "
        f"at {fmt.number(rps.mean())} proxy requests/s",
        reading=_READING,
    )


def _step_seconds(answer: Answer, table: pd.DataFrame) -> float:
    if answer.manifest is not None:
        return float(answer.manifest.window.step_seconds)
    if len(table) < 2:  # noqa: PLR2004 - one step alone does not show its length
        return _NO_STEP_SECONDS
    return float(table["start"].diff().min().total_seconds())


def _as_steps(table: pd.DataFrame, step_seconds: float) -> pd.DataFrame:
    """Return the rows, with the end of each run of them and a gap after it."""
    step = pd.Timedelta(seconds=step_seconds)
    # With a time zone, matplotlib would draw in the zone of the machine.
    rows = table.assign(start=table["start"].dt.tz_convert("UTC").dt.tz_localize(None))
    after = rows["start"].shift(-1) - rows["start"]
    last = rows[~(after <= 1.5 * step)]
    ends = last.assign(start=last["start"] + step)
    gaps = ends.assign(**{name: np.nan for name in table.columns if name != "start"})
    return pd.concat([rows, ends, gaps]).sort_values("start", kind="stable", ignore_index=True)


def _cpu(axes: Axes, table: pd.DataFrame, steps: pd.DataFrame, width: float) -> None:
    total = float(table["measured_vcpu"].sum())
    bottom = np.zeros(len(steps))
    for name, (title, colour, hatch) in _PARTS.items():
        if not table[name].any():
            continue
        top, part = bottom + steps[name].to_numpy(float), 100 * float(table[name].sum()) / total
        share = _percent(part)
        axes.fill_between(
            steps["start"],
            bottom,
            top,
            step="post",
            facecolor=colour,
            edgecolor="#777777",
            hatch=hatch,
            lw=0,
            label=f"{title} ({share})",
        )
        bottom = top
    _line(
        axes, steps, "measured_vcpu", {"color": style.INK, "lw": width, "label": "measured, total"}
    )
    if table["fitted_vcpu"].any():
        label = "predicted by the fit"
        look = {"color": style.COLOURS["fit"], "lw": width * 1.4, "ls": "--", "label": label}
        _line(axes, steps, "predicted_vcpu", look)
    highest = max(float(table[name].max()) for name in ("measured_vcpu", "predicted_vcpu"))
    # Where nothing was used, the axis still needs a length.
    axes.set_ylim(0, highest * 1.08 or 1)
    parts.numbers(axes.yaxis)
    axes.set_ylabel("vCPU of all sidecars")


def _percent(part: float) -> str:
    if part < _LEAST_PERCENT:
        return f"under {_LEAST_PERCENT} %"
    return fmt.share(part)


def _line(axes: Axes, steps: pd.DataFrame, name: str, look: Mapping[str, Any]) -> None:
    axes.plot(steps["start"], steps[name], drawstyle="steps-post", **look)


def _times(axes: Axes, below: Axes, steps: pd.DataFrame) -> None:
    """Write hours of a day, days of weeks; in digits, which are the same in every language."""
    locator = AutoDateLocator(tz="UTC", minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        tz="UTC",
        formats=["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["", "%Y", "%m-%d", "%m-%d", "%H:%M", "%H:%M"],
        show_offset=False,
    )
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(formatter)
    axes.tick_params(labelbottom=False)
    first, last = steps["start"].iloc[0], steps["start"].iloc[-1]
    axes.set_xlim(first, last)
    below.set_xlabel(f"time, UTC, {moment(first)} to {moment(last)}")
