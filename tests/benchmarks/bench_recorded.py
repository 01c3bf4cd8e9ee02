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

from tests.lab.cut import QUANTITIES, Held, held
from tests.lab.recorded import RUNS, read_run

LEAST_HELD_SHARE: Final = 0.8

RATIOS: Final = (0.7, 1.5)

_ROW: Final = "{:<12}" + "{:>11}" * 7

_TITLES: Final = (
    ("", "slope", "idle", "all", "mesh slope", "mesh idle", "workloads'", "workloads'"),
    ("run", "held", "held", "held", "ratio", "ratio", "slope ratio", "idle ratio"),
)


def cells(name: str, outcome: Held) -> tuple[str, ...]:
    """Return the figures under the titles."""
    table = outcome.coefficients
    held_of = [table.loc[table["quantity"] == name, "is_held"] for name in QUANTITIES]
    ratio_of = [outcome.ratios[table["quantity"] == name] for name in QUANTITIES]
    return (
        name,
        *(f"{int(one.sum())} of {len(one)}" for one in (*held_of, table["is_held"])),
        *(f"{ratio:.2f}" for ratio in outcome.mesh_ratios),
        *(f"{np.nanmedian(ratio):.2f}" for ratio in ratio_of),
    )


def main() -> None:
    """Print the table; fail where fewer coefficients are held, or widths are further apart."""
    write = sys.stdout.write
    for titles in _TITLES:
        write(_ROW.format(*titles) + "\n")
    outcomes = {}
    for name in RUNS:
        outcomes[name] = held(read_run(name))
        write(_ROW.format(*cells(name, outcomes[name])) + "\n")
        sys.stdout.flush()
        if "-v" in sys.argv:
            write(outcomes[name].coefficients.round(5).to_string() + "\n")
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
