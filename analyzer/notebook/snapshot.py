"""A snapshot as data frames and charts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analyzer.calibration import calibrate_usage
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.snapshot import Snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.notebook import drawing
from analyzer.notebook.calibration import MeshCalibration
from analyzer.report.answer import Answer
from analyzer.report.format import time_title
from analyzer.report.records import finding_rows
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.tables import parts
from analyzer.units import Refusal, Role


@dataclass(frozen=True, repr=False)
class MeshSnapshot:
    """The data of one mesh over one time range, as tables.

    Attributes:
        snapshot: the snapshot that was collected.

    >>> import analyzer as mesh
    >>> snapshot = mesh.load_sample("fleet")
    >>> len(snapshot.proxies)
    162
    """

    snapshot: Snapshot

    @classmethod
    def of(cls, snapshot: Snapshot | MeshSnapshot) -> MeshSnapshot:
        """Return a snapshot with its data frames and charts."""
        return snapshot if isinstance(snapshot, MeshSnapshot) else cls(snapshot)

    @property
    def path(self) -> Path:
        """The folder of the snapshot.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").path.name
        'fleet'
        """
        return self.snapshot.path

    @property
    def manifest(self) -> Manifest:
        """The server, the time range, and every query with the size of its answer.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").manifest.window.step_seconds
        600
        """
        return self.snapshot.manifest

    @cached_property
    def usage(self) -> MeshUsage:
        """The mesh as measured. It is read once.

        Raises:
            InsufficientData: if no proxy has CPU and metrics in any step.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").usage.workload_means("gateway")["proxy_count"].sum().item()
        2
        """
        return measure(self.snapshot)

    @property
    def proxies(self) -> pd.DataFrame:
        """One row per proxy. Columns as in `MeshUsage.proxies`.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").proxies["role"].unique().tolist()
        ['sidecar', 'gateway']
        """
        return self.usage.proxies

    @property
    def steps(self) -> pd.DataFrame:
        """One row per proxy and step. Columns as in `MeshUsage.steps`, with their units.

        >>> import analyzer as mesh
        >>> steps = mesh.load_sample("fleet").steps
        >>> steps[["cpu_vcpu", "proxy_rps", "memory_bytes"]].min().ge(0).all().item()
        True
        """
        return self.usage.steps

    @property
    def workloads(self) -> pd.DataFrame:
        """One row per workload with sidecars. Columns as in `MeshUsage.workload_means`.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").workloads["proxy_count"].sum().item()
        160
        """
        return self.usage.workload_means(Role.SIDECAR)

    @property
    def calls(self) -> pd.DataFrame:
        """Mesh requests, each counted once. Columns as in `MeshUsage.calls`.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").calls["rps"].ge(0).all().item()
        True
        """
        return self.usage.calls

    @property
    def nodes(self) -> pd.DataFrame:
        """One row per node. Columns as in `MeshUsage.nodes`.

        >>> import analyzer as mesh
        >>> len(mesh.load_sample("fleet").nodes)
        12
        """
        return self.usage.nodes

    @property
    def queries(self) -> pd.DataFrame:
        """One row per query: name, unit, PromQL as sent, and the size of its answer.

        >>> import analyzer as mesh
        >>> queries = mesh.load_sample("fleet").queries
        >>> queries.loc[queries["name"] == "proxy_cpu_vcpu", "unit"].item()
        'vcpu'
        """
        return pd.DataFrame(asdict(query) for query in self.manifest.queries)

    @property
    def findings(self) -> pd.DataFrame:
        """One row per problem in the data, the most severe first.

        `istio-usage explain CODE` prints what a code means.

        >>> import analyzer as mesh
        >>> findings = mesh.load_sample("fleet").findings
        >>> "tcp_only" in findings["name"].tolist()
        True
        """
        return pd.DataFrame(finding_rows(self.usage.findings))

    def plot(self, name: str = "timeline") -> Figure | Refusal:
        """Draw CPU and requests of the sidecars over time, or another chart of a calibration.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> [axes.get_ylabel() for axes in mesh.load_sample("fleet").plot().axes][0]
        'vCPU of all sidecars'
        """
        return drawing.plot(self.calibrated.answer, name)

    @cached_property
    def calibrated(self) -> MeshCalibration:
        """The costs of its proxies. They are fitted once.

        >>> import analyzer as mesh
        >>> mesh.load_sample("fleet").calibrated.sidecar.model
        'affine'
        """
        result = calibrate_usage(self.usage)
        answer = Answer(manifest=self.manifest, usage=self.usage, calibration=result)
        return MeshCalibration(result=result, answer=answer)

    def __repr__(self) -> str:
        """Return its folder and time range."""
        return f"<MeshSnapshot {self.path}: {time_title(self.manifest.window)}>"

    def _repr_html_(self) -> str:
        title = time_title(self.manifest.window)
        paragraphs = paragraphs_html(self.manifest.note, title, self.manifest.source)
        return paragraphs + table_html(parts.proxies(self.usage))
