"""What Istio sidecars really cost, and what ambient mode would cost for the same traffic.

The four steps, for scripts and notebooks; each is imported when it is first used:

    >>> import analyzer as mesh
    >>> dir(mesh)
    ['__version__', 'calibrate', 'collect', 'load_sample', 'load_snapshot', 'project']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.notebook import calibrate, collect, load_sample, load_snapshot, project

__all__ = ["__version__", "calibrate", "collect", "load_sample", "load_snapshot", "project"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for, so that `--help` does not wait for pandas."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("analyzer.notebook"), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not: `help` and tab completion ask for them here."""
    return __all__
