"""Calibrations made by hand, so that every answer can be worked out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.calibration.fit.student import joint_draws
from analyzer.calibration.models import Affine
from analyzer.calibration.result import (
    Backtest,
    Calibration,
    Decomposition,
    MemoryCalibration,
    RoleCalibration,
)
from analyzer.units import Interval, Provenance, Reason, Refusal, Role

__all__ = ["calibration", "fit", "no_fit"]

MANY_DEGREES_OF_FREEDOM = 1e6
"""With so many Student's t is the normal distribution."""


def _line(idle: Interval, per_1000_rps: Interval) -> Affine:
    return Affine(idle_vcpu=idle.mid, vcpu_per_rps=per_1000_rps.mid / 1000)


def fit(
    *,
    slope: Interval | None = None,
    idle: Interval | None = None,
    role: Role = Role.SIDECAR,
    covariance: npt.NDArray[np.float64] | None = None,
) -> RoleCalibration:
    """Return a measured fit: 0.3 [0.25-0.35] vCPU per 1000 rps and 0.01 idle, unless told."""
    slope = slope or Interval(low=0.25, mid=0.3, high=0.35)
    idle = idle or Interval(low=0.008, mid=0.01, high=0.012)
    mid = np.array([idle.mid, slope.mid])
    return RoleCalibration(
        role=role,
        vcpu_per_1000_rps=slope,
        idle_vcpu_per_proxy=idle,
        curve=_line(idle, slope),
        model="affine",
        provenance=Provenance.MEASURED,
        draws=None
        if covariance is None
        else joint_draws(mid, covariance, np.full(2, MANY_DEGREES_OF_FREEDOM)),
        ratio_vcpu_per_1000_rps=0.4,
        fitted_rps=(10.0, 500.0),
        r_squared=0.98,
        backtest=Backtest(bias_share=-0.01, error_share=0.03, covered_share=0.9, workload_count=3),
        sample_count=288,
        proxy_count=3,
        covered_share=1.0,
    )


def calibration(
    sidecar: RoleCalibration | Refusal | None = None,
    waypoint: RoleCalibration | Refusal | None = None,
) -> Calibration:
    """Return a calibration; its waypoints are derived from its sidecars, unless given."""
    sidecar = sidecar or fit()
    derived = RoleCalibration(
        role=Role.WAYPOINT,
        vcpu_per_1000_rps=Interval(low=0.25, mid=0.345, high=0.53),
        idle_vcpu_per_proxy=Interval(low=0.008, mid=0.0115, high=0.018),
        curve=Affine(idle_vcpu=0.0115, vcpu_per_rps=0.345e-3),
        model="sidecar x 1.15",
        provenance=Provenance.DERIVED,
        source="a stated ratio",
    )
    return Calibration(
        sidecar=sidecar,
        waypoint=waypoint or derived,
        ztunnel=RoleCalibration(
            role=Role.ZTUNNEL,
            vcpu_per_1000_rps=Interval(low=0.048, mid=0.06, high=0.07),
            idle_vcpu_per_proxy=Interval(low=0.001, mid=0.003, high=0.01),
            curve=Affine(idle_vcpu=0.003, vcpu_per_rps=0.06e-3),
            model="affine",
            provenance=Provenance.PUBLISHED,
            source="a page",
        ),
        workloads=(),
        decomposition=Decomposition(
            measured_vcpu=0.5,
            idle_vcpu=Interval(low=0.09, mid=0.1, high=0.11),
            traffic_vcpu=Interval(low=0.28, mid=0.3, high=0.32),
            excluded_vcpu=0.05,
            measured_vcpu_range=Interval.exactly(0.5),
        ),
        memory=MemoryCalibration(
            gib_per_proxy=Interval(low=0.04, mid=0.05, high=0.06), proxy_count=3
        ),
        observations=pd.DataFrame({"rps": [10.0, 250.0, 500.0], "cpu_vcpu": [0.013, 0.085, 0.16]}),
        exclusions=(),
        timeline=pd.DataFrame(),
        refusals=(sidecar,) if isinstance(sidecar, Refusal) else (),
        warnings=(),
    )


def no_fit(subject: str = "cost of a request through a sidecar") -> Refusal:
    return Refusal(subject=subject, reason=Reason.CONSTANT_TRAFFIC, detail="its rate is steady")
