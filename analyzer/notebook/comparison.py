"""A comparison of two snapshots as data frames and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analyzer.comparison.result import Comparison
from analyzer.projection.choices import Basis
from analyzer.report.migration import ComparisonReport, comparison_rows, saving_rows
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sentences.comparison import outcome, saving
from analyzer.report.tables import comparison as tables
from analyzer.report.write import write_comparison
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeshComparison:
    """Predicted against measured figures after a migration.

    Attributes:
        result: all figures.
        report: the same, laid out.

    >>> import analyzer as mesh
    >>> comparison = mesh.compare(before, after)
    >>> [item.role.value for item in comparison.result.components]
    ['sidecar', 'ztunnel', 'waypoint']
    """

    result: Comparison
    report: ComparisonReport

    @property
    def basis(self) -> Basis:
        """The basis of the headline dollars: CPU used (`usage`), requested (`reserved`) or billed.

        >>> import analyzer as mesh
        >>> mesh.compare(before, after).basis
        <Basis.BILLED: 'billed'>
        """
        return self.result.costs.basis

    @property
    def frame(self) -> pd.DataFrame:
        """One row per component, of the mesh and of each namespace: predicted and measured.

        The columns that begin with `bases_` have CPU, memory and dollars on each basis.

        >>> import analyzer as mesh
        >>> frame = mesh.compare(before, after).frame.set_index(["namespace", "role"])
        >>> bool(frame.loc[("", "total"), "bases_billed_usd_per_year_measured_mid"] > 0)
        True
        """
        return pd.DataFrame(comparison_rows(self.result))

    @property
    def saving_frame(self) -> pd.DataFrame:
        """One row per basis: the saving as predicted and as realised, in USD a year.

        >>> import analyzer as mesh
        >>> mesh.compare(before, after).saving_frame["basis"].tolist()
        ['usage', 'reserved', 'billed']
        """
        return pd.DataFrame(saving_rows(self.result))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What could not be compared, each with its reason.

        >>> import analyzer as mesh
        >>> len(mesh.compare(before, after).refusals) > 0
        True
        """
        return self.result.refusals

    def write(self, folder: Path | str) -> tuple[Path, ...]:
        """Write comparison.html, .md, .json and .csv, and savings.csv, and return their paths.

        Raises:
            AnalyzerError: if a file cannot be written.

        >>> import tempfile
        >>> import analyzer as mesh
        >>> len(mesh.compare(before, after).write(tempfile.mkdtemp()))
        5
        """
        return write_comparison(self.report, Path(folder))

    def __repr__(self) -> str:
        """Return the result in a sentence."""
        return f"<MeshComparison: {outcome(self.result)}>"

    def _repr_html_(self) -> str:
        return paragraphs_html(outcome(self.result), *saving(self.result)) + table_html(
            tables.components(self.result)
        )
