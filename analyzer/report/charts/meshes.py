"""What several meshes and their sum cost per year in each mode."""

from typing import Final

from matplotlib.axes import Axes

from analyzer.projection.meshes import Meshes, PricedMesh, PricedMode
from analyzer.projection.modes import (
    AMBIENT_L4,
    AMBIENT_WAYPOINT,
    AMBIENT_WAYPOINT_ALL,
    RIGHTSIZED,
    SIDECAR,
)
from analyzer.report import format as fmt
from analyzer.report.apart import apart
from analyzer.report.charts import parts, style
from analyzer.report.sentences.meshes import legend

MOST: Final = 20
"""Meshes that are drawn, those with the most expensive sidecars; the table has all."""

_NAME_WIDTH: Final = 20  # letters
_BAR_INCHES: Final = 0.24
_ROOM: Final = 1.4
"""How much longer than the longest bar the axis is, so that the figures beside it fit."""

_LOOKS: Final = {
    SIDECAR: ("sidecar", style.COLOURS["sidecar"]),
    RIGHTSIZED: ("sidecar", style.COLOURS["fit"]),
    AMBIENT_L4: ("ztunnel", style.COLOURS["ztunnel"]),
    AMBIENT_WAYPOINT: ("waypoint", style.COLOURS["waypoint"]),
    AMBIENT_WAYPOINT_ALL: ("memory", style.COLOURS["memory"]),
}
"""By mode: whose hatch it has, and its colour."""

_READING: Final = (
    "Each bar is the best estimate of one mode. The thin line across its end is the 90 % interval. "
    "The percentage is what the mode saves against sidecar mode."
)


def draw(meshes: Meshes) -> style.ShownFigure:
    """Draw a group of bars for each mesh, a bar a mode, and one group for the sum."""
    ranked = sorted(meshes.meshes, key=lambda mesh: -mesh.modes[0].usd_per_year.mid)
    kept = {*(mesh.name for mesh in ranked[:MOST]), meshes.total.name}
    shown = [mesh for mesh in meshes.shown if mesh.name in kept]
    count = sum(len(mesh.modes) for mesh in shown)
    figure, axes = style.new_figure(height_inches=1.9 + count * _BAR_INCHES + len(shown) * 0.12)
    places: list[float] = []
    row = 0.0
    for mesh in shown:
        places.append(row + (len(mesh.modes) - 1) / 2)
        for mode in mesh.modes:
            _bar(axes, row, mesh, mode)
            row += 1
        row += 0.5
    names = apart([mesh.name for mesh in meshes.meshes], _NAME_WIDTH)
    of_sum = f"sum of\n{fmt.counted(len(meshes.meshes), 'mesh', 'meshes')}"
    titles = {**names, meshes.total.name: of_sum}
    axes.set_yticks(places, [parts.drawable(titles[mesh.name], _NAME_WIDTH) for mesh in shown])
    axes.set_ylim(row - 0.9, -0.7)
    longest = max(mode.usd_per_year.high for mesh in shown for mode in mesh.modes)
    axes.set_xlim(0, longest * _ROOM or 1)
    parts.numbers(axes.xaxis, "${:,.0f}".format, most=5)
    axes.set_xlabel(f"cost in USD per year, {fmt.AS_BASIS[meshes.basis]}")
    parts.legend_below(figure, axes, columns=4)
    surplus = len(ranked[MOST:])
    more = (
        f" {fmt.counted(surplus, 'mesh', 'meshes')} with less cost are not drawn."
        if surplus
        else ""
    )
    detail = f"{legend(meshes)}{more}".removesuffix(".")
    return style.titled(figure, _finding(meshes), detail, reading=_READING)


def _bar(axes: Axes, row: float, mesh: PricedMesh, mode: PricedMode) -> None:
    hatch, colour = _LOOKS[mode.name]
    usd = mode.usd_per_year
    look = {"color": colour, "hatch": style.HATCHES[hatch], **style.BAR}
    axes.barh(row, usd.mid, height=0.86, label=fmt.MODE_TITLES[mode.name], **look)
    if usd.low < usd.high:
        parts.range_bar(axes, row, usd)
    percent = {item.mode: item.percent for item in mesh.savings}.get(mode.name)
    saves = f"  ({_saves(percent.mid)})" if percent else ""
    axes.text(
        usd.high,
        row,
        f"  {fmt.dollars(usd.mid)}{saves}",
        va="center",
        fontsize=8,
        color=style.INK,
    )


def _saves(percent: float) -> str:
    if percent >= 0:
        return f"saves {fmt.share(percent)}"
    return f"costs {fmt.share(-percent)} more"


def _finding(meshes: Meshes) -> str:
    claims = [
        f"{fmt.MODE_TITLES[item.mode]} {fmt.saving(item.percent, 's')}"
        for item in meshes.total.savings
    ]
    who = fmt.counted(len(meshes.meshes), "mesh", "meshes")
    return f"{who}: " + ";\n".join(claims) + f", {fmt.AS_BASIS[meshes.basis]}"
