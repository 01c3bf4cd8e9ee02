"""Counts what a change of structure is to lessen: `python -m tests.census [COMMIT ...]`.

Without a commit the working tree is counted. It is a tool for a review, and no test.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

TABLES: Mapping[str, frozenset[str]] = {
    "modes": frozenset({"modes", "bases", "usd_per_year", "percent"}),
    "workloads": frozenset({"proxy_count", "mean_rps", "idle_vcpu_per_proxy"}),
    "namespaces": frozenset({"saving_l4_vcpu", "saving_waypoint_vcpu", "cumulative_saving_vcpu"}),
    "nodes": frozenset({"passes_rps", "gbit_per_second"}),
    "sensitivity": frozenset({"low_usd_per_year", "high_usd_per_year"}),
    "sweeps": frozenset({"l7_share", "waypoint_replicas", "points"}),
    "references": frozenset({"references", "remark", "title"}),
    "constants": frozenset({"published by", "sidecars of this mesh"}),
    "comparison": frozenset({"predicted_at_after_vcpu", "measured_vcpu"}),
    "causes": frozenset({"parts_vcpu", "difference_vcpu"}),
}
"""What a module reads, as an attribute or a column, if it lays out a table."""

_NO_TABLES = re.compile(r"charts|explain|sections|sentences|summary|prospect|verdict|outcome|facts")
"""Rooms of pictures, arithmetic and sentences: they read the same figures and lay out no table."""

_BILLED = re.compile(
    r"np\.f?max(imum)?\([^)]*(reserved|requested)|used > reserved|fmax\(cpu, |reserved\[~by_use\]"
)
"""The larger of used and requested, however it is written."""


def modules(root: Path, *folders: str) -> Iterator[tuple[str, str]]:
    """Yield the path, as from the package, and the text of each module in these folders."""
    for folder in folders or (".",):
        for path in sorted((root / folder).rglob("*.py")):
            yield str(path.relative_to(root)), path.read_text(encoding="utf-8")


def import_line_count(source: str) -> int:
    """Return how many lines are imports or `__all__`."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Assign) and _is_import(node):
            lines |= {*range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    return len(lines)


def _is_import(node: ast.Import | ast.ImportFrom | ast.Assign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else None
    return targets is None or any(ast.unparse(target) == "__all__" for target in targets)


def lonely_helper_count(source: str) -> int:
    """Return how many private functions have a single reader in their module."""
    tree = ast.parse(source)
    helpers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and re.match(r"_[^_]", node.name)
    }
    read = Counter(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )
    return sum(read[name] == 1 for name in helpers)


def words_read(source: str) -> set[str]:
    """Return the attributes and texts that a module reads."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def table_places(sources: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the modules that lay out each table."""
    read = {path: words_read(text) for path, text in sources if not _NO_TABLES.search(path)}
    return {
        table: [path for path, words in read.items() if signs <= words]
        for table, signs in TABLES.items()
    }


def census(root: Path) -> Iterator[str]:
    """Yield the counts of one `analyzer` folder."""
    everything = [*modules(root)]
    line_count = sum(len(text.splitlines()) for _, text in everything)
    imports = sum(import_line_count(text) for _, text in everything)
    yield f"lines: {line_count:,} in {len(everything)} modules"
    yield f"import lines: {imports:,} ({imports / line_count:.1%})"
    helpers = sum(lonely_helper_count(text) for _, text in everything)
    yield f"private helpers with one caller: {helpers}"
    billed = [
        f"{path}:{number}"
        for path, text in everything
        for number, line in enumerate(text.splitlines(), start=1)
        if _BILLED.search(line)
    ]
    yield f"places of the billed rule: {len(billed)} ({', '.join(billed)})"
    for table, places in table_places(modules(root, "report", "notebook")).items():
        yield f"places of the table {table}: {len(places)} ({', '.join(places)})"


def main(commits: list[str]) -> None:
    """Print the counts of the working tree, or of each commit."""
    if not commits:
        print("\n".join(census(Path("analyzer"))))
    for commit in commits:
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(
                ["git", "archive", commit, "analyzer"], capture_output=True, check=True
            )
            subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
            print(f"== {commit}")
            print("\n".join(census(Path(folder) / "analyzer")))


if __name__ == "__main__":
    main(sys.argv[1:])
