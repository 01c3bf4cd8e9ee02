"""The tool's figures beside the ground truth's own regression, workload by workload."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm

from analyzer.calibration import Calibration, RoleCalibration
from analyzer.calibration.models import Power

__all__ = ["beside_truth", "exponent_of", "truth_by_workload"]


def exponent_of(calibration: Calibration) -> float:
    """Return the power of the request rate that the sidecars' fit is linear in."""
    fit = calibration.sidecar
    assert isinstance(fit, RoleCalibration), fit
    return fit.curve.exponent if isinstance(fit.curve, Power) else 1.0


def truth_by_workload(table: pd.DataFrame, exponent: float) -> pd.DataFrame:
    """Return each workload's own regression of the truth, by statsmodels.

    vCPU on rate ** exponent, each load step weighted by what it predicts (noise grows with CPU),
    so that it is the same law as the tool's; the slope is the marginal cost at its rates.
    """
    rows = []
    for (namespace, workload), steps in table.groupby(["namespace", "workload"]):
        rps, vcpu = steps["rps"].to_numpy(float), steps["vcpu"].to_numpy(float)
        if not rps.any():
            continue
        basis = rps**exponent
        fit = _weighted(basis, vcpu)
        idle, coefficient = fit
        per_1000 = 1000 * coefficient * exponent * basis.sum() / rps.sum()
        rows.append(
            {
                "namespace": namespace,
                "workload": workload,
                "role": steps["role"].iloc[0],
                "truth_idle_vcpu": idle,
                "truth_vcpu_per_1000_rps": per_1000,
            }
        )
    return pd.DataFrame(rows)


def _weighted(basis: np.ndarray, vcpu: np.ndarray) -> tuple[float, float]:
    design = sm.add_constant(basis)
    weights = np.ones_like(vcpu)
    fit = sm.WLS(vcpu, design, weights=weights).fit()
    for _ in range(5):
        predicted = np.maximum(fit.fittedvalues, 1e-3)
        fit = sm.WLS(vcpu, design, weights=predicted**-2.0).fit()
    idle, coefficient = (float(value) for value in fit.params)
    return idle, coefficient


def beside_truth(calibration: Calibration, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the truth of each workload with the tool's figures and their 90 % intervals."""
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
    return truth.merge(fitted, on=["namespace", "workload"])
