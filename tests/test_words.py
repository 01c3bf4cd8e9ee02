"""No text that a person reads holds an unused word, one-sided percents or an endless sentence.

`python -m tests.words` lists the words in files with a count for each.
"""

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

import analyzer as mesh
from analyzer.cli import cli
from analyzer.data import codes, sample_path
from analyzer.report.render import markdown
from tests.comparison.migrations import Migrated
from tests.reading import html_sentences, long_sentences, markdown_sentences
from tests.report.comparisons import compared, report_of
from tests.support import SMALL_MESH, PrometheusServer
from tests.support.each import each
from tests.words import UNUSED, files, found_in, main, unused_words

_ROOT = Path(__file__).parent.parent
_SAMPLES = ("lab", "fleet")

COMMANDS = [
    "--help",
    *(f"{name} --help" for name in sorted(cli.commands)),
    *(
        f"demo --sample {sample} {options}"
        for sample in _SAMPLES
        for options in ("", "--explain", "--format json", "--format csv", "--format markdown")
    ),
    "project --constants blog --pods 15000 --nodes 200 --namespaces 1000",
    "project --constants istio-1.24 --pods 15000 --nodes 200 --namespaces 1000 --proxy-rps 1e7",
    "project --show-scenario",
    *(
        f"rightsize {sample_path('fleet')} --cpu-limit {limit} --style {style} --format {kind}"
        for limit, style, kind in (
            ("none", "defaults", "markdown"),
            ("keep", "annotations", "json"),
            ("set", "annotations", "table"),
        )
    ),
    "queries",
    *(f"explain {rest}" for rest in ("", "--format json", *codes()) if "explain" in cli.commands),
]
"""Command lines that print everything that needs no server."""


@each({phrase: (phrase,) for phrase in UNUSED})
def test_each_unused_phrase_is_found_in_any_case_and_over_line_ends(phrase: str) -> None:
    over_lines = phrase.replace(" ", "\n    # ")

    assert list(unused_words(f"a\nb {phrase.capitalize()}, c")) == [(2, phrase.capitalize())]
    assert [line for line, _ in unused_words(f"A {over_lines}.")] == [1]
    assert list(unused_words(f"x{phrase}_y")) == []


def test_words_are_found_in_strings_docstrings_and_comments_of_code_not_in_its_names(
    tmp_path: Path,
) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        '"""A docstring\n\nthat tells."""\n'
        "told = 1\n"
        "x = (f'at {told}'\n     ' all')\n"
        "y = f'at '\\\n     f'all {told}'\n"
        "# at\n# all\n"
        "z = {'nobody': 1}  # mends\n"
    )

    assert found_in(path) == [
        (3, "tells"), (7, "at all"), (9, "at all"), (11, "mends"), (11, "nobody"),
    ]  # fmt: skip


def test_in_tests_only_docstrings_and_comments_are_read(tmp_path: Path) -> None:
    path = tmp_path / "tests" / "test_it.py"
    path.parent.mkdir()
    path.write_text('"""It tells."""\nx = "it tells"\n# It tells.\n')

    assert found_in(path) == [(1, "tells"), (3, "tells")]


def test_the_command_prints_each_place_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.md"
    path.write_text("It stands\nand tells.\n")
    clean = tmp_path / "clean.md"
    clean.write_text("It is.\n")

    assert main([str(path)]) == 1
    shown = capsys.readouterr().out
    assert f"{path}:1: stands\n{path}:2: tells\n" in shown
    assert main([str(clean)]) == 0


def test_every_kind_of_text_is_looked_at() -> None:
    kinds = {path.suffix or path.name for path in files(_ROOT)}

    assert {".py", ".md", ".promql", ".toml", ".css", ".j2", ".ipynb", "Makefile"} <= kinds


@each({str(path.relative_to(_ROOT)): (path,) for path in files(_ROOT)})
def test_no_file_holds_an_unused_word(path: Path) -> None:
    assert found_in(path) == []


@each({str(path.relative_to(_ROOT)): (path,) for path in files(_ROOT) if path.suffix == ".md"})
def test_no_page_of_this_repository_has_a_long_sentence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert long_sentences(markdown_sentences(text)) == []


@pytest.mark.parametrize("arguments", COMMANDS)
def test_no_command_prints_an_unused_word(arguments: str) -> None:
    text = printed(arguments)

    assert text
    assert faults(text, is_json="--format json" in arguments) == []


@pytest.mark.live
@pytest.mark.parametrize("arguments", ["doctor", "doctor --format json", "queries"])
def test_no_answer_about_a_server_holds_an_unused_word(
    small_server: PrometheusServer, arguments: str
) -> None:
    end = SMALL_MESH.end.isoformat()
    text = printed(f"{arguments} -p {small_server.url} --days 0.05 --end {end}")

    assert text
    assert faults(text, is_json="--format json" in arguments) == []


@pytest.mark.parametrize("sample", _SAMPLES)
def test_no_report_holds_an_unused_word_or_a_long_sentence(sample: str, tmp_path: Path) -> None:
    mesh.project(mesh.load_sample(sample)).write(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    page_md = (tmp_path / "report.md").read_text(encoding="utf-8")
    sentences = list(html_sentences(page))

    assert len(sentences) > 100
    assert [found for text in (*sentences, page_md) for found in faults(text)] == []
    assert long_sentences(html_sentences(page)) == []
    assert long_sentences(markdown_sentences(page_md)) == []


def test_no_comparison_holds_an_unused_word_or_a_long_sentence() -> None:
    text = markdown.render(report_of(compared(Migrated())))

    assert faults(text) == []
    assert long_sentences(markdown_sentences(text)) == []


def test_no_table_of_several_meshes_holds_an_unused_word_or_a_long_sentence(
    tmp_path: Path,
) -> None:
    several = mesh.project_meshes({name: mesh.load_sample(name) for name in _SAMPLES})
    several.write(tmp_path)
    page_md = (tmp_path / "meshes.md").read_text(encoding="utf-8")
    page = (tmp_path / "meshes.html").read_text(encoding="utf-8")

    assert [found for text in (*html_sentences(page), page_md) for found in faults(text)] == []
    assert long_sentences(markdown_sentences(page_md)) == []
    assert faults(several._repr_html_()) == []
    assert faults(repr(several)) == []


@pytest.mark.parametrize("sample", _SAMPLES)
def test_no_result_in_a_notebook_holds_an_unused_word(sample: str) -> None:
    snapshot = mesh.load_sample(sample)
    results = (snapshot, mesh.calibrate(snapshot), mesh.project(snapshot))

    for result in results:
        assert faults(result._repr_html_()) == []
        assert faults(repr(result)) == []


@cache
def printed(arguments: str) -> str:
    """Return what a command prints on stdout and stderr."""
    return CliRunner().invoke(cli, shlex.split(arguments), env={"COLUMNS": "80"}).output


def faults(text: str, *, is_json: bool = False) -> list[str]:
    """Return the unused words of an output, and percents without a space; JSON by its values."""
    if is_json:
        return [found for value in _values(json.loads(text)) for found in faults(value)]
    text = " ".join(text.split())
    return [word for _, word in unused_words(text)] + re.findall(r"\d+%(?!\w)", text)


def _values(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for value in document:
            yield from _values(value)
    elif isinstance(document, str):
        yield document
