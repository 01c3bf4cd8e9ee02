"""Collections that are killed, and pairs of collections into one folder at once.

A hundred collections with a start and an end are killed without warning: half of them at any
moment, half in their last 50 ms. The same command must then end with the bytes of a run that was
not killed, and another question must take no chunk. Then ten pairs of questions share a folder: one
must win whole, and the other must be refused. Prints what was wrong, and exits with 1 if anything
was. Arguments are the number of kills, of pairs, and the seed.
"""

import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from analyzer.measurement.plan import Ask
from analyzer.prometheus.promql import Scope
from tests.live.kills import Reference, collecting, files
from tests.support import SMALL_MESH, PrometheusServer, build_mesh

_KILLS, _PAIRS, _SEED = 100, 10, 16
_LAST_SECONDS = 0.05


def _reference(server: PrometheusServer, folder: Path) -> Reference:
    start, end = SMALL_MESH.start, SMALL_MESH.end
    ask = Ask(source=server.url, start=start, end=end)
    other = replace(
        ask, start=start + timedelta(hours=1), scope=Scope(namespaces=("shop",)), tenant="b" * 16
    )
    return Reference.of(server.url, end, ask, other, folder)


def _seconds(reference: Reference, place: Path) -> float:
    """Return how long a collection takes."""
    begun = time.monotonic()
    collecting(reference.url, reference.ask, place, reference.now).result()
    return time.monotonic() - begun


def _killed(reference: Reference, folder: Path, after_seconds: float, *, last: bool) -> str:
    """Kill a collection after its begin, or after its tables are joined; return what it left."""
    asking = collecting(reference.url, reference.ask, folder / "snap", reference.now)
    begun = time.monotonic()
    if last:
        whole = folder / "snap.partial" / "whole" / "manifest.json"
        while not whole.exists() and not (folder / "snap").exists() and asking.process.is_alive():
            time.sleep(0.0005)
        begun = time.monotonic()
    time.sleep(max(0.0, begun + after_seconds - time.monotonic()))
    asking.kill()
    return " ".join(sorted(path.name for path in folder.iterdir())) or "nothing"


def _kill_all(reference: Reference, folder: Path, count: int, moments: random.Random) -> list[str]:
    faults: list[str] = []
    left: Counter[str] = Counter()
    usual_seconds = statistics.median(_seconds(reference, folder / f"timed-{n}") for n in range(3))
    for number in range(count):
        place = folder / f"kill-{number}"
        place.mkdir()
        last = number % 2 == 1
        after_seconds = moments.uniform(0, _LAST_SECONDS if last else usual_seconds)
        left[_killed(reference, place, after_seconds, last=last)] += 1
        faults += [f"kill {number}: {fault}" for fault in reference.faults_after(place)]
    for names, times in left.most_common():
        print(f"{times:4} kills left {names}")
    return faults


def _pair_all(reference: Reference, folder: Path, count: int) -> list[str]:
    faults: list[str] = []
    outcomes: Counter[str] = Counter()
    for number in range(count):
        place = folder / f"pair-{number}" / "snap"
        place.parent.mkdir()
        asks = (reference.ask, reference.other)[:: 1 if number % 2 else -1]
        pair = [collecting(reference.url, ask, place, reference.now) for ask in asks]
        failures = [ended.failure if (ended := one.result()) else "no end" for one in pair]
        won = [ask for ask, failure in zip(asks, failures, strict=True) if not failure]
        wholes = [reference.whole if a is reference.ask else reference.whole_of_other for a in won]
        if [files(place)] != wholes:
            faults.append(f"pair {number}: {len(won)} won, and {failures}")
        outcomes.update("under way" if "under way" in one else one[:60] for one in failures if one)
    print(f"{count} pairs at once; refusals: {dict(outcomes)}")
    return faults


def main() -> None:
    """Kill, and collide."""
    given = [int(argument) for argument in sys.argv[1:]]
    kills, pairs, seed = (*given, *(_KILLS, _PAIRS, _SEED)[len(given) :])
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with PrometheusServer(folder / "server") as server:
            server.fill(build_mesh(SMALL_MESH))
            reference = _reference(server, folder)
            faults = _kill_all(reference, folder, kills, moments)
            faults += _pair_all(reference, folder, pairs)
    print("\n".join(faults) or f"{kills} kills and {pairs} pairs: nothing was wrong")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
