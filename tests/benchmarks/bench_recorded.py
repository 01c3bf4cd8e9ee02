"""How often the 90 % intervals hold on recorded runs of real Envoys, and how wide they are.

Each run is cut into blocks of time: the odd ones are fitted, and the truth is the regression of
the kernel's figures in the even ones. A coefficient is held if fit and truth differ by no more
than the interval's half-width and that of the truth, added in quadrature. The width is compared
with a jackknife over blocks of time that all proxies share.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np

from tests.lab.cut import LEAST_HELD_SHARE, QUANTITIES, held
from tests.lab.recorded import RUNS, read_run
from tests.lab.table import runs_table

RATIOS: Final = (0.7, 1.5)


def main() -> None:
    """Print the table; fail where fewer coefficients are held, or widths are further apart."""
    write = sys.stdout.write
    outcomes = {name: held(read_run(name)) for name in RUNS}
    write("\n".join(runs_table(outcomes)) + "\n")
    for name, outcome in outcomes.items():
        medians = (
            float(np.nanmedian(outcome.ratios[outcome.coefficients["quantity"] == quantity]))
            for quantity in QUANTITIES
        )
        slope, idle = (f"{median:.2f}" for median in medians)
        write(f"{name}: median ratio of workloads: cost per request {slope}, idle {idle}\n")
        if "-v" in sys.argv:
            write(outcome.coefficients.round(5).to_string() + "\n")
    is_held = np.concatenate([one.coefficients["is_held"] for one in outcomes.values()])
    ratios = np.array([one.mesh_ratios for one in outcomes.values()])
    write(f"held: {is_held.sum()} of {len(is_held)} ({is_held.mean():.0%})\n")
    low, high = RATIOS
    outside = int(((ratios < low) | (ratios > high)).sum())
    write(f"ratios of the mesh outside {low} to {high}: {outside} of {ratios.size}\n")
    if is_held.mean() < LEAST_HELD_SHARE or outside:
        sys.exit("the intervals do not hold on recorded runs")


if __name__ == "__main__":
    main()
