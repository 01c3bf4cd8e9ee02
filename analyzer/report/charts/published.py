"""The panel of what published constants say that the same mesh costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes

from analyzer.data import BLOG
from analyzer.projection.result import Reference
from analyzer.report.charts.panels import HATCHES, rows_named
from analyzer.report.charts.style import COLOURS, INK, shortened, written
from analyzer.report.words import MODE_TITLES, dollars, number

__all__ = ["ROOM", "published_panel", "published_rows"]

ROOM = 1.45
"""How much longer than the longest bar the axis is, so that the figures at its right fit."""

_WIDTH = 24

_PAPER: Final[dict[str, Any]] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
"""Behind the figures, through which the line at the measured sidecars may pass."""


def published_rows(references: Sequence[Reference]) -> list[tuple[Reference, str]]:
    """Return a row a reference and mode that it speaks of, in the order of the references."""
    return [(reference, mode) for reference in references for mode in reference.component_vcpu]


def published_panel(
    axes: Axes, rows: Sequence[tuple[Reference, str]], measured_usd: float | None
) -> None:
    """Draw a bar a row, stacked by component, and a line at what the sidecars were measured at."""
    for row, (reference, mode) in enumerate(rows):
        _bar(axes, row, reference, mode)
    if measured_usd is not None:
        axes.axvline(
            measured_usd,
            color=COLOURS["fit"],
            lw=1.4,
            ls="--",
            label=f"sidecars of this mesh, {dollars(measured_usd)}",
        )
    longest = max(reference.usd_per_year[mode] for reference, mode in rows)
    axes.set_xlim(0, max(longest, measured_usd or 0.0) * ROOM or 1)
    rows_named(axes, [_name(*row) for row in rows], fontsize=8)
    axes.set_title("Published figures for the same mesh", loc="left", fontsize=10, color=INK)
    axes.set_xlabel("USD a year, at the same price of a vCPU")


def _bar(axes: Axes, row: int, reference: Reference, mode: str) -> None:
    usd, vcpu = reference.usd_per_year[mode], reference.vcpu[mode]
    left = 0.0
    for role, part in reference.component_vcpu[mode].items():
        width = usd * part / vcpu if vcpu else 0.0
        axes.barh(
            row,
            width,
            left=left,
            height=0.62,
            color=COLOURS[role],
            hatch=HATCHES[role],
            edgecolor="white",
            lw=0,
            label=role,
        )
        left += width
    told = axes.annotate(
        f"{dollars(usd)}  ({number(vcpu)} vCPU)",
        (usd, row),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=INK,
        bbox=_PAPER,
        zorder=3,
    )
    written(told)


def _name(reference: Reference, mode: str) -> str:
    # Years and remarks in brackets do not fit at the left of a bar.
    title = "the post" if reference.name == BLOG else reference.title.split(" (")[0]
    return f"{shortened(title, _WIDTH)}: {MODE_TITLES.get(mode, mode).replace(', ', f',{chr(10)}')}"
