"""The file of hypothetical meshes: what it may hold, and what is refused."""

from pathlib import Path

import pytest

from analyzer.errors import UsageError
from analyzer.projection.stated import load_meshes

EAST = """[[mesh]]
name = "east"
constants = "blog"
pods = 15000
nodes = 200
namespaces = 1000
"""


def read(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "meshes.toml"
    path.write_text(text, encoding="utf-8")
    return [mesh.name for mesh in load_meshes(path)]


def test_each_table_is_a_mesh(tmp_path: Path) -> None:
    path = tmp_path / "meshes.toml"
    path.write_text(EAST + EAST.replace("east", "west") + "proxy_rps = 5e3\n", encoding="utf-8")
    east, west = load_meshes(path)

    assert (east.name, east.load.sidecar_count, east.load.node_count) == ("east", 15_000, 200)
    assert (east.load.namespace_count, east.load.proxy_rps) == (1000, 0)
    assert (west.name, west.constants.name, west.load.proxy_rps) == ("west", "blog", 5000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one table for each mesh"),
        ("mesh = 3", "one table for each mesh"),
        ("price = 3\n" + EAST, "one table for each mesh"),
        ("[[mesh", "is not valid TOML"),
        (EAST + EAST, "the name 'east'"),
        (EAST + "cpu = 3", "unknown key 'cpu'"),
        (EAST.replace("pods", "proxy_rps"), "has no pods"),
        (EAST.replace("15000", "0"), "pods must be"),
        (EAST.replace("15000", "1.5"), "pods must be"),
        (EAST.replace("200", "true"), "nodes must be"),
        (EAST.replace('"blog"', '"istio-9"'), "no benchmarks 'istio-9'"),
        (EAST.replace('"east"', '"\\u001b[2J"'), "printable text"),
        (EAST + "proxy_rps = -1", "proxy_rps must be"),
        (EAST + "proxy_rps = inf", "proxy_rps must be"),
        (EAST + "proxy_rps = nan", "proxy_rps must be"),
        (EAST + "proxy_rps = 1e308", "proxy_rps must be"),
        (EAST + "proxy_rps = true", "proxy_rps must be"),
        (EAST.replace("15000", "9" * 400), "pods must be"),
        (EAST.replace("blog", "istio-1.24"), "no rate is given"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)

    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read"):
        load_meshes(tmp_path / "none.toml")
