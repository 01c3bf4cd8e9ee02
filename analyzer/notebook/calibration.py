"""A calibration as data frames and charts."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd
from matplotlib.figure import Figure

from analyzer.calibration.result import (
    Calibration,
    Decomposition,
    RoleCalibration,
    TcpCalibration,
)
from analyzer.notebook import drawing
from analyzer.report import records
from analyzer.report.answer import Answer
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.calibration import calibration_lines, ranked, verdict
from analyzer.report.tables import parts
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeshCalibration:
    """The costs of proxies, as tables and charts.

    Attributes:
        result: all figures. The most used ones are attributes here as well.
        answer: the figures and the data behind them.

    >>> import analyzer as mesh
    >>> calibration = mesh.calibrate(mesh.load_sample("fleet"))
    >>> calibration.sidecar.model
    'affine'
    """

    result: Calibration
    answer: Answer

    @property
    def sidecar(self) -> RoleCalibration | Refusal:
        """The cost of a sidecar, or the reason why it is unknown.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).sidecar.proxy_count
        145
        """
        return self.result.sidecar

    @property
    def tcp(self) -> TcpCalibration | None:
        """The cost of bytes and connections of sidecars with TCP only; None without any.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).tcp.workload_count
        1
        """
        return self.result.tcp

    @property
    def decomposition(self) -> Decomposition:
        """CPU of the sidecars: measured = idle + traffic + TCP + not fitted + unexplained.

        >>> import analyzer as mesh
        >>> parts = mesh.calibrate(mesh.load_sample("fleet")).decomposition
        >>> parts.measured_vcpu > parts.idle_vcpu.mid
        True
        """
        return self.result.decomposition

    @property
    def timeline(self) -> pd.DataFrame:
        """One row per step. Columns as in `Calibration.timeline`.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).timeline["measured_vcpu"].gt(0).all().item()
        True
        """
        return self.result.timeline

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What could not be fitted, each with its reason.

        >>> import analyzer as mesh
        >>> refusals = mesh.calibrate(mesh.load_sample("fleet")).refusals
        >>> all(refusal.detail for refusal in refusals)
        True
        """
        return self.result.refusals

    @property
    def workload_frame(self) -> pd.DataFrame:
        """One row per workload, the most CPU first: idle CPU and cost per request, with ranges.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).workload_frame
        >>> {"vcpu_per_1000_rps_low", "idle_vcpu_per_proxy_mid"} <= set(frame)
        True
        """
        rows = sorted(records.workload_rows(self.result), key=lambda row: -row["mean_vcpu"])
        return pd.DataFrame(rows)

    @property
    def role_frame(self) -> pd.DataFrame:
        """One row per role with a known cost.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).role_frame
        >>> frame[["role", "provenance"]].to_numpy().tolist()
        [['sidecar', 'measured'], ['waypoint', 'derived'], ['ztunnel', 'published']]
        """
        return pd.DataFrame(records.role_rows(self.result))

    @property
    def exclusion_frame(self) -> pd.DataFrame:
        """One row per reason why steps are not in the fit: reason, step_count, mean_vcpu.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).exclusion_frame["step_count"].sum().item()
        9
        """
        return pd.DataFrame(asdict(item) for item in self.result.exclusions)

    @property
    def backtest_frame(self) -> pd.DataFrame:
        """One row per workload: the last 30 % of the time, measured and predicted.

        It is empty if there was no backtest. Columns as in `Backtest.workloads`.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).backtest_frame
        >>> {"measured_vcpu", "predicted_vcpu"} <= set(frame)
        True
        """
        fit = self.sidecar
        test = fit.backtest if isinstance(fit, RoleCalibration) else None
        return pd.DataFrame() if test is None else test.workloads

    def plot(self, name: str = "calibration") -> Figure | Refusal:
        """Draw calibration, workloads, timeline or backtest; or return why it cannot be drawn.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).plot().axes[0].get_ylabel()
        'vCPU of one proxy'
        """
        return drawing.plot(self.answer, name)

    def __repr__(self) -> str:
        """Return the result in a sentence."""
        return f"<MeshCalibration: {self._sentence}>"

    @property
    def _sentence(self) -> str:
        fit = self.sidecar
        return verdict(fit) if isinstance(fit, RoleCalibration) else str(self.answer.worded(fit))

    def _repr_html_(self) -> str:
        sentences = (self._sentence, *calibration_lines(self.result))
        return paragraphs_html(drawing.note(self.answer), *sentences) + table_html(
            parts.workloads(ranked(self.result.workloads))
        )
