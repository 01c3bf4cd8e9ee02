"""The page: an answer and its charts in, one self-contained HTML document out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import analyzer
from analyzer.measurement.findings import Finding
from analyzer.projection.scenario import as_toml
from analyzer.report.answer import Answer
from analyzer.report.html.cells import Table
from analyzer.report.html.costs import cost_tables
from analyzer.report.html.facts import facts
from analyzer.report.html.origins import assumptions_table, commands, constants_table
from analyzer.report.html.parts import namespaces_table, workloads_table
from analyzer.report.html.pictures import Picture, missing, shown
from analyzer.report.prospect import headline, projection_lines
from analyzer.report.summary import summary_sentences
from analyzer.report.verdict import calibration_lines, verdict
from analyzer.report.words import counted, window_title
from analyzer.units import Refusal

__all__ = ["as_html"]

_MAX_AFFECTED: Final = 20
"""Names in the page for one finding; all of them are in result.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A finding as the page has it: the first names, and how many more there are."""

    finding: Finding
    count: str
    first: tuple[str, ...]
    more: int


def as_html(answer: Answer, charts: Mapping[str, Picture | Refusal]) -> str:
    """Return the answer as one page; the same answer and charts give the same text.

    Args:
        answer: what was found out.
        charts: by name, in the order in which they are read; a refusal says why one is missing.
    """
    tables = {table.anchor: table for table in _tables(answer)}
    workings = answer.projection.workings if answer.projection else None
    lines = tuple(calibration_lines(answer.calibration)) if answer.calibration else ()
    anchors = {*tables, *(["calibration"] if lines else [])}
    style = _style()
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=Markup(style),  # noqa: S704 - our own file, which the page's hash is of
            style_hash=_hash(style),
            version=analyzer.__version__,
            title="What the sidecars cost, and what ambient would",
            window=window_title(answer),
            manifest=answer.manifest,
            sentences=summary_sentences(answer),
            strongest=_strongest(answer),
            facts=tuple(facts(answer)),
            tables=tables,
            prospects=tuple(projection_lines(answer.projection)) if answer.projection else (),
            charts=tuple(shown(charts, anchors)),
            missing_charts=missing(charts),
            calibration_lines=lines,
            findings=tuple(_told(item) for item in answer.findings),
            warnings=answer.warnings,
            refusals=tuple(map(str, answer.refusals)),
            scenario=as_toml(workings.scenario) if workings else "",
            commands=commands(answer.manifest) if answer.manifest else (),
        )
    )


def _tables(answer: Answer) -> Iterator[Table]:
    calibration, projection = answer.calibration, answer.projection
    found = [
        *(cost_tables(projection) if projection else ()),
        workloads_table(calibration) if calibration else None,
        namespaces_table(projection) if projection else None,
        assumptions_table(projection.workings.scenario)
        if projection and projection.workings
        else None,
        constants_table(projection),
    ]
    return (table for table in found if table)


def _strongest(answer: Answer) -> tuple[str | None, ...]:
    """Return the sentences of the summary that a hurried reader needs."""
    return verdict(answer), headline(answer.projection) if answer.projection else None


def _told(finding: Finding) -> _Told:
    count = len(finding.affected)
    return _Told(
        finding=finding,
        count=counted(count, "name"),
        first=finding.affected[:_MAX_AFFECTED],
        more=max(count - _MAX_AFFECTED, 0),
    )


def _breakable(text: str) -> Markup:
    """Return a name that may be broken after what divides its parts."""
    parts = re.split(r"(?<=[_/.-])(?=.)", str(_harmless(text)))
    return Markup("<wbr>").join(parts)


def _harmless(value: object) -> object:
    r"""Return text as a browser may show it: nothing that turns it round or cannot be seen.

    >>> _harmless("a\u202eb\tc")
    'a�b c'
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(
        character if character.isprintable() or character == "\n" else _instead(character)
        for character in value
    )


def _instead(character: str) -> str:
    return " " if character.isspace() else "�"


def _style() -> str:
    path = resources.files(__package__) / "templates" / "style.css"
    return path.read_text(encoding="utf-8")


def _hash(style: str) -> str:
    """Return what the content security policy knows the style by."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = _breakable
    return environment
