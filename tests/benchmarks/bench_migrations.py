"""Whether the 90 % ranges of the saving hold on migrations whose costs are drawn independently.

    bench_migrations.py [--seeds FIRST:LAST] [--processes COUNT] [--each]

The laws of the meshes are in `tests.comparison.independent`. 200 take about two minutes.
Seeds 0-999 are for tuning; 1000-1199 are for the report of a finished change.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import Pool
from typing import Final

import numpy as np

from analyzer.calibration import calibrate_usage
from analyzer.projection import project_usage
from analyzer.projection.scenario import default_scenario
from analyzer.units import Interval
from tests.benchmarks.demands import arguments, finish
from tests.comparison.independent import independent_mesh

MODES: Final = ("ambient-l4", "ambient-waypoint")
COVERED: Final = (0.84, 0.97)
LEAST_CHEAPER: Final = 0.80
"""Of those with a probability in the highest band, the share that must cost less."""

BANDS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
HIGHEST: Final = len(BANDS) - 2

SCRAPED: Final = ("connections, bytes", "connections", "bytes", "neither")
"""What a mesh may have metrics of: accepted connections, and bytes of HTTP."""

ROW: Final = "{:<22}" + "{:>9}" * 8
HEADS: Final = (
    ("mode", "", "", "mean", "mean", "mean", "mean", "truth", "truth"),
    ("  scraped", "meshes", "covered", "truth", "mid", "bias", "width", "below", "above"),
)
BAND_ROW: Final = "{:<22}" + "{:>9}" * 3
BAND_HEADS: Final = ("likely to cost less", "savings", "mean", "true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The saving of one mode in one mesh: true, and by the projection; in percent."""

    seed: int
    mode: str
    scraped: str
    true: float
    percent: Interval
    probability_cheaper: float

    @property
    def is_covered(self) -> bool:
        """Whether the range holds the truth."""
        return self.percent.low <= self.true <= self.percent.high


def saved(seed: int) -> list[Saved]:
    """Project the mesh of a seed, and return the saving of each mode."""
    mesh = independent_mesh(seed)
    truth = mesh.truth
    of_bytes = "bytes" if mesh.has_http_bytes else "neither"
    scraped = "connections" if mesh.has_accepted else of_bytes
    if mesh.has_accepted and mesh.has_http_bytes:
        scraped = "connections, bytes"
    scenario = default_scenario().changed("a benchmark", {"basis": "usage"})
    projection = project_usage(truth.usage, calibrate_usage(truth.usage), scenario)
    return [
        Saved(
            seed=seed,
            mode=saving.mode,
            scraped=scraped,
            true=truth.saved_percent(saving.mode),
            percent=saving.percent,
            probability_cheaper=saving.probability_cheaper,
        )
        for saving in projection.savings
        if saving.mode in MODES
    ]


def line(name: str, found: Sequence[Saved]) -> str:
    """Return the row of some savings."""
    true, mid, low, high = np.transpose(
        [(one.true, one.percent.mid, one.percent.low, one.percent.high) for one in found]
    )
    points = (true.mean(), mid.mean(), (mid - true).mean(), (high - low).mean())
    return ROW.format(
        name,
        len(found),
        f"{_covered(found):.1%}",
        *(f"{value:.1f}" for value in points),
        f"{(true < low).mean():.1%}",
        f"{(true > high).mean():.1%}",
    )


def _covered(found: Sequence[Saved]) -> float:
    return float(np.mean([one.is_covered for one in found]))


def in_bands(found: Sequence[Saved]) -> list[list[Saved]]:
    """Return the savings by the band of their probability; the last band has its upper end."""
    bands: list[list[Saved]] = [[] for _ in BANDS[1:]]
    for one in found:
        bands[int(np.searchsorted(BANDS[1:-1], one.probability_cheaper, side="right"))].append(one)
    return bands


def cheaper(found: Sequence[Saved]) -> float:
    """Return the share of these that cost less than sidecars."""
    return float(np.mean([one.true > 0 for one in found])) if found else np.nan


def limits(found: Sequence[Saved]) -> Iterator[tuple[str, bool]]:
    """Yield each demand, with its figures, and whether it is met."""
    low, high = COVERED
    for mode in MODES:
        share = _covered([one for one in found if one.mode == mode])
        yield f"{mode}: covers {low:.0%}-{high:.0%}: {share:.1%}", low <= share <= high
    highest = in_bands(found)[HIGHEST]
    share = cheaper(highest)
    text = f"80-100 % likely to cost less: {LEAST_CHEAPER:.0%} do: {share:.1%} of {len(highest)}"
    yield text, share >= LEAST_CHEAPER


def tables(found: Sequence[Saved]) -> Iterator[str]:
    """Yield the lines of both tables."""
    yield from (ROW.format(*heads).rstrip() for heads in HEADS)
    for mode in MODES:
        of_mode = [one for one in found if one.mode == mode]
        yield line(mode, of_mode)
        for scraped in SCRAPED:
            if some := [one for one in of_mode if one.scraped == scraped]:
                yield line(f"  {scraped}", some)
    yield ""
    yield BAND_ROW.format(*BAND_HEADS)
    for number, band in enumerate(in_bands(found)):
        ends = f"{100 * BANDS[number]:.0f}-{100 * BANDS[number + 1]:.0f} %"
        mean = np.mean([one.probability_cheaper for one in band]) if band else np.nan
        yield BAND_ROW.format(ends, len(band), f"{mean:.0%}", f"{cheaper(band):.0%}")
    yield ""


def each(found: Sequence[Saved]) -> Iterator[str]:
    """Yield a line for each saving."""
    for one in found:
        shown, missed = one.percent, "" if one.is_covered else ", missed"
        ends = f"{shown.mid:.1f} ({shown.low:.1f} to {shown.high:.1f})"
        yield f"{one.seed} {one.mode} ({one.scraped}): {one.true:.1f}, projected {ends}{missed}"


def main(seeds: Sequence[int], processes: int, *, shows_each: bool) -> None:
    """Print the tables and the limits; fail if one is missed."""
    started = time.monotonic()
    with Pool(processes) as pool:
        by_mesh = pool.map(saved, seeds, chunksize=4)
    found = [one for of_mesh in by_mesh for one in of_mesh]
    print(f"{len(seeds)} meshes; savings in percent of the sidecars; 90 % intervals")
    for text in (*(each(found) if shows_each else ()), *tables(found)):
        print(text)
    finish(list(limits(found)), started)


if __name__ == "__main__":
    parser = arguments(__doc__, range(1000, 1200))
    parser.add_argument("--each", action="store_true")
    chosen = parser.parse_args()
    main(chosen.seeds, chosen.processes, shows_each=chosen.each)
