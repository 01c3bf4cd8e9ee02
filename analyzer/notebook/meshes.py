"""Several meshes side by side as a data frame, a chart and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analyzer.projection.meshes import Meshes
from analyzer.report import records
from analyzer.report.charts.meshes import draw
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.meshes import outcome
from analyzer.report.several import MeshesReport
from analyzer.report.tables import meshes as tables
from analyzer.report.write import write_meshes
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ManyProjections:
    """The cost of several meshes and their sum.

    Attributes:
        report: all figures laid out, with the answer of each mesh by name.

    >>> import analyzer as mesh
    >>> several = mesh.project_meshes({"east": mesh.load_sample("fleet")})
    >>> several.result.basis
    <Basis.BILLED: 'billed'>
    """

    report: MeshesReport

    @property
    def result(self) -> Meshes:
        """All figures."""
        return self.report.meshes

    @property
    def frame(self) -> pd.DataFrame:
        """One row per mesh and mode, then those of the sum: cost and saving with ranges.

        >>> import analyzer as mesh
        >>> frame = mesh.project_meshes({"east": mesh.load_sample("fleet")}).frame
        >>> frame.set_index(["mesh", "mode"]).loc[("sum", "ambient-l4"), "percent_mid"].round()
        np.float64(69.0)
        """
        return pd.DataFrame(records.meshes_rows(self.result))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The meshes that are not in the sum, each with its reason.

        >>> import analyzer as mesh
        >>> mesh.project_meshes({"east": mesh.load_sample("fleet")}).refusals
        ()
        """
        return self.result.refusals

    def plot(self) -> Figure:
        """Draw what each mode of each mesh costs.

        >>> import analyzer as mesh
        >>> mesh.project_meshes({"east": mesh.load_sample("fleet")}).plot().axes[0].get_xlabel()
        'cost in USD per year, as billed'
        """
        return draw(self.result)

    def write(self, folder: Path | str) -> tuple[Path, ...]:
        """Write meshes.html, .md, .json, .csv and .png, and return their paths.

        Raises:
            AnalyzerError: if a file cannot be written.

        >>> import tempfile
        >>> import analyzer as mesh
        >>> several = mesh.project_meshes({"east": mesh.load_sample("fleet")})
        >>> len(several.write(tempfile.mkdtemp()))
        5
        """
        return write_meshes(self.report, Path(folder))

    def __repr__(self) -> str:
        """Return the result in a sentence."""
        return f"<ManyProjections: {outcome(self.result)}>"

    def _repr_html_(self) -> str:
        return paragraphs_html(outcome(self.result)) + table_html(tables.costs(self.result))
