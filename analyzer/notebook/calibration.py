"""A calibration, to look into."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd
from matplotlib.figure import Figure

from analyzer.calibration.result import Calibration, Decomposition, RoleCalibration
from analyzer.notebook.shown import frame_of, plot
from analyzer.report.answer import Answer
from analyzer.report.records import role_rows, workload_rows
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.calibration import calibration_lines, ranked, verdict
from analyzer.report.tables.parts import workloads
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeshCalibration:
    """What proxies cost, as tables and charts.

    Attributes:
        result: the figures; those that a notebook looks at first are attributes here as well.
        answer: the same, with what they were found from.

    >>> import analyzer as mesh
    >>> calibration = mesh.calibrate(mesh.load_sample("fleet"))
    >>> calibration.sidecar.model
    'affine'
    """

    result: Calibration
    answer: Answer

    @property
    def sidecar(self) -> RoleCalibration | Refusal:
        """What a sidecar costs, or why that is not known."""
        return self.result.sidecar

    @property
    def decomposition(self) -> Decomposition:
        """The sidecars' CPU: measured = idle + traffic + not fitted + unexplained."""
        return self.result.decomposition

    @property
    def timeline(self) -> pd.DataFrame:
        """One row a point of time; columns as in `Calibration.timeline`."""
        return self.result.timeline

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What could not be found, each with its reason."""
        return self.result.refusals

    @property
    def workload_frame(self) -> pd.DataFrame:
        """One row a workload, the most CPU first: idle and slope with their 90 % intervals.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).workload_frame
        >>> {"vcpu_per_1000_rps_low", "idle_vcpu_per_proxy_mid"} <= set(frame)
        True
        """
        rows = sorted(workload_rows(self.result), key=lambda row: -row["mean_vcpu"])
        return frame_of(rows)

    @property
    def role_frame(self) -> pd.DataFrame:
        """One row a role whose cost is known.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).role_frame
        >>> frame[["role", "provenance"]].to_numpy().tolist()
        [['sidecar', 'measured'], ['waypoint', 'derived'], ['ztunnel', 'published']]
        """
        return frame_of(role_rows(self.result))

    @property
    def exclusion_frame(self) -> pd.DataFrame:
        """One row a reason for which steps took no part: reason, step_count, mean_vcpu."""
        return frame_of(asdict(item) for item in self.result.exclusions)

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

    def __repr__(self) -> str:
        """Return the finding."""
        return f"<MeshCalibration: {self._finding}>"

    @property
    def _finding(self) -> str:
        fit = self.sidecar
        return verdict(fit) if isinstance(fit, RoleCalibration) else str(fit)

    def _repr_html_(self) -> str:
        note = self.answer.manifest.note if self.answer.manifest else None
        sentences = (self._finding, *calibration_lines(self.result))
        return paragraphs_html(note, *sentences) + table_html(
            workloads(ranked(self.result.workloads))
        )
