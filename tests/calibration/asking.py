"""Asking the calibration about meshes made by hand, one layer at a time."""

from __future__ import annotations

from analyzer.calibration import RoleCalibration, calibrate_usage
from analyzer.calibration.observations import Observations, observe
from analyzer.calibration.panel import Panel
from analyzer.calibration.role import RoleFit, fit_role
from analyzer.calibration.shapes import AFFINE, Shape
from analyzer.calibration.workloads import WorkloadFits, fit_workloads
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Refusal, Role
from tests.calibration.meshes import Fleet, usage_of

__all__ = ["answered", "fits_of", "observed", "panel_of", "refused", "role_of", "sidecar_of"]


def observed(*fleets: Fleet) -> Observations:
    """Return the sidecars' usable steps."""
    return observe(usage_of(*fleets), Role.SIDECAR)


def panel_of(*fleets: Fleet) -> Panel:
    """Return the sidecars' usable steps as arrays."""
    return Panel.of(observed(*fleets).rows)


def fits_of(*fleets: Fleet, shape: Shape = AFFINE) -> WorkloadFits:
    """Return the fits of the workloads, in alphabetical order."""
    return fit_workloads(shape, panel_of(*fleets))


def role_of(*fleets: Fleet) -> RoleFit:
    """Return all that is fitted to the sidecars."""
    return fit_role(Role.SIDECAR, observed(*fleets))


def answered(*fleets: Fleet) -> RoleCalibration:
    """Return what the sidecars cost."""
    answer = role_of(*fleets).calibration
    assert isinstance(answer, RoleCalibration), answer
    return answer


def refused(*fleets: Fleet) -> Refusal:
    """Return why the sidecars' cost cannot be said."""
    answer = role_of(*fleets).calibration
    assert isinstance(answer, Refusal), answer
    assert answer.subject.endswith("of a sidecar")
    return answer


def sidecar_of(usage: MeshUsage) -> RoleCalibration:
    """Return what a whole calibration says of sidecars."""
    answer = calibrate_usage(usage).sidecar
    assert isinstance(answer, RoleCalibration), answer
    return answer
