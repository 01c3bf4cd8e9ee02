"""Writing a report's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from analyzer.errors import AnalyzerError
from analyzer.measurement.snapshot import write_file
from analyzer.report.answer import Answer
from analyzer.report.charts import CHARTS
from analyzer.report.charts.style import described, figure_bytes
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

__all__ = ["write_files", "write_report"]


def write_report(answer: Answer, folder: Path) -> tuple[Path, ...]:
    """Write the HTML, charts, JSON, CSV and Markdown of an answer and return their paths.

    Everything is made before anything is written, and each file replaces its old self in one
    stroke: a failure leaves nothing half-written.

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
    pictures: dict[str, Picture | Refusal] = {}
    for name, chart in CHARTS.items():
        figure = chart(answer)
        if isinstance(figure, Figure):
            png = files[f"{name}.png"] = figure_bytes(figure)
            pictures[name] = Picture(png=png, description=described(figure))
        else:
            pictures[name] = figure
    files["report.html"] = as_html(answer, pictures).encode()
    return write_files(files, folder)


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
