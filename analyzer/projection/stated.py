"""Hypothetical meshes that a file states, each priced by published benchmarks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.data import PublishedConstants, complete_constants
from analyzer.errors import UsageError, brief
from analyzer.files import read_toml
from analyzer.projection.choices import BOUNDS, is_bounded, is_number
from analyzer.projection.demand import MOST_STATED, StatedLoad, stated_load
from analyzer.projection.published import project_constants
from analyzer.projection.result import Projection
from analyzer.projection.scenario import Scenario

_COUNTS: Final = ("pods", "nodes", "namespaces")
_NEEDED: Final = ("name", "constants", *_COUNTS)
_RPS: Final = "proxy_rps"
_EXAMPLE: Final = (
    '[[mesh]], name = "east", constants = "blog", pods = 15000, nodes = 200, namespaces = 1000'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedMesh:
    """A hypothetical mesh by name: its size and traffic, and the benchmarks that price it."""

    name: str
    constants: PublishedConstants
    load: StatedLoad

    def projected(self, scenario: Scenario) -> Projection:
        """Return its projection."""
        return project_constants(self.constants, self.load, scenario)


def load_meshes(path: Path) -> tuple[StatedMesh, ...]:
    """Read a file of meshes: TOML, a table `[[mesh]]` each.

    Its keys are name, constants (a name of data/constants.toml), pods, nodes and namespaces, and
    proxy_rps: the requests per second of all sidecars together, which only constants that are per
    request need.

    Raises:
        UsageError: if it cannot be read, if a key or value is not permitted, if the rate that the
            constants need is missing, or if two meshes have the same name.
    """
    document = read_toml(path, "meshes")
    listed = document.get("mesh")
    tables = listed if isinstance(listed, list) else []
    if set(document) != {"mesh"} or not tables or not all(isinstance(one, dict) for one in tables):
        raise UsageError(f"{path} must hold one table for each mesh, such as {_EXAMPLE}.")
    meshes = tuple(_read(table, f"{path}, mesh {at}") for at, table in enumerate(tables, 1))
    names = [mesh.name for mesh in meshes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"{path} has two meshes with the name {brief(twice[0])}. Rename one of them."
        )
    return meshes


def _read(table: Mapping[str, object], origin: str) -> StatedMesh:
    known = {*_NEEDED, _RPS}
    if strange := sorted(set(table) - known):
        raise UsageError(
            f"{origin}, has the unknown key {brief(strange[0])}. The keys are "
            f"{', '.join((*_NEEDED, _RPS))}."
        )
    if lacking := [key for key in _NEEDED if key not in table]:
        raise UsageError(f"{origin}, has no {lacking[0]}. Add it.")
    name, constants = table["name"], table["constants"]
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise UsageError(f"{origin}: name must be printable text.")
    benchmarks = complete_constants()
    if not isinstance(constants, str) or constants not in benchmarks:
        raise UsageError(
            f"{origin}: there are no benchmarks {brief(constants)}. Give one of "
            f"{', '.join(benchmarks)}."
        )
    pods, nodes, namespaces = (_count(table, key, origin) for key in _COUNTS)
    load = stated_load(
        pod_count=pods,
        node_count=nodes,
        namespace_count=namespaces,
        proxy_rps=_rate(table.get(_RPS, 0), benchmarks[constants], origin),
    )
    return StatedMesh(name=name, constants=benchmarks[constants], load=load)


def _rate(value: object, constants: PublishedConstants, origin: str) -> float:
    if not isinstance(value, int | float) or not is_number(value) or not is_bounded(value):
        raise UsageError(f"{origin}: {_RPS} must be {BOUNDS}.")
    if constants.needs_requests and not value:
        raise UsageError(
            f"{origin}: the constants {constants.name!r} are per 1000 requests per second, and no "
            f"rate is given. Set {_RPS} to the total of all proxies."
        )
    return float(value)


def _count(table: Mapping[str, object], key: str, origin: str) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_STATED:
        raise UsageError(f"{origin}: {key} must be a whole number from 1 to {MOST_STATED:,}.")
    return value
