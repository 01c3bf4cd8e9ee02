"""The four steps for notebooks and scripts: results with data frames, tables and charts.

Each function returns the result of a layer below with more to look at: data frames whose columns
name their units, a table that a notebook shows, and charts.
"""

from analyzer.notebook.api import (
    calibrate,
    collect,
    compare,
    load_sample,
    load_snapshot,
    project,
    project_meshes,
)
from analyzer.notebook.calibration import MeshCalibration
from analyzer.notebook.comparison import MeshComparison
from analyzer.notebook.meshes import ManyProjections
from analyzer.notebook.projection import MeshProjection
from analyzer.notebook.snapshot import MeshSnapshot

__all__ = [
    "ManyProjections",
    "MeshCalibration",
    "MeshComparison",
    "MeshProjection",
    "MeshSnapshot",
    "calibrate",
    "collect",
    "compare",
    "load_sample",
    "load_snapshot",
    "project",
    "project_meshes",
]
