"""What the ztunnel of each node would use."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from analyzer.data import BLOG, published_constants
from analyzer.projection.result import NodeZtunnel
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import parts, style
from analyzer.units import Refusal

_MOST_NAMES = 30
_ROW_INCHES = 0.24
_REST_INCHES = 1.9
_REACH = 2.5
"""How much longer than its data an axis may become to show the Solo.io post's figure."""

_UNIT = "CPU of the ztunnel of one node in vCPU"

_READING = (
    "Each bar is the ztunnel of one node, at best estimate, for the traffic of its sidecars. "
    "The thin line is its 90 % interval. Of many nodes, a curve shows them in order. A node that "
    "was removed or added is shown for the time in which it existed."
)


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw each node's ztunnel with its 90 % interval: by name, or ranked where they are many."""
    nodes = () if answer.projection is None else answer.projection.nodes
    if not nodes:
        return style.nothing_to_draw("ztunnels", style.NOT_PRICED)
    named, longest = len(nodes) <= _MOST_NAMES, max(item.ztunnel_vcpu.high for item in nodes)
    height = max(len(nodes), 3) * _ROW_INCHES + _REST_INCHES if named else 4.5
    figure, axes = style.new_figure(height_inches=height)
    post = published_constants()[BLOG].ztunnel_vcpu_per_node
    shown = post if post is not None and post <= _REACH * longest else None
    # Where nothing is used, the axis still needs a length.
    (_bars if named else _curve)(axes, nodes, max(longest, shown or 0.0) * 1.05 or 1.0)
    if shown is not None:
        line, label = axes.axvline if named else axes.axhline, f"{style.POST}: {shown:g} per node"
        line(shown, color=style.COLOURS["fit"], lw=1.4, ls="--", label=label)
    parts.legend_below(figure, axes, columns=3)
    detail = "For the same traffic, idle CPU included"
    if post is not None and shown is None:
        detail += f"; the {style.POST}'s {post:g} per node is beyond the axis"
    return style.titled(figure, _finding(nodes), detail, reading=_READING)


def _finding(nodes: Sequence[NodeZtunnel]) -> str:
    busiest = fmt.ranged(max((node.ztunnel_vcpu for node in nodes), key=lambda value: value.mid))
    if len(nodes) == 1:
        return f"The ztunnel of the only node would use {busiest} vCPU"
    shares = [node.present_share for node in nodes]
    mean = fmt.number(fmean((node.ztunnel_vcpu.mid for node in nodes), shares))
    at_a_time = f" ({fmt.number(sum(shares))} at a time)" if min(shares) < 1 else ""
    return (
        f"The busiest of {len(nodes):,} ztunnels{at_a_time} would use {busiest} vCPU;\n"
        f"the average is {mean} vCPU"
    )


def _bars(axes: Axes, nodes: Sequence[NodeZtunnel], length: float) -> None:
    mid, low, high = parts.ends(item.ztunnel_vcpu for item in nodes)
    at = np.arange(len(nodes))
    axes.barh(at, mid, height=0.62, color=style.COLOURS["ztunnel"], label="ztunnel")
    ends, label = [mid - low, high - mid], "90 % interval"
    axes.errorbar(mid, at, xerr=ends, fmt="none", color=style.INK, capsize=2.5, lw=1, label=label)
    parts.rows_named(axes, [parts.drawable(item.node) for item in nodes])
    axes.set_xlim(0, length)
    parts.numbers(axes.xaxis)
    axes.set_xlabel(_UNIT)


def _curve(axes: Axes, nodes: Sequence[NodeZtunnel], length: float) -> None:
    mid, low, high = parts.ends(item.ztunnel_vcpu for item in nodes)
    ranks = np.arange(1, len(nodes) + 1)
    colour, label = style.COLOURS["ztunnel"], "90 % interval"
    axes.fill_between(ranks, low, high, color=colour, alpha=0.35, lw=0, label=label)
    axes.plot(ranks, mid, color=style.INK, lw=1.5, label="ztunnel")
    axes.set(xlim=(1, len(nodes)), ylim=(0, length))
    parts.counts(axes.xaxis)
    parts.numbers(axes.yaxis)
    axes.set(xlabel="nodes, the busiest first", ylabel=_UNIT)
