"""Amounts as people write them into a pod: rounded up, never below a floor."""

import math
from typing import Final

from analyzer.units import BYTES_PER_GIB, MIB_PER_GIB

LEAST_VCPU: Final = 0.01
"""The floor of a CPU request: the kernel's share of CPU time is too coarse far below it."""

LEAST_MEMORY_GIB: Final = 32 / MIB_PER_GIB
"""The floor of a memory request: pilot-agent and an idle Envoy need more."""

_MILLI: Final = 0.001
_MIB: Final = 1 / MIB_PER_GIB
_HAIR: Final = 1e-9

_VCPU_STEPS: Final = ((0.1, 1 * _MILLI), (1.0, 5 * _MILLI), (math.inf, 50 * _MILLI))
_GIB_STEPS: Final = ((0.25, 1 * _MIB), (1.0, 8 * _MIB), (math.inf, 64 * _MIB))
"""Up to which amount, and to a multiple of what it is rounded: two or three digits are left."""


def rounded_vcpu(vcpu: float) -> float:
    """Return a CPU request or limit: rounded up, at least the floor.

    >>> rounded_vcpu(0.0031), rounded_vcpu(0.0462), rounded_vcpu(0.3811), rounded_vcpu(1.21)
    (0.01, 0.047, 0.385, 1.25)
    """
    return max(_up(vcpu, _VCPU_STEPS), LEAST_VCPU)


def rounded_memory_gib(gib: float) -> float:
    """Return a memory request or limit: rounded up, at least the floor.

    >>> [round(1024 * rounded_memory_gib(mib / 1024)) for mib in (3, 61.2, 300.1, 1030)]
    [32, 62, 304, 1088]
    """
    return max(_up(gib, _GIB_STEPS), LEAST_MEMORY_GIB)


def gib_of(amount_bytes: float | None) -> float | None:
    """Return bytes in GiB; None stays None."""
    return None if amount_bytes is None else amount_bytes / BYTES_PER_GIB


def _up(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    unit = next(unit for most, unit in steps if amount <= most)
    # Decimal units are not exact in binary: 0.047 / 0.001 is a hair above 47.
    return round(math.ceil(amount / unit - _HAIR) * unit, 12)
