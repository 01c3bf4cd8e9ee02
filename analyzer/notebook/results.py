"""A snapshot, a calibration and a projection, to look into: data frames, and charts by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analyzer.calibration import calibrate_usage
from analyzer.calibration.result import Calibration, Decomposition, RoleCalibration
from analyzer.errors import UsageError
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection.choices import Basis
from analyzer.projection.result import Mode, Price, Projection, Saving
from analyzer.report import records
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.explain import explain
from analyzer.report.format import time_title
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.calibration import calibration_lines, ranked, verdict
from analyzer.report.sentences.projection import headline, projection_lines
from analyzer.report.tables import costs, parts
from analyzer.units import Refusal, Role


@dataclass(frozen=True, repr=False)
class MeshSnapshot:
    """What one Prometheus holds of one window, as tables.

    Attributes:
        snapshot: the folder that was collected.

    >>> import analyzer as mesh
    >>> snapshot = mesh.load_sample("fleet")
    >>> len(snapshot.proxies)
    162
    """

    snapshot: Snapshot

    @classmethod
    def of(cls, snapshot: Snapshot | MeshSnapshot) -> MeshSnapshot:
        """Return a snapshot as one to look into."""
        return snapshot if isinstance(snapshot, MeshSnapshot) else cls(snapshot)

    @property
    def path(self) -> Path:
        """The folder."""
        return self.snapshot.path

    @property
    def manifest(self) -> Manifest:
        """What was asked, of whom, and what came back."""
        return self.snapshot.manifest

    @cached_property
    def usage(self) -> MeshUsage:
        """The mesh as measured; read once.

        Raises:
            InsufficientData: if it holds no step with CPU and metrics of any proxy.
        """
        return measure(self.snapshot)

    @property
    def proxies(self) -> pd.DataFrame:
        """One row a proxy; columns as in `MeshUsage.proxies`."""
        return self.usage.proxies

    @property
    def steps(self) -> pd.DataFrame:
        """One row a proxy and step, with the units in the columns, as in `MeshUsage.steps`.

        >>> import analyzer as mesh
        >>> steps = mesh.load_sample("fleet").steps
        >>> steps[["cpu_vcpu", "proxy_rps", "memory_bytes"]].min().ge(0).all().item()
        True
        """
        return self.usage.steps

    @property
    def workloads(self) -> pd.DataFrame:
        """One row a workload with sidecars; columns as in `MeshUsage.workload_means`.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").workloads["proxy_count"].sum().item()
        160
        """
        return self.usage.workload_means(Role.SIDECAR)

    @property
    def calls(self) -> pd.DataFrame:
        """Mesh requests, each counted once; columns as in `MeshUsage.calls`."""
        return self.usage.calls

    @property
    def nodes(self) -> pd.DataFrame:
        """One row a node; columns as in `MeshUsage.nodes`."""
        return self.usage.nodes

    @property
    def queries(self) -> pd.DataFrame:
        """One row a query: its name, unit and PromQL as sent, and what came back.

        >>> import analyzer as mesh
        >>> queries = mesh.load_sample("fleet").queries
        >>> queries.loc[queries["name"] == "proxy_cpu_vcpu", "unit"].item()
        'vcpu'
        """
        return pd.DataFrame(asdict(query) for query in self.manifest.queries)

    @property
    def findings(self) -> pd.DataFrame:
        """One row a thing that is wrong or thin in the data, the most severe first."""
        return pd.DataFrame(
            {
                "code": item.code,
                "name": item.name,
                "severity": str(item.severity),
                "text": item.text,
                "affected_count": len(item.affected),
                "cpu_share": item.cpu_share,
                "rps_share": item.rps_share,
                "fix": item.fix,
            }
            for item in self.usage.findings
        )

    def plot(self, name: str = "timeline") -> Figure | Refusal:
        """Draw the sidecars' CPU and requests over time, or another chart of a calibration.

        >>> import analyzer as mesh
        >>> [axes.get_ylabel() for axes in mesh.load_sample("fleet").plot().axes][0]
        'vCPU of all sidecars'
        """
        return _plot(self.calibrated.answer, name)

    @cached_property
    def calibrated(self) -> MeshCalibration:
        """What its proxies cost; worked out once."""
        result = calibrate_usage(self.usage)
        answer = Answer(manifest=self.manifest, usage=self.usage, calibration=result)
        return MeshCalibration(result=result, answer=answer)

    def __repr__(self) -> str:
        """Return where it is and what it is of."""
        return f"<MeshSnapshot {self.path}: {time_title(self.manifest.window)}>"

    def _repr_html_(self) -> str:
        title = time_title(self.manifest.window)
        paragraphs = paragraphs_html(self.manifest.note, title, self.manifest.source)
        return paragraphs + table_html(parts.proxies(self.usage))


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
        rows = sorted(records.workload_rows(self.result), key=lambda row: -row["mean_vcpu"])
        return pd.DataFrame(rows)

    @property
    def role_frame(self) -> pd.DataFrame:
        """One row a role whose cost is known.

        >>> import analyzer as mesh
        >>> frame = mesh.calibrate(mesh.load_sample("fleet")).role_frame
        >>> frame[["role", "provenance"]].to_numpy().tolist()
        [['sidecar', 'measured'], ['waypoint', 'derived'], ['ztunnel', 'published']]
        """
        return pd.DataFrame(records.role_rows(self.result))

    @property
    def exclusion_frame(self) -> pd.DataFrame:
        """One row a reason for which steps took no part: reason, step_count, mean_vcpu."""
        return pd.DataFrame(asdict(item) for item in self.result.exclusions)

    @property
    def backtest_frame(self) -> pd.DataFrame:
        """One row a workload: the last 30 % of the time, measured and predicted.

        Empty where there was nothing to test; columns as in `Backtest.workloads`.
        """
        fit = self.sidecar
        test = fit.backtest if isinstance(fit, RoleCalibration) else None
        return pd.DataFrame() if test is None else test.workloads

    def plot(self, name: str = "calibration") -> Figure | Refusal:
        """Draw a chart (calibration, workloads, timeline, backtest), or say why there is none.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> mesh.calibrate(mesh.load_sample("fleet")).plot().axes[0].get_ylabel()
        'vCPU of the proxy'
        """
        return _plot(self.answer, name)

    def __repr__(self) -> str:
        """Return the finding."""
        return f"<MeshCalibration: {self._finding}>"

    @property
    def _finding(self) -> str:
        fit = self.sidecar
        return verdict(fit) if isinstance(fit, RoleCalibration) else str(fit)

    def _repr_html_(self) -> str:
        sentences = (self._finding, *calibration_lines(self.result))
        return paragraphs_html(_note(self.answer), *sentences) + table_html(
            parts.workloads(ranked(self.result.workloads))
        )


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeshProjection:
    """What each mode costs for the same traffic, as tables and charts.

    Attributes:
        result: the figures; those that a notebook looks at first are attributes here as well.
        answer: the same, with what they were found from.

    >>> import analyzer as mesh
    >>> snapshot = mesh.load_sample("fleet")
    >>> projection = mesh.project(snapshot, mesh.calibrate(snapshot))
    >>> projection.basis
    <Basis.USAGE: 'usage'>
    """

    result: Projection
    answer: Answer

    @property
    def basis(self) -> Basis:
        """What savings are counted in: usage, reserved or billed."""
        return self.result.basis

    @property
    def price(self) -> Price:
        """What a vCPU and a GiB cost a month, and who says so."""
        return self.result.price

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What each mode needs and costs."""
        return self.result.modes

    @property
    def savings(self) -> tuple[Saving, ...]:
        """What each mode saves against sidecars."""
        return self.result.savings

    @property
    def namespaces(self) -> pd.DataFrame:
        """One row a namespace; columns as in `Projection.namespaces`."""
        return self.result.namespaces

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What could not be found, each with its reason."""
        return self.result.refusals

    @property
    def mode_frame(self) -> pd.DataFrame:
        """One row a mode and basis: vCPU, memory and dollars, each with its 90 % interval.

        >>> import analyzer as mesh
        >>> snapshot = mesh.load_sample("fleet")
        >>> frame = mesh.project(snapshot, mesh.calibrate(snapshot)).mode_frame
        >>> frame.set_index(["mode", "basis"]).loc[("sidecar", "usage"), "vcpu_mid"].round(2).item()
        5.27
        """
        return pd.DataFrame(records.mode_rows(self.result))

    @property
    def saving_frame(self) -> pd.DataFrame:
        """One row a mode that is not the sidecars': what it saves against them.

        >>> import analyzer as mesh
        >>> snapshot = mesh.load_sample("fleet")
        >>> frame = mesh.project(snapshot, mesh.calibrate(snapshot)).saving_frame
        >>> frame.loc[frame["mode"] == "ambient-l4", "percent_mid"].round().item()
        86.0
        """
        return pd.DataFrame(map(records.flat, self.result.savings))

    @property
    def sensitivity_frame(self) -> pd.DataFrame:
        """One row a figure that moves the saving, what moves it most first."""
        return pd.DataFrame(map(records.flat, self.result.sensitivity))

    @property
    def sweep_frame(self) -> pd.DataFrame:
        """One row a choice on the way: the saving in USD a year."""
        return pd.DataFrame(records.sweep_rows(self.result))

    @property
    def node_frame(self) -> pd.DataFrame:
        """One row a node: what its ztunnel would use, the busiest first."""
        return pd.DataFrame(map(records.flat, self.result.nodes))

    @property
    def reference_frame(self) -> pd.DataFrame:
        """One row a set of published constants and mode: what they would say of this mesh."""
        return pd.DataFrame(records.reference_rows(self.result))

    @property
    def assumption_frame(self) -> pd.DataFrame:
        """One row an assumption: its value, range, unit and source."""
        assumed = self.result.workings.scenario.assumptions if self.result.workings else {}
        return pd.DataFrame(
            {
                "assumption": item.name,
                **asdict(item.value),
                "unit": item.unit,
                "source": item.source,
            }
            for item in assumed.values()
        )

    def explain(self, mode: str) -> str:
        """Return how the figures of a mode come about, step by step, to be redone by hand."""
        return explain(self.answer, (mode,))

    def plot(self, name: str = "cost") -> Figure | Refusal:
        """Draw a chart, or say why there is none.

        It may be cost, namespaces, sensitivity, l7_share, ztunnels, or one of a calibration.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> snapshot = mesh.load_sample("fleet")
        >>> projection = mesh.project(snapshot, mesh.calibrate(snapshot))
        >>> projection.plot().axes[0].get_xlabel()
        'USD a year, as used, at $22 a vCPU-month'
        """
        return _plot(self.answer, name)

    def __repr__(self) -> str:
        """Return the finding."""
        return f"<MeshProjection: {self._finding}>"

    @property
    def _finding(self) -> str:
        return headline(self.result) or "; ".join(map(str, self.refusals))

    def _repr_html_(self) -> str:
        price = f"${self.price.vcpu_month_usd:.4g} per vCPU-month, {self.price.source}"
        below = paragraphs_html(price, *projection_lines(self.result))
        return (
            paragraphs_html(_note(self.answer), self._finding)
            + table_html(costs.modes(self.result))
            + below
        )


def _plot(answer: Answer, name: str) -> Figure | Refusal:
    if name not in CHARTS:
        raise UsageError(f"no chart {name!r}; there are: {', '.join(CHARTS)}")
    return CHARTS[name](answer)


def _note(answer: Answer) -> str | None:
    return answer.manifest.note if answer.manifest else None
