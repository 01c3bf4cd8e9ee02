"""Whether the 90 % intervals of TCP's costs hold on simulated meshes of six kinds.

    bench_tcp.py [KIND ...] [--seeds FIRST:LAST] [--processes COUNT]

Kinds are those of `tests.calibration.tcp_meshes`. Seeds 0-999 are for tuning.
"""

from __future__ import annotations

import sys
from functools import partial
from multiprocessing import Pool
from typing import Final, NamedTuple

import numpy as np

from analyzer.calibration import calibrate_usage
from analyzer.units import Interval
from tests.benchmarks.demands import arguments
from tests.calibration.tcp_meshes import KINDS, tcp_mesh

COVERED: Final = (0.84, 0.98)
"""Least and most share of intervals that hold the truth."""

TITLES: Final = ("idle", "per Gbit/s", "per 1000 new", "TCP vCPU")


class Outcome(NamedTuple):
    """One figure of one mesh, as shares of the truth; NaN where it has no truth."""

    error: float
    half_width: float
    is_held: float


_NONE: Final = Outcome(np.nan, np.nan, np.nan)


def outcomes(kind: str, seed: int) -> list[Outcome]:
    """Calibrate one mesh; return idle, cost of bytes and connections, and CPU of TCP."""
    mesh = tcp_mesh(kind, seed)
    calibration = calibrate_usage(mesh.usage)
    found = calibration.tcp
    if found is None:
        return [_NONE] * len(TITLES)
    return [
        _outcome(found.idle_vcpu_per_proxy, mesh.idle_vcpu_per_proxy),
        _outcome(found.vcpu_per_gbit_per_second, mesh.vcpu_per_gbit_per_second),
        _outcome(
            found.vcpu_per_1000_new_connections_per_second,
            mesh.vcpu_per_1000_new_connections_per_second,
        ),
        _outcome(calibration.decomposition.tcp_vcpu, mesh.tcp_vcpu),
    ]


def _outcome(shown: Interval | None, truth: float | None) -> Outcome:
    if shown is None or truth is None:
        return _NONE
    half_width = (shown.high - shown.low) / 2 / truth
    return Outcome(shown.mid / truth - 1, half_width, float(shown.low <= truth <= shown.high))


def main() -> None:
    """Print bias, half-width and coverage of each figure; fail where coverage is off."""
    parser = arguments(__doc__, range(1000, 1100))
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []])
    chosen = parser.parse_args()
    write, missed = sys.stdout.write, 0
    write(f"{'kind':<18}{'figure':<14}{'bias':>8}{'+-':>8}{'covered':>9}{'meshes':>8}\n")
    with Pool(chosen.processes) as pool:
        for kind in chosen.kinds or KINDS:
            found = np.array(pool.map(partial(outcomes, kind), chosen.seeds, chunksize=4))
            for title, each in zip(TITLES, found.transpose(1, 0, 2), strict=True):
                rows = each[~np.isnan(each[:, 0])]
                if not len(rows):
                    continue
                bias, covered = rows[:, 0].mean(), rows[:, 2].mean()
                width = np.median(rows[:, 1])
                missed += not COVERED[0] <= covered <= COVERED[1]
                write(
                    f"{kind:<18}{title:<14}{bias:>8.1%}{width:>8.1%}{covered:>9.1%}{len(rows):>8}\n"
                )
            sys.stdout.flush()
    if missed:
        sys.exit(f"{missed} intervals hold too seldom or too often")


if __name__ == "__main__":
    main()
