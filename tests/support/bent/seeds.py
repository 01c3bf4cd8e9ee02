"""Meshes bent in two ways at random, by seed."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from tests.support.bent.bends import BENDS, Bend, bent
from tests.support.bent.healthy import healthy
from tests.support.bent.prices import asked_with_prices
from tests.support.bent.scene import Kind, Scene

PAIRS: tuple[tuple[Kind, Kind], ...] = tuple(combinations(Kind, 2))
"""Every pair of kinds; seeds go through them in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a seed stands for."""

    seed: int
    pair: tuple[Kind, Kind]
    bends: tuple[Bend, Bend]
    hours: float
    scrape_seconds: float

    @property
    def name(self) -> str:
        """Return the seed and the bends."""
        return f"{self.seed} {' + '.join(bend.__name__ for bend in self.bends)}"

    def steady(self, *, day: int = 0) -> Scene:
        """Return the mesh before it is bent."""
        return healthy(
            10_000 + self.seed, day=day, hours=self.hours, scrape_seconds=self.scrape_seconds
        )

    def scene(self, folder: Path, *, day: int = 0) -> Scene:
        """Return the bent mesh; a scenario goes into the folder where prices are bent."""
        scene = bent(self.steady(day=day), self.bends, self.seed)
        return asked_with_prices(scene, folder) if Kind.PRICES in self.pair else scene


def draw(seed: int) -> Draw:
    """Return what a seed stands for."""
    random = np.random.default_rng([seed, 15])
    pair = PAIRS[seed % len(PAIRS)]
    one, other = (BENDS[kind][int(random.integers(len(BENDS[kind])))] for kind in pair)
    return Draw(
        seed=seed,
        pair=pair,
        bends=(one, other),
        hours=float(random.choice([3, 4, 6])),
        scrape_seconds=float(random.choice([15, 30])),
    )
