"""From the workloads' lines to one figure for the mesh."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzer.calibration.fit import interval
from analyzer.calibration.observations import Observations
from analyzer.calibration.result import RoleCalibration
from analyzer.calibration.workloads import WorkloadFit, fit_workloads
from analyzer.units import Provenance, Reason, Refusal, Role

__all__ = ["calibrate_role", "predicted"]

MIN_COVERED_SHARE = 0.5
"""Where the fitted workloads carry less of the requests, their mean is not the mesh's."""

TRAINING_SHARE = 0.7
"""Part of the window that the backtest fits on."""


def calibrate_role(
    role: Role, observations: Observations, fits: Sequence[WorkloadFit]
) -> RoleCalibration | Refusal:
    """Weigh the workloads' lines together.

    The slope is weighted by requests, so that it is the realised marginal cost of this mesh's
    traffic; the idle by proxy time. Workloads are independent; within one, idle and slope are not.
    """
    refusal = _refusal(role, observations, fits)
    if refusal:
        return refusal
    sloped = [fit for fit in fits if fit.has_slope]
    rested = [fit for fit in fits if fit.fit is not None]
    rps_weights = _shares([fit.mean_rps if fit.has_slope else 0.0 for fit in rested])
    time_weights = _shares([fit.proxy_time_share for fit in rested])
    mid = np.zeros(2)
    covariances, freedoms = [], []
    for workload, rps_weight, time_weight in zip(rested, rps_weights, time_weights, strict=True):
        if workload.fit is None:  # pragma: no cover - `rested` has only fits
            continue
        weights = np.array([time_weight, rps_weight * 1000])
        model = workload.fit.model
        mid += weights * np.array([model.idle_vcpu, model.vcpu_per_rps])
        covariances.append(np.outer(weights, weights) * workload.fit.covariance)
        freedoms.append(workload.fit.degrees_of_freedom)
    if mid[1] <= 0:
        return Refusal(
            subject=_subject(role),
            reason=Reason.NEGATIVE_SLOPE,
            detail="over all workloads, CPU does not rise with requests by more than its noise: "
            "collect a longer time, or one with more traffic",
        )
    covariance = np.sum(covariances, axis=0)
    idle_freedom, slope_freedom = (
        _freedom([float(part[i, i]) for part in covariances], freedoms) for i in (0, 1)
    )
    rows = observations.rows
    return RoleCalibration(
        role=role,
        vcpu_per_1000_rps=interval(float(mid[1]), float(covariance[1, 1]), slope_freedom),
        idle_vcpu_per_proxy=interval(float(mid[0]), float(covariance[0, 0]), idle_freedom),
        covariance=covariance,
        ratio_vcpu_per_1000_rps=observations.measured_vcpu / observations.measured_rps * 1000,
        model="affine",
        fitted_rps=(
            min(workload.fitted_rps[0] for workload in sloped),
            max(workload.fitted_rps[1] for workload in sloped),
        ),
        r_squared=_r_squared(rows, predicted(rows, fits)),
        backtest_error=_backtest_error(observations),
        sample_count=sum(workload.sample_count for workload in sloped),
        proxy_count=sum(workload.proxy_count for workload in sloped),
        covered_share=sum(workload.mean_rps for workload in sloped)
        / sum(workload.mean_rps for workload in fits),
        provenance=Provenance.MEASURED,
    )


def predicted(rows: pd.DataFrame, fits: Sequence[WorkloadFit]) -> pd.Series:
    """Return the CPU that each row's workload's line gives it; NaN where it has none."""
    known = {(fit.namespace, fit.workload): fit.fit.model for fit in fits if fit.fit is not None}
    index = pd.MultiIndex.from_tuples(known, names=["namespace", "workload"])
    lines = pd.DataFrame(
        {
            "idle_vcpu": [model.idle_vcpu for model in known.values()],
            "vcpu_per_rps": [model.vcpu_per_rps for model in known.values()],
        },
        index=index,
    ).reindex(pd.MultiIndex.from_frame(rows[["namespace", "workload"]]))
    return pd.Series(
        lines["idle_vcpu"].to_numpy() + lines["vcpu_per_rps"].to_numpy() * rows["rps"].to_numpy(),
        index=rows.index,
    )


def _refusal(role: Role, observations: Observations, fits: Sequence[WorkloadFit]) -> Refusal | None:
    subject = _subject(role)
    rps = sum(fit.mean_rps for fit in fits)
    if not fits:
        excluded = ", ".join(
            f"{item.step_count} steps left out because {item.reason}"
            for item in observations.exclusions
        )
        detail = excluded or f"no {role} was seen"
        return Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail)
    if rps == 0:
        return Refusal(
            subject=subject,
            reason=Reason.NO_TRAFFIC,
            detail="no HTTP or gRPC request in the whole window: ask for a time with traffic",
        )
    covered = sum(fit.mean_rps for fit in fits if fit.has_slope) / rps
    if covered >= MIN_COVERED_SHARE:
        return None
    largest = max((fit for fit in fits if not fit.has_slope), key=lambda fit: fit.mean_rps)
    return Refusal(
        subject=subject,
        reason=largest.refusal.reason if largest.refusal else Reason.TOO_FEW_SAMPLES,
        detail=f"only {covered:.0%} of the requests go through workloads that can be fitted; the "
        f"largest that cannot is {largest.namespace}/{largest.workload}: "
        f"{largest.refusal.detail if largest.refusal else 'not fitted'}",
    )


def _subject(role: Role) -> str:
    return f"cost of a request through a {role}"


def _freedom(variances: Sequence[float], freedoms: Sequence[int]) -> float:
    """Return the degrees of freedom of a sum of independent variances (Welch-Satterthwaite).

    Their plain sum would be right only for equal ones: where one workload makes most of the
    uncertainty, the mesh knows it no better than that workload does.
    """
    if not any(variances):
        return sum(freedoms)
    shares = _shares(variances)
    return 1 / sum(share**2 / freedom for share, freedom in zip(shares, freedoms, strict=True))


def _shares(values: Sequence[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]


def _r_squared(rows: pd.DataFrame, prediction: pd.Series) -> float | None:
    """Return the share of variance that the lines explain, of the rows that have one."""
    known = prediction.notna()
    vcpu = rows.loc[known, "cpu_vcpu"]
    spread = float(((vcpu - vcpu.mean()) ** 2).sum())
    if spread == 0:
        return None
    return 1 - float(((vcpu - prediction[known]) ** 2).sum()) / spread


def _backtest_error(observations: Observations) -> float | None:
    """Fit the first part of the window and compare the rest with its prediction."""
    rows = observations.rows
    points = np.unique(rows["point"])
    split = points[int(len(points) * TRAINING_SHARE)]
    training, rest = rows[rows["point"] < split], rows[rows["point"] >= split]
    prediction = predicted(rest, fit_workloads(training, observations.point_count))
    known = prediction.notna()
    actual = float(rest.loc[known, "cpu_vcpu"].sum())
    return float(prediction[known].sum()) / actual - 1 if actual > 0 else None
