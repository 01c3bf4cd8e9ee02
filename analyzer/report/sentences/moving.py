"""What a move to ambient changes beside the figures, and what the figures leave out."""

from collections.abc import Iterator

from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.modes import AMBIENT_L4
from analyzer.projection.result import Projection
from analyzer.report import format as fmt
from analyzer.report.sentences.zones import missing_line
from analyzer.units import MONTHS_PER_YEAR


def moving_lines(projection: Projection) -> Iterator[str]:
    """Return what to expect of a move, and what has no price here; nothing without ambient."""
    load = projection.load
    if not isinstance(load, MeasuredLoad) or not projection.ambient_savings:
        return
    yield (
        "Namespaces without a waypoint lose istio_requests_total and all HTTP telemetry, and with "
        "it dashboards and alerts on requests. Ztunnels count only connections and bytes."
    )
    yield from _both_at_once(projection)
    yield from _autoscalers(load)
    yield (
        "Ambient captures the DNS of its pods by default since Istio 1.25; sidecars do not by "
        "default. Its CPU in ztunnels is not priced."
    )
    yield (
        "Not priced: gateways, the work of migrating, latency, a redesign of L7 policies, and the "
        "volume of logs and metrics."
    )
    yield from missing_line(projection)


def _both_at_once(projection: Projection) -> Iterator[str]:
    """Return what ztunnels cost while sidecars still run: at most with all the traffic."""
    for mode in (item for item in projection.modes if item.name == AMBIENT_L4):
        month_usd = mode.usd_per_year.scaled(1 / MONTHS_PER_YEAR)
        yield (
            "During the move both run: until the last sidecar is gone, the ztunnels cost up to "
            f"{fmt.usd(month_usd)} a month on top of the sidecars."
        )


def _autoscalers(load: MeasuredLoad) -> Iterator[str]:
    """Return why autoscalers of applications see another utilisation without sidecars."""
    sidecars = load.sidecars
    if not load.sidecar_count or sidecars.reserved_vcpu is None or not sidecars.reserved_vcpu > 0:
        return
    requested, used = (
        1000 * amount / load.sidecar_count for amount in (sidecars.reserved_vcpu, sidecars.vcpu)
    )
    share = fmt.share(100 * sidecars.vcpu / sidecars.reserved_vcpu)
    yield (
        f"A HorizontalPodAutoscaler on CPU utilisation counts the sidecar: {fmt.number(used)}m "
        f"used of {fmt.number(requested)}m requested here, {share}. Without it, pods with a higher "
        "utilisation scale out earlier: set their targets again."
    )
