"""Figures that come from outside, each with its source, and the bundled sample snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from analyzer.defaults import DEFAULT_SAMPLE
from analyzer.errors import UsageError
from analyzer.units import GBIT_PER_BYTE, Interval

BLOG = "blog"
"""Name of the vendor post's constants."""

# Beside this file; importlib.resources would take as long to import as click does.
_ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """What the projection assumes, with its range and where it comes from.

    Attributes:
        hardware: the published constants with the sidecar cost of the hardware that the figure is
            from; "" if it does not depend on hardware.
        is_log_normal: whether it is drawn from a log-normal distribution, otherwise a normal one.
        is_measured: whether it was measured on this mesh, and is no assumption any more.
        is_derived: whether it follows from costs that were measured on this mesh.
    """

    name: str
    value: Interval
    unit: str
    source: str
    hardware: str = ""
    is_log_normal: bool = False
    is_measured: bool = False
    is_derived: bool = False

    def measured(self, value: Interval) -> "Assumption":
        """Return the same with a value that was measured."""
        return replace(self, value=value, source="measured in this mesh", is_measured=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A cloud, and what it bills for bytes between two zones of a region.

    Attributes:
        name: the scheme of its provider IDs.
        instance_types: a regular expression for whole names of its instance types.
        zone_usd_per_gb: USD per GB that crosses, each byte once.
    """

    name: str
    title: str
    instance_types: str
    zone_usd_per_gb: Interval
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedConstants:
    """The cost of each component by one document; None where it has no figure.

    A component costs its figure per unit plus its figure per 1000 proxy requests per second, or a
    share of the sidecars' CPU.

    Attributes:
        gateway_vcpu_per_1000_rps: stand-in for the sidecar of a document that has none;
            gateway_vcpu_per_gbit_per_second: the same for its bytes.
        payload_bytes: of a request and its response together.
        new_connection_share: share of the requests on a new connection, lowest and highest.
        conditions: of the measurement.
        measured_saving_percent: what ambient saved there, of the sidecars' CPU, by mode.
        projected_saving_percent: what a projection gives for a mesh of that shape.
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
    gateway_vcpu_per_1000_rps: float | None = None
    gateway_vcpu_per_gbit_per_second: float | None = None
    ztunnel_share: float | None = None
    waypoint_share: float | None = None
    payload_bytes: float | None = None
    new_connection_share: tuple[float, float] | None = None
    conditions: str = ""
    measured_saving_percent: Mapping[str, float] = field(default_factory=dict)
    projected_saving_percent: Mapping[str, Interval] = field(default_factory=dict)

    @property
    def needs_requests(self) -> bool:
        """Whether these figures need a request rate to give a cost."""
        return self.sidecar_vcpu_per_1000_rps is not None

    @property
    def has_sidecars(self) -> bool:
        """Whether these figures have the cost of a sidecar."""
        return self.needs_requests or self.sidecar_vcpu_per_proxy is not None

    @property
    def gbit_per_1000_rps(self) -> float:
        """The payload of 1000 requests/s; 0 where it is not stated."""
        return 1000 * (self.payload_bytes or 0.0) * GBIT_PER_BYTE

    @property
    def hardware_vcpu_per_1000_rps(self) -> float | None:
        """The cost of a request through a sidecar, or its stand-in, on this hardware."""
        return self.sidecar_vcpu_per_1000_rps or self.gateway_vcpu_per_1000_rps


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
        found[name] = Assumption(
            name=name,
            value=_interval(entry),
            unit=entry["unit"],
            source=entry["source"],
            hardware=entry.get("hardware", ""),
            is_log_normal=entry.get("spread") == "log-normal",
        )
    return found


@cache
def providers() -> Mapping[str, Provider]:
    """Return the clouds whose price of bytes between zones is known, by name."""
    return {
        name: Provider(
            name=name,
            title=entry["title"],
            instance_types=entry["instance_types"],
            zone_usd_per_gb=_interval(entry),
            source=entry["source"],
        )
        for name, entry in read_toml("providers.toml").items()
    }


def _interval(entry: Mapping[str, Any]) -> Interval:
    mid = float(entry["mid"])
    return Interval(low=entry.get("low", mid), mid=mid, high=entry.get("high", mid))


@cache
def assumptions_without_snapshot() -> Mapping[str, Assumption]:
    """Return the defaults for a hypothetical mesh, by name: those of the published benchmarks."""
    found = dict(assumptions())
    for name, entry in read_toml("assumptions.toml").items():
        if other := entry.get("without_snapshot"):
            value = Interval.exactly(float(other["mid"]))
            found[name] = replace(found[name], value=value, source=other["source"])
    return found


@cache
def published_constants() -> Mapping[str, PublishedConstants]:
    """Return the published figures by name, the vendor post's first."""
    return {name: _constants(name, entry) for name, entry in read_toml("constants.toml").items()}


def complete_constants() -> Mapping[str, PublishedConstants]:
    """Return those that have a sidecar: a hypothetical mesh can be projected from them alone."""
    return {name: item for name, item in published_constants().items() if item.has_sidecars}


def _constants(name: str, entry: Mapping[str, Any]) -> PublishedConstants:
    share = entry.get("new_connection_share")
    ends = (share["low"], share["high"]) if share else None
    projected = {
        mode: Interval(low=low, mid=mid, high=high)
        for mode, (low, mid, high) in entry.get("projected_saving_percent", {}).items()
    }
    found = {"new_connection_share": ends, "projected_saving_percent": projected}
    return PublishedConstants(name=name, **{**entry, **found})


def sample_path(name: str = DEFAULT_SAMPLE) -> Path:
    """Return the folder of a bundled snapshot; UsageError if there is none of that name."""
    folder = _ROOT / "samples"
    names = sorted(item.name for item in folder.iterdir() if item.is_dir())
    if name not in names:
        raise UsageError(f"no bundled sample {name!r}; there are: {', '.join(names)}")
    return folder / name


def schema_path(name: str = "result") -> Path:
    """Return the JSON Schema of the answer, of a `comparison`, of `meshes` or of `rightsizing`."""
    return _ROOT / f"{name}.schema.json"


def read_toml(name: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a file of this folder."""
    import tomllib  # noqa: PLC0415 - help does not wait for it

    return tomllib.loads((_ROOT / name).read_text(encoding="utf-8"))
