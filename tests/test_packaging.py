"""What a source release holds: all that its Makefile and its own build need."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the files of an sdist, as from its folder."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder],
        cwd=_ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def test_it_has_every_script_and_lock_file_of_the_makefile(shipped: set[str]) -> None:
    makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
    needed = set(re.findall(r"\.ci/\w+\.sh|requirements[\w-]*\.txt", makefile))

    assert ".ci/venv.sh" in needed
    assert needed <= shipped


@pytest.mark.parametrize(
    "name",
    ["analyzer/py.typed", "queries/proxy_cpu_vcpu.promql", "analyzer/data/result.schema.json"],
)
def test_it_has_what_the_package_reads(shipped: set[str], name: str) -> None:
    assert name in shipped


def test_it_has_no_recorded_run_but_the_bundled_one(shipped: set[str]) -> None:
    truths = {name for name in shipped if name.endswith("truth.json")}

    assert truths == {"analyzer/data/samples/lab/truth.json"}
