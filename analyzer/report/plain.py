"""The answer as CSV and as Markdown; whatever came from labels is made harmless."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from analyzer.report.answer import Answer
from analyzer.report.cells import csv_text, escaped, markdown_table
from analyzer.report.document import as_document
from analyzer.report.markdown import projection_markdown
from analyzer.report.records import mode_rows, node_rows, workload_rows
from analyzer.report.summary import executive_summary
from analyzer.report.verdict import calibration_lines
from analyzer.report.words import (
    number,
    ranged,
    window_title,
)

__all__ = [
    "as_csv",
    "as_markdown",
    "namespaces_csv",
    "nodes_csv",
    "proxies_csv",
    "timeline_csv",
    "workloads_csv",
]


def as_csv(answer: Answer) -> str:
    """Return the modes as CSV, or the workloads where nothing was projected."""
    document = as_document(answer)
    return csv_text(mode_rows(document) if "projection" in document else workload_rows(document))


def workloads_csv(answer: Answer) -> str:
    """Return one line a workload."""
    return csv_text(workload_rows(as_document(answer)))


def nodes_csv(answer: Answer) -> str:
    """Return one line a node: what its ztunnel would use."""
    return csv_text(node_rows(as_document(answer)))


def timeline_csv(answer: Answer) -> str:
    """Return one line a step: what the sidecars used, and what passed them."""
    if answer.calibration is None:
        return csv_text([])
    table = answer.calibration.timeline
    return csv_text(
        # What is not known is an empty cell, and no word.
        {str(key): _told(value) for key, value in row.items() if pd.notna(value)}
        for row in table.to_dict("records")
    )


def namespaces_csv(answer: Answer) -> str:
    """Return one line a namespace."""
    document = as_document(answer)
    return csv_text(document.get("projection", {}).get("namespaces", []))


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def proxies_csv(answer: Answer) -> str:
    """Return one line a proxy: where it runs, its role, and the evidence that decided it."""
    if answer.usage is None:
        return csv_text([])
    columns = ["namespace", "pod", "workload", "node", "role", "evidence"]
    proxies = answer.usage.proxies[columns].itertuples(index=False)
    return csv_text(dict(zip(columns, proxy, strict=True)) for proxy in proxies)


def as_markdown(answer: Answer) -> str:
    """Return the answer as Markdown."""
    lines = ["# What the sidecars cost, and what ambient would", ""]
    if answer.manifest and answer.manifest.note:
        lines += [f"**{escaped(answer.manifest.note)}**", ""]
    lines += [window_title(answer), ""]
    summary = executive_summary(answer)
    if summary:
        lines += [escaped(summary), ""]
    lines += projection_markdown(answer.projection) if answer.projection else []
    lines += [*_fit_markdown(answer), *_workloads_markdown(answer)]
    for title, items in (
        ("Data quality", (f"{item.severity}: {item}" for item in answer.findings)),
        ("Warnings", answer.warnings),
        ("Cannot say", map(str, answer.refusals)),
    ):
        listed = [f"- {escaped(item)}" for item in items]
        lines += [f"## {title}", "", *listed, ""] if listed else []
    return "\n".join(lines).rstrip() + "\n"


def _workloads_markdown(answer: Answer) -> list[str]:
    workloads = answer.calibration.workloads if answer.calibration else ()
    rows = [
        [
            f"{item.namespace}/{item.workload}",
            str(item.proxy_count),
            number(item.mean_rps),
            "refused" if item.vcpu_per_1000_rps is None else ranged(item.vcpu_per_1000_rps),
            "refused" if item.idle_vcpu_per_proxy is None else ranged(item.idle_vcpu_per_proxy),
            f"{item.own_share:.0%}",
        ]
        for item in workloads
    ]
    header = ["workload", "proxies", "requests/s", "vCPU per 1000 rps", "idle vCPU each", "own"]
    return ["## Workloads", "", *markdown_table(header, rows), ""] if rows else []


def _fit_markdown(answer: Answer) -> list[str]:
    if answer.calibration is None:
        return []
    lines = [f"- {escaped(line)}" for line in calibration_lines(answer.calibration)]
    return ["## Calibration", "", *lines, ""]
