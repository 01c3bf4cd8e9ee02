"""The result of a calibration, as projection and report read it."""

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
        bias_share: error of all workloads' CPU together; positive if predicted too high.
        bias_half_width_share: half-width of the 90 % prediction interval of all workloads' CPU
            together, as a share of the measured CPU.
        error_share: mean absolute error of a workload's mean CPU, weighted by that CPU.
        covered_share: share of workloads with mean CPU inside their 90 % prediction interval.
        workloads: one row per predicted workload: namespace, workload, measured_vcpu,
            predicted_vcpu, predicted_low_vcpu, predicted_high_vcpu (90 % prediction interval),
            each a mean over the observed points of the last 30 %.
    """

    bias_share: float
    error_share: float
    covered_share: float
    workload_count: int
    bias_half_width_share: float | None = None
    workloads: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that was tried."""

    model: str
    error: float  # mean squared error of samples it was not fitted to, in units of their noise
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCalibration:
    """The cost of a proxy of one role.

    Attributes:
        vcpu_per_1000_rps: the marginal cost of 1000 more proxy requests per second, at the rates
            of this mesh's proxies: the mean over workloads, weighted by their requests in this
            window.
        idle_vcpu_per_proxy: CPU without traffic: the mean over workloads, weighted by proxy time.
        curve: CPU of the mesh's mean proxy at any rate.
        draws: of (idle_vcpu_per_proxy, vcpu_per_1000_rps), shape (draws, 2), for joint ranges;
            None if the ranges come from documents.
        ratio_vcpu_per_1000_rps: the dashboard's figure: all CPU divided by all requests. It
            includes idle CPU.
        operating_rps: mean rate of the proxy, weighted by requests.
        fitted_rps: lowest and highest fitted rate of one proxy; other rates are extrapolated.
        candidates: the models tried, the chosen one first. A curve is chosen if it predicts better
            than a straight line, beyond noise, over proxies and over time.
        cost_of_each: of inbound and outbound requests, bytes and events, if the model has such
            terms. Events are not in the cost of a request; failures are.
        cpu_of_node_kinds: CPU of the same work on each instance type, over the mean of today's
            nodes; empty if types are not known, not compared or alike.
        remarks: which terms could not be separated, and why.
        straight_line_idle_vcpu_per_proxy: idle CPU by a straight line, if the model is a curve.
        attenuation_share: by which share the slope of the fit is estimated to be too low, because
            samples are offset in time and request rates have errors. None if it is not known, or if
            it is so large that the estimate means nothing.
        attenuation_applied_share: by which share the quoted slope is higher than that of the fit
            because of it. It is less than estimated if the estimate is partly noise; the range then
            includes the rest. 0 if it is not corrected.
        is_split: whether CPU and requests of the same burst are so often in different intervals
            that the fit is doubtful.
        residual_correlation: mean correlation of the residuals of two proxies in the same interval,
            -1 to 1; above 0, something besides requests moves the CPU of many. Ranges include it.
            None if no interval has two fitted proxies.
        range_factor: by what the ranges of cost and idle CPU are wider because the backtest missed.
        r_squared: share of the CPU's variance between samples that the fit explains.
        covered_share: share of the role's requests in fitted workloads.
        source: of published and derived figures.
        not_measured: why the figures are not measured; None if they are.
    """

    role: Role = field(metadata={"json": False})
    vcpu_per_1000_rps: Interval
    idle_vcpu_per_proxy: Interval
    ratio_vcpu_per_1000_rps: float | None = None
    model: str
    curve: Curve
    cost_of_each: Mapping[str, Interval] = field(default_factory=dict)
    cpu_of_node_kinds: Mapping[str, Interval] = field(default_factory=dict)
    # Only of fitted ztunnels.
    vcpu_per_gbit_per_second: Interval | None = None
    vcpu_per_1000_new_connections_per_second: Interval | None = None
    remarks: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    fitted_rps: tuple[float, float] | None = None
    operating_rps: float | None = None
    straight_line_idle_vcpu_per_proxy: float | None = None
    attenuation_share: Interval | None = None
    attenuation_applied_share: float = 0.0
    is_split: bool = field(default=False, metadata={"json": False})
    residual_correlation: float | None = None
    range_factor: float = 1.0
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
        """Return the rates at which a straight line with the quoted slope costs the same.

        A proxy's CPU at `rps` is idle + slope / 1000 x effective rate, for any draw of the two.
        """
        return self._effective_rps(self.curve, rps)

    def effective_rps_elsewhere(self, rps: Floats) -> Floats:
        """Return the same for proxies of another role, whose cost is derived from this one's.

        A knee is a share of a workload's highest rate, so it is not at these rates elsewhere.
        """
        return self._effective_rps(self.curve.elsewhere, rps)

    def _effective_rps(self, curve: Curve, rps: Floats) -> Floats:
        traffic = curve.predict(rps) - curve.idle_vcpu
        slope = self.vcpu_per_1000_rps.mid / 1000
        return rps if isinstance(self.curve, Affine) or slope == 0 else traffic / slope

    def extrapolates(self, rps: Floats) -> Bools:
        """Return which rates are outside the fitted ones; all of them without a fit."""
        if self.fitted_rps is None:
            return np.ones(rps.shape, dtype=bool)
        return np.asarray((rps < self.fitted_rps[0]) | (rps > self.fitted_rps[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpCalibration:
    """The cost of a sidecar whose traffic is TCP: Istio reports no request count for it.

    Attributes:
        idle_vcpu_per_proxy: CPU without traffic: the mean over these workloads, weighted by proxy
            time.
        vcpu_per_gbit_per_second: cost of 1 Gbit/s of TCP payload through one proxy, both
            directions: the mean over workloads, weighted by bytes. None if bytes hardly matter.
        vcpu_per_1000_new_connections_per_second: cost of 1000 new TCP connections per second: the
            mean over workloads, weighted by connections. None if it is in the cost of bytes.
        gbit_per_second: TCP payload of these workloads, averaged over the window.
        new_connections_per_second: the same of TCP connections.
        remarks: what could not be separated, and why.
        r_squared: share of the CPU's variance between samples that the fits explain.
        covariance: of (idle_vcpu_per_proxy, vcpu_per_gbit_per_second,
            vcpu_per_1000_new_connections_per_second), shape (3, 3); 0 where one is None.
        draws: of the same three, shape (draws, 3), for joint ranges; 0 where one is None.
    """

    idle_vcpu_per_proxy: Interval
    vcpu_per_gbit_per_second: Interval | None = None
    vcpu_per_1000_new_connections_per_second: Interval | None = None
    gbit_per_second: float
    new_connections_per_second: float
    remarks: tuple[str, ...] = ()
    r_squared: float | None = None
    sample_count: int
    proxy_count: int
    workload_count: int
    provenance: Provenance = Provenance.MEASURED
    covariance: Floats = field(compare=False, metadata={"json": False})
    draws: Floats = field(compare=False, metadata={"json": False})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCalibration:
    """The cost of one workload's sidecars at its own rates; None if refused.

    Noisy costs are shrunk towards the mesh's mean (partial pooling). `own_share`, 0-1, is the share
    of the slope that comes from the workload's own data. If it is 0, all of the slope comes from
    the other workloads and the provenance is derived.

    A workload with TCP only has the cost of bytes and new connections in place of that of requests.
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
    vcpu_per_gbit_per_second: Interval | None = None
    vcpu_per_1000_new_connections_per_second: Interval | None = None

    @property
    def has_tcp_cost(self) -> bool:
        """Whether its costs are those of TCP, in place of requests."""
        costs = self.vcpu_per_gbit_per_second, self.vcpu_per_1000_new_connections_per_second
        return any(cost is not None for cost in costs)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCalibration:
    """Memory of the mean sidecar: it grows with its configuration, not with requests.

    `idle_gib_per_proxy` is without any configuration. Clusters are Envoy clusters in the
    configuration. Both are None if they cannot be separated.
    """

    gib_per_proxy: Interval
    idle_gib_per_proxy: Interval | None = None
    gib_per_1000_clusters: Interval | None = None
    cluster_count: float | None = None
    proxy_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """The parts of the sidecars' measured CPU, in vcpu averaged over the window.

    measured = idle + traffic + TCP + events + excluded + unexplained, by construction. Excluded are
    samples left out, and workloads that could not be fitted.

    Attributes:
        traffic_vcpu: of requests.
        tcp_vcpu: of bytes and connections of the sidecars that have TCP only; None if no such
            workload has a fit. Their idle CPU is in `idle_vcpu`.
        events_vcpu: of events beside requests, by their name in `calibration.events`: those that
            are terms of the fit.
        filled_vcpu: the part of `excluded_vcpu` that was not seen, and is filled from seen time.
        measured_vcpu_range: the range that this gives to `measured_vcpu`.
    """

    measured_vcpu: float
    idle_vcpu: Interval
    traffic_vcpu: Interval
    tcp_vcpu: Interval | None = None
    events_vcpu: Mapping[str, Interval] = field(default_factory=dict)
    excluded_vcpu: float
    filled_vcpu: float = 0.0
    measured_vcpu_range: Interval

    @property
    def unexplained_vcpu(self) -> float:
        """Measured CPU that the fit does not explain; negative if it predicts too much."""
        explained = self.idle_vcpu.mid + self.traffic_vcpu.mid + self.excluded_vcpu
        explained += sum(vcpu.mid for vcpu in self.events_vcpu.values())
        explained += self.tcp_vcpu.mid if self.tcp_vcpu else 0.0
        return self.measured_vcpu - explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The cost of proxies by role, and what could not be fitted.

    Attributes:
        tcp: of the sidecars whose traffic is TCP; None if there are none with a fit.
        waypoint: measured if the mesh has waypoints with traffic, otherwise derived from sidecars;
            a refusal if neither is possible.
        ztunnel: measured if the mesh has ztunnels with traffic, otherwise published.
        observations: the fitted samples with their prediction (`predicted_vcpu`), for charts.
        timeline: of the sidecars, one row per observed point: start (of the interval, UTC),
            measured_vcpu, predicted_vcpu (of the fitted samples), fitted_vcpu (measured, of the
            same samples), throttled_vcpu, filled_vcpu (not seen, but filled), left_out_vcpu (for
            other reasons), unfitted_vcpu (of workloads without a fit), proxy_rps. measured_vcpu is
            the sum of the five parts. predicted_vcpu is NaN if no sample is fitted at that point,
            proxy_rps if no sidecar is scraped.
    """

    sidecar: RoleCalibration | Refusal
    waypoint: RoleCalibration | Refusal
    ztunnel: RoleCalibration
    memory: MemoryCalibration | Refusal
    workloads: tuple[WorkloadCalibration, ...]
    decomposition: Decomposition
    exclusions: tuple[Exclusion, ...]
    tcp: TcpCalibration | None = None
    observations: pd.DataFrame = field(metadata={"json": False})
    timeline: pd.DataFrame = field(metadata={"json": False})
    refusals: tuple[Refusal, ...] = field(metadata={"json": False})
    warnings: tuple[Finding, ...] = field(metadata={"json": False})
