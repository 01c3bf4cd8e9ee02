"""A snapshot, to look into."""

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
from analyzer.notebook.calibration import MeshCalibration
from analyzer.notebook.shown import frame_of, plot
from analyzer.report.answer import Answer
from analyzer.report.format import time_title
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.tables.parts import proxies
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
        return frame_of(asdict(query) for query in self.manifest.queries)

    @property
    def findings(self) -> pd.DataFrame:
        """One row a thing that is wrong or thin in the data, the most severe first."""
        return frame_of(
            {
                "name": item.name,
                "severity": str(item.severity),
                "text": item.text,
                "affected_count": len(item.affected),
                "cpu_share": item.cpu_share,
                "rps_share": item.rps_share,
                "mending": item.mending,
            }
            for item in self.usage.findings
        )

    def plot(self, name: str = "timeline") -> Figure | Refusal:
        """Draw the sidecars' CPU and requests over time, or another chart of a calibration.

        >>> import analyzer as mesh
        >>> [axes.get_ylabel() for axes in mesh.load_sample("fleet").plot().axes][0]
        'vCPU of all sidecars'
        """
        return plot(self.calibrated.answer, name)

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
        return paragraphs + table_html(proxies(self.usage))
