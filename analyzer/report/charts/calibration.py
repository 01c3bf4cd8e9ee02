"""CPU against requests: every fitted step, the line, its band, and the post's figure."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.segments import Floats
from analyzer.report.answer import Answer
from analyzer.report.charts.style import COLOURS, INK, MUTED, new_figure, nothing_to_draw, titled
from analyzer.report.verdict import POST_VCPU_PER_1000_RPS
from analyzer.report.words import number, ranged
from analyzer.units import CONFIDENCE, Refusal

__all__ = ["calibration_chart"]


def calibration_chart(answer: Answer) -> Figure | Refusal:
    """Draw the density of the sidecars' steps and the mesh's line through them."""
    fit = answer.sidecar
    if answer.calibration is None or fit is None or fit.fitted_rps is None:
        return nothing_to_draw("calibration", "no cost of a request was fitted")
    figure, axes = new_figure(height_inches=5.0)
    # Proxies without HTTP requests have no place on this axis.
    rows = answer.calibration.observations.query("rps > 0")
    rps, vcpu = rows["rps"].to_numpy(float), rows["cpu_vcpu"].to_numpy(float)
    steps = axes.hexbin(rps, vcpu, gridsize=50, bins="log", cmap="Greys", mincnt=1, linewidths=0.1)
    figure.colorbar(steps, ax=axes, label="proxy steps", pad=0.01)
    _lines(axes, fit)
    axes.set_xlim(0, float(rps.max()) * 1.03)
    axes.set_ylim(0, float(np.quantile(vcpu, 0.9995)) * 1.15)
    axes.set_xlabel("requests per second through one proxy, inbound and outbound")
    axes.set_ylabel("vCPU of the proxy")
    # Data may lie in any corner of the axes; outside them the legend hides none.
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    slope = fit.vcpu_per_1000_rps
    titled(
        axes,
        f"Sidecars cost {number(slope.mid)} vCPU per 1000 requests/s; "
        f"the post says {POST_VCPU_PER_1000_RPS}",
        f"{fit.sample_count:,} steps of {fit.proxy_count:,} proxies, "
        f"{number(fit.fitted_rps[0])} to {number(fit.fitted_rps[1])} requests/s",
    )
    return figure


def _lines(axes: Axes, fit: RoleCalibration) -> None:
    if fit.fitted_rps is None:
        return
    rps = np.linspace(fit.fitted_rps[0], fit.fitted_rps[1], 50)
    idle, slope = fit.idle_vcpu_per_proxy, fit.vcpu_per_1000_rps
    low, high = _band(fit, rps)
    axes.fill_between(
        rps,
        low,
        high,
        color=COLOURS["fit"],
        alpha=0.3,
        linewidth=0,
        label="90 % band of the mesh's mean",
    )
    axes.plot(
        rps,
        fit.curve.predict(rps),
        color=COLOURS["fit"],
        lw=2,
        label=f"fit ({fit.model}): {number(idle.mid)} idle + {ranged(slope)} per 1000 rps",
    )
    axes.plot(
        rps,
        POST_VCPU_PER_1000_RPS * rps / 1000,
        color=INK,
        lw=1.2,
        ls="--",
        label=f"the post's {POST_VCPU_PER_1000_RPS} per 1000 rps",
    )
    if fit.ratio_vcpu_per_1000_rps is not None:
        axes.plot(
            rps,
            fit.ratio_vcpu_per_1000_rps * rps / 1000,
            color=MUTED,
            lw=1.2,
            ls=":",
            label=f"dashboard ratio {number(fit.ratio_vcpu_per_1000_rps)}: idle smeared in",
        )


def _band(fit: RoleCalibration, rps: Floats) -> tuple[Floats, Floats]:
    """Return the 90 % range of the mean proxy's CPU at each rate, idle and slope drawn jointly."""
    if fit.draws is None:
        return fit.curve.predict(rps), fit.curve.predict(rps)
    idle, slope = fit.draws.T[:, :, None]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(idle + slope / 1000 * fit.effective_rps(rps), [tail, 1 - tail], axis=0)
    return low, high
