"""From samples of each proxy to idle CPU and cost per request, with their uncertainty."""

from analyzer.calibration.calibrate import calibrate_usage
from analyzer.calibration.result import Calibration, RoleCalibration, WorkloadCalibration

__all__ = ["Calibration", "RoleCalibration", "WorkloadCalibration", "calibrate_usage"]
