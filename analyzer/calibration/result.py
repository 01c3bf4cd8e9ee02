"""What calibration finds: the values that projection and report read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.calibration.observations import Exclusion
from analyzer.units import Interval, Provenance, Refusal, Role

__all__ = ["Calibration", "Decomposition", "RoleCalibration", "WorkloadCalibration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCalibration:
    """What a proxy of one role costs.

    Attributes:
        vcpu_per_1000_rps: the marginal cost of 1000 more proxy requests per second through one
            proxy: the mean over the workloads, weighted by their requests in this window.
        idle_vcpu_per_proxy: at no traffic: the mean over the workloads, weighted by proxy time.
        covariance: of (idle vcpu, vcpu per 1000 rps), shape (2, 2), for joint draws; None where
            the intervals are a range from documents.
        ratio_vcpu_per_1000_rps: the dashboard's figure: all CPU over all requests, idle included.
        model: how CPU follows from requests, in words.
        fitted_rps: lowest and highest rate of one proxy that was fitted.
        r_squared: share of the CPU's variance between steps that the lines explain.
        backtest_error: error of the last 30 % of the window predicted from the first 70 %, as a
            share of its CPU; positive where the prediction was too high.
        sample_count: steps fitted.
        proxy_count: proxies fitted.
        covered_share: of the role's requests that the fitted workloads carry.
        source: of published and derived figures.
    """

    role: Role
    vcpu_per_1000_rps: Interval
    idle_vcpu_per_proxy: Interval
    model: str
    provenance: Provenance
    covariance: npt.NDArray[np.float64] | None = None
    ratio_vcpu_per_1000_rps: float | None = None
    fitted_rps: tuple[float, float] | None = None
    r_squared: float | None = None
    backtest_error: float | None = None
    sample_count: int = 0
    proxy_count: int = 0
    covered_share: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCalibration:
    """What one workload's sidecars cost; None where refused."""

    namespace: str
    workload: str
    vcpu_per_1000_rps: Interval | None
    idle_vcpu_per_proxy: Interval | None
    proxy_count: int
    sample_count: int
    mean_rps: float
    mean_vcpu: float
    fitted_rps: tuple[float, float]
    provenance: Provenance = Provenance.MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Where the measured CPU of the sidecars goes, in vcpu averaged over the window.

    measured = idle + traffic + excluded + unexplained, by construction.
    """

    measured_vcpu: float
    idle_vcpu: float
    traffic_vcpu: float
    excluded_vcpu: float

    @property
    def unexplained_vcpu(self) -> float:
        """What the lines do not account for."""
        return self.measured_vcpu - self.idle_vcpu - self.traffic_vcpu - self.excluded_vcpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What proxies cost, by role, and what cannot be said.

    Attributes:
        sidecar: the fit, or why there is none.
        waypoint: measured where the mesh has waypoints with traffic, else derived from sidecars;
            a refusal where neither could be had.
        ztunnel: published.
        observations: the fitted steps with their prediction (`predicted_vcpu`), for charts.
        exclusions: steps that took no part, with their number and CPU.
    """

    sidecar: RoleCalibration | Refusal
    waypoint: RoleCalibration | Refusal
    ztunnel: RoleCalibration
    workloads: tuple[WorkloadCalibration, ...]
    decomposition: Decomposition
    observations: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
