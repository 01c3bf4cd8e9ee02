"""What Istio sidecars really cost, and what ambient mode would cost for the same traffic.

The four steps, for scripts and notebooks; each is imported when it is first used:

    >>> import analyzer as mesh
    >>> sorted(mesh.__all__)
    ['__version__', 'calibrate', 'collect', 'load_snapshot', 'project']
"""

from __future__ import annotations

import importlib

__all__ = ["__version__", "calibrate", "collect", "load_snapshot", "project"]

__version__ = "0.1.0"

_HOMES = {
    "calibrate": "analyzer.calibration",
    "collect": "analyzer.measurement",
    "load_snapshot": "analyzer.measurement",
    "project": "analyzer.projection",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for, so that `--help` does not wait for pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
