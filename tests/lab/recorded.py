"""The recorded runs: their snapshots, what the tool makes of them, and the truth beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from analyzer.arrays import Ints
from analyzer.calibration import Calibration, calibrate_usage
from analyzer.data import sample_path
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import MeshUsage, measure
from tests.lab.analysis import beside_truth, truth_by_workload
from tests.lab.truth import edges_from_json, truth_table

__all__ = ["RUNS", "Recorded", "read_run"]

_FOLDER: Final = Path(__file__).with_name("runs")

RUNS: Final[Mapping[str, Path]] = {
    "sample": sample_path("lab"),
    **{path.name: path for path in sorted(_FOLDER.glob("*/"))},
}
"""The folders of all recorded runs by their names; "sample" is the bundled one."""

_BLOCK_SECONDS: Final = 180
"""Of the blocks of time of a run that was recorded without any."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A recorded run. Its time is cut into blocks, numbered from 0.

    Fit and truth of the whole run share its noise. So the run can be cut: the odd blocks are
    fitted, and the truth is that of the even ones.

    Attributes:
        name: of the run.
        usage: as the tool measures it.
        truth: one row a proxy and load step, as `truth_table` returns it.
        record: what else was recorded.
    """

    name: str
    usage: MeshUsage
    truth: pd.DataFrame
    record: Mapping[str, Any]

    @cached_property
    def calibration(self) -> Calibration:
        """What the tool makes of the whole run."""
        return calibrate_usage(self.usage)

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """The sidecars' workloads, true and fitted, over the whole run."""
        return beside_truth(self.calibration, truth_by_workload(self.sidecars))

    @property
    def sidecars(self) -> pd.DataFrame:
        """The truth of the sidecars."""
        return self.truth[self.truth["role"] == "sidecar"]

    @property
    def fitted_usage(self) -> MeshUsage:
        """The odd blocks as the tool measures them."""
        points: Ints = self.usage.observed_points
        seconds = points * self.usage.window.step_seconds
        return self.usage.only(points=points[seconds // self._block_seconds % 2 == 1])

    @property
    def kept_truth(self) -> pd.DataFrame:
        """The truth of the sidecars in the even blocks, without the step of a change."""
        step = self.sidecars["step"].to_numpy()
        block = step * self.record["load_seconds"] // self._block_seconds
        is_kept = (block % 2 == 0) & (step != self.record.get("change_step"))
        return self.sidecars[np.asarray(is_kept)]

    @property
    def _block_seconds(self) -> int:
        return int(self.record.get("block_seconds") or _BLOCK_SECONDS)


def read_run(name: str, folder: Path | None = None) -> Recorded:
    """Read the recorded run of this name, or the one in a folder."""
    folder = folder or RUNS[name]
    record = json.loads((folder / "truth.json").read_text())
    return Recorded(
        name=name,
        usage=measure(load_snapshot(folder)),
        truth=truth_table(edges_from_json(record["edges"])),
        record=record,
    )
