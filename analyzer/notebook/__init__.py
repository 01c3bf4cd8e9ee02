"""The four steps for notebooks and scripts: results with data frames, tables and charts.

What these functions return are the results of the layers below, with more to look at: tidy data
frames whose columns name their units, a table that a notebook shows, and charts.
"""

from analyzer.notebook.api import calibrate, collect, load_sample, load_snapshot, project
from analyzer.notebook.results import MeshCalibration, MeshProjection, MeshSnapshot

__all__ = [
    "MeshCalibration",
    "MeshProjection",
    "MeshSnapshot",
    "calibrate",
    "collect",
    "load_sample",
    "load_snapshot",
    "project",
]
