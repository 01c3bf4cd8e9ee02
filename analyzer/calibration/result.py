"""What calibration finds: the values that projection and report read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.calibration.models import Affine, Curve
from analyzer.calibration.observations import Exclusion
from analyzer.measurement.findings import Finding
from analyzer.units import Interval, Provenance, Refusal, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The last 30 % of the window, predicted from a fit of the first 70 %.

    Attributes:
        bias_share: of all workloads' CPU together; above zero where it was predicted too high.
        error_share: mean error of a workload's mean CPU, without its sign, weighted by that CPU.
        covered_share: of workloads whose mean CPU fell in their 90 % prediction interval.
        workloads: one row each of those that could be predicted: namespace, workload,
            measured_vcpu, predicted_vcpu, predicted_low_vcpu, predicted_high_vcpu (90 % prediction
            interval), all of the mean over the observed points of the last 30 %.
    """

    bias_share: float
    error_share: float
    covered_share: float
    workload_count: int
    workloads: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that was tried."""

    model: str
    error: float  # mean square of that of steps it was not fitted to, in units of their noise
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCalibration:
    """What a proxy of one role costs.

    Attributes:
        vcpu_per_1000_rps: the marginal cost of 1000 more proxy requests per second, at the rates
            at which this mesh's proxies run: the mean over the workloads, weighted by their
            requests in this window.
        idle_vcpu_per_proxy: at no traffic: the mean over the workloads, weighted by proxy time.
        curve: CPU of one proxy at any rate: the mesh's mean.
        draws: of (idle_vcpu_per_proxy, vcpu_per_1000_rps), shape (draws, 2), for joint ranges;
            None where the intervals are a range from documents.
        ratio_vcpu_per_1000_rps: the dashboard's figure: all CPU over all requests, idle included.
        operating_rps: rate of the proxy that a request meets, on average.
        fitted_rps: lowest and highest rate of one proxy that was fitted; outside, it extrapolates.
        candidates: the models tried; the first, chosen one is the simplest whose error is not more
            than one standard error above the least.
        cost_of_each: of inbound and outbound requests, and bytes, where the model has such terms.
        remarks: which terms could not be separated, and why.
        straight_line_idle_vcpu_per_proxy: a straight line's idle, where the model is concave.
        attenuation_share: by which share the slope is estimated to be too low, because clocks
            disagree and request rates have errors; not corrected for.
        r_squared: share of the CPU's variance between steps that the fit explains.
        covered_share: of the role's requests that the fitted workloads carry.
        source: of published and derived figures.
        not_measured: why the figures are not this mesh's own; None where they are measured.
    """

    role: Role = field(metadata={"json": False})
    vcpu_per_1000_rps: Interval
    idle_vcpu_per_proxy: Interval
    ratio_vcpu_per_1000_rps: float | None = None
    model: str
    curve: Curve
    cost_of_each: Mapping[str, Interval] = field(default_factory=dict)
    # Of ztunnels, where fitted.
    vcpu_per_gbit_per_second: Interval | None = None
    vcpu_per_1000_new_connections_per_second: Interval | None = None
    remarks: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    fitted_rps: tuple[float, float] | None = None
    operating_rps: float | None = None
    straight_line_idle_vcpu_per_proxy: float | None = None
    attenuation_share: Interval | None = None
    r_squared: float | None = None
    backtest: Backtest | None = None
    sample_count: int = 0
    proxy_count: int = 0
    covered_share: float | None = None
    provenance: Provenance
    source: str = ""
    not_measured: Refusal | None = field(default=None, metadata={"json": False})
    draws: Floats | None = field(default=None, metadata={"json": False})

    def effective_rps(self, rps: Floats) -> Floats:
        """Return the rates at which a straight line of the quoted slope would cost the same.

        A proxy's CPU at `rps` is idle + slope / 1000 x effective rate, for any draw of the two.
        """
        traffic = self.curve.predict(rps) - self.curve.idle_vcpu
        slope = self.vcpu_per_1000_rps.mid / 1000
        return rps if isinstance(self.curve, Affine) or slope == 0 else traffic / slope

    def extrapolates(self, rps: Floats) -> Bools:
        """Return at which rates no proxy was seen; all of them where none was fitted."""
        if self.fitted_rps is None:
            return np.ones(rps.shape, dtype=bool)
        return np.asarray((rps < self.fitted_rps[0]) | (rps > self.fitted_rps[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCalibration:
    """What one workload's sidecars cost at its own rates; None where refused.

    Costs are drawn towards the mesh's mean as far as the workload's own data are less sure than
    workloads differ. The share of the slope that rests on its own is 0-1; the rest is borrowed from
    the other workloads, and where that is all of it the provenance is derived.
    """

    namespace: str
    workload: str
    vcpu_per_1000_rps: Interval | None
    idle_vcpu_per_proxy: Interval | None
    own_share: float
    proxy_count: int
    sample_count: int
    mean_rps: float
    mean_vcpu: float
    fitted_rps: tuple[float, float]
    provenance: Provenance = Provenance.MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCalibration:
    """What memory the mean sidecar takes: it grows with its configuration, not with requests.

    Idle is without any configuration, and clusters are Envoy's that it is configured for: None
    where these cannot be separated.
    """

    gib_per_proxy: Interval
    idle_gib_per_proxy: Interval | None = None
    gib_per_1000_clusters: Interval | None = None
    cluster_count: float | None = None
    proxy_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Where the measured CPU of the sidecars goes, in vcpu averaged over the window.

    measured = idle + traffic + excluded + unexplained, by construction. Excluded are steps left
    out, and workloads that could not be fitted.
    """

    measured_vcpu: float
    idle_vcpu: Interval
    traffic_vcpu: Interval
    excluded_vcpu: float

    @property
    def unexplained_vcpu(self) -> float:
        """What the fit does not account for."""
        explained = self.idle_vcpu.mid + self.traffic_vcpu.mid + self.excluded_vcpu
        return self.measured_vcpu - explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What proxies cost, by role, and what cannot be said.

    Attributes:
        waypoint: measured where the mesh has waypoints with traffic, else derived from sidecars;
            a refusal where neither could be had.
        ztunnel: measured where the mesh has ztunnels with traffic, else published.
        observations: the fitted steps with their prediction (`predicted_vcpu`), for charts.
        timeline: of the sidecars, one row an observed point: start (of the step, UTC),
            measured_vcpu, predicted_vcpu (of the steps that were fitted), fitted_vcpu (measured,
            of the same), throttled_vcpu, left_out_vcpu (for other reasons), unfitted_vcpu (of
            workloads that have no fit), proxy_rps. Measured is the sum of the four parts; NaN: no
            step is fitted, or no sidecar scraped, then.
    """

    sidecar: RoleCalibration | Refusal
    waypoint: RoleCalibration | Refusal
    ztunnel: RoleCalibration
    memory: MemoryCalibration | Refusal
    workloads: tuple[WorkloadCalibration, ...]
    decomposition: Decomposition
    exclusions: tuple[Exclusion, ...]
    observations: pd.DataFrame = field(metadata={"json": False})
    timeline: pd.DataFrame = field(metadata={"json": False})
    refusals: tuple[Refusal, ...] = field(metadata={"json": False})
    warnings: tuple[Finding, ...] = field(metadata={"json": False})
