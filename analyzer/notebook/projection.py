"""A projection as data frames, charts and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analyzer.defaults import CHART_DPI, CHART_FORMATS
from analyzer.errors import UsageError
from analyzer.notebook import drawing
from analyzer.projection.choices import Basis
from analyzer.projection.decision import Decision
from analyzer.projection.modes import MODES
from analyzer.projection.result import Mode, Price, Projection, Saving
from analyzer.report import records
from analyzer.report.answer import Answer
from analyzer.report.explain import explain
from analyzer.report.render.notebook import paragraphs_html, table_html
from analyzer.report.sections import AnswerReport
from analyzer.report.sentences.projection import price_sentence, projection_lines
from analyzer.report.tables import costs
from analyzer.report.write import ChartOptions, write_report
from analyzer.units import Refusal


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class MeshProjection:
    """The cost of each mode for the same traffic, as tables, charts and a report.

    Attributes:
        result: all figures. The most used ones are attributes here as well.
        answer: the figures and the data behind them.

    >>> import analyzer as mesh
    >>> projection = mesh.project(mesh.load_sample("fleet"))
    >>> projection.basis
    <Basis.BILLED: 'billed'>
    """

    result: Projection
    answer: Answer

    @property
    def decision(self) -> Decision:
        """What to do: which namespaces to move, what that saves, what to check first.

        >>> import analyzer as mesh
        >>> decision = mesh.project(mesh.load_sample("fleet")).decision
        >>> decision.action
        <Action.MOVE: 'move'>
        >>> len(decision.namespaces)
        14
        """
        return self.result.decision

    @property
    def basis(self) -> Basis:
        """The basis of savings: CPU used (`usage`), requested (`reserved`) or billed.

        >>> import analyzer as mesh
        >>> mesh.project(mesh.load_sample("fleet"), scenario={"basis": "usage"}).basis
        <Basis.USAGE: 'usage'>
        """
        return self.result.basis

    @property
    def price(self) -> Price:
        """The monthly price of a vCPU and of a GiB, with its source.

        >>> import analyzer as mesh
        >>> mesh.project(mesh.load_sample("fleet")).price.vcpu_month_usd
        22.0
        """
        return self.result.price

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The CPU, memory and cost of each mode.

        >>> import analyzer as mesh
        >>> [mode.name for mode in mesh.project(mesh.load_sample("fleet")).modes]
        ['sidecar', 'sidecar-rightsized', 'ambient-l4', 'ambient-waypoint', 'ambient-waypoint-all']
        """
        return self.result.modes

    @property
    def savings(self) -> tuple[Saving, ...]:
        """The saving of each other mode against sidecar mode.

        >>> import analyzer as mesh
        >>> saving = mesh.project(mesh.load_sample("fleet")).result.saving_of("ambient-l4")
        >>> round(saving.percent.mid)
        69
        """
        return self.result.savings

    @property
    def namespaces(self) -> pd.DataFrame:
        """One row per namespace, the largest saving first. Columns as in `Projection.namespaces`.

        >>> import analyzer as mesh
        >>> frame = mesh.project(mesh.load_sample("fleet")).namespaces
        >>> frame[["verdict", "saving_usd_per_year_mid"]].shape
        (19, 2)
        """
        return pd.DataFrame(records.table_rows(self.result.namespaces))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What could not be projected, each with its reason.

        >>> import analyzer as mesh
        >>> mesh.project(mesh.load_sample("fleet")).refusals
        ()
        """
        return self.result.refusals

    @property
    def mode_frame(self) -> pd.DataFrame:
        """One row per mode and basis: vCPU, memory and dollars, each with its range.

        >>> import analyzer as mesh
        >>> frame = mesh.project(mesh.load_sample("fleet")).mode_frame
        >>> frame.set_index(["mode", "basis"]).loc[("sidecar", "usage"), "vcpu_mid"].round(2).item()
        5.27
        """
        return pd.DataFrame(records.mode_rows(self.result))

    @property
    def saving_frame(self) -> pd.DataFrame:
        """One row per other mode: its saving against sidecar mode, with its range.

        The columns that begin with `bases_` have the saving on each basis, those that begin with
        `against_rightsized_` that against right-sized sidecars.

        >>> import analyzer as mesh
        >>> frame = mesh.project(mesh.load_sample("fleet")).saving_frame.set_index("mode")
        >>> frame.loc["ambient-l4", ["percent_mid", "bases_usage_percent_mid"]].round().tolist()
        [69.0, 61.0]
        """
        return pd.DataFrame(map(records.flat, self.result.savings))

    @property
    def rightsizing_frame(self) -> pd.DataFrame:
        """One row per workload: CPU and memory of its sidecars, today and recommended.

        Those that save most first. A workload without a recommendation has the reason in `detail`.

        >>> import analyzer as mesh
        >>> frame = mesh.project(mesh.load_sample("fleet")).rightsizing_frame
        >>> frame["recommended_request_vcpu"].iloc[0].item()
        0.01
        """
        found = self.result.rightsizing
        return pd.DataFrame(records.rightsizing_rows(found, lambda item: item) if found else ())

    @property
    def sensitivity_frame(self) -> pd.DataFrame:
        """One row per assumption that moves the saving, the largest effect first.

        >>> import analyzer as mesh
        >>> "assumption" in mesh.project(mesh.load_sample("fleet")).sensitivity_frame
        True
        """
        return pd.DataFrame(map(records.flat, self.result.sensitivity))

    @property
    def sweep_frame(self) -> pd.DataFrame:
        """One row per choice, such as a share of namespaces with a waypoint: saving a year.

        >>> import analyzer as mesh
        >>> "usd_per_year_mid" in mesh.project(mesh.load_sample("fleet")).sweep_frame
        True
        """
        return pd.DataFrame(records.sweep_rows(self.result))

    @property
    def node_frame(self) -> pd.DataFrame:
        """One row per node: expected CPU of its ztunnel, the busiest first.

        >>> import analyzer as mesh
        >>> len(mesh.project(mesh.load_sample("fleet")).node_frame)
        12
        """
        return pd.DataFrame(map(records.flat, self.result.nodes))

    @property
    def reference_frame(self) -> pd.DataFrame:
        """One row per set of published benchmarks and mode: this mesh by those figures.

        >>> import analyzer as mesh
        >>> mesh.project(mesh.load_sample("fleet")).reference_frame["constants"].iloc[0]
        'blog'
        """
        return pd.DataFrame(records.reference_rows(self.result))

    @property
    def assumption_frame(self) -> pd.DataFrame:
        """One row per assumption: value, range, unit and source.

        >>> import analyzer as mesh
        >>> frame = mesh.project(mesh.load_sample("fleet")).assumption_frame
        >>> frame.set_index("assumption").loc["vcpu_month_usd", "mid"].item()
        22.0
        """
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
        """Return the arithmetic behind a mode's figures, line by line.

        Raises:
            UsageError: if there is no mode of that name.

        >>> import analyzer as mesh
        >>> text = mesh.project(mesh.load_sample("fleet")).explain("ambient-l4")
        >>> "saved as billed" in text
        True
        """
        if mode not in MODES:
            raise UsageError(f"There is no mode {mode!r}. Use one of {', '.join(MODES)}.")
        return explain(self.answer, (mode,))

    def plot(self, name: str = "cost") -> Figure | Refusal:
        """Draw a chart, or return why it cannot be drawn.

        It may be cost, rightsizing, namespaces, sensitivity, l7_share, ztunnels, or one of a
        calibration.

        Raises:
            UsageError: if there is no chart of that name.

        >>> import analyzer as mesh
        >>> mesh.project(mesh.load_sample("fleet")).plot().axes[0].get_xlabel()
        'cost in USD per year, as billed, at $22 per vCPU-month'
        """
        return drawing.plot(self.answer, name)

    def write(
        self,
        folder: Path | str,
        *,
        charts: Sequence[str] | None = None,
        chart_format: str = CHART_FORMATS[0],
        dpi: int = CHART_DPI,
    ) -> tuple[Path, ...]:
        """Write the report, as `istio-usage report` does, and return the paths of its files.

        They are report.html, report.md, result.json, tables as CSV, and the charts. Files of an
        earlier report in the folder are replaced.

        Args:
            folder: where to write; it is made if it does not exist.
            charts: names of the charts to draw; all of them, if None.
            chart_format: png, svg or pdf.
            dpi: dots per inch of PNG charts.

        Raises:
            UsageError: if there is no such chart or format.
            AnalyzerError: if a file cannot be written.

        >>> import tempfile
        >>> import analyzer as mesh
        >>> projection = mesh.project(mesh.load_sample("fleet"))
        >>> paths = projection.write(tempfile.mkdtemp(), charts=["cost"])
        >>> {"report.html", "report.md", "cost.png"} <= {path.name for path in paths}
        True
        """
        if chart_format not in CHART_FORMATS:
            known = ", ".join(CHART_FORMATS)
            raise UsageError(f"`chart_format` {chart_format!r} is unknown. Use one of {known}.")
        names = None if charts is None else drawing.known_charts(tuple(charts))
        options = ChartOptions(names=names, file_format=chart_format, dpi=dpi)
        return write_report(self.answer, Path(folder), options).paths

    def __repr__(self) -> str:
        """Return the result in a sentence."""
        return f"<MeshProjection: {self._sentence}>"

    @property
    def _sentence(self) -> str:
        return next(iter(self._decided), "") or " ".join(map(str, self.refusals))

    @property
    def _decided(self) -> tuple[str, ...]:
        return AnswerReport(answer=self.answer).decision

    def _repr_html_(self) -> str:
        below = paragraphs_html(price_sentence(self.result), *projection_lines(self.result))
        return (
            paragraphs_html(drawing.note(self.answer), *(self._decided or (self._sentence,)))
            + table_html(costs.modes(self.result))
            + below
        )
