"""Whether recommended requests hold in another half of a window, on meshes with known bursts.

    bench_rightsizing.py [KIND ...] [--seeds FIRST:LAST] [--processes COUNT]

Kinds are those of `tests.projection.rightsizing.bursts`. Seeds 0-24 are for tuning; 1000-1049 are
for the report of a finished change.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from multiprocessing import Pool
from typing import Final

import numpy as np

from tests.benchmarks.demands import Demand, arguments, finish
from tests.projection.rightsizing.bursts import KINDS, Outcome, outcome_of

MOST_EXCEEDED: Final = 0.05
MOST_SAVING_ERROR: Final = 0.03
COVERED: Final = (0.80, 0.97)
"""Of 90 % ranges. A law that leaves little to chance is covered more often in a single kind."""


def demands(kind: str, found: list[Outcome]) -> list[Demand]:
    """Print a line about the meshes of a kind; return what is demanded of them."""
    exceeded, worst, memory, errors, covered, answered = np.array(
        [
            (
                one.exceeded_share,
                one.worst_exceeded_share,
                one.memory_exceeded_share,
                one.saving_error_share,
                one.covered_share,
                one.recommended_share,
            )
            for one in found
        ]
    ).T
    print(
        f"{kind:<24} above the request: mean {exceeded.mean():.1%}, worst mesh "
        f"{exceeded.max():.1%}, worst workload {worst.max():.1%}; memory {memory.max():.1%}; "
        f"saving off by {np.abs(errors).max():.1%}; range covers {covered.mean():.0%}"
    )
    sys.stdout.flush()
    return [
        (f"{kind}: at most 5 % of pod-steps in each mesh", exceeded.max() <= MOST_EXCEEDED),
        (f"{kind}: memory is never above", memory.max() == 0),
        (f"{kind}: savings within 3 %", np.abs(errors).max() <= MOST_SAVING_ERROR),
        (f"{kind}: ranges cover 80 % or more", covered.mean() >= COVERED[0]),
        (f"{kind}: every workload has a recommendation", answered.min() == 1),
    ]


def main() -> None:
    """Print a line a kind; fail where requests or ranges do not hold."""
    parser = arguments(__doc__, range(1000, 1050))
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []])
    chosen, started = parser.parse_args(), time.monotonic()
    demanded, covered = [], []
    with Pool(chosen.processes) as pool:
        for kind in chosen.kinds or KINDS:
            found = pool.map(partial(outcome_of, kind), chosen.seeds, chunksize=2)
            demanded += demands(kind, found)
            covered.append(np.mean([one.covered_share for one in found]))
    if not chosen.kinds:
        is_met = bool(COVERED[0] <= np.mean(covered) <= COVERED[1])
        demanded.append((f"ranges of all kinds cover 80-97 %: {np.mean(covered):.1%}", is_met))
    finish(demanded, started)


if __name__ == "__main__":
    main()
