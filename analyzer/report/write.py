"""Writing a report's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from analyzer.errors import AnalyzerError
from analyzer.files import write_file
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.style import DPI, FORMATS, described, figure_bytes
from analyzer.report.document import as_json
from analyzer.report.html import Picture, as_html
from analyzer.report.plain import (
    as_csv,
    as_markdown,
    namespaces_csv,
    nodes_csv,
    proxies_csv,
    timeline_csv,
    workloads_csv,
)
from analyzer.units import Refusal

__all__ = ["ChartOptions", "Written", "write_files", "write_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOptions:
    """Which charts are drawn, and how.

    Attributes:
        names: of `CHARTS`; None: all.
        file_format: one of `FORMATS`.
        dpi: dots an inch, of PNG.
    """

    names: tuple[str, ...] | None = None
    file_format: str = "png"
    dpi: int = DPI


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a report.

    Attributes:
        paths: of the files that were written.
        not_drawn: the charts that were asked for and have nothing to draw.
    """

    paths: tuple[Path, ...]
    not_drawn: tuple[Refusal, ...] = ()


def write_report(answer: Answer, folder: Path, charts: ChartOptions | None = None) -> Written:
    """Write the HTML, charts, JSON, CSV and Markdown of an answer.

    Everything is made before anything is written, and each file replaces its old self in one
    stroke: a failure leaves nothing half-written. Charts of an earlier report that are not drawn
    again are removed: they would seem to be of this answer.

    Raises:
        AnalyzerError: if the folder cannot be written.
    """
    files: dict[str, bytes] = {
        "result.json": as_json(answer).encode(),
        "report.md": as_markdown(answer).encode(),
        "modes.csv": as_csv(answer).encode(),
        "namespaces.csv": namespaces_csv(answer).encode(),
        "workloads.csv": workloads_csv(answer).encode(),
        "nodes.csv": nodes_csv(answer).encode(),
        "timeline.csv": timeline_csv(answer).encode(),
        "proxies.csv": proxies_csv(answer).encode(),
    }
    drawn = _drawn(answer, charts or ChartOptions())
    files |= drawn.files
    files["report.html"] = as_html(answer, drawn.pictures).encode()
    # Without a report of ours, a picture of that name is somebody else's.
    is_again = (folder / "result.json").is_file()
    paths = write_files(files, folder)
    if is_again:
        _remove_stale_charts(folder, files)
    not_drawn = tuple(item for item in drawn.pictures.values() if isinstance(item, Refusal))
    return Written(paths=paths, not_drawn=not_drawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """The charts that were asked for: as files, and as the page shows them."""

    files: Mapping[str, bytes]
    pictures: Mapping[str, Picture | Refusal]


def _drawn(answer: Answer, options: ChartOptions) -> _Drawn:
    files: dict[str, bytes] = {}
    pictures: dict[str, Picture | Refusal] = {}
    for name, chart in CHARTS.items():
        if options.names is not None and name not in options.names:
            continue
        figure = chart(answer)
        if isinstance(figure, Figure):
            content = figure_bytes(figure, options.file_format, dpi=options.dpi)
            files[f"{name}.{options.file_format}"] = content
            as_shown = (options.file_format, options.dpi) == ("png", DPI)
            png = content if as_shown else figure_bytes(figure)
            pictures[name] = Picture(png=png, description=described(figure))
        else:
            pictures[name] = figure
    return _Drawn(files=files, pictures=pictures)


def _remove_stale_charts(folder: Path, files: Mapping[str, bytes]) -> None:
    for name in (f"{chart}.{suffix}" for chart in CHARTS for suffix in FORMATS):
        path = folder / name
        if name in files or not path.is_file():
            continue
        try:
            path.unlink()
        except OSError as error:
            raise AnalyzerError(f"cannot remove {path}: {error.strerror}") from error


def write_files(files: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    """Write files into a folder, made where it is not there, and return their paths.

    Raises:
        AnalyzerError: if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnalyzerError(f"cannot make {folder}: {error.strerror}") from error
    for name, content in files.items():
        write_file(folder / name, content)
    return tuple(folder / name for name in files)
