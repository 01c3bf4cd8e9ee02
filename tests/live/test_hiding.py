"""A snapshot without names gives the same figures, and no name away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.live.command import Outcome, run
from tests.live.nameless import assert_alike
from tests.support import MeshSpec, PrometheusServer, dialect, dialect_mesh

pytestmark = pytest.mark.live

_SPEC = dialect_mesh()
_TIMES = ("--days", "0.0834", "--end", _SPEC.end.isoformat())
_ROLE_WORDS = {"waypoint", "ztunnel"}
"""Workloads of the mesh named as their role: the word shows no more than the role."""


@pytest.fixture(scope="module", params=["kube-prometheus-stack", "istio-option-2", "two-clusters"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("hidden") / "server") as server:
        server.fill(dialect(request.param).told(_SPEC))
        yield server


def _names(spec: MeshSpec) -> set[str]:
    names = {name for item in spec.workloads for name in (item.namespace, item.name)}
    return names - _ROLE_WORDS | {"north", "south", "10.0.", *(f"node-{n}," for n in range(9))}


def _collect(url: str, folder: Path, *options: str, **environment: str) -> Outcome:
    return run("collect", "-p", url, *_TIMES, "-o", folder, *options, **environment)


def _everything(folder: Path) -> str:
    tables = [pq.read_table(path).to_pandas().to_csv() for path in folder.glob("*.parquet")]
    return (folder / "manifest.json").read_text() + "".join(tables)


def test_no_name_is_in_it_and_the_figures_are_the_same(
    server: PrometheusServer, tmp_path: Path
) -> None:
    scope = ("--namespace", "shop|payments")
    for folder, options in (("open", scope), ("hidden", (*scope, "--hide-names"))):
        outcome = _collect(server.url, tmp_path / folder, *options)
        assert outcome.status == 0, outcome.stderr
    written = _everything(tmp_path / "hidden")
    told, hidden = (
        json.loads(run("calibrate", tmp_path / folder, "--format", "json").stdout)
        for folder in ("open", "hidden")
    )

    assert {name for name in _names(_SPEC) if name in written} == set()
    assert server.url not in written
    assert "shop" in _everything(tmp_path / "open")
    assert told["mesh"] == hidden["mesh"]
    assert_alike(*(item["calibration"]["sidecar"] for item in (told, hidden)))
    # Hashes sort otherwise than names, and the last bits of a sum follow its order.
    parts, same = (item["calibration"]["decomposition"] for item in (told, hidden))
    assert parts.keys() == same.keys()
    for name, part in parts.items():
        assert part == pytest.approx(same[name], abs=1e-9), name
    assert not (tmp_path / "hidden.partial").exists()


def test_the_same_salt_gives_the_same_hashes_and_another_gives_others(
    server: PrometheusServer, tmp_path: Path
) -> None:
    salts = {"first": "pepper", "again": "pepper", "other": "cumin"}
    for folder, salt in salts.items():
        _collect(server.url, tmp_path / folder, "--hide-names", ISTIO_USAGE_SALT=salt)
    first, again, other = (_everything(tmp_path / folder) for folder in salts)

    assert first == again
    assert first != other
    assert "pepper" not in first
