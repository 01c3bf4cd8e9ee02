"""From per-proxy steps to what a request costs: idle and slope, with their uncertainty."""

from analyzer.calibration.calibrate import calibrate_usage
from analyzer.calibration.result import Calibration, RoleCalibration, WorkloadCalibration

__all__ = ["Calibration", "RoleCalibration", "WorkloadCalibration", "calibrate_usage"]
