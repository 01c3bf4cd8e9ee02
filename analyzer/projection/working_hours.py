"""Only the part of the week that counts."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analyzer.errors import InsufficientData
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import WorkingHours


def within(usage: MeshUsage, hours: WorkingHours | None) -> MeshUsage:
    """Return the mesh as it was in these hours: steps that lie in them from beginning to end.

    Raises:
        InsufficientData: if the window has no such step.
    """
    if hours is None:
        return usage
    window, zone = usage.window, ZoneInfo(hours.time_zone)
    step = timedelta(seconds=window.step_seconds)
    kept = []
    for point in usage.observed_points:
        end = window.time_of(int(point))
        # A step that ends at midnight is of the day before.
        first, last = ((end - ago).astimezone(zone) for ago in (step, timedelta.resolution))
        is_that_day = first.date() == last.date() and first.weekday() in hours.days
        # Where clocks are put back, a step may end at an earlier time than it begins.
        if is_that_day and all(hours.start <= at.time() <= hours.end for at in (first, last)):
            kept.append(point)
    if not kept:
        raise InsufficientData(
            "the window has no whole step in the scenario's working_hours: collect a longer time"
        )
    points = np.array(kept)
    return replace(
        usage,
        observed_points=points,
        steps=usage.steps[usage.steps["point"].isin(points)].reset_index(drop=True),
        calls=usage.calls[usage.calls["point"].isin(points)].reset_index(drop=True),
    )
