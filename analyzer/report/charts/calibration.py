"""CPU against requests: fitted steps, the line, its interval, and the Solo.io post's figure."""

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from analyzer.arrays import Floats
from analyzer.calibration.result import RoleCalibration
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.report.sentences.calibration import compared, post_vcpu
from analyzer.units import CONFIDENCE, Refusal

_SHORT_MODEL: Final = 12
"""Letters of a model's name that a legend has room for; a longer one is under the title."""

_TOP: Final = 0.95
"""The busiest of the proxy steps are those above this quantile of requests."""

_MISS: Final = 0.1
"""From this share on, a line that is off at the busiest steps is remarked."""

_SEEN: Final = 0.015
"""Share of the axis below which an interval is hidden behind the line."""

_READING: Final = (
    "Each grey cell counts proxy steps: the darker, the more. A line above the cells overstates "
    "the CPU of these sidecars, and a line below them understates it."
)

_COUNTED_AT_ONCE: Final = 500_000
"""Proxy steps."""

_GREYS: Final = LinearSegmentedColormap.from_list(
    # A single step must be visible, and the darkest cell must not hide the lines.
    "greys",
    colormaps["Greys"](np.linspace(0.3, 0.9, 256)),
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the density of the sidecars' steps and the mesh's line through them."""
    fit = answer.sidecar
    if answer.calibration is None or fit is None or fit.fitted_rps is None:
        return style.nothing_to_draw("calibration", "No cost per request was fitted.")
    rows = answer.calibration.observations
    # Proxies without HTTP requests have no place on this axis.
    has_http = rows["rps"].to_numpy(float) > 0
    rps, vcpu = (rows[name].to_numpy(float)[has_http] for name in ("rps", "cpu_vcpu"))
    if not rps.size:
        return style.nothing_to_draw("calibration", "No fitted step has requests.")
    figure, axes = style.new_figure(height_inches=5.4)
    highest = float(np.quantile(vcpu, 0.9995)) * 1.15
    axes.set_xlim(0, max(float(rps.max()), fit.fitted_rps[1]) * 1.03)
    axes.set_ylim(0, highest)
    _density(figure, axes, rps, vcpu)
    _lines(axes, fit, np.linspace(*fit.fitted_rps, 50))
    _fitted_range(axes, fit.fitted_rps)
    parts.numbers(axes.xaxis)
    axes.set_xlabel("requests per second through one proxy, inbound and outbound")
    axes.set_ylabel("vCPU of one proxy")
    # Data may be in any corner of the axes; outside them the legend hides none.
    parts.legend_below(figure, axes, columns=2)
    above = int((vcpu > highest).sum())
    facts = (
        f"{fit.sample_count:,} steps of {fmt.counted(fit.proxy_count, 'sidecar')}",
        fit.model if len(fit.model) > _SHORT_MODEL else "",
        f"above the axis: {above:,}" if above else "",
    )
    return style.titled(
        figure,
        f"Sidecars cost {fmt.ranged(fit.vcpu_per_1000_rps)} vCPU per 1000 requests/s;\n"
        f"the {style.POST}'s {post_vcpu()} {compared(fit.vcpu_per_1000_rps)}",
        "; ".join(filter(None, facts)),
        reading=_READING,
        warning=missed_top(fit, rps, vcpu),
    )


def missed_top(fit: RoleCalibration, rps: Floats, vcpu: Floats) -> str:
    """Return a warning if the line misses the CPU of the busiest steps, else ""."""
    from_rps = float(np.quantile(rps, _TOP))
    is_top = rps >= from_rps
    predicted = float(fit.curve.predict(rps[is_top]).sum())
    if predicted <= 0:
        return ""
    off = float(vcpu[is_top].sum()) / predicted - 1
    if abs(off) < _MISS:
        return ""
    used = fmt.share(100 * abs(off))
    direction = "more" if off > 0 else "less"
    return f"Above {fmt.number(from_rps)} rps, sidecars use {used} {direction} CPU than the line"


def _density(figure: Figure, axes: Axes, rps: Floats, vcpu: Floats) -> None:
    counts: Floats = np.zeros(())
    # It takes ten times as much memory as what it counts.
    for begin in range(0, len(rps), _COUNTED_AT_ONCE):
        part = slice(begin, begin + _COUNTED_AT_ONCE)
        steps = axes.hexbin(
            rps[part],
            vcpu[part],
            # Within the axes: one wild step would put all others into one cell.
            extent=(*axes.get_xlim(), *axes.get_ylim()),
            gridsize=(50, 28),
            cmap=_GREYS,
            linewidths=0.1,
        )
        counts = counts + np.asarray(steps.get_array())
        if begin + _COUNTED_AT_ONCE < len(rps):
            steps.remove()
    steps.set_array(np.ma.masked_less(counts, 1))
    most = float(np.max(counts, initial=1))
    # One colour for all needs a scale with two ends.
    steps.set_norm(LogNorm(vmin=1, vmax=max(most, 10)))
    bar = figure.colorbar(steps, ax=axes, label="number of proxy steps", pad=0.01)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(labelsize=9)


def _lines(axes: Axes, fit: RoleCalibration, rps: Floats) -> None:
    idle, slope = fit.idle_vcpu_per_proxy, fit.vcpu_per_1000_rps
    highest = axes.get_ylim()[1]
    model = f" ({fit.model})" if len(fit.model) <= _SHORT_MODEL else ""
    name = f"fit{model}: {fmt.number(idle.mid)} idle + {fmt.number(slope.mid)} per 1000 rps"
    axes.plot(rps, fit.curve.predict(rps), color=style.COLOURS["fit"], lw=2, label=name, zorder=4)
    if fit.draws is not None:
        # At each rate, idle and slope drawn jointly.
        at_rest, more = fit.draws.T[:, :, None]
        mean_vcpu, tail = at_rest + more / 1000 * fit.effective_rps(rps), (1 - CONFIDENCE) / 2
        low, high = np.quantile(mean_vcpu, [tail, 1 - tail], axis=0)
        if float((high - low).max()) > _SEEN * highest:
            colour, label = style.COLOURS["fit"], "90 % interval of the mesh's mean"
            axes.fill_between(rps, low, high, color=colour, alpha=0.35, lw=0, label=label)
    through_zero = [
        (post_vcpu(), f"{style.POST}: {post_vcpu()} per 1000 rps", style.INK, "--"),
    ]
    ratio = fit.ratio_vcpu_per_1000_rps
    if ratio is not None:
        label = f"dashboard ratio: {fmt.number(ratio)}, includes idle CPU"
        through_zero.append((ratio, label, style.COLOURS["sidecar"], ":"))
    for per_1000_rps, label, colour, dashes in through_zero:
        cost = per_1000_rps * rps / 1000
        # A line that leaves the axes before it begins is not in the legend.
        if cost[0] < highest:
            axes.plot(rps, cost, color=colour, lw=1.5, ls=dashes, label=label)


def _fitted_range(axes: Axes, fitted_rps: tuple[float, float]) -> None:
    """Mark along the bottom the rates that were fitted: there are no data outside of them."""
    low, high = fitted_rps
    axes.plot(
        [low, high],
        [0, 0],
        transform=axes.get_xaxis_transform(),
        color=style.COLOURS["waypoint"],
        lw=3,
        marker="|",
        ms=12,
        mew=1.5,
        solid_capstyle="butt",
        clip_on=False,
        zorder=5,
        label=f"fitted rates: {parts.between(low, high)} rps",
    )
