"""500 mutated snapshots and 300 mutated scenarios through whole commands: a value or one line each.

Arguments are seeds to repeat (`t7` a table, `m7` a manifest, `s7` a scenario), kinds (`t`), and the
first (`+1000`). Prints each failure with its fault and seed, and the seconds and memory at most.
Exits with status 1 on a traceback, warning, second line, NaN or infinity in JSON, 60 s or 600 MiB.
"""

import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import analyzer.calibration
import analyzer.measurement.usage
import analyzer.projection
import analyzer.report.render  # noqa: F401 - imported before the first fork
from analyzer.cli import cli
from analyzer.data import sample_path
from analyzer.projection.choices import CHOICES
from analyzer.projection.scenario import default_scenario
from tests.support.ends import run
from tests.support.spoilt_files import spoil_manifest, spoil_table, spoilt_scenario

_TABLES, _MANIFESTS, _SCENARIOS = 250, 250, 300
_COMMANDS = (("project", "--format", "json"), ("calibrate", "--format", "json"))
_POST = ("--constants", "blog", "--pods", "9", "--nodes", "3", "--namespaces", "2")


def _case(seed: str, folder: Path) -> tuple[str, list[str]]:
    """Make the files of a seed; return what was changed, and the command."""
    chance = random.Random(seed)
    if seed[0] == "s":
        keys = [*default_scenario().assumptions, *CHOICES]
        path = folder / "ours.toml"
        path.write_text(spoilt_scenario(keys, chance), encoding="utf-8", errors="surrogatepass")
        # The whole arithmetic in one case of five: it takes most of the time.
        measured = int(seed[1:]) % 5 == 0
        subject = [str(sample_path("lab"))] if measured else list(_POST)
        return path.read_text()[:300], [
            "project",
            *subject,
            "--scenario",
            str(path),
            "--format",
            "json",
        ]
    snapshot = folder / "snapshot"
    shutil.copytree(sample_path("lab"), snapshot)
    spoil = spoil_table if seed[0] == "t" else spoil_manifest
    name = spoil(snapshot, chance)
    command, *rest = chance.choice(_COMMANDS)
    return name, [command, str(snapshot), *rest]


def _seeds(arguments: list[str]) -> Iterator[str]:
    first = next((int(word[1:]) for word in arguments if word[0] == "+"), 0)
    given = [word for word in arguments if word[0] != "+"]
    kinds = {"t": _TABLES, "m": _MANIFESTS, "s": _SCENARIOS}
    if any(len(word) > 1 for word in given):
        yield from given
        return
    for kind in given or kinds:
        yield from (f"{kind}{first + at}" for at in range(kinds[kind]))


def main() -> None:
    """Run each seed and judge its end."""
    seeds = list(_seeds(sys.argv[1:]))
    statuses: Counter[int] = Counter()
    failures, longest, most = 0, 0.0, 0.0
    began = time.perf_counter()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            what, command = _case(seed, Path(name))
            end = run(command, cli)
        statuses[end.status] += 1
        longest, most = max(longest, end.seconds), max(most, end.peak_mib)
        if os.environ.get("SHOW"):
            print(
                seed,
                what[:80],
                end.status,
                f"{end.seconds:.1f}",
                end.stderr[:200].strip(),
                flush=True,
            )
        if fault := end.fault():
            failures += 1
            print(f"{seed}: {what}: {fault}", flush=True)
    ends = ", ".join(f"{count} with status {status}" for status, count in sorted(statuses.items()))
    print(
        f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}: {ends}; {failures} failed. At most "
        f"{longest:.1f} s and {most:.0f} MiB a command, {time.perf_counter() - began:.0f} s in all."
    )
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
