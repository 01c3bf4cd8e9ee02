"""From the samples of one role's proxies to the cost of one proxy."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analyzer.arrays import Floats
from analyzer.calibration import corrections
from analyzer.calibration.backtest import backtest
from analyzer.calibration.choice import Choice, choose, sharpened
from analyzer.calibration.event_terms import with_events
from analyzer.calibration.fit import attenuation, student
from analyzer.calibration.fit.attenuation import Attenuation
from analyzer.calibration.fit.partial_pooling import Pooled
from analyzer.calibration.judge import range_factor, residual_correlation
from analyzer.calibration.mesh import MeshCurve, cost_of_each, mesh_curve
from analyzer.calibration.node_kinds import cpu_of_kinds, with_node_factors
from analyzer.calibration.observations import NodeFactors, Observations
from analyzer.calibration.panel import MOST_ROWS, Panel
from analyzer.calibration.result import Candidate, RoleCalibration
from analyzer.calibration.shapes import AFFINE, left_out
from analyzer.calibration.within_pods import PodComparison, compare
from analyzer.calibration.workloads import WorkloadFits, fit_workloads, pool_workloads
from analyzer.units import Interval, Provenance, Reason, Refusal, Role, in_percent

MIN_COVERED_SHARE = 0.5
"""Least share of the requests in fitted workloads: below it, their mean is not the mesh's."""

BURSTY = 0.5
"""Mean change of requests from one step to the next, over their mean, from which load is bursty:
even load changes by a tenth."""

_MOST_STEEPER = 4.0
"""Times by which a range is widened at most: beyond, the fit shows nothing."""

BURSTY_ATTENUATION_SHARE = 0.03
BURSTY_R_SQUARED = 0.8
"""Share by which the slope may be too low, and least share of variance explained, of a fit to
bursty load that is not doubtful."""

ON_AND_OFF = 0.7
ON_AND_OFF_R_SQUARED = 0.95
"""Mean change of requests, from which they hide noise of the CPU, and the least share explained
within workloads then: bursts that are whole leave less than half of that."""

MOST_ATTENUATION_SHARE = 0.5
"""Share by which the slope may be too low, from which any fit is doubtful, and this share too."""

MIN_SIDECARS = 2
"""One sidecar does not show how the others differ, and its figure would be used for them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """The fits of a role's workloads: each alone, and pooled."""

    workloads: WorkloadFits
    pooled: Pooled
    costs: Pooled  # the same, with what flattens their slopes corrected
    straight_idle_vcpu: Floats | None  # (g,): idle by straight lines, where a curve is fitted
    choice: Choice
    attenuation: Attenuation | None  # share by which the slopes are too low
    beside: float  # the same, by the steps beside each
    mesh: MeshCurve | None
    pods: PodComparison
    node_factors: NodeFactors | None

    @property
    def missing(self) -> Interval | None:
        """The share by which the mean of the slopes is too low."""
        return None if self.attenuation is None else self.attenuation.whole

    @cached_property
    def is_split(self) -> bool:
        """Whether CPU and requests of bursts are in different steps too often."""
        return _is_split(self.workloads, self.missing, self.beside)

    @property
    def correctable(self) -> Interval | None:
        """The share that is missing, if the fit is not doubtful; None if it is, or not known."""
        return None if self.is_split else self.missing

    def corrected(self, mesh: MeshCurve | None) -> MeshCurve | None:
        """Return the mean of the workloads with its corrections."""
        if mesh is None:
            return None
        raised = corrections.of_attenuation(mesh, self.correctable)
        left_out = corrections.of_unexplained(mesh, self.workloads)
        extra = raised.covariance + left_out + self.choice.covariance
        if self.node_factors:
            extra = extra + self.node_factors.covariance
        return mesh.adjusted(move=raised.change, extra=extra)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoleFit:
    """A role's cost, or why there is none, and the fits behind it; None without samples."""

    calibration: RoleCalibration | Refusal
    fitted: Fitted | None = None


def fit_role(role: Role, observations: Observations) -> RoleFit:
    """Choose a shape, fit every workload, and take their weighted mean."""
    if observations.rows.empty:
        detail = observations.why_excluded or f"The data has no {role}."
        return RoleFit(calibration=_refusal(role, Reason.NO_DATA, detail))
    panel = Panel.of(observations.rows)
    fits = straight = fit_workloads(AFFINE, panel)
    observations = with_events(straight, with_node_factors(straight, observations))
    if observations.events or observations.node_factors:
        panel = Panel.of(observations.rows, *observations.terms)
        fits = straight = fit_workloads(AFFINE, panel, _weights(straight))
    pods = compare(straight)
    if pods.within:
        fits = straight = fit_workloads(pods.shape, panel, _weights(straight))
    choice = choose(panel, straight.robust, pods.within)
    if choice.shape != straight.shape:
        fits = fit_workloads(choice.shape, panel, _weights(straight))
        choice = sharpened(choice, panel, fits.robust)
        if choice.shape != fits.shape:
            fits = fit_workloads(choice.shape, panel, _weights(fits))
    straight_idle = None if fits is straight else straight.curves[:, 0]
    del straight
    pooled = pool_workloads(fits)
    fitted = Fitted(
        workloads=fits,
        pooled=pooled,
        costs=pooled,
        straight_idle_vcpu=straight_idle,
        choice=choice,
        attenuation=corrections.missing_share(fits),
        beside=_beside(fits),
        mesh=mesh_curve(fits, pooled),
        pods=pods,
        node_factors=observations.node_factors,
    )
    if fitted.mesh is not None:
        each = None if fitted.is_split else fitted.attenuation
        costs = corrections.of_each(fits, pooled, each)
        fitted = replace(fitted, mesh=fitted.corrected(fitted.mesh), costs=costs)
    return RoleFit(calibration=_figure(role, observations, fitted), fitted=fitted)


def _figure(role: Role, observations: Observations, fitted: Fitted) -> RoleCalibration | Refusal:
    """Return the mean cost of the role's workloads, or why there is none."""
    fits, mesh = fitted.workloads, fitted.mesh
    filled = observations.filled.iloc[fits.panel.numbers]
    if filled["count"].any():
        # The account adds up over fitted samples; the mean is that of the whole window.
        unseen = filled["count"].to_numpy(float), filled["rps"].to_numpy(float)
        mesh = fitted.corrected(mesh_curve(fits, fitted.pooled, unseen))
    rps = fits.panel.workloads.sum(fits.panel.rps)
    if rps.sum() == 0:
        detail = "No HTTP or gRPC request in the whole window. Collect a window with traffic."
        return _refusal(role, Reason.NO_TRAFFIC, detail)
    covered = float(rps[fits.has_slope].sum() / rps.sum())
    if mesh is None or covered < MIN_COVERED_SHARE:
        number = int(np.argmax(np.where(fits.has_slope, -1.0, rps)))
        namespace, workload = observations.workloads.iloc[fits.panel.numbers[number]]
        obstacle = fits.obstacles[number]
        known = f"Only {in_percent(covered)} of the requests are" if covered else "No requests are"
        detail = (
            f"{known} in workloads that can be fitted. The largest without a fit is "
            f"{namespace}/{workload}. {obstacle.detail}"
        )
        return _refusal(role, obstacle.reason, detail)
    if role == Role.SIDECAR and fits.panel.proxy_counts[fits.has_slope].sum() < MIN_SIDECARS:
        detail = f"Only 1 sidecar has traffic: the mean of a mesh needs at least {MIN_SIDECARS}."
        return _refusal(role, Reason.TOO_FEW_PROXIES, detail)
    if mesh.mid[1] <= 0:
        detail = (
            "Over all workloads, the rise of CPU with requests is hidden by noise. Collect a "
            "longer window, or one with more traffic."
        )
        return _refusal(role, Reason.NEGATIVE_SLOPE, detail)
    return _calibration(role, observations, fitted, mesh)


def _weights(fits: WorkloadFits) -> tuple[Floats, Floats]:
    """Return the weights that a similar fit starts from."""
    return fits.robust.variance_weights, fits.robust.robust_weights


def _doubtful(
    slope: Interval, missing: Interval | None, beside: float, r_squared: float | None
) -> Interval:
    """Return the range of a slope to split bursts, which may be too low or too high.

    The line of x against y is the steepest that errors of the requests leave possible: slope / r^2
    (Frisch). Of few bursts, as many may be split the other way. `beside` is the rise by the steps
    beside each.
    """
    explained = max(r_squared or 1.0, 1 / _MOST_STEEPER)
    by_longer_steps = missing.high if missing and missing.low > 0 else 0.0
    by_other_steps = slope.high * (1 + max(by_longer_steps, beside))
    high = max(slope.high / explained, min(by_other_steps, slope.high * _MOST_STEEPER))
    return replace(slope, low=slope.low * explained, high=high)


def _is_split(fits: WorkloadFits, missing: Interval | None, beside: float) -> bool:
    """Return whether CPU and requests of bursts are in different steps too often."""
    panel = fits.panel
    share = missing.mid if missing and missing.low > 0 else 0.0
    same = np.diff(panel.point) == 1
    same[panel.proxies.starts[1:] - 1] = False
    steps = np.diff(panel.rps)[same]
    change = float(np.abs(steps, out=steps).sum())
    rps = float(panel.rps[1:][same].sum())
    if share > MOST_ATTENUATION_SHARE or change <= BURSTY * rps:
        return share > MOST_ATTENUATION_SHARE
    is_weak = max(share, beside) > BURSTY_ATTENUATION_SHARE
    is_weak |= (fits.r_squared or 1.0) < BURSTY_R_SQUARED
    is_loose = (fits.r_squared_within or 1.0) < ON_AND_OFF_R_SQUARED
    return is_weak or (change > ON_AND_OFF * rps and is_loose)


def _beside(fits: WorkloadFits) -> float:
    """Return the share by which the steps beside raise the slopes."""
    panel = fits.panel
    steps = fits.shape.basis(panel), fits.levelled_vcpu, panel.point
    course = attenuation.Course(*steps, panel.workloads, panel.proxies)
    chosen = fits.has_slope & panel.workloads.largest(panel.workloads.sum(panel.rps), MOST_ROWS)
    return attenuation.neighbours_share(course, chosen)


def _refusal(role: Role, reason: Reason, detail: str) -> Refusal:
    return Refusal(subject=f"cost per request of a {role}", reason=reason, detail=detail)


def _calibration(
    role: Role, observations: Observations, fitted: Fitted, mesh: MeshCurve
) -> RoleCalibration:
    fits = fitted.workloads
    panel, own = fits.panel, fits.has_slope
    per_workload = panel.workloads.sum(panel.rps)
    requests = float(per_workload.sum())
    missing, is_split = fitted.missing, fitted.is_split
    is_corrected = corrections.matters(fitted.correctable)
    test = backtest(fits.shape, observations, fits.fit.variance_weights, is_corrected=is_corrected)
    factor = range_factor(test)
    # Evenly likely anywhere between both costs, for idle and slope together.
    doubt = np.outer(mesh.mid, mesh.mid) * observations.doubt_share**2 / 3
    mesh = mesh.adjusted(extra=doubt, factor=factor)
    idle, slope = mesh.intervals
    if is_split:
        slope = _doubtful(slope, missing, fitted.beside, fits.r_squared_within)
    straight = fitted.straight_idle_vcpu
    rates = panel.workloads.lowest(panel.rps)[own], panel.workloads.highest(panel.rps)[own]
    return RoleCalibration(
        role=role,
        vcpu_per_1000_rps=slope,
        idle_vcpu_per_proxy=idle,
        curve=mesh.curve,
        draws=student.joint_draws(mesh.mid, mesh.covariance, mesh.degrees_of_freedom),
        ratio_vcpu_per_1000_rps=observations.measured_vcpu / observations.measured_rps * 1000,
        model=fits.shape.name,
        candidates=tuple(
            Candidate(model=shape.name, error=error, standard_error=standard_error)
            for shape, error, standard_error in fitted.choice.scores
        ),
        operating_rps=float((panel.rps**2).sum()) / requests,
        fitted_rps=(float(rates[0].min()), float(rates[1].max())),
        cost_of_each=cost_of_each(fits),
        cpu_of_node_kinds=cpu_of_kinds(observations.node_kinds, fitted.node_factors),
        remarks=left_out(panel, own) if role == Role.SIDECAR else (),
        straight_line_idle_vcpu_per_proxy=(
            None if straight is None else float(mesh.idle_weights @ straight)
        ),
        attenuation_share=None if missing and missing.mid > MOST_ATTENUATION_SHARE else missing,
        attenuation_applied_share=corrections.applied_share(fitted.correctable),
        is_split=is_split,
        residual_correlation=residual_correlation(panel, fits.fit),
        range_factor=factor,
        r_squared=fits.r_squared,
        backtest=test,
        sample_count=int(panel.workloads.lengths[own].sum()),
        proxy_count=int(panel.proxy_counts[own].sum()),
        covered_share=float(per_workload[own].sum()) / requests,
        provenance=Provenance.MEASURED,
    )
