"""The tool's figures beside the ground truth's own regression, workload by workload."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from analyzer.calibration import Calibration
from tests.lab.truth import total_vcpu

__all__ = [
    "TRUTH_BLOCKS",
    "agrees",
    "beside_truth",
    "errors",
    "standard_errors",
    "truth_by_workload",
]

_EXPONENTS: Final = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)

_STANDARD_ERRORS = 3.0
"""Within so many, a fitted coefficient and the true one may differ by chance."""

_STANDARD_ERRORS_IN_A_RANGE = 2 * 1.645
"""A 90 % interval of a normal error is so many standard errors wide."""

TRUTH_BLOCKS: Final = 12
"""Blocks of time that are left out in turn for the standard errors of the truth."""

_CLEARLY_BETTER: Final = 10.0
"""Difference of Schwarz's criterion that is very strong evidence (Kass and Raftery, 1995)."""


def truth_by_workload(table: pd.DataFrame, *, is_shared: bool = False) -> pd.DataFrame:
    """Return each workload's own regression of the truth, by statsmodels.

    vCPU on rate ** exponent, each load step weighted by what it predicts (noise grows with CPU).
    The exponent is one for all and the kernel's data decide on it: a straight line, unless a curve
    is clearly better. The slope is the marginal cost at the observed rates.

    Args:
        table: as `truth_table` returns it.
        is_shared: whether the standard errors allow for noise that lasts and that proxies share, by
            leaving out blocks of time. Else they are those of independent noise.
    """
    exponent = _exponent(table)
    rows = []
    for (namespace, workload), steps in table.groupby(["namespace", "workload"]):
        rps, vcpu = steps["rps"].to_numpy(float), steps["vcpu"].to_numpy(float)
        if not rps.any():
            continue
        basis = rps**exponent
        fit = _weighted(basis, vcpu)
        both = _jackknifed(basis, vcpu, steps["step"].to_numpy()) if is_shared else fit.bse
        (idle, coefficient), (idle_error, error) = map(float, fit.params), map(float, both)
        per_1000 = 1000 * exponent * basis.sum() / rps.sum()
        rows.append(
            {
                "namespace": namespace,
                "workload": workload,
                "role": steps["role"].iloc[0],
                "truth_mean_vcpu": total_vcpu(steps),
                "truth_idle_vcpu": idle,
                "truth_idle_vcpu_error": idle_error,
                "truth_vcpu_per_1000_rps": coefficient * per_1000,
                "truth_vcpu_per_1000_rps_error": error * per_1000,
            }
        )
    return pd.DataFrame(rows)


def errors(table: pd.DataFrame, quantity: str) -> pd.Series:
    """Return by how much each row's figure differs from the truth, as a share of the truth."""
    return (table[quantity] / table[f"truth_{quantity}"] - 1).abs()


def agrees(table: pd.DataFrame, quantity: str) -> pd.Series:
    """Return which rows differ from the truth by no more than chance explains."""
    return standard_errors(table, quantity) <= _STANDARD_ERRORS


def standard_errors(table: pd.DataFrame, quantity: str) -> pd.Series:
    """Return by how many standard errors each row's figure differs from the truth.

    The truth of a short run on a busy machine is itself uncertain: both standard errors count.
    """
    low, high = (table[_end(end, quantity)] for end in ("low", "high"))
    fit_error = (high - low) / _STANDARD_ERRORS_IN_A_RANGE
    by_chance = np.hypot(fit_error, table[f"truth_{quantity}_error"])
    return (table[quantity] - table[f"truth_{quantity}"]).abs() / by_chance


def _end(end: str, quantity: str) -> str:
    return f"idle_{end}_vcpu" if quantity == "idle_vcpu" else f"{end}_{quantity}"


def _exponent(table: pd.DataFrame) -> float:
    """Return the exponent that the truth of all workloads together is best described by."""
    criteria = dict.fromkeys(_EXPONENTS, 0.0)
    for _, steps in table.groupby(["namespace", "workload"]):
        rps, vcpu = steps["rps"].to_numpy(float), steps["vcpu"].to_numpy(float)
        if rps.any():
            for exponent in _EXPONENTS:
                criteria[exponent] += float(_weighted(rps**exponent, vcpu).bic)
    best = min(criteria, key=lambda exponent: criteria[exponent])
    return best if criteria[1.0] - criteria[best] > _CLEARLY_BETTER else 1.0


def _weighted(basis: np.ndarray, vcpu: np.ndarray) -> Any:  # noqa: ANN401 - statsmodels has no types
    # Its import takes seconds, and most who read this module fit nothing.
    import statsmodels.api as sm

    design = sm.add_constant(basis)
    fit = sm.WLS(vcpu, design).fit()
    for _ in range(5):
        predicted = np.maximum(fit.fittedvalues, 1e-3)
        fit = sm.WLS(vcpu, design, weights=predicted**-2.0).fit()
    return fit


def _jackknifed(basis: np.ndarray, vcpu: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return standard errors by leaving out blocks of time. A step at rest may alone fix idle."""
    blocks = [np.isin(step, block) for block in np.array_split(np.unique(step), TRUTH_BLOCKS)]
    fits = np.array([_weighted(basis[~block], vcpu[~block]).params for block in blocks])
    count = len(blocks)
    variances = (count - 1) / count * ((fits - fits.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt(variances))


def beside_truth(calibration: Calibration, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the truth of each workload beside the tool's figures with their 90 % intervals."""
    fitted = pd.DataFrame(
        [
            {
                "namespace": item.namespace,
                "workload": item.workload,
                "idle_vcpu": item.idle_vcpu_per_proxy.mid,
                "idle_low_vcpu": item.idle_vcpu_per_proxy.low,
                "idle_high_vcpu": item.idle_vcpu_per_proxy.high,
                "vcpu_per_1000_rps": item.vcpu_per_1000_rps.mid,
                "low_vcpu_per_1000_rps": item.vcpu_per_1000_rps.low,
                "high_vcpu_per_1000_rps": item.vcpu_per_1000_rps.high,
            }
            for item in calibration.workloads
            if item.idle_vcpu_per_proxy is not None and item.vcpu_per_1000_rps is not None
        ]
    )
    rows = calibration.observations
    points = rows["point"].nunique()
    predicted = rows.groupby(["namespace", "workload"], observed=True)["predicted_vcpu"].sum()
    means = (predicted / points).rename("predicted_mean_vcpu").reset_index()
    return truth.merge(fitted, on=["namespace", "workload"]).merge(
        means.astype({"namespace": str, "workload": str}), on=["namespace", "workload"]
    )
