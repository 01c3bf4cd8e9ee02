"""The arithmetic behind each figure, line by line, from query to dollar.

Every result is the projection's own; nothing is computed again. Each line shows the figures of its
result, so that a reader, or a test, can recalculate it.
"""

from collections.abc import Iterator

from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.modes import RIGHTSIZED
from analyzer.projection.result import Mode, Projection, Workings
from analyzer.report import format as fmt
from analyzer.report.answer import Answer
from analyzer.report.escapes import inert
from analyzer.report.explain import (
    control_plane,
    money,
    rightsizing,
    sidecars,
    waypoints,
    zones,
    ztunnels,
)
from analyzer.report.explain.lines import component_lines
from analyzer.report.sentences.collection import window_title
from analyzer.report.sentences.refused import grouped
from analyzer.units import Role


def explain(answer: Answer, modes: tuple[str, ...]) -> str:
    """Return how the figures of these modes are calculated, as plain text."""
    return "\n".join(_lines(answer, modes)) + "\n"


def _lines(answer: Answer, modes: tuple[str, ...]) -> Iterator[str]:
    projection = answer.projection
    if projection is None or projection.workings is None:
        return
    workings, known = projection.workings, {mode.name: mode for mode in projection.modes}
    yield "How these figures are calculated"
    yield "Each line with an equals sign can be recalculated from its own figures, of six digits."
    yield "x is multiplication, ^ is power, and max(a, b) is the larger value."
    yield "All figures are best estimates. The ranges are explained at the end of each mode."
    yield ""
    yield f"Window {window_title(answer.manifest)}"
    hours = workings.scenario.working_hours
    if hours is not None:
        stated = hours.to_toml()
        times = f"{stated['start']} to {stated['end']} {stated['time_zone']}"
        yield f"Only intervals within {', '.join(stated['days'])} {times} count"
    yield ""
    yield from money.price_lines(projection.price, workings)
    for section in _sections(answer, projection, workings, modes):
        yield ""
        yield from section
    for name in modes:
        if name not in known:
            yield ""
            yield f"Cannot tell: {name}"
            refusals = grouped(map(answer.worded, projection.refusals))
            yield from (f"  {inert(refusal)}" for refusal in refusals)


def _sections(
    answer: Answer, projection: Projection, workings: Workings, modes: tuple[str, ...]
) -> Iterator[Iterator[str]]:
    """Return the components of the modes, without repeats, and then each mode."""
    load = projection.load
    if not isinstance(load, MeasuredLoad):
        return
    chosen = [mode for mode in projection.modes if mode.name in modes]
    # Right-sized sidecars are the same proxies, so their use is explained with them.
    needs = {part.role: part.need for mode in chosen for part in mode.components}
    if Role.SIDECAR in needs:
        yield sidecars.sidecar_lines(answer, load, workings)
    if Role.ZTUNNEL in needs and load.nodes is not None:
        yield ztunnels.ztunnel_lines(answer, needs[Role.ZTUNNEL], load.nodes, workings)
    if Role.WAYPOINT in needs:
        names = {mode.name for mode in chosen}
        yield waypoints.waypoint_lines(answer, load, workings, names)
    for role, need in needs.items():
        if role not in (Role.SIDECAR, Role.ZTUNNEL, Role.WAYPOINT):
            yield component_lines(need)
    for mode in chosen:
        yield _mode_lines(projection, load, mode, workings)


def _mode_lines(
    projection: Projection, load: MeasuredLoad, mode: Mode, workings: Workings
) -> Iterator[str]:
    yield f"Mode {mode.name}, {fmt.MODE_TITLES[mode.name]}"
    is_rightsized = mode.name == RIGHTSIZED
    if is_rightsized:
        yield from rightsizing.rightsized_lines(projection, load)
    for part in mode.components:
        if part.role == Role.WAYPOINT:
            yield from waypoints.placed_lines(part.need)
        yield from money.node_price_lines(
            part.need, load, workings.node_prices, is_rightsized=is_rightsized
        )
    yield from zones.transfer_lines(mode, load, workings)
    yield from money.dollar_lines(mode, projection.price)
    yield from control_plane.control_plane_lines(projection, mode, workings)
    for saving in projection.savings:
        if saving.mode == mode.name:
            yield from money.saving_lines(projection, mode, saving)
