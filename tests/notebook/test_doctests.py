"""Every example in the docstrings of the Python API, run as it is."""

import doctest
import importlib
import inspect
import pkgutil
from typing import Any

import pytest

import analyzer
from analyzer import notebook
from tests.support import SMALL_MESH, PrometheusServer

_MODULES = sorted(
    module.name for module in pkgutil.iter_modules(notebook.__path__, "analyzer.notebook.")
)


def _failures(name: str, **given: object) -> tuple[int, int]:
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs=given, verbose=False)
    return results.failed, results.attempted


@pytest.mark.parametrize("name", [name for name in _MODULES if not name.endswith(".api")])
def test_each_example_gives_what_it_says(name: str) -> None:
    failed, _ = _failures(name)

    assert failed == 0


@pytest.mark.live
def test_the_four_steps_do_against_a_real_prometheus(small_server: PrometheusServer) -> None:
    failed, attempted = _failures("analyzer.notebook.api", url=small_server.url, end=SMALL_MESH.end)

    assert failed == 0
    assert attempted > 10


def test_the_package_as_a_whole_has_an_example_too() -> None:
    assert doctest.testmod(analyzer).failed == 0
    assert doctest.testmod(analyzer).attempted > 0


_RESULTS = (notebook.MeshSnapshot, notebook.MeshCalibration, notebook.MeshProjection)


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
