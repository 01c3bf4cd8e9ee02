"""A calibration, to look into."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Self

import pandas as pd
from matplotlib.figure import Figure

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.measurement.snapshot import Snapshot
from analyzer.notebook.shown import frame_of, plot
from analyzer.report.answer import Answer
from analyzer.report.records import role_rows, workload_rows
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.calibration import calibration_lines, ranked, verdict
from analyzer.report.tables.parts import workloads
from analyzer.units import Refusal

__all__ = ["MeshCalibration"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeshCalibration(Calibration):
    """What proxies cost, as tables and charts.

    Attributes:
        answer: what it was found from.

    >>> import analyzer as mesh
    >>> calibration = mesh.calibrate(mesh.load_sample("fleet"))
    >>> calibration.sidecar.model
    'affine'
    """

    answer: Answer = field(repr=False, metadata={"json": False})

    @classmethod
    def of(cls, calibration: Calibration, answer: Answer) -> Self:
        """Return a calibration as one to look into."""
        plain = {item.name: getattr(calibration, item.name) for item in fields(Calibration)}
        return cls(**plain, answer=answer)

    def is_of(self, snapshot: Snapshot) -> bool:
        """Tell whether it was made from this snapshot."""
        return self.answer.manifest == snapshot.manifest

    @property
    def workload_frame(self) -> pd.DataFrame:
        """One row a workload, the most CPU first: idle and slope with their 90 % intervals.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).workload_frame
        >>> {"vcpu_per_1000_rps_low", "idle_vcpu_per_proxy_mid"} <= set(frame)
        True
        """
        rows = workload_rows(self)
        return frame_of(sorted(rows, key=lambda row: -row["mean_vcpu"]))

    @property
    def role_frame(self) -> pd.DataFrame:
        """One row a role whose cost is known.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).role_frame
        >>> frame[["role", "provenance"]].to_numpy().tolist()
        [['sidecar', 'measured'], ['waypoint', 'derived'], ['ztunnel', 'published']]
        """
        return frame_of(role_rows(self))

    @property
    def exclusion_frame(self) -> pd.DataFrame:
        """One row a reason for which steps took no part: reason, step_count, mean_vcpu."""
        return frame_of(asdict(item) for item in self.exclusions)

    @property
    def backtest_frame(self) -> pd.DataFrame:
        """One row a workload: the last 30 % of the time, measured and predicted.

        Empty where there was nothing to test; columns as in `Backtest.workloads`.
        """
        fit = self.sidecar
        test = fit.backtest if isinstance(fit, RoleCalibration) else None
        return pd.DataFrame() if test is None else test.workloads

    def plot(self, name: str = "calibration") -> Figure | Refusal:
        """Draw a chart: calibration, workloads, timeline or backtest.

        Returns:
            The figure, or why there is nothing to draw.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).plot().axes[0].get_ylabel()
        'vCPU of the proxy'
        """
        return plot(self.answer, name)

    # Their parents would compare data frames, which have no single truth.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """Return the finding."""
        return f"<MeshCalibration: {self._finding()}>"

    def _finding(self) -> str:
        fit = self.sidecar
        return verdict(fit) if isinstance(fit, RoleCalibration) else str(fit)

    def _repr_html_(self) -> str:
        note = self.answer.manifest.note if self.answer.manifest else None
        table = table_html(workloads(ranked(self.workloads)))
        return paragraphs_html(note, self._finding(), *calibration_lines(self)) + table
