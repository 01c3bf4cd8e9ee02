"""How often the 90 % intervals hold on recorded runs of real Envoys, and how wide they are.

Each run is cut into blocks of time: the odd ones are fitted, and the truth is the regression of
the kernel's figures in the even ones. A coefficient is held if fit and truth differ by no more
than the interval's half-width and that of the truth, added in quadrature.

The fit's own half-width, before model choice, attenuation and the backtest widen it, is compared
with a jackknife over 12 blocks of time that all proxies share. Both are of the same shape, after
the same change of cost. The jackknife holds no coefficient at zero, because it shows no noise of
one that is held. It has 11 degrees of freedom, so its own half-width is 0.64 to 1.34 times the
right one in 90 % of cases. Three conditions follow:

- Four of five coefficients are held.
- The median ratio over runs is 0.7 to 1.5: for the mesh and for the workloads, each for cost per
  request and for idle CPU.
- The ratio of each run's mesh is in these limits, widened by the jackknife's uncertainty.

    bench_recorded.py [-v]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from tests.lab.cut import LEAST_HELD_SHARE, RATIOS, Held, held, median_ratios
from tests.lab.recorded import RUNS, read_run
from tests.lab.table import runs_table

OF_JACKKNIFE: Final = (0.645, 1.337)
"""Ends of the 90 % interval of the root of a mean of 11 squares: those of chi-squared over 11."""


def limits(outcomes: Mapping[str, Held]) -> Iterator[tuple[str, bool]]:
    """Yield each condition, with its figures, and whether it is met."""
    is_held = np.concatenate([one.coefficients["is_held"] for one in outcomes.values()])
    share = f"{is_held.sum()} of {len(is_held)} ({is_held.mean():.0%})"
    yield f"held: {share}", bool(is_held.mean() >= LEAST_HELD_SHARE)
    low, high = RATIOS
    for quantity, row in median_ratios(outcomes.values()).iterrows():
        for name, ratio in row.items():
            yield f"median ratio, {name}, {quantity}: {ratio:.2f}", low <= ratio <= high
    ratios = np.array([one.mesh_ratios for one in outcomes.values()])
    least, most = low / OF_JACKKNIFE[1], high / OF_JACKKNIFE[0]
    text = f"ratios of each mesh: {ratios.min():.2f} to {ratios.max():.2f}"
    yield f"{text} ({least:.2f} to {most:.2f})", bool(least <= ratios.min() <= ratios.max() <= most)


def main() -> None:
    """Print the table and the conditions; fail if one is missed."""
    write = sys.stdout.write
    outcomes = {name: held(read_run(name)) for name in RUNS}
    write("\n".join(runs_table(outcomes)) + "\n")
    if "-v" in sys.argv:
        for name, outcome in outcomes.items():
            write(f"{name}\n{outcome.coefficients.round(5).to_string()}\n")
    found = list(limits(outcomes))
    for text, is_met in found:
        write(f"{'PASS' if is_met else 'MISS'} {text}\n")
    if not all(is_met for _, is_met in found):
        sys.exit("the intervals do not hold on recorded runs")


if __name__ == "__main__":
    main()
