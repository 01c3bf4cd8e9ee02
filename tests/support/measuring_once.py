"""Each snapshot is measured, fitted and projected once a process, for all who ask for it."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import pytest

import analyzer.calibration
import analyzer.projection
from analyzer.calibration import Calibration
from analyzer.measurement import usage
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage
from analyzer.projection import Projection, Scenario

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_KEPT = 8
"""Most commands of the tests answer from one of the two samples."""


class _Kept(Generic[_Key, _Value]):
    """The last few values, each with what it was made of."""

    def __init__(self, is_same: Callable[[_Key, _Key], bool]) -> None:
        self._is_same = is_same
        self._values: deque[tuple[_Key, _Value]] = deque(maxlen=_KEPT)

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """Return what was made of the same, or make it."""
        for known, value in self._values:
            if self._is_same(known, key):
                return value
        made = make()
        self._values.append((key, made))
        return made


@contextmanager
def measuring_once() -> Iterator[None]:
    """Let commands that run in this process share what they measure of the same data.

    The manifest holds the checksum of every file, and a snapshot that is opened was checked against
    it: snapshots with the same manifest are measured alike.
    """
    measure, fit = usage.measure, analyzer.calibration.calibrate_usage
    project = analyzer.projection.project_usage
    measured = _Kept[str, MeshUsage](lambda one, other: one == other)
    fitted = _Kept[MeshUsage, Calibration](lambda one, other: one is other)
    projected = _Kept[tuple[MeshUsage, Calibration, object], Projection](
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
        patch.setattr(analyzer.calibration, "calibrate_usage", fit_once)
        patch.setattr(analyzer.projection, "project_usage", project_once)
        yield
