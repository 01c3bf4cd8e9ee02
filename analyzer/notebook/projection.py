"""A projection, to look into."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from analyzer.notebook.shown import frame_of, plot
from analyzer.projection.result import Mode, Price, Projection, Saving
from analyzer.projection.scenario import Basis
from analyzer.report.answer import Answer
from analyzer.report.explain import explain
from analyzer.report.records import flat, mode_rows, reference_rows, sweep_rows
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.projection import headline, projection_lines
from analyzer.report.tables.costs import modes
from analyzer.units import Refusal


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
        return frame_of(mode_rows(self.result))

    @property
    def saving_frame(self) -> pd.DataFrame:
        """One row a mode that is not the sidecars': what it saves against them.

        >>> import analyzer as mesh
        >>> snapshot = mesh.load_sample("fleet")
        >>> frame = mesh.project(snapshot, mesh.calibrate(snapshot)).saving_frame
        >>> frame.loc[frame["mode"] == "ambient-l4", "percent_mid"].round().item()
        86.0
        """
        return frame_of(map(flat, self.result.savings))

    @property
    def sensitivity_frame(self) -> pd.DataFrame:
        """One row a figure that moves the saving, what moves it most first."""
        return frame_of(map(flat, self.result.sensitivity))

    @property
    def sweep_frame(self) -> pd.DataFrame:
        """One row a choice on the way: the saving in USD a year."""
        return frame_of(sweep_rows(self.result))

    @property
    def node_frame(self) -> pd.DataFrame:
        """One row a node: what its ztunnel would use, the busiest first."""
        return frame_of(map(flat, self.result.nodes))

    @property
    def reference_frame(self) -> pd.DataFrame:
        """One row a set of published constants and mode: what they would say of this mesh."""
        return frame_of(reference_rows(self.result))

    @property
    def assumption_frame(self) -> pd.DataFrame:
        """One row an assumption: its value, range, unit and source."""
        assumed = self.result.workings.scenario.assumptions if self.result.workings else {}
        return frame_of(
            {
                "assumption": item.name,
                "low": item.value.low,
                "mid": item.value.mid,
                "high": item.value.high,
                "unit": item.unit,
                "source": item.source,
            }
            for item in assumed.values()
        )

    def explain(self, mode: str) -> str:
        """Return how the figures of a mode come about, step by step, to be redone by hand."""
        return explain(self.answer, (mode,))

    def plot(self, name: str = "cost") -> Figure | Refusal:
        """Draw a chart: cost, namespaces, sensitivity, l7_share, ztunnels, or a calibration's.

        Returns:
            The figure, or why there is nothing to draw.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> snapshot = mesh.load_sample("fleet")
        >>> projection = mesh.project(snapshot, mesh.calibrate(snapshot))
        >>> projection.plot().axes[0].get_xlabel()
        'USD a year, as used, at $22 a vCPU-month'
        """
        return plot(self.answer, name)

    def __repr__(self) -> str:
        """Return the finding."""
        return f"<MeshProjection: {self._finding}>"

    @property
    def _finding(self) -> str:
        return headline(self.result) or "; ".join(map(str, self.refusals))

    def _repr_html_(self) -> str:
        note = self.answer.manifest.note if self.answer.manifest else None
        price = f"${self.price.vcpu_month_usd:.4g} per vCPU-month, {self.price.source}"
        below = paragraphs_html(price, *projection_lines(self.result))
        return paragraphs_html(note, self._finding) + table_html(modes(self.result)) + below
