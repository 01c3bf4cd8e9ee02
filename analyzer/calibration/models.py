"""CPU as a function of the request rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analyzer.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """Idle CPU plus the same cost for each request."""

    idle_vcpu: float
    vcpu_per_rps: float

    def predict(self, rps: Floats) -> Floats:
        """Return the CPU (vcpu) of a proxy at each of these request rates."""
        return self.idle_vcpu + self.vcpu_per_rps * rps

    def scaled(self, factor: float) -> Affine:
        """Return the model of a proxy that uses so many times the CPU."""
        return Affine(idle_vcpu=self.idle_vcpu * factor, vcpu_per_rps=self.vcpu_per_rps * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Cost per request falls with the rate: batching, warm caches, reused connections.

    The exponent is between 0 and 1; Istio's benchmark of 2020 follows 0.745.
    """

    idle_vcpu: float
    vcpu_per_rps_power: float
    exponent: float

    def predict(self, rps: Floats) -> Floats:
        """Return the CPU (vcpu) of a proxy at each of these request rates."""
        return np.asarray(self.idle_vcpu + self.vcpu_per_rps_power * rps**self.exponent)

    def scaled(self, factor: float) -> Power:
        """Return the model of a proxy that uses so many times the CPU."""
        idle, coefficient = self.idle_vcpu * factor, self.vcpu_per_rps_power * factor
        return replace(self, idle_vcpu=idle, vcpu_per_rps_power=coefficient)


Curve = Affine | Power
