"""Each snapshot is measured and fitted once a process, though many commands answer from it."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import analyzer.calibration
from analyzer.calibration import Calibration
from analyzer.measurement import usage
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage

_KEPT = 8
"""Most commands of the tests answer from one of the two samples."""


@contextmanager
def measuring_once() -> Iterator[None]:
    """Let commands that run in this process share what they measure of the same data.

    The manifest holds the checksum of every file, and a snapshot that is opened was checked against
    it: snapshots with the same manifest are measured alike.
    """
    measure, fit = usage.measure, analyzer.calibration.calibrate_usage
    measured: deque[tuple[str, MeshUsage]] = deque(maxlen=_KEPT)
    fitted: deque[tuple[MeshUsage, Calibration]] = deque(maxlen=_KEPT)

    def measure_once(snapshot: Snapshot) -> MeshUsage:
        manifest = snapshot.manifest.to_json()
        found = next((known for key, known in measured if key == manifest), None)
        if found is None:
            found = measure(snapshot)
            measured.append((manifest, found))
        return found

    def fit_once(of: MeshUsage) -> Calibration:
        found = next((known for key, known in fitted if key is of), None)
        if found is None:
            found = fit(of)
            fitted.append((of, found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage, "measure", measure_once)
        patch.setattr(analyzer.calibration, "calibrate_usage", fit_once)
        yield
