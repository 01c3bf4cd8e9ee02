"""How many of 200 clean meshes get a warning that the version before bent data did not give.

Both versions are asked about the same servers. It takes some minutes.
`bench_clean.py 17 40` asks about those seeds only, and prints every warning.
"""

import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.earlier import BEFORE, ROOT, Commands, sources_of
from tests.live.command import Outcome
from tests.live.dirty import DAYS_APART, question, stored
from tests.support.bent.clean import clean
from tests.support.bent.judge import wrong
from tests.support.bent.scene import Scene

MESHES = 200
MOST_WARNED = 4

_A_SERVER = 20
"""Meshes in one server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What two versions found of one clean mesh."""

    seed: int
    found: frozenset[str]
    """Warnings of today."""
    earlier: frozenset[str]
    off: tuple[str, ...]
    """Figures that are off today."""


def warnings(outcome: Outcome) -> frozenset[str]:
    """Return the names of findings above info, and the codes of warnings."""
    if outcome.status:
        return frozenset({f"exit {outcome.status}"})
    document = json.loads(outcome.stdout)
    codes = {match[0] for text in document["warnings"] if (match := re.search(r"IU\d+", text))}
    # Versions differ in whether `quality` has the warnings of fit and projection too.
    of_data = [one for one in document["quality"] if one.get("code") not in codes]
    return frozenset(codes | {one["name"] for one in of_data if one["severity"] != "info"})


def compared(seeds: Sequence[int], today: Commands, earlier: Commands) -> Iterator[Compared]:
    """Ask both versions about meshes, several in one server."""
    for first in range(0, len(seeds), _A_SERVER):
        some = seeds[first : first + _A_SERVER]
        scenes = {str(seed): clean(seed, day=n * DAYS_APART) for n, seed in enumerate(some)}
        with tempfile.TemporaryDirectory() as name, stored(Path(name), scenes) as store:
            for seed in some:
                scene = scenes[str(seed)]
                asked = question(store.url, scene)
                now, before = today.run(asked), earlier.run(asked)
                yield Compared(
                    seed=seed,
                    found=warnings(now),
                    earlier=warnings(before),
                    off=_off(scene, now),
                )


def _off(scene: Scene, outcome: Outcome) -> tuple[str, ...]:
    return () if outcome.status else tuple(map(str, wrong(scene, json.loads(outcome.stdout))))


def main(seeds: Sequence[int]) -> None:
    """Print what is new; fail above what is allowed."""
    started = time.monotonic()
    with sources_of(BEFORE) as sources:
        if sources is None:
            print(f"commit {BEFORE} is not here, so there is nothing to compare with")
            return
        with Commands(ROOT) as today, Commands(sources) as earlier:
            found = list(_shown(compared(seeds or range(MESHES), today, earlier), bool(seeds)))
    known = {name for one in found for name in one.earlier}
    # A warning near its limit may move between meshes, because times are no longer the same.
    warned = [one for one in found if one.found - one.earlier - (known & _codes(one.found))]
    print("warnings:", dict(Counter(name for one in found for name in one.found)))
    print("earlier:", dict(Counter(name for one in found for name in one.earlier)))
    print(
        f"{len(warned)} of {len(found)} have a new warning (at most {MOST_WARNED}), "
        f"{time.monotonic() - started:.0f} s"
    )
    sys.exit(len(warned) > MOST_WARNED)


def _codes(names: frozenset[str]) -> frozenset[str]:
    """Return the warnings about the fit and the projection, which are known by their codes."""
    return frozenset(name for name in names if re.fullmatch(r"IU\d+", name))


def _shown(found: Iterator[Compared], is_verbose: bool) -> Iterator[Compared]:  # noqa: FBT001
    for one in found:
        new = sorted(one.found - one.earlier)
        if new or one.off or is_verbose:
            print(f"{one.seed}: new {new}, off {list(one.off)}", flush=True)
        yield one


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
