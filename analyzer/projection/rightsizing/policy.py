"""How requests are recommended: the scenario's percentile and headroom, over a measured window."""

from typing import Final

from analyzer.measurement.usage import MeshUsage
from analyzer.projection.rightsizing.result import Policy
from analyzer.projection.scenario import Scenario

LEAST_HOURS: Final = 24.0
"""A day: a shorter window may lack the busiest hours."""

_SECONDS_PER_HOUR: Final = 3600


def policy_of(scenario: Scenario, usage: MeshUsage, *, force_short: bool = False) -> Policy:
    """Return the scenario's policy for a measured window.

    `force_short` permits a recommendation from less than a day.
    """
    hours = hours_of(usage)
    return Policy(
        percentile=scenario["rightsizing_percentile"].mid,
        window_hours=hours,
        step_seconds=usage.window.step_seconds,
        headroom_share=scenario["rightsizing_headroom_share"].mid,
        unseen_headroom_share=scenario["rightsizing_unseen_headroom_share"].mid,
        memory_headroom_share=scenario["rightsizing_memory_headroom_share"].mid,
        memory_limit_share=scenario["rightsizing_memory_limit_share"].mid,
        cpu_limit=scenario.rightsizing_cpu_limit,
        limit_factor=scenario["rightsizing_limit_factor"].mid,
        is_short=force_short and hours < LEAST_HOURS,
    )


def hours_of(usage: MeshUsage) -> float:
    """Return how much time was observed, gaps left out."""
    return len(usage.observed_points) * usage.window.step_seconds / _SECONDS_PER_HOUR
