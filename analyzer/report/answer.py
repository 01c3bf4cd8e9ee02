"""Everything that was found out, together: what every kind of report is made from."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeshLoad
from analyzer.projection.result import Projection
from analyzer.units import Reason, Refusal

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found out; None: that step was not taken.

    Attributes:
        manifest: of the snapshot that was read.
        usage: what it holds.
        load: the traffic in it, or the stated one.
        calibration: what its proxies cost.
        projection: what each mode would cost.
    """

    manifest: Manifest | None = None
    usage: MeshUsage | None = None
    load: MeshLoad | None = None
    calibration: Calibration | None = None
    projection: Projection | None = None

    @property
    def sidecar(self) -> RoleCalibration | None:
        """The fit of the sidecars, if there is one."""
        found = self.calibration and self.calibration.sidecar
        return found if isinstance(found, RoleCalibration) else None

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything that could not be said, each once."""
        parts = [
            *(self.usage.refusals if self.usage else ()),
            *(self.calibration.refusals if self.calibration else ()),
            *(self.projection.refusals if self.projection else ()),
        ]
        if self.usage and not self.usage.clusters:
            parts.append(
                Refusal(
                    subject="number of clusters",
                    reason=Reason.NO_DATA,
                    detail="no label tells clusters apart: give --cluster-label if this "
                    "Prometheus holds more than one",
                )
            )
        return tuple(dict.fromkeys(parts))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong or thin in the data, the most severe first."""
        return self.usage.findings if self.usage else ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything that makes the answer less sure or less complete, each once."""
        parts = [
            *(self.usage.warnings if self.usage else ()),
            *(self.calibration.warnings if self.calibration else ()),
            *(self.projection.warnings if self.projection else ()),
        ]
        return tuple(dict.fromkeys(parts))
