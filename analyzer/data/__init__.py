"""Figures that come from outside, each with its source, and the bundled sample snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from analyzer.errors import UsageError
from analyzer.units import Interval

DEFAULT_SAMPLE = "lab"
"""Name of the bundled snapshot of real Envoys; `fleet` is a larger, simulated mesh."""

BLOG = "blog"
"""Name of the vendor post's constants."""

# Beside this file; importlib.resources would take as long to import as click does.
_ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """What the projection assumes, with its range and where it comes from.

    Attributes:
        is_measured: whether it was measured on this mesh, and is no assumption any more.
    """

    name: str
    value: Interval
    unit: str
    source: str
    is_measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedConstants:
    """The cost of each component by one document; None where it has no figure.

    A component costs its figure per unit plus its figure per 1000 proxy requests per second.
    """

    name: str
    title: str
    source: str
    remark: str
    sidecar_vcpu_per_proxy: float | None = None
    sidecar_vcpu_per_1000_rps: float | None = None
    ztunnel_vcpu_per_node: float | None = None
    ztunnel_vcpu_per_1000_rps: float | None = None
    waypoint_vcpu_per_replica: float | None = None
    waypoint_vcpu_per_1000_rps: float | None = None

    @property
    def needs_requests(self) -> bool:
        """Whether these figures need a request rate to give a cost."""
        return self.sidecar_vcpu_per_1000_rps is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What `istio-usage explain` prints: of a finding, a mode, a quantity, a question, a refusal.

    A line of a text is a paragraph, or is empty, or is code if it begins with two blanks.

    Attributes:
        kind: "finding" (warnings too), "mode", "quantity", "figure", "question" or "refusal".
        code: of a finding; else "".
        also: other words for the same, in lower case.
        meaning: of a finding, what was found and how.
        why: what it does to the answer, and `fix`: how to fix it; "" where there is no need.
    """

    name: str
    kind: str
    code: str = ""
    title: str
    also: tuple[str, ...] = ()
    meaning: str
    why: str = ""
    fix: str = ""

    @property
    def short_name(self) -> str:
        """The code, or the name of what has none."""
        return self.code or self.name


@cache
def codes() -> Mapping[str, Topic]:
    """Return every kind of finding and warning by name, in the order of their codes."""
    entries = read_toml("codes.toml").items()
    return {name: _topic(name, {"kind": "finding", **entry}) for name, entry in entries}


@cache
def topics() -> Mapping[str, Topic]:
    """Return everything else that can be explained, by name."""
    return {name: _topic(name, entry) for name, entry in read_toml("topics.toml").items()}


def _topic(name: str, entry: Mapping[str, Any]) -> Topic:
    texts = {part: _joined(entry.get(part, "")) for part in ("meaning", "why", "fix")}
    return Topic(name=name, **{**entry, **texts, "also": tuple(entry.get("also", ()))})


def _joined(text: str) -> str:
    """Join the lines of each paragraph; lines of code and empty lines stay as they are."""
    found: list[str] = []
    for is_prose, group in groupby(text.splitlines(), lambda line: bool(line[:2].strip())):
        lines = list(group)
        found += [" ".join(lines)] if is_prose else lines
    return "\n".join(found)


@cache
def assumptions() -> Mapping[str, Assumption]:
    """Return the projection's defaults by name."""
    found = {}
    for name, entry in read_toml("assumptions.toml").items():
        mid = float(entry["mid"])
        value = Interval(low=entry.get("low", mid), mid=mid, high=entry.get("high", mid))
        found[name] = Assumption(name=name, value=value, unit=entry["unit"], source=entry["source"])
    return found


@cache
def published_constants() -> Mapping[str, PublishedConstants]:
    """Return the published figures by name, the vendor post's first."""
    entries = read_toml("constants.toml").items()
    return {name: PublishedConstants(name=name, **entry) for name, entry in entries}


def sample_path(name: str = DEFAULT_SAMPLE) -> Path:
    """Return the folder of a bundled snapshot; UsageError if there is none of that name."""
    folder = _ROOT / "samples"
    names = sorted(item.name for item in folder.iterdir() if item.is_dir())
    if name not in names:
        raise UsageError(f"no bundled sample {name!r}; there are: {', '.join(names)}")
    return folder / name


def schema_path(name: str = "result") -> Path:
    """Return the JSON Schema of the answer, or that of a comparison."""
    return _ROOT / f"{name}.schema.json"


def read_toml(name: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a file of this folder."""
    import tomllib  # noqa: PLC0415 - help does not wait for it

    return tomllib.loads((_ROOT / name).read_text(encoding="utf-8"))
