"""What time that was not seen does to the sidecars' totals, line by line."""

from collections.abc import Iterator
from typing import Final

from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad
from analyzer.report.explain.lines import equation
from analyzer.report.sentences.unseen import filled_line
from analyzer.units import Interval

_BASES: Final = {Basis.USAGE: "used", Basis.RESERVED: "requested", Basis.BILLED: "billed"}


def unseen_lines(load: MeasuredLoad) -> Iterator[str]:
    """Return what was filled, and the ends of each total that has a range because of it."""
    ranges, sidecars = load.ranges, load.sidecars
    if ranges.are_exact:
        return
    yield from (f"  {line}" for line in filled_line(load))
    yield "  unseen time may have been quieter or busier, which gives totals a low and a high end:"
    vcpu, memory_gib = sidecars.vcpu_by_basis, sidecars.memory_gib_by_basis
    for basis, name in _BASES.items():
        yield from _ends(name, vcpu.get(basis), ranges.vcpu[basis], "vCPU")
        yield from _ends(f"memory {name}", memory_gib.get(basis), ranges.memory_gib[basis], "GiB")
    yield from _ends("proxy requests", load.proxy_rps, ranges.traffic, "requests/s")
    yield from _ends("calls", load.mesh_rps, ranges.traffic, "requests/s")


def _ends(label: str, total: float | None, multiple: Interval, unit: str) -> Iterator[str]:
    if total is None or multiple.low == multiple.high:
        return
    for end, times in (("low", multiple.low), ("high", multiple.high)):
        yield equation(f"{label}, {end} end", "{} x {}", (total, times), total * times, unit)
