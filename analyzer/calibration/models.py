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

    @property
    def marginal_share(self) -> float:
        """Cost of one more request over the mean cost of all."""
        return 1.0

    @property
    def elsewhere(self) -> Affine:
        """The model of proxies whose rates have another range."""
        return self


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

    @property
    def marginal_share(self) -> float:
        """Cost of one more request over the mean cost of all."""
        return self.exponent

    @property
    def elsewhere(self) -> Power:
        """The model of proxies whose rates have another range."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """Cost per request is higher beyond a knee: busy cores, full queues, retries.

    The knee of a workload is a share of its own highest rate. `knee_rps` is the mean of the
    workloads, and so a mark on the mean curve, not a rate at which every proxy gets slower.

    Attributes:
        vcpu_per_rps: cost of a request below the knee.
        rise_share: by how many times that cost a request beyond the knee costs more.
        knee_rps: mean of the workloads' knees, weighted by requests.
        knee_share: where each knee is, as a share of its workload's highest rate.
        mean_share: mean cost of a request, over that of one below the knee.
        marginal_share: mean cost of one more request, over the mean cost of a request.
    """

    idle_vcpu: float
    vcpu_per_rps: float
    rise_share: float
    knee_rps: float
    knee_share: float
    mean_share: float
    marginal_share: float

    def predict(self, rps: Floats) -> Floats:
        """Return the CPU (vcpu) of a proxy at each of these request rates."""
        beyond = self.rise_share * np.maximum(rps - self.knee_rps, 0)
        return np.asarray(self.idle_vcpu + self.vcpu_per_rps * (rps + beyond))

    def scaled(self, factor: float) -> Knee:
        """Return the model of a proxy that uses so many times the CPU."""
        idle, slope = self.idle_vcpu * factor, self.vcpu_per_rps * factor
        return replace(self, idle_vcpu=idle, vcpu_per_rps=slope)

    @property
    def elsewhere(self) -> Affine:
        """The model of proxies whose rates have another range: the same mean cost, no knee."""
        mean = self.vcpu_per_rps * self.mean_share
        return Affine(idle_vcpu=self.idle_vcpu, vcpu_per_rps=mean)


Curve = Affine | Power | Knee
