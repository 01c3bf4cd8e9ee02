"""Compares what two commits answer: `python -m tests.sameness OLD NEW`.

Both commits are run on the bundled samples and on test meshes that a real Prometheus serves, by
the same Python. Everything they print and write is compared: bytes first, and where these differ
the lines of texts and the cells of tables. It is a tool for a change of structure, and no test.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from tests.support import (
    DIALECTS,
    SMALL_MESH,
    MeshSpec,
    PrometheusServer,
    after_migration,
    before_migration,
    build_mesh,
    dialect_mesh,
    roles_mesh,
)

MESHES: Mapping[str, MeshSpec] = {
    "small": SMALL_MESH,
    "roles": roles_mesh(),
    "before": before_migration(),
    "after": after_migration(waypoint_factor=1.3),
}

FORMATS = ("table", "json", "csv", "markdown")
COMMANDS = (
    "", "analyze", "calibrate", "collect", "compare", "demo",
    "doctor", "project", "queries", "report",
)  # fmt: skip

_LINES_SHOWN = 12
_WIDTH = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the command line; what it prints is kept under its name."""

    name: str
    arguments: tuple[str, ...]


def runs(urls: Mapping[str, str]) -> Iterator[Run]:
    """Yield every run, those that later ones read first.

    Args:
        urls: of the servers, by mesh.
    """
    for command in COMMANDS:
        yield Run(name=f"help {command}", arguments=(*command.split(), "--help"))
    for sample in ("lab", "fleet"):
        demo = ("demo", "--sample", sample)
        for form in FORMATS:
            yield Run(name=f"{sample} {form}", arguments=(*demo, "--format", form))
        yield Run(name=f"{sample} explained", arguments=(*demo, "--explain"))
        yield Run(name=f"{sample} report", arguments=(*demo, "-o", f"{sample}.report"))
    stated = (
        "--pods",
        "15000",
        "--nodes",
        "200",
        "--namespaces",
        "1000",
        "--proxy-rps",
        "15000000",
    )
    for constants in ("blog", "istio-1.24"):
        for form in FORMATS:
            asked = ("project", "--constants", constants, *stated, "--format", form)
            yield Run(name=f"{constants} {form}", arguments=asked)
    yield Run(name="scenario", arguments=("project", "--show-scenario"))
    yield Run(name="queries", arguments=("queries",))
    for name, url in urls.items():
        spec = MESHES.get(name, dialect_mesh())
        window = ("-p", url, "--start", spec.start.isoformat(), "--end", spec.end.isoformat())
        yield Run(name=f"{name} doctor", arguments=("doctor", *window))
        yield Run(name=f"{name} plan", arguments=("queries", *window))
        answer = ("analyze", *window, "-o", f"{name}.answer", "--charts", "none", "--explain")
        yield Run(name=f"{name} answer", arguments=answer)
    snapshots = ("before.answer/snapshot", "after.answer/snapshot")
    for form in ("table", "json", "markdown"):
        yield Run(name=f"compare {form}", arguments=("compare", *snapshots, "--format", form))
    yield Run(name="compare report", arguments=("compare", *snapshots, "-o", "compared"))
    yield Run(name="calibrate", arguments=("calibrate", "small.answer/snapshot"))


def written(tree: Path, folder: Path, todo: Sequence[Run]) -> dict[str, bytes]:
    """Run one commit and return everything it printed and wrote, by name."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "80"}
    found = {}
    for run in todo:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", *run.arguments],
            cwd=folder, env=environment, capture_output=True, check=False,
        )  # fmt: skip
        found[f"{run.name}: stdout.txt"] = done.stdout
        found[f"{run.name}: stderr.txt"] = done.stderr
        found[f"{run.name}: status.txt"] = str(done.returncode).encode()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


class _Cells(HTMLParser):
    """Collects the text of each cell of a page's tables."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in ("td", "th", "caption"):
            self._is_open = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag not in ("td", "th", "caption")

    def handle_data(self, data: str) -> None:
        if self._is_open:
            self.cells[-1] = " ".join(f"{self.cells[-1]} {data}".split())


def cells(name: str, text: str) -> Counter[str]:
    """Return the cells of all tables of a page, a Markdown file or a terminal's text."""
    if name.endswith(".html"):
        page = _Cells()
        page.feed(text)
        return Counter(page.cells)
    divider = r"\s*\|\s*" if name.endswith(".md") or text.startswith("#") else r"\s{2,}"
    parts = (re.split(divider, line.strip()) for line in text.splitlines())
    return Counter(cell for line in parts if len(line) > 1 for cell in line if cell)


def differences(name: str, old: bytes, new: bytes) -> Iterator[str]:
    """Yield what differs in one output: lines of texts, and cells that are in only one."""
    try:
        first, second = old.decode(), new.decode()
    except UnicodeDecodeError:
        yield f"{len(old):,} bytes before, {len(new):,} after"
        return
    changed = difflib.unified_diff(first.splitlines(), second.splitlines(), n=0, lineterm="")
    shown = [line[:_WIDTH] for line in changed if not line.startswith(("---", "+++", "@@"))]
    yield from shown[:_LINES_SHOWN]
    if len(shown) > _LINES_SHOWN:
        yield f"... and {len(shown) - _LINES_SHOWN} more lines"
    before, after = cells(name, first), cells(name, second)
    for title, cells_of_one in (("lost", before - after), ("new", after - before)):
        if cells_of_one:
            yield f"cells {title}: {', '.join(sorted(cells_of_one))[:_WIDTH]}"


def _serve(stack: ExitStack, work: Path) -> dict[str, str]:
    meshes = {name: build_mesh(spec) for name, spec in MESHES.items()}
    meshes |= {one.name: one.told(dialect_mesh()) for one in DIALECTS}
    urls: dict[str, str] = {}
    for name, mesh in meshes.items():
        server = stack.enter_context(PrometheusServer(work / f"server-{len(urls)}"))
        server.fill(mesh)
        urls[name] = server.url
    return urls


def _tree(commit: str, folder: Path) -> Path:
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


def main(arguments: Sequence[str]) -> int:
    """Compare two commits; the exit status is 1 if anything differs."""
    if len(arguments) != 2:
        print("usage: python -m tests.sameness OLD NEW")
        return 2
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trees = [_tree(commit, work / name) for commit, name in zip(arguments, "ab", strict=True)]
        todo = list(runs(_serve(stack, work)))
        old, new = (written(tree, work / f"{tree.name}-written", todo) for tree in trees)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    for name in changed:
        print(f"== {name}")
        for line in differences(name, old.get(name, b""), new.get(name, b"")):
            print(f"   {line}")
    print(f"{len({**old, **new})} outputs of {len(todo)} runs compared: {len(changed)} differ.")
    return min(len(changed), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
