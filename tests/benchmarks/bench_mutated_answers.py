"""Answers that are mutated by chance, read by the decoder and by whole commands.

5,000 mutated answers go through the decoder, and 500 commands have one to three each. Every one
must end with a value or one line: no traceback, no warning of Python or numpy, at most 10 s and
600 MiB an answer, and 60 s a command. Time is CPU time, which a loaded machine does not change;
that of the clock is printed too. Prints the seeds, the ends and what was wrong, and exits with 1 if
anything was. Arguments are the number of answers, of commands, and the first seed.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.forked import forked
from tests.support.spoiling import Spoiler, Spoilt

_ANSWERS, _COMMANDS, _SEED = 5000, 500, 100_000
_ANSWER_SECONDS, _COMMAND_SECONDS = 10, 60
_MOST_MIB = 600
_TOGETHER = 50
"""Answers that one process reads: its memory is the most that any of them took, or more."""

_SHOWN = 20
"""Commands after which it prints how far it is."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What came of the seeds so far.

    Attributes:
        what: is mutated.
        most_seconds: of CPU, that one may take.
        ends: by status.
        seconds: the longest time by the clock.
        cpu_seconds: the longest time of CPU.
        peak_mib: the most memory of a process.
        faults: what was wrong.
    """

    what: str
    most_seconds: float
    ends: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    faults: list[str] = field(default_factory=list)

    def note(self, ended: Spoilt) -> None:
        """Count an end and judge it."""
        self.ends[ended.status] += 1
        self.seconds = max(self.seconds, ended.seconds)
        self.cpu_seconds = max(self.cpu_seconds, ended.cpu_seconds)
        found = list(ended.faults)
        if ended.cpu_seconds > self.most_seconds:
            found.append(f"{ended.cpu_seconds:.0f} s of CPU")
        for fault in found:
            self.fault(ended.seed, f"{ended.name} of {ended.about}: {fault}")

    def note_memory(self, seed: int, peak_mib: float) -> None:
        """Judge the memory of a process."""
        self.peak_mib = max(self.peak_mib, peak_mib)
        if peak_mib > _MOST_MIB:
            self.fault(seed, f"{peak_mib:.0f} MiB")

    def fault(self, seed: int, text: str) -> None:
        """Print and keep what is wrong with a seed."""
        self.faults.append(f"{self.what}, seed {seed}: {text}")
        print(self.faults[-1], flush=True)

    def show(self, seeds: range) -> None:
        """Print what came of all seeds."""
        statuses = ", ".join(f"{count:,} with {one}" for one, count in sorted(self.ends.items()))
        print(
            f"{len(seeds):,} {self.what}, seeds {seeds.start:,} to {seeds.stop - 1:,}: {statuses}"
        )
        print(
            f"  at most {self.cpu_seconds:.1f} s of CPU, {self.seconds:.1f} s by the clock, and "
            f"{self.peak_mib:.0f} MiB; {len(self.faults)} faults",
            flush=True,
        )


def _answers(spoiler: Spoiler, seeds: range) -> Run:
    run = Run(what="answers", most_seconds=_ANSWER_SECONDS)
    for group in _groups(seeds):
        child = forked(lambda: [spoiler.decoded(seed) for seed in group])  # noqa: B023 - waited for
        if child.result is None:
            run.fault(group.start, f"it and the next ended with status {child.status}")
            continue
        for ended in child.result:
            run.note(ended)
        run.note_memory(group.start, child.peak_mib)
    return run


def _groups(seeds: range) -> Iterator[range]:
    return (seeds[place : place + _TOGETHER] for place in range(0, len(seeds), _TOGETHER))


def _commands(spoiler: Spoiler, seeds: range) -> Run:
    run = Run(what="commands", most_seconds=_COMMAND_SECONDS)
    for seed in seeds:
        child = forked(lambda: spoiler.commanded(seed))  # noqa: B023 - waited for
        if child.result is None:
            run.fault(seed, f"ended with status {child.status} after {child.seconds:.0f} s")
            continue
        run.note(child.result)
        run.note_memory(seed, child.peak_mib)
        if sum(run.ends.values()) % _SHOWN == 0:
            run.show(range(seeds.start, seed + 1))
    return run


def main() -> None:
    """Mutate, read, and run."""
    given = [int(argument) for argument in sys.argv[1:]]
    answers, commands, seed = (*given, *(_ANSWERS, _COMMANDS, _SEED)[len(given) :])
    began = time.monotonic()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as name, Spoiler.serving(Path(name)) as spoiler:
        for count, run_all in ((answers, _answers), (commands, _commands)):
            if not count:
                continue
            seeds = range(seed, seed + count)
            run = run_all(spoiler, seeds)
            run.show(seeds)
            faults += run.faults
    print(f"{len(faults)} faults, {time.monotonic() - began:.0f} s in all")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
