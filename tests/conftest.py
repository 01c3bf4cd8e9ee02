"""Servers and snapshots that many tests share, each made once."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.support import SMALL_MESH, FilledMesh, MeshCache, PrometheusServer
from tests.support.binaries import LIBRARIES
from tests.support.measuring_once import measuring_once

# The speed of a machine is a matter for benchmarks.
settings.register_profile("many", deadline=None)
# `make bench` asks for many.
settings.register_profile("untimed", deadline=None, max_examples=24)
settings.load_profile("untimed")


_HERE = Path(__file__).parent
"""The modules in it build a wheel and run what the pages show: few tests, and each is long."""

_SERVERS = {"GOGC": "400", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": "1"}
"""Go's settings for the servers of the tests, which hold little: they take a quarter less CPU."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[None]:
    """Leave what every test needs out of the garbage collection: a twentieth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# Before the choice by `-m`, which it changes.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest, so that no worker is left with one at the end."""
    items.sort(
        key=lambda item: (item.get_closest_marker("live") is None, item.path.parent != _HERE)
    )
    cases: dict[str, dict[str, int]] = {}
    for item in items:
        few = item.get_closest_marker("few")
        if few is None or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        # The tests of a module about the same case share its answer.
        of_module = cases.setdefault(item.module.__name__, {})
        case = str(sorted(map(str, item.callspec.params.values())))
        if of_module.setdefault(case, len(of_module)) % few.args[0]:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """Keep the credentials and the proxies of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TOKEN", "USERNAME", "PASSWORD", "URL"):
            patch.delenv(f"PROMETHEUS_{name}", raising=False)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        patch.setenv("NETRC", "/nonexistent")
        for name, value in _SERVERS.items():
            patch.setenv(name, value)
        if LIBRARIES.is_dir():
            # Playwright starts a program of its own, which finds them nowhere else.
            folders = [str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH", "")]
            patch.setenv("LD_LIBRARY_PATH", ":".join(filter(None, folders)))
        yield


@pytest.fixture(scope="session", autouse=True)
def _measuring_once() -> Iterator[None]:
    with measuring_once():
        yield


@pytest.fixture(scope="session")
def mesh_cache(tmp_path_factory: pytest.TempPathFactory) -> MeshCache:
    """Return folders of filled meshes, each written once a session."""
    return MeshCache(tmp_path_factory.mktemp("meshes"))


@pytest.fixture(scope="session")
def small_mesh(mesh_cache: MeshCache) -> FilledMesh:
    """Return ten pods of two workloads over two hours."""
    return mesh_cache.filled(SMALL_MESH)


@pytest.fixture(scope="session")
def small_server(
    small_mesh: FilledMesh, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """Return a Prometheus that serves the small mesh, for tests that only read."""
    with small_mesh.serve(tmp_path_factory.mktemp("small") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def small_ask(small_server: PrometheusServer) -> Ask:
    """Return the question about all that the small mesh holds."""
    return Ask(source=small_server.url, start=SMALL_MESH.start, end=SMALL_MESH.end)


@pytest.fixture(scope="session")
def small_snapshot(
    small_server: PrometheusServer, small_ask: Ask, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a snapshot of the small mesh; copy it before changing it."""
    path = tmp_path_factory.mktemp("snapshots") / "small"
    with Connection(Access(url=small_server.url)) as source:
        collect_snapshot(source, small_ask, path, now=SMALL_MESH.end)
    return path
