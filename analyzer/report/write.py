"""Writing a report's files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from analyzer.errors import AnalyzerError, OutputError
from analyzer.files import remove_left, write_file
from analyzer.report import records
from analyzer.report.answer import Answer
from analyzer.report.blocks import Picture
from analyzer.report.charts import CHARTS
from analyzer.report.charts.meshes import draw as draw_meshes
from analyzer.report.charts.style import DPI, FORMATS, figure_bytes
from analyzer.report.migration import ComparisonReport, saving_rows
from analyzer.report.patches.files import FOLDER, MARK, VALUES, patch_files
from analyzer.report.render import csv, html, json, markdown
from analyzer.report.rightsized import RightsizingReport
from analyzer.report.sections import AnswerReport
from analyzer.report.several import MeshesReport
from analyzer.units import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOptions:
    """Which of `CHARTS` are drawn (None: all), in which of `FORMATS`, at how many dots an inch."""

    names: tuple[str, ...] | None = None
    file_format: str = "png"
    dpi: int = DPI


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A report that was written: its files, and the charts that have nothing to draw."""

    paths: tuple[Path, ...]
    not_drawn: tuple[Refusal, ...]
    report: AnswerReport


def write_report(answer: Answer, folder: Path, charts: ChartOptions | None = None) -> Written:
    """Write the HTML, charts, JSON, CSV and Markdown of an answer.

    Everything is made before anything is written, and each file replaces its old self in one
    stroke: a failure leaves nothing half-written. Charts of an earlier report that are not drawn
    again are removed: they would seem to be of this answer.
    """
    # The other charts are of what was measured, and nothing was of a hypothetical mesh.
    is_hypothetical = answer.usage is None and answer.calibration is None
    default = ChartOptions(names=("cost",) if is_hypothetical else None)
    pictures, drawn = _drawn(answer, charts or default)
    report = AnswerReport(answer=answer, pictures=pictures)
    calibration, projection = answer.calibration, answer.projection
    namespaces = records.table_rows(projection.namespaces) if projection else ()
    texts = {
        "result.json": json.render(report),
        "report.md": markdown.render(report),
        "modes.csv": csv.render(report),
        "namespaces.csv": csv.csv_text(namespaces),
        "workloads.csv": csv.csv_text(records.workload_rows(calibration)),
        "nodes.csv": csv.csv_text(map(records.flat, projection.nodes if projection else ())),
        "timeline.csv": csv.csv_text(records.timeline_rows(calibration)),
        "proxies.csv": csv.csv_text(records.proxy_rows(answer.usage)),
        "findings.csv": csv.csv_text(records.finding_rows(answer.findings)),
    }
    files = {name: text.encode() for name, text in texts.items()} | drawn
    files["report.html"] = html.render(report).encode()
    # Without a report of ours, a picture of that name is somebody else's.
    is_again = (folder / "result.json").is_file()
    paths = write_files(files, folder)
    if is_again:
        _remove_stale_charts(folder, files)
    not_drawn = tuple(item for item in pictures.values() if isinstance(item, Refusal))
    return Written(paths=paths, not_drawn=not_drawn, report=report)


def write_comparison(report: ComparisonReport, folder: Path) -> tuple[Path, ...]:
    """Write the JSON, Markdown, CSVs and HTML of a comparison, and return their paths."""
    renderers = {"json": json.render, "md": markdown.render, "csv": csv.render}
    files = {f"comparison.{end}": render(report).encode() for end, render in renderers.items()}
    files["comparison.html"] = html.render(report).encode()
    if rows := list(saving_rows(report.comparison)):
        files["savings.csv"] = csv.csv_text(rows).encode()
    return write_files(files, folder)


def write_meshes(report: MeshesReport, folder: Path) -> tuple[Path, ...]:
    """Write the HTML, chart, JSON, CSV and Markdown of several meshes, and return their paths."""
    figure = draw_meshes(report.meshes)
    png = figure_bytes(figure)
    picture = Picture(png=png, description=figure.description, reading=figure.reading)
    shown = replace(report, picture=picture)
    renderers = {"json": json.render, "md": markdown.render, "csv": csv.render, "html": html.render}
    files = {f"meshes.{end}": render(shown).encode() for end, render in renderers.items()}
    return write_files({**files, "meshes.png": png}, folder)


def write_rightsizing(report: RightsizingReport, folder: Path) -> tuple[Path, ...]:
    """Write the JSON, CSV and Markdown of recommended requests and their patches.

    Patches of an earlier run that are not written again are removed.

    Raises:
        OutputError: if a file that something else has written is in the place of a patch.
        AnalyzerError: if a file cannot be written or removed.
    """
    renderers = {"json": json.render, "csv": csv.render, "md": markdown.render}
    files = {f"rightsizing.{end}": render(report).encode() for end, render in renderers.items()}
    patches = patch_files(report.patches, report.layout)
    foreign = [name for name in patches if (folder / name).exists() and not _is_ours(folder / name)]
    if foreign:
        raise OutputError(
            f"{folder / foreign[0]} was not written by istio-usage. Remove it, or choose another "
            "folder."
        )
    for name in patches:
        _make((folder / name).parent)
    paths = write_files({**files, **patches}, folder)
    earlier = (folder / VALUES, *(folder / FOLDER).rglob("*.yaml"))
    for path in earlier:
        if path not in paths and path.is_file() and _is_ours(path):
            _remove(path)
    return paths


def _is_ours(path: Path) -> bool:
    """Return whether an earlier run wrote a file."""
    try:
        with path.open("rb") as file:
            return file.readline().strip() == MARK.encode()
    except OSError:
        return False


def _drawn(
    answer: Answer, options: ChartOptions
) -> tuple[dict[str, Picture | Refusal], dict[str, bytes]]:
    """Return the charts that were asked for: as the page shows them, and as files."""
    pictures: dict[str, Picture | Refusal] = {}
    files: dict[str, bytes] = {}
    for name, draw in CHARTS.items():
        if options.names is not None and name not in options.names:
            continue
        figure = draw(answer)
        if isinstance(figure, Refusal):
            pictures[name] = answer.worded(figure)
            continue
        content = figure_bytes(figure, options.file_format, dpi=options.dpi)
        files[f"{name}.{options.file_format}"] = content
        is_shown = (options.file_format, options.dpi) == ("png", DPI)
        png = content if is_shown else figure_bytes(figure)
        pictures[name] = Picture(png=png, description=figure.description, reading=figure.reading)
    return pictures, files


def _remove_stale_charts(folder: Path, files: Iterable[str]) -> None:
    for name in (f"{chart}.{suffix}" for chart in CHARTS for suffix in FORMATS):
        path = folder / name
        if name in files or not path.is_file():
            continue
        _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise AnalyzerError(f"cannot remove {path}: {error.strerror}") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnalyzerError(f"cannot make {folder}: {error.strerror}") from error


def write_files(files: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    """Write files into a folder, made where it is not there, and return their paths.

    What killed runs left half-written beside them is removed.
    """
    _make(folder)
    for place in {(folder / name).parent for name in files}:
        remove_left(place)
    for name, content in files.items():
        write_file(folder / name, content)
    return tuple(folder / name for name in files)
