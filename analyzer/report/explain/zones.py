"""The traffic between zones that the waypoints of a mode add, namespace by namespace."""

from collections.abc import Iterator

from analyzer.projection.choices import TrafficDistribution
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.result import Mode, Workings
from analyzer.projection.scenario import ZONE_PRICE
from analyzer.projection.zones import BYTES_PER_GB, SECONDS_PER_MONTH
from analyzer.report.escapes import inert
from analyzer.report.explain.lines import equation, figure, query_file, spread, total

_CHOSEN = {
    TrafficDistribution.PREFER_CLOSE: "callers use a waypoint replica in their own zone, if there "
    "is one",
    TrafficDistribution.RANDOM: "callers use any waypoint replica",
}


def transfer_lines(mode: Mode, load: MeasuredLoad, workings: Workings) -> Iterator[str]:
    """Return the GB of each namespace, and what all of them cost."""
    if mode.transfer is None or load.zones is None:
        return
    found, price = mode.transfer.transfer, workings.scenario.assumptions[ZONE_PRICE]
    yield f"  zones are from {query_file('node_zones')}"
    yield f"  {_CHOSEN[workings.parameters.traffic_distribution]}; pods are called at random"
    yield f"  {ZONE_PRICE} is {spread(price.value)}. Source: {inert(price.source)}."
    gb = found.gb_per_month[:, 0]
    rows = zip(load.namespaces["namespace"], zip(*found.crossings, strict=True), strict=True)
    amounts = zip(found.crossings.extra, found.weights, gb, strict=True)
    for (name, (handled, *ways)), (more, weight, month) in zip(rows, amounts, strict=True):
        if weight <= 0 or handled <= 0:
            continue
        label = f"{inert(str(name))}, between zones"
        shares, extra = [way / handled for way in ways], more / handled
        each = f"{label}, of each byte, to the waypoint + to pods - without a waypoint"
        yield equation(each, "{} + {} - {}", shares, extra, "crossings")
        terms = handled, extra, SECONDS_PER_MONTH, BYTES_PER_GB, weight
        yield f"  {label}: {figure(handled)} bytes/s"
        yield equation(label, "{} x {} x {} / {} x {}", terms, month, "GB a month")
    together = float(gb.sum())
    yield from total("between zones", gb, together, "GB a month")
    usd = mode.transfer.usd_per_year.mid
    how = "{} x {} x 12"
    yield equation("between zones, cost", how, (together, price.value.mid), usd, "USD a year")
