"""A mesh in which every role, kind and protocol occurs, measured once."""

from dataclasses import replace

import pytest

from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import Snapshot
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.support import FilledMesh, MeshCache, default_mesh

MIXED = replace(default_mesh(pods=60, hours=3), node_prices=True, churn=0.0, restarts=0.05)


@pytest.fixture(scope="session")
def mixed_mesh(mesh_cache: MeshCache) -> FilledMesh:
    """Return sidecars, gateways, a waypoint and ztunnels over three hours."""
    return mesh_cache.filled(MIXED)


@pytest.fixture(scope="session")
def mixed_snapshot(mixed_mesh: FilledMesh, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Return a snapshot of that mesh."""
    folder = tmp_path_factory.mktemp("mixed")
    with (
        mixed_mesh.serve(folder / "server") as server,
        Connection(Access(url=server.url)) as source,
    ):
        ask = Ask(source=server.url, start=MIXED.start, end=MIXED.end)
        return collect_snapshot(source, ask, folder / "snap", now=MIXED.end)
