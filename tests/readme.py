"""The real output in the Markdown pages: `python -m tests.readme` (or `make readme`) rewrites it.

A block shows a command and its output:

    ```console
    $ istio-usage demo
    ...
    ```

An output that is longer than a screen is cut at an empty line, and ends with a line of three dots.
`| grep 'PATTERN'` after the command keeps the lines that match.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from analyzer.cli import cli

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = (ROOT / "README.md", ROOT / "queries/README.md", ROOT / "notebooks/README.md")
COLUMNS: Final = 80
MOST_LINES: Final = 40
"""A screen: what a reader sees of the answer without scrolling."""

_CUT = "..."
_BLOCK = re.compile(
    r"(?<=```console\n\$ istio-usage )(?P<arguments>[^\n]+)\n(?P<shown>.*?)(?=```)", re.DOTALL
)


def examples(page: str) -> Iterator[tuple[str, str]]:
    """Yield the arguments of each command in a page, and the output shown below it."""
    for match in _BLOCK.finditer(page):
        yield match["arguments"], match["shown"]


@cache
def screen(arguments: str) -> str:
    """Return what a command prints, cut to a screen."""
    command, _, pattern = arguments.partition(" | grep ")
    pattern = "".join(shlex.split(pattern))
    done = CliRunner().invoke(cli, shlex.split(command), env={"COLUMNS": str(COLUMNS)})
    if done.exit_code:
        raise SystemExit(f"istio-usage {command}: {done.stderr}")
    lines = [line for line in done.stdout.splitlines() if re.search(pattern, line)]
    if len(lines) > MOST_LINES:
        end = max(number for number, line in enumerate(lines[:MOST_LINES]) if not line)
        lines = [*lines[:end], _CUT]
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    """Return a page with the real output of each of its commands."""
    return _BLOCK.sub(lambda match: f"{match['arguments']}\n{screen(match['arguments'])}", page)


def main() -> int:
    """Rewrite the pages that show an old output, and print their names."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if (new := renewed(text)) != text:
            path.write_text(new, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
