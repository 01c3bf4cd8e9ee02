"""500 mutated snapshots and 300 mutated scenarios through whole commands: a value or one line each.

Arguments are seeds to repeat (`t7` a table, `m7` a manifest, `s7` a scenario), kinds (`t`), and the
first (`+1000`). Prints each failure with its fault and seed, and the seconds and memory at most.
Exits with status 1 on a traceback, warning, second line, NaN or infinity in JSON, 60 s or 600 MiB.
Seconds are of CPU, which a loaded machine does not change; those of the clock are printed too.

Scenarios meet a snapshot that is measured once: they change what follows from it.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from click.testing import CliRunner

import analyzer.calibration
import analyzer.measurement.usage
import analyzer.projection
import analyzer.report.render  # noqa: F401 - imported before the first fork
from analyzer.cli import cli
from tests.support.ends import End, run
from tests.support.measuring_once import measuring_once
from tests.support.spoilt_commands import MEASURED, spoilt_command

_TABLES, _MANIFESTS, _SCENARIOS = 250, 250, 300


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
    began = time.perf_counter()
    failures = sum(_failures(kind, [one for one in seeds if one[0] == kind]) for kind in "tms")
    print(f"{failures} of {len(seeds)} failed, {time.perf_counter() - began:.0f} s in all")
    sys.exit(failures > 0)


def _failures(kind: str, seeds: Sequence[str]) -> int:
    """Run the seeds of one kind; return how many failed."""
    ends: list[End] = []
    failures = 0
    # What is measured of a changed snapshot is part of the test.
    with measuring_once() if kind == "s" and seeds else nullcontext():
        if kind == "s" and seeds:
            assert CliRunner().invoke(cli, MEASURED).exit_code == 0
        for seed in seeds:
            with tempfile.TemporaryDirectory() as name:
                what, command = spoilt_command(seed, Path(name))
                end = run(command, cli)
            ends.append(end)
            if os.environ.get("SHOW"):
                line = f"{seed} {what[:80]!r} {end.status} {end.cpu_seconds:.1f} s"
                print(line, end.stderr[:200].strip(), flush=True)
            if fault := end.fault():
                failures += 1
                print(f"{seed}: {what}: {fault}", flush=True)
    if ends:
        statuses = sorted(Counter(end.status for end in ends).items())
        print(
            f"{len(seeds)} seeds, {seeds[0]} to {seeds[-1]}: "
            f"{', '.join(f'{count} with status {status}' for status, count in statuses)}; "
            f"{failures} failed. At most {max(end.cpu_seconds for end in ends):.1f} s of CPU, "
            f"{max(end.seconds for end in ends):.1f} s by the clock and "
            f"{max(end.peak_mib for end in ends):.0f} MiB a command",
            flush=True,
        )
    return failures


if __name__ == "__main__":
    main()
