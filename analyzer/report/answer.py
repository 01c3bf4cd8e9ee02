"""Everything that was found out, together: what every kind of report is made from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.measurement.anonymise import HIDDEN_SOURCE
from analyzer.measurement.findings import Finding
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.demand import MeshLoad
from analyzer.projection.result import Projection
from analyzer.settings import Setting, spelled
from analyzer.units import Reason, Refusal


def reproduce_in_python(manifest: Manifest) -> tuple[str, ...]:
    """Return the lines of Python that measure the same time range again.

    A snapshot that hides names hides its server too, so only the snapshot can be read again.
    """
    if manifest.source == HIDDEN_SOURCE:
        snapshot = ['mesh.load_snapshot("mesh.snapshot")']
    else:
        window, scope = manifest.window, manifest.scope
        arguments = [
            repr(manifest.source),
            f"start=datetime.fromisoformat({window.start.isoformat()!r})",
            f"end=datetime.fromisoformat({window.end.isoformat()!r})",
            f"step_seconds={window.step_seconds}",
        ]
        if scope.namespaces:
            arguments.append(f"namespaces={scope.namespaces!r}")
        if scope.cluster:
            arguments.append(f"cluster={scope.cluster!r}")
            arguments.append(f"cluster_label={manifest.label_mapping.cluster!r}")
        if labels := manifest.question.get("replica_labels"):
            arguments.append(f"replica_labels={tuple(labels)!r}")
        if manifest.question.get("no_rules"):
            arguments.append("no_rules=True")
        snapshot = ["mesh.collect(", *(f"    {argument}," for argument in arguments), ")"]
    return (
        "from datetime import datetime",
        "import analyzer as mesh",
        f"snapshot = {snapshot[0]}",
        *snapshot[1:],
        "projection = mesh.project(snapshot)",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """How a front end spells settings (else as in Python), and how it measures a window again."""

    spelling: Mapping[Setting, str] = field(default_factory=dict)
    reproduce: Callable[[Manifest], tuple[str, ...]] = reproduce_in_python


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found out, of measured or stated load; None: that step was not taken."""

    manifest: Manifest | None = None
    usage: MeshUsage | None = None
    load: MeshLoad | None = None
    calibration: Calibration | None = None
    projection: Projection | None = None
    front_end: FrontEnd = field(default_factory=FrontEnd)

    @property
    def sidecar(self) -> RoleCalibration | None:
        """The fit of the sidecars, if there is one."""
        found = self.calibration and self.calibration.sidecar
        return found if isinstance(found, RoleCalibration) else None

    @property
    def note(self) -> str:
        """The note that was stored with the snapshot; "" where there is none."""
        return self.manifest.note if self.manifest else ""

    @property
    def _steps(self) -> Iterator[MeshUsage | Calibration | Projection]:
        for step in (self.usage, self.calibration, self.projection):
            if step:
                yield step

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Everything that could not be had, each once."""
        parts = [refusal for step in self._steps for refusal in step.refusals]
        if self.usage and not self.usage.clusters:
            detail = (
                "No cluster label found. If this Prometheus holds several clusters, set "
                f"{Setting.CLUSTER_LABEL}."
            )
            subject = "number of clusters"
            parts.append(Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail))
        return tuple(dict.fromkeys(map(self.worded, parts)))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong or thin in the data, the most severe first."""
        return tuple(map(self._spelled, self.usage.findings if self.usage else ()))

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Everything that makes the answer less sure or less complete, each once."""
        parts = (warning for step in self._steps for warning in step.warnings)
        return tuple(dict.fromkeys(map(self._spelled, parts)))

    def _spelled(self, item: Finding) -> Finding:
        return replace(item, text=self.spelled(item.text), fix=self.spelled(item.fix))

    def spelled(self, text: str) -> str:
        """Return a text with its settings as the front end calls them."""
        return spelled(text, self.front_end.spelling)

    def worded(self, refusal: Refusal) -> Refusal:
        """Return a refusal that names settings as the front end does."""
        subject, detail = self.spelled(refusal.subject), self.spelled(refusal.detail)
        return replace(refusal, subject=subject, detail=detail)
