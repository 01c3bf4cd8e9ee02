"""Every example in the docstrings of the Python API, run as it is."""

import doctest
import importlib
import inspect
import pkgutil
from typing import Any

import pytest

import analyzer
from analyzer import notebook
from tests.support import (
    SMALL_MESH,
    MeshCache,
    PrometheusServer,
    after_migration,
    before_migration,
)

_MODULES = sorted(
    module.name for module in pkgutil.iter_modules(notebook.__path__, "analyzer.notebook.")
)


def _failures(name: str, **given: object) -> tuple[int, int]:
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs=given, verbose=False)
    return results.failed, results.attempted


@pytest.mark.parametrize(
    "name", [name for name in _MODULES if not name.endswith((".api", ".comparison"))]
)
def test_each_example_gives_what_it_says(name: str) -> None:
    failed, _ = _failures(name)

    assert failed == 0


@pytest.fixture(scope="module")
def migration(
    mesh_cache: MeshCache, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, notebook.MeshSnapshot]:
    """Return the snapshots of a mesh before and after a part of it moved."""
    found = {}
    for name, spec in (("before", before_migration()), ("after", after_migration())):
        folder = tmp_path_factory.mktemp(name)
        with mesh_cache.filled(spec).serve(folder / "server") as server:
            found[name] = analyzer.collect(
                server.url, start=spec.start, end=spec.end, path=folder / "snapshot"
            )
    return found


@pytest.mark.live
def test_a_comparison_does_with_two_real_snapshots(
    migration: dict[str, notebook.MeshSnapshot],
) -> None:
    failed, attempted = _failures("analyzer.notebook.comparison", **migration)

    assert failed == 0
    assert attempted > 5


@pytest.mark.live
def test_the_four_steps_do_against_a_real_prometheus(
    small_server: PrometheusServer, migration: dict[str, notebook.MeshSnapshot]
) -> None:
    failed, attempted = _failures(
        "analyzer.notebook.api", url=small_server.url, end=SMALL_MESH.end, **migration
    )

    assert failed == 0
    assert attempted > 10


def test_the_package_as_a_whole_has_an_example_too() -> None:
    assert doctest.testmod(analyzer).failed == 0
    assert doctest.testmod(analyzer).attempted > 0


_RESULTS = (
    notebook.MeshSnapshot,
    notebook.MeshCalibration,
    notebook.MeshProjection,
    notebook.MeshComparison,
)


@pytest.mark.parametrize(
    "name",
    [
        *sorted(set(analyzer.__all__) - {"__version__"}),
        *(
            f"{result.__name__}.{name}"
            for result in _RESULTS
            for name, member in vars(result).items()
            if not name.startswith("_") and not isinstance(member, classmethod) and member.__doc__
        ),
    ],
)
def test_each_public_function_has_an_example(name: str) -> None:
    found: Any = notebook
    for part in name.split("."):
        found = getattr(found, part)

    assert ">>> " in (inspect.getdoc(found) or "")
