"""How often bent meshes get a right answer, or one that names what is wrong: 300 seeds.

Each seed bends a mesh in two of the seven ways in `tests.support.bent`. It takes some minutes.
`bench_dirty.py 17 40` asks about those seeds only, and prints every figure.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.live.command import Outcome
from tests.live.dirty import DAYS_APART, asked_within, stored
from tests.support.bent.judge import Verdict, figures, finding_names, verdict, wrong
from tests.support.bent.scene import Kind, Scene
from tests.support.bent.seeds import PAIRS, Draw, draw

MESHES = 300
DEMANDED = 297

_A_SERVER = 15
"""Meshes in one server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One mesh and the answer about it."""

    draw: Draw
    verdict: Verdict
    details: str


def judged(draws: Sequence[Draw], *, is_verbose: bool = False) -> Iterator[Judged]:
    """Ask about meshes, several in one server."""
    for first in range(0, len(draws), _A_SERVER):
        some = draws[first : first + _A_SERVER]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            scenes = {
                one.name: one.scene(folder, day=number * DAYS_APART)
                for number, one in enumerate(some)
            }
            with stored(folder, scenes) as store:
                for one in some:
                    scene = scenes[one.name]
                    yield _judged(one, scene, asked_within(store.url, scene), is_verbose)


def _judged(one: Draw, scene: Scene, outcome: Outcome, is_verbose: bool) -> Judged:  # noqa: FBT001
    if outcome.status:
        words = (outcome.stderr.strip() or outcome.stdout.strip())[-200:]
        return Judged(draw=one, verdict=Verdict.WRONG, details=f"exit {outcome.status}: {words}")
    document = json.loads(outcome.stdout)
    shown = figures(scene, document) if is_verbose else wrong(scene, document)
    named = ", ".join(sorted(finding_names(document)))
    details = f"{'; '.join(map(str, shown))} [{named}]"
    return Judged(draw=one, verdict=verdict(scene, document), details=details)


def table(found: Sequence[Judged]) -> Iterator[str]:
    """Yield a line for each pair of kinds."""
    counts = Counter((one.draw.pair, one.verdict) for one in found)
    yield f"{'kinds':<20}" + "".join(f"{word:>8}" for word in Verdict)
    for pair in PAIRS:
        names = " + ".join(kind.name.lower() for kind in pair)
        yield f"{names:<20}" + "".join(f"{counts[pair, word]:>8}" for word in Verdict)
    letters = {kind.value: kind.name.lower() for kind in Kind}
    yield " ".join(f"{letter}={name}" for letter, name in letters.items())


def main(seeds: Sequence[int]) -> None:
    """Print the table and the failures; fail below what is demanded."""
    started = time.monotonic()
    found = []
    for one in judged([draw(seed) for seed in seeds or range(MESHES)], is_verbose=bool(seeds)):
        found.append(one)
        if seeds or one.verdict is not Verdict.RIGHT:
            print(f"{one.verdict:<6} {one.draw.name}: {one.details}", flush=True)
    print("\n".join(table(found)))
    answered = sum(one.verdict is not Verdict.WRONG for one in found)
    demanded = DEMANDED if not seeds else len(found)
    print(f"{answered} of {len(found)} (at least {demanded}), {time.monotonic() - started:.0f} s")
    sys.exit(answered < demanded)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
