"""The second step of the program: from a measured mesh to what its proxies cost."""

from collections.abc import Iterator
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
from analyzer.measurement.findings import Finding
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
        warnings=tuple(_warnings(sidecar, decomposition)),
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


def _warnings(
    sidecar: RoleCalibration | Refusal, decomposition: Decomposition
) -> Iterator[Finding]:
    if isinstance(sidecar, RoleCalibration):
        if (sidecar.covered_share or 0) < ALL_REQUESTS_SHARE:
            yield Finding(
                name="partial_fit",
                text=f"The fit covers {100 * (sidecar.covered_share or 0):.0f} % of the sidecars' "
                "requests: the other workloads could not be fitted.",
            )
        missing = sidecar.attenuation_share
        if missing and missing.low > 0 and missing.mid > MAX_ATTENUATION_SHARE:
            yield Finding(
                name="offset_samples",
                text=f"Cost per request is about {100 * missing.mid:.0f} % low: CPU and request "
                "samples are offset in time.",
                fix=f"Use a longer {Setting.STEP}.",
            )
        straight = sidecar.straight_line_idle_vcpu_per_proxy
        if straight is not None and isinstance(sidecar.curve, Power):
            yield Finding(
                name="curved_cost",
                text=f"Requests cost less on busier sidecars ({sidecar.model}): idle CPU is "
                f"{sidecar.idle_vcpu_per_proxy.mid:.3g} vCPU by this curve and {straight:.3g} "
                "by a straight line.",
            )
    share = abs(decomposition.unexplained_vcpu) / max(decomposition.measured_vcpu, 1e-12)
    if share > MAX_UNEXPLAINED_SHARE:
        text = f"The fit does not explain {100 * share:.0f} % of the sidecars' CPU."
        yield Finding(name="unexplained_cpu", text=text)
