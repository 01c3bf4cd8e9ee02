"""Each snapshot is measured, fitted and projected once a process, for all who ask for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import pytest

import analyzer.calibration
import analyzer.projection
from analyzer.calibration import Calibration
from analyzer.measurement import usage
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage
from analyzer.notebook import api
from analyzer.notebook import snapshot as notebook
from analyzer.projection import Projection, Scenario
from tests.support.kept import Kept

_COMPARE: Final = import_module("analyzer.comparison.compare")
"""The module, which a function of the package hides."""


@contextmanager
def measuring_once() -> Iterator[None]:
    """Let commands that run in this process share what they measure of the same data.

    The manifest holds the checksum of every file, and a snapshot that is opened was checked against
    it: snapshots with the same manifest are measured alike.
    """
    measure, fit = usage.measure, analyzer.calibration.calibrate_usage
    project = analyzer.projection.project_usage
    measured = Kept[str, MeshUsage](lambda one, other: one == other)
    fitted = Kept[MeshUsage, Calibration](lambda one, other: one is other)
    projected = Kept[tuple[MeshUsage, Calibration, object], Projection](
        lambda one, other: one[0] is other[0] and one[1] is other[1] and one[2] == other[2]
    )

    def measure_once(snapshot: Snapshot) -> MeshUsage:
        return measured.get(snapshot.manifest.to_json(), lambda: measure(snapshot))

    def fit_once(of: MeshUsage) -> Calibration:
        return fitted.get(of, lambda: fit(of))

    def project_once(
        of: MeshUsage,
        costs: Calibration,
        scenario: Scenario,
        **settings: Any,  # noqa: ANN401 - as `project_usage` has them
    ) -> Projection:
        key = (of, costs, (scenario, settings))
        return projected.get(key, lambda: project(of, costs, scenario, **settings))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage, "measure", measure_once)
        patch.setattr(notebook, "measure", measure_once)
        patch.setattr(notebook, "calibrate_usage", fit_once)
        patch.setattr(api, "project_usage", project_once)
        patch.setattr(analyzer.calibration, "calibrate_usage", fit_once)
        patch.setattr(_COMPARE, "measure", measure_once)
        patch.setattr(_COMPARE, "calibrate_usage", fit_once)
        patch.setattr(analyzer.projection, "project_usage", project_once)
        yield
