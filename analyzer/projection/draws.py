"""Uncertain quantities as arrays: the best estimate first, then draws of what else it may be."""

from __future__ import annotations

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration.fit.student import DRAW_COUNT, SEED
from analyzer.calibration.result import RoleCalibration
from analyzer.units import CONFIDENCE, Interval

__all__ = ["DRAW_COUNT", "SEED", "draw", "draw_curve", "generator", "to_interval"]

_Z = 1.6448536269514722
"""Standard normal quantile of (1 + CONFIDENCE) / 2."""


def generator(seed: int = SEED) -> np.random.Generator:
    """Return the source of all draws of one projection."""
    return np.random.default_rng(seed)


def draw(value: Interval, rng: np.random.Generator) -> Floats:
    """Return an uncertain value, shape (1 + DRAW_COUNT,).

    The draws' 5 %, 50 % and 95 % points are the interval's low, mid and high: a normal
    distribution whose two halves may differ in width. None is below zero.
    """
    normal = rng.standard_normal(DRAW_COUNT)
    width = np.where(normal < 0, value.mid - value.low, value.high - value.mid) / _Z
    return np.concatenate([[value.mid], np.maximum(value.mid + normal * width, 0.0)])


def draw_curve(role: RoleCalibration, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return (idle vcpu per proxy, vcpu per 1000 rps), each of shape (1 + DRAW_COUNT,).

    Where both were fitted the calibration has drawn them jointly already.
    """
    idle_vcpu, vcpu_per_1000_rps = role.idle_vcpu_per_proxy, role.vcpu_per_1000_rps
    if role.draws is None:
        return draw(idle_vcpu, rng), draw(vcpu_per_1000_rps, rng)
    idle, slope = np.vstack([[idle_vcpu.mid, vcpu_per_1000_rps.mid], role.draws]).T
    return idle, slope


def to_interval(values: Floats) -> Interval:
    """Return the interval of a quantity computed from draws: its first element is the mid."""
    mid = float(values[0])
    if len(values) == 1:
        return Interval.exactly(mid)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(end) for end in np.quantile(values[1:], [tail, 1 - tail]))
    return Interval(low=min(low, mid), mid=mid, high=max(high, mid))
