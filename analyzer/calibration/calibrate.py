"""The second step of the program: from a measured mesh to what its proxies cost."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration import summary
from analyzer.calibration.memory import fit_memory
from analyzer.calibration.models import Power
from analyzer.calibration.observations import Observations, observe
from analyzer.calibration.result import Calibration, Decomposition, RoleCalibration
from analyzer.calibration.role import fit_role
from analyzer.calibration.ztunnel import fit_ztunnels
from analyzer.data import assumptions
from analyzer.measurement.usage import MeshUsage
from analyzer.settings import Setting
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

MAX_UNEXPLAINED_SHARE = 0.03
"""Share of the measured CPU that the fit may leave unexplained without a warning."""

MAX_ATTENUATION_SHARE = 0.03
"""Share that the slope may surely be too low by without a warning."""

ALL_REQUESTS_SHARE = 0.995
"""Share of the requests that rounds to all of them: a warning would contradict itself."""


def calibrate_usage(usage: MeshUsage) -> Calibration:
    """Return what the proxies of a measured mesh cost."""
    observations = observe(usage, Role.SIDECAR)
    role = fit_role(Role.SIDECAR, observations)
    sidecar, fitted, memory = role.calibration, role.fitted, fit_memory(usage)
    decomposition = summary.decompose(fitted, observations)
    predicted = summary.predicted_vcpu(fitted) if fitted else np.zeros(0)
    return Calibration(
        sidecar=sidecar,
        waypoint=_waypoint(usage, sidecar),
        ztunnel=fit_ztunnels(observe(usage, Role.ZTUNNEL)),
        memory=memory,
        workloads=tuple(summary.workload_calibrations(fitted, observations)) if fitted else (),
        decomposition=decomposition,
        observations=_named(observations, predicted),
        exclusions=observations.exclusions,
        timeline=summary.timeline(usage, observations, predicted),
        refusals=(
            *(item for item in (sidecar, memory) if isinstance(item, Refusal)),
            *(summary.refused_workloads(fitted, observations) if fitted else ()),
        ),
        warnings=_warnings(sidecar, decomposition),
    )


def _named(observations: Observations, predicted: Floats) -> pd.DataFrame:
    """Return the fitted steps with their namespace, workload and prediction."""
    rows, names = observations.rows, {}
    for column in ("namespace", "workload"):
        codes, categories = pd.factorize(observations.workloads[column])
        names[column] = pd.Categorical.from_codes(codes[rows["workload"]], categories)
    return rows.assign(**names, predicted_vcpu=predicted)


def _waypoint(usage: MeshUsage, sidecar: RoleCalibration | Refusal) -> RoleCalibration | Refusal:
    """Measure waypoints where the mesh has them; else derive them from its sidecars."""
    measured = fit_role(Role.WAYPOINT, observe(usage, Role.WAYPOINT)).calibration
    if isinstance(measured, RoleCalibration):
        return measured
    if isinstance(sidecar, Refusal):
        detail = f"no waypoint could be fitted ({measured.detail}), and no sidecar either"
        return replace(measured, reason=Reason.NO_DATA, detail=detail)
    ratio = assumptions()["waypoint_to_sidecar_ratio"]
    return RoleCalibration(
        role=Role.WAYPOINT,
        vcpu_per_1000_rps=_product(sidecar.vcpu_per_1000_rps, ratio.value),
        idle_vcpu_per_proxy=_product(sidecar.idle_vcpu_per_proxy, ratio.value),
        curve=sidecar.curve.scaled(ratio.value.mid),
        operating_rps=sidecar.operating_rps,
        fitted_rps=sidecar.fitted_rps,
        model=f"{ratio.value.mid:g} x sidecar ({sidecar.model})",
        provenance=Provenance.DERIVED,
        source=f"{ratio.source}; not measured: {measured.detail}",
        not_measured=measured,
    )


def _product(one: Interval, other: Interval) -> Interval:
    """Multiply ends by ends: wider than 90 % where the two are independent."""
    return Interval(low=one.low * other.low, mid=one.mid * other.mid, high=one.high * other.high)


def _warnings(sidecar: RoleCalibration | Refusal, decomposition: Decomposition) -> tuple[str, ...]:
    warnings = []
    if isinstance(sidecar, RoleCalibration):
        if (sidecar.covered_share or 0) < ALL_REQUESTS_SHARE:
            warnings.append(
                f"the fit speaks for {sidecar.covered_share:.0%} of the sidecars' requests: "
                "the other workloads could not be fitted"
            )
        missing = sidecar.attenuation_share
        if missing and missing.low > 0 and missing.mid > MAX_ATTENUATION_SHARE:
            warnings.append(
                f"the slope is some {missing.mid:.0%} too low: CPU and requests are not counted "
                f"at the same moments, and the steps are short against that ({Setting.STEP})"
            )
        straight = sidecar.straight_line_idle_vcpu_per_proxy
        if straight is not None and isinstance(sidecar.curve, Power):
            warnings.append(
                f"the busier a sidecar, the less a request costs ({sidecar.model}): a straight "
                f"line would put its idle at {straight:.3g} vCPU, and the fit puts it at "
                f"{sidecar.idle_vcpu_per_proxy.mid:.3g}"
            )
    share = abs(decomposition.unexplained_vcpu) / max(decomposition.measured_vcpu, 1e-12)
    if share > MAX_UNEXPLAINED_SHARE:
        warnings.append(f"{share:.0%} of the sidecars' CPU is not explained by the fit")
    return tuple(warnings)
