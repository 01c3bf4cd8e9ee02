"""How often the intervals of single workloads hold their laws, alone and pooled.

Run it as a script; arguments are the first seed and how many. Every mesh is a day at five-minute
steps with a law drawn for each workload, and one more workload that borrows its slope.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.calibration.pooling import pooled_once

FIRST, MESHES = 1000, 200

WORKLOADS, PODS = (3, 4, 5, 10, 20), (1, 2, 4)

DEMANDED = (0.86, 0.96)
"""Least and most share of pooled intervals that hold the truth."""

TITLES = ("workloads", "pods", "own", "", "pooled", "", "width", "", "borrowed", "")


def main() -> None:
    """Print the table; fail where pooled intervals hold too seldom or too often."""
    first, count = (int(part) for part in sys.argv[1:3] or (FIRST, MESHES))
    write = sys.stdout.write
    write("90 % intervals of idle CPU and cost per request; share that hold the law\n")
    write("".join(map("{:>10}".format, TITLES)) + "\n")
    missed = False
    for workloads in WORKLOADS:
        for pods in PODS:
            seeds = range(first, first + max(count * 5 // max(workloads, 5), 1))
            found = [pooled_once(seed, workloads, pods) for seed in seeds]
            own, pooled = (
                np.concatenate(part).mean(axis=0)
                for part in ([item.own for item in found], [item.pooled for item in found])
            )
            width = np.median(np.concatenate([item.width for item in found]), axis=0)
            borrowed = np.mean([item.borrowed for item in found], axis=0)
            figures = [*own, *pooled, *width, *borrowed]
            cells = [str(workloads), str(pods), *(f"{figure:.3f}" for figure in figures)]
            write("".join(map("{:>10}".format, cells)) + "\n")
            sys.stdout.flush()
            missed |= bool((pooled < DEMANDED[0]).any() or (pooled > DEMANDED[1]).any())
    if missed:
        sys.exit("pooled intervals hold too seldom or too often")


if __name__ == "__main__":
    main()
