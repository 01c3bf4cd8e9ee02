"""Small regression problems drawn by chance, alone and put together, for slow and plain oracles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.arrays import Floats, Ints
from analyzer.calibration.fit.least_squares import Problem, Term
from analyzer.calibration.fit.segments import Segments

__all__ = ["Frame", "Joined", "drawn", "joined", "numbered_terms"]


def numbered_terms(count: int, floored: Collection[int] = ()) -> tuple[Term, ...]:
    """Return so many terms, some of which may not have a coefficient below zero."""
    return tuple(Term(name=f"x{i}", is_floored=i in floored) for i in range(count))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One regression: n rows sorted by cluster.

    Attributes:
        design: shape (n, k), one row a sample, as the textbooks write it.
        target: shape (n,).
        weights: inverse variances up to a factor, shape (n,).
        clusters: whose each row is, shape (n,), ascending from 0.
    """

    design: Floats
    target: Floats
    weights: Floats
    clusters: Ints

    @property
    def cluster_count(self) -> int:
        return int(self.clusters[-1]) + 1


def drawn(
    seed: int,
    *,
    rows: tuple[int, int] = (60, 600),
    columns: tuple[int, int] = (2, 4),
    clusters: tuple[int, int] = (6, 30),
) -> Frame:
    """Draw a regression with a constant, columns of very different size, and noise with tails."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(*rows, endpoint=True))
    width = int(rng.integers(*columns, endpoint=True))
    groups = int(rng.integers(*clusters, endpoint=True))
    whose = np.sort(np.concatenate([np.arange(groups), rng.integers(0, groups, count - groups)]))
    sizes = 10 ** rng.uniform(-3, 3, width - 1)
    design = np.column_stack([np.ones(count), sizes * rng.lognormal(0, 0.7, (count, width - 1))])
    law = rng.normal(0, 1, width) / np.append(1, sizes)
    noise = 0.3 * rng.standard_t(3, count) + rng.normal(0, 0.2, groups)[whose]
    return Frame(
        design=design,
        target=design @ law + noise,
        weights=rng.lognormal(0, 1, count),
        clusters=whose,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """Several regressions as the segments of one problem."""

    problem: Problem
    weights: Floats
    clusters: Segments

    @property
    def ones(self) -> Floats:
        return np.ones_like(self.weights)


def joined(frames: Sequence[Frame], floored: Collection[int] = ()) -> Joined:
    """Put regressions together.

    Where one has fewer columns than another, it gets more that must not take part: they are full of
    sevens.
    """
    width = max(frame.design.shape[1] for frame in frames)
    designs = [
        np.pad(frame.design, [(0, 0), (0, width - frame.design.shape[1])], constant_values=7.0)
        for frame in frames
    ]
    lengths = [len(frame.target) for frame in frames]
    code = np.repeat(np.arange(len(frames)), lengths)
    return Joined(
        problem=Problem(
            terms=numbered_terms(width, floored),
            design=np.concatenate(designs).T.copy(),
            target=np.concatenate([frame.target for frame in frames]),
            segments=Segments.of(code),
            active=np.array([np.arange(width) < frame.design.shape[1] for frame in frames]),
        ),
        weights=np.concatenate([frame.weights for frame in frames]),
        clusters=Segments.of(code, np.concatenate([frame.clusters for frame in frames])),
    )
