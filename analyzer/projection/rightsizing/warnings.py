"""What people need to know before they apply recommended requests."""

from analyzer.measurement.findings import Finding
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.autoscaled import autoscaled
from analyzer.projection.rightsizing.limited import limited
from analyzer.projection.rightsizing.native import native_sidecars
from analyzer.projection.rightsizing.of_autoscalers import (
    autoscalers_not_known,
    autoscalers_that_count,
    vertical_autoscalers,
)
from analyzer.projection.rightsizing.of_limits import default_limits, limits_that_reject
from analyzer.projection.rightsizing.result import Rightsizing


def warnings_of(found: Rightsizing, usage: MeshUsage) -> tuple[Finding, ...]:
    """Return what the cluster's own objects do to the recommendations, or they to it.

    There is none without a recommendation, or without the objects.
    """
    scaled, limits = autoscaled(found, usage), limited(found, usage.limit_ranges)
    return (
        *autoscalers_that_count(scaled),
        *autoscalers_not_known(scaled),
        *limits_that_reject(limits),
        *default_limits(limits),
        *native_sidecars(found, usage),
        *vertical_autoscalers(found, usage),
    )
