"""CPU against requests: every fitted step, the line, its band, and the post's figure."""

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
from analyzer.report.charts import style
from analyzer.report.sentences.calibration import TIMES_FROM, post_vcpu
from analyzer.units import CONFIDENCE, Interval, Refusal

_SHORT_MODEL: Final = 12
"""Letters of a model's name that a legend has room for; a longer one is under the title."""

_GREYS: Final = LinearSegmentedColormap.from_list(
    # A single step is to be seen, and the darkest leaves the lines to be seen.
    "greys",
    colormaps["Greys"](np.linspace(0.3, 0.9, 256)),
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw the density of the sidecars' steps and the mesh's line through them."""
    fit = answer.sidecar
    if answer.calibration is None or fit is None or fit.fitted_rps is None:
        return style.nothing_to_draw("calibration", "no cost of a request was fitted")
    # Proxies without HTTP requests have no place on this axis.
    rows = answer.calibration.observations.query("rps > 0")
    rps, vcpu = rows["rps"].to_numpy(float), rows["cpu_vcpu"].to_numpy(float)
    if not rps.size:
        return style.nothing_to_draw("calibration", "no step with requests was fitted")
    figure, axes = style.new_figure(height_inches=5.4)
    highest = float(np.quantile(vcpu, 0.9995)) * 1.15
    axes.set_xlim(0, max(float(rps.max()), fit.fitted_rps[1]) * 1.03)
    axes.set_ylim(0, highest)
    _density(figure, axes, rps, vcpu)
    _lines(axes, fit, np.linspace(*fit.fitted_rps, 50))
    _fitted_range(axes, fit.fitted_rps)
    style.numbers(axes.xaxis)
    axes.set_xlabel("requests per second through one proxy, inbound and outbound")
    axes.set_ylabel("vCPU of the proxy")
    # Data may lie in any corner of the axes; outside them the legend hides none.
    style.legend_below(figure, axes, columns=2)
    above, slope = int((vcpu > highest).sum()), fit.vcpu_per_1000_rps
    beyond = f"; above the axis: {above:,}" if above else ""
    model = f"; {fit.model}" if len(fit.model) > _SHORT_MODEL else ""
    return style.titled(
        figure,
        f"Sidecars cost {fmt.number(slope.mid)} vCPU per 1000 requests/s,\n{_beside_post(slope)}",
        f"{fit.sample_count:,} steps of {fit.proxy_count:,} proxies{model}{beyond}",
    )


def _beside_post(slope: Interval) -> str:
    post = f"the post's {post_vcpu()}"
    if slope.low <= post_vcpu() <= slope.high:
        return f"which {post} agrees with"
    factor = slope.mid / post_vcpu()
    if factor > 1:
        above = f"{factor:.1f} times" if factor >= TIMES_FROM else f"{factor - 1:.0%} above"
        return f"{above} {post}"
    if factor <= 0:
        return f"less than {post}"
    is_far = 1 / factor >= TIMES_FROM
    below = f"{1 / factor:.1f} times less than" if is_far else f"{1 - factor:.0%} below"
    return f"{below} {post}"


def _density(figure: Figure, axes: Axes, rps: Floats, vcpu: Floats) -> None:
    steps = axes.hexbin(
        rps,
        vcpu,
        # Over the axes: a wild step would else make all others one cell.
        extent=(*axes.get_xlim(), *axes.get_ylim()),
        gridsize=(50, 28),
        cmap=_GREYS,
        mincnt=1,
        linewidths=0.1,
    )
    most = float(np.max(np.asarray(steps.get_array()), initial=1))
    # One colour for all needs a scale with two ends.
    steps.set_norm(LogNorm(vmin=1, vmax=max(most, 10)))
    bar = figure.colorbar(steps, ax=axes, label="proxy steps", pad=0.01)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(labelsize=9)


def _lines(axes: Axes, fit: RoleCalibration, rps: Floats) -> None:
    idle, slope = fit.idle_vcpu_per_proxy, fit.vcpu_per_1000_rps
    model = f" ({fit.model})" if len(fit.model) <= _SHORT_MODEL else ""
    name = f"fit{model}: {fmt.number(idle.mid)} idle + {fmt.ranged(slope)} per 1000 rps"
    axes.plot(rps, fit.curve.predict(rps), color=style.COLOURS["fit"], lw=2, label=name, zorder=4)
    if fit.draws is not None:
        # At each rate, idle and slope drawn jointly.
        at_rest, more = fit.draws.T[:, :, None]
        mean_vcpu, tail = at_rest + more / 1000 * fit.effective_rps(rps), (1 - CONFIDENCE) / 2
        low, high = np.quantile(mean_vcpu, [tail, 1 - tail], axis=0)
        label = "90 % band of the mesh's mean"
        axes.fill_between(rps, low, high, color=style.COLOURS["fit"], alpha=0.35, lw=0, label=label)
    post = f"the post's {post_vcpu()} per 1000 rps"
    axes.plot(rps, post_vcpu() * rps / 1000, color=style.INK, lw=1.4, ls="--", label=post)
    if fit.ratio_vcpu_per_1000_rps is not None:
        ratio = f"dashboard ratio {fmt.number(fit.ratio_vcpu_per_1000_rps)}: idle smeared in"
        cost = fit.ratio_vcpu_per_1000_rps * rps / 1000
        axes.plot(rps, cost, color=style.COLOURS["sidecar"], lw=1.6, ls=":", label=ratio)


def _fitted_range(axes: Axes, fitted_rps: tuple[float, float]) -> None:
    """Mark along the bottom the rates that were fitted: outside of them nothing was seen."""
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
        label=f"rates that were fitted: {fmt.number(low)} to {fmt.number(high)} per second",
    )
