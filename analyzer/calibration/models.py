"""How CPU follows from requests: each model is a frozen value that predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Affine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """A proxy's CPU is what it uses at rest, and the same again for each request.

    Attributes:
        idle_vcpu: at no traffic.
        vcpu_per_rps: for one more request per second, at any rate.
    """

    idle_vcpu: float
    vcpu_per_rps: float

    def predict(self, rps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the CPU (vcpu) of a proxy at each of these request rates."""
        return self.idle_vcpu + self.vcpu_per_rps * rps

    def marginal(self, rps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the CPU that one more request per second costs, at each of these rates."""
        return np.full_like(rps, self.vcpu_per_rps, dtype=np.float64)
