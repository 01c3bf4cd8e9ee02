"""Answers that are mutated by chance, read by the decoder and by whole commands.

5,000 mutated answers go through the decoder, and 500 commands have one to three each. Every one
must end with a value or one line: no traceback, no warning of Python or numpy, at most 10 s and
600 MiB an answer, and 60 s a command. Prints the seeds, the ends and what was wrong, and exits with
1 if anything was. Arguments are the number of answers, of commands, and the first seed.
"""

import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.support.spoiling import Spoiler, Spoilt

_ANSWERS, _COMMANDS, _SEED = 5000, 500, 100_000
_ANSWER_SECONDS, _COMMAND_SECONDS = 10, 60
_MOST_MIB = 600


def _peak_mib() -> int:
    """Return the most memory that this process ever had, imports included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _all(
    what: str, run: Callable[[int], Spoilt], first: int, count: int, longest_seconds: float
) -> list[str]:
    """Run all seeds; return what was wrong."""
    ends: Counter[int] = Counter()
    slowest = 0.0
    faults: list[str] = []
    for seed in range(first, first + count):
        ended = run(seed)
        ends[ended.status] += 1
        slowest = max(slowest, ended.seconds)
        found = list(ended.faults)
        if ended.seconds > longest_seconds:
            found.append(f"{ended.seconds:.0f} s")
        faults += [f"{what}, seed {seed}, {ended.name}: {fault}" for fault in found]
    statuses = ", ".join(f"{number:,} with {status}" for status, number in sorted(ends.items()))
    print(f"{count:,} {what}, seeds {first:,} to {first + count - 1:,}: {statuses}")
    print(f"  slowest {slowest:.1f} s, most memory so far {_peak_mib()} MiB", flush=True)
    if _peak_mib() > _MOST_MIB:
        faults.append(f"{what}: {_peak_mib()} MiB")
    return faults


def main() -> None:
    """Mutate, read, and run."""
    given = [int(argument) for argument in sys.argv[1:]]
    answers, commands, seed = (*given, *(_ANSWERS, _COMMANDS, _SEED)[len(given) :])
    with tempfile.TemporaryDirectory() as name, Spoiler.serving(Path(name)) as spoiler:
        faults = _all("answers", spoiler.decoded, seed, answers, _ANSWER_SECONDS)
        faults += _all("commands", spoiler.commanded, seed, commands, _COMMAND_SECONDS)
    print("\n".join(faults) or "nothing was wrong")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
