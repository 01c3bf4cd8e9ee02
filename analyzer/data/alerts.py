"""What is recorded for alerts, and the alerts."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_PATH = Path(__file__).parent / "alerts.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A quantity that is derived from recorded series.

    Attributes:
        name: with its unit.
        promql: PromQL with placeholders, as in query files; $rules is the matcher of the rules'
            own version, $step the time between two evaluations.
    """

    name: str
    what: str
    promql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert.

    Attributes:
        promql: as that of a record.
        lasting: how long it must be so, as a duration of Prometheus.
        severity: label for the routing of alerts.
        summary: the problem; both texts may have Prometheus's templates.
        description: problem, cause and action.
    """

    name: str
    promql: str
    lasting: str
    severity: str
    summary: str
    description: str


@cache
def derived_records() -> tuple[Record, ...]:
    """Return what is derived, each after what it reads."""
    return tuple(Record(**_in_one_line(entry)) for entry in _document()["record"])


@cache
def alerts() -> tuple[Alert, ...]:
    """Return all alerts."""
    return tuple(Alert(**_in_one_line(entry)) for entry in _document()["alert"])


def _document() -> dict[str, Any]:
    with _PATH.open("rb") as file:
        return tomllib.load(file)


def _in_one_line(entry: dict[str, str]) -> dict[str, str]:
    return {key: " ".join(text.split()) for key, text in entry.items()}
