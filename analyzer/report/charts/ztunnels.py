"""What the ztunnel of each node would use."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from analyzer.data import BLOG, published_constants
from analyzer.projection.result import NodeZtunnel
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.charts import style
from analyzer.units import Refusal

_MOST_NAMES = 30
_ROW_INCHES = 0.24
_REST_INCHES = 1.9
_REACH = 2.5
"""How much longer than its data an axis may become to show the post's figure."""
_UNIT = "vCPU of a node's ztunnel"


def draw(answer: Answer) -> style.ShownFigure | Refusal:
    """Draw each node's ztunnel with its 90 % interval: by name, or ranked where they are many."""
    nodes = () if answer.projection is None else answer.projection.nodes
    if not nodes:
        return style.nothing_to_draw(
            "ztunnels", "ambient could not be priced: see what cannot be said"
        )
    named = len(nodes) <= _MOST_NAMES
    figure, axes = style.new_figure(
        height_inches=max(len(nodes), 3) * _ROW_INCHES + _REST_INCHES if named else 4.5
    )
    (_bars if named else _curve)(axes, nodes)
    _post(axes, nodes, upright=named)
    style.legend_below(figure, axes, columns=3)
    used = [node.ztunnel_vcpu.mid for node in nodes]
    finding = (
        f"The only node's ztunnel would use {fmt.number(max(used))} vCPU"
        if len(nodes) == 1
        else f"The busiest of {len(nodes):,} ztunnels\nwould use {fmt.number(max(used))} vCPU,\n"
        f"the mean one {fmt.number(fmean(used))}"
    )
    post, detail = _post_vcpu(), "for the same traffic, idle included"
    if post is not None and not _within_reach(nodes):
        detail = f"idle included; the post's {post:g} a node is beyond this axis"
    return style.titled(figure, finding, detail)


def _bars(axes: Axes, nodes: Sequence[NodeZtunnel]) -> None:
    mid, low, high = style.ends(item.ztunnel_vcpu for item in nodes)
    at = np.arange(len(nodes))
    axes.barh(at, mid, height=0.62, color=style.COLOURS["ztunnel"], label="ztunnel")
    axes.errorbar(
        mid,
        at,
        xerr=[mid - low, high - mid],
        fmt="none",
        color=style.INK,
        capsize=2.5,
        lw=1,
        label="90 % interval",
    )
    style.rows_named(axes, [style.drawable(item.node) for item in nodes])
    axes.set_xlim(0, _length(nodes))
    style.numbers(axes.xaxis)
    axes.set_xlabel(_UNIT)


def _curve(axes: Axes, nodes: Sequence[NodeZtunnel]) -> None:
    mid, low, high = style.ends(item.ztunnel_vcpu for item in nodes)
    ranks = np.arange(1, len(nodes) + 1)
    axes.fill_between(
        ranks, low, high, color=style.COLOURS["ztunnel"], alpha=0.35, lw=0, label="90 % interval"
    )
    axes.plot(ranks, mid, color=style.INK, lw=1.5, label="ztunnel")
    axes.set_xlim(1, len(nodes))
    axes.set_ylim(0, _length(nodes))
    style.counts(axes.xaxis)
    style.numbers(axes.yaxis)
    axes.set_xlabel("nodes, the busiest first")
    axes.set_ylabel(_UNIT)


def _post(axes: Axes, nodes: Sequence[NodeZtunnel], *, upright: bool) -> None:
    post = _post_vcpu()
    if post is None or not _within_reach(nodes):
        return
    line = axes.axvline if upright else axes.axhline
    line(post, color=style.COLOURS["fit"], lw=1.4, ls="--", label=f"the post's {post:g} a node")


def _post_vcpu() -> float | None:
    return published_constants()[BLOG].ztunnel_vcpu_per_node


def _within_reach(nodes: Sequence[NodeZtunnel]) -> bool:
    post = _post_vcpu()
    return post is not None and post <= _REACH * max(item.ztunnel_vcpu.high for item in nodes)


def _length(nodes: Sequence[NodeZtunnel]) -> float:
    longest = max(item.ztunnel_vcpu.high for item in nodes)
    post = _post_vcpu() or 0.0
    # Where nothing is used, an axis needs a length all the same.
    return (max(longest, post) if _within_reach(nodes) else longest) * 1.05 or 1.0
