"""How CPU follows from requests: each model is a frozen value that predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.calibration.fit.segments import Floats

__all__ = ["Affine", "AffineByDirection", "Curve", "Power"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """A proxy's CPU is what it uses at rest, and the same again for each request.

    Attributes:
        idle_vcpu: at no traffic.
        vcpu_per_rps: for one more request per second, at any rate.
    """

    idle_vcpu: float
    vcpu_per_rps: float

    def predict(self, rps: Floats) -> Floats:
        """Return the CPU (vcpu) of a proxy at each of these request rates."""
        return self.idle_vcpu + self.vcpu_per_rps * rps

    def marginal(self, rps: Floats) -> Floats:
        """Return the CPU that one more request per second costs, at each of these rates."""
        return np.full_like(rps, self.vcpu_per_rps, dtype=np.float64)

    def scaled(self, factor: float) -> Affine:
        """Return the model of a proxy that uses so many times the CPU."""
        return Affine(idle_vcpu=self.idle_vcpu * factor, vcpu_per_rps=self.vcpu_per_rps * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The busier a proxy, the less one more request costs: batching, warm caches, kept connections.

    Attributes:
        idle_vcpu: at no traffic.
        vcpu_per_rps_power: for one request per second: vcpu per rps to the power of `exponent`.
        exponent: between 0 and 1; Istio's benchmark of 2020 follows 0.745.
    """

    idle_vcpu: float
    vcpu_per_rps_power: float
    exponent: float

    def predict(self, rps: Floats) -> Floats:
        """Return the CPU (vcpu) of a proxy at each of these request rates."""
        return np.asarray(self.idle_vcpu + self.vcpu_per_rps_power * rps**self.exponent)

    def marginal(self, rps: Floats) -> Floats:
        """Return the CPU that one more request per second costs, at each of these rates above 0."""
        return np.asarray(self.vcpu_per_rps_power * self.exponent * rps ** (self.exponent - 1))

    def scaled(self, factor: float) -> Power:
        """Return the model of a proxy that uses so many times the CPU."""
        return Power(
            idle_vcpu=self.idle_vcpu * factor,
            vcpu_per_rps_power=self.vcpu_per_rps_power * factor,
            exponent=self.exponent,
        )


Curve = Affine | Power


@dataclass(frozen=True, slots=True, kw_only=True)
class AffineByDirection:
    """Requests that come in, requests that go out and bytes each have a cost of their own.

    Attributes:
        idle_vcpu: at no traffic.
        vcpu_per_inbound_rps: for one more request per second to the workload.
        vcpu_per_outbound_rps: for one more request per second from it.
        vcpu_per_gbit_per_second: of HTTP on the wire and TCP payload, both ways.
    """

    idle_vcpu: float
    vcpu_per_inbound_rps: float
    vcpu_per_outbound_rps: float
    vcpu_per_gbit_per_second: float

    def predict(self, inbound_rps: Floats, outbound_rps: Floats, gbit_per_second: Floats) -> Floats:
        """Return the CPU (vcpu) of a proxy under each of these loads."""
        return np.asarray(
            self.idle_vcpu
            + self.vcpu_per_inbound_rps * inbound_rps
            + self.vcpu_per_outbound_rps * outbound_rps
            + self.vcpu_per_gbit_per_second * gbit_per_second
        )

    def marginal(
        self, inbound_rps: Floats, outbound_rps: Floats, gbit_per_second: Floats
    ) -> Floats:
        """Return the CPU that one more request per second of each load's own mix costs."""
        return np.asarray(
            (self.predict(inbound_rps, outbound_rps, gbit_per_second) - self.idle_vcpu)
            / (inbound_rps + outbound_rps)
        )
