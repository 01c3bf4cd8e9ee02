"""From measured use to what each mode of the mesh costs for the same traffic."""

from analyzer.projection.project import project, project_usage
from analyzer.projection.result import Projection
from analyzer.projection.scenario import (
    Scenario,
    default_scenario,
    hypothetical_scenario,
    load_scenario,
)

__all__ = [
    "Projection",
    "Scenario",
    "default_scenario",
    "hypothetical_scenario",
    "load_scenario",
    "project",
    "project_usage",
]
