"""What benchmarks share: their options, and their end."""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Never

Demand = tuple[str, bool]
"""What is demanded, in words, and whether it is met."""


def arguments(usage: str | None, seeds: range) -> argparse.ArgumentParser:
    """Return the options of a benchmark over simulated meshes: which, and how many at once."""
    # argparse fills in the name of the program by %.
    parser = argparse.ArgumentParser(usage=(usage or "").replace("%", "%%"))
    parser.add_argument("--seeds", type=_seeds, default=seeds)
    parser.add_argument("--processes", type=int, default=2, choices=(1, 2))
    return parser


def _seeds(text: str) -> range:
    """Read seeds as first:last; the last one is left out."""
    first, last = text.split(":")
    return range(int(first), int(last))


def cpu_seconds(*arguments: str) -> float:
    """Run a command, and return the CPU seconds that it and its children used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=600
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def finish(demands: Sequence[Demand], started: float) -> Never:
    """Print which demands are met, and exit with 1 if one is missed.

    `started` is the beginning by `time.monotonic`.
    """
    for text, is_met in demands:
        print("PASS" if is_met else "MISS", text)
    missed = sum(not is_met for _, is_met in demands)
    print(f"{missed} of {len(demands)} missed, {time.monotonic() - started:.0f} s")
    sys.exit(missed > 0)
