"""What each module offers, and what importing it costs."""

import importlib
import pkgutil
import rlcompleter
import subprocess
import sys

import pytest

import analyzer

_MODULES = [
    module.name
    for module in pkgutil.walk_packages(analyzer.__path__, "analyzer.")
    if not module.name.endswith("__main__")
]
_HEAVY = ("matplotlib", "numpy", "pandas", "prometheus_api_client", "pyarrow", "requests", "scipy")


def test_each_module_has_the_names_it_offers() -> None:
    for name in _MODULES:
        module = importlib.import_module(name)
        offered = getattr(module, "__all__", [])

        assert [missing for missing in offered if not hasattr(module, missing)] == [], name
        assert len(set(offered)) == len(offered), name


def test_what_a_module_offers_is_not_private() -> None:
    for name in _MODULES:
        offered = getattr(importlib.import_module(name), "__all__", [])

        assert [private for private in offered if private.startswith("_")] == [], name


@pytest.mark.parametrize("name", analyzer.__all__)
def test_the_public_names_are_there_when_asked_for(name: str) -> None:
    assert getattr(analyzer, name) is not None


def test_the_public_names_are_listed_before_they_are_used() -> None:
    code = "import sys, analyzer\nprint(*dir(analyzer))\nprint('analyzer.notebook' in sys.modules)"
    names, imported = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()

    assert names.split() == sorted(analyzer.__all__)
    assert imported == "False"


def test_help_shows_each_function_with_what_it_does() -> None:
    code = "import pydoc, analyzer; print(pydoc.render_doc(analyzer, renderer=pydoc.plaintext))"
    text = subprocess.check_output([sys.executable, "-c", code], text=True)

    for name in set(analyzer.__all__) - {"__version__"}:
        function = getattr(analyzer, name)
        assert f"\n    {function.__name__}(" in text
        assert str(function.__doc__).splitlines()[0] in text


def test_a_completer_offers_the_public_names() -> None:
    """As a Python or notebook prompt does at the tabulator."""
    completer = rlcompleter.Completer({"mesh": analyzer})

    assert [completer.complete("mesh.load_s", state) for state in range(3)] == [
        "mesh.load_sample(",
        "mesh.load_snapshot(",
        None,
    ]


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        _ = analyzer.predict


@pytest.mark.parametrize("module", ["analyzer", "analyzer.cli"])
def test_importing_what_help_needs_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*(n for n in {_HEAVY} if n in sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
