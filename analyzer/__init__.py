"""Measure what Istio sidecars cost, and price ambient mode for the same traffic.

The steps are functions for scripts and notebooks. Each is imported when it is first used:

    >>> import analyzer as mesh
    >>> projection = mesh.project(mesh.load_sample("fleet"))
    >>> [mode.name for mode in projection.modes]
    ['sidecar', 'sidecar-rightsized', 'ambient-l4', 'ambient-waypoint', 'ambient-waypoint-all']

`projection.plot` draws a chart, and `projection.write` writes the report.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.notebook import (
        calibrate,
        collect,
        compare,
        load_sample,
        load_snapshot,
        project,
        project_meshes,
    )

__all__ = [
    "__version__",
    "calibrate",
    "collect",
    "compare",
    "load_sample",
    "load_snapshot",
    "project",
    "project_meshes",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a public name at its first use, so that `--help` does not wait for pandas."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("analyzer.notebook"), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not, for `help` and completion."""
    return __all__
