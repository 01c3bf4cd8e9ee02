"""Sentences about istiod, which is beside the totals."""

from collections.abc import Iterator

from analyzer.projection.modes import AMBIENT_L4, AMBIENT_WAYPOINT, SIDECAR
from analyzer.projection.result import ControlPlane, Projection
from analyzer.report import format as fmt


def control_plane_line(projection: Projection) -> Iterator[str]:
    """Return what istiod serves and uses today and in ambient; nothing where it is not known."""
    known = {mode.name: mode.control_plane for mode in projection.modes if mode.control_plane}
    today, l4 = known.get(SIDECAR), known.get(AMBIENT_L4)
    if today is None or l4 is None:
        return
    places = [f"{_served(l4)} in {fmt.MODE_TITLES[AMBIENT_L4]}"]
    if waypoint := known.get(AMBIENT_WAYPOINT):
        places.append(f"{_served(waypoint)} {fmt.MODE_TITLES[AMBIENT_WAYPOINT].split(' ', 1)[1]}")
    yield (
        f"Not in the totals: istiod, which serves {_served(today)} proxies in sidecar mode and "
        f"would serve {fmt.listed(places)}. It uses {fmt.ranged(today.vcpu)} vCPU "
        f"({today.provenance}), and would use {fmt.ranged(l4.vcpu)} in "
        f"{fmt.MODE_TITLES[AMBIENT_L4]}."
    )


def _served(found: ControlPlane) -> str:
    return fmt.count(found.proxies_served)
