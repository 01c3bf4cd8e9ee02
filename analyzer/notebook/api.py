"""The four steps, each one call."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from analyzer import measurement
from analyzer.calibration import Calibration
from analyzer.data import DEFAULT_SAMPLE, sample_path
from analyzer.defaults import DEFAULT_DAYS
from analyzer.measurement.collect import Progress
from analyzer.measurement.snapshot import Snapshot
from analyzer.notebook.results import MeshCalibration, MeshProjection, MeshSnapshot
from analyzer.projection import Scenario, default_scenario, load_scenario, project_usage
from analyzer.prometheus.credentials import Access
from analyzer.report.answer import Answer


def collect(  # noqa: PLR0913 - one keyword for each part of the question
    url: str | Access,
    *,
    days: float = DEFAULT_DAYS,
    end: datetime | None = None,
    namespaces: Sequence[str] | str = (),
    path: Path | str | None = None,
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> MeshSnapshot:
    """Measure the mesh behind a Prometheus.

    Args:
        url: its address, or an `Access` with credentials. A plain address takes them from the
            environment (PROMETHEUS_TOKEN, PROMETHEUS_USERNAME, PROMETHEUS_PASSWORD).
        days: how long a time to look at.
        end: where it ends (aware); now, if None.
        namespaces: a regular expression, or several; all, if empty.
        path: the folder to make, or one that answers the same question; a temporary one, if None.
        force: replace the snapshot in `path`, whichever its question.
        on_progress: called after each answer.

    Raises:
        AnalyzerError: see `measurement.collect.collect_snapshot`.

    >>> import analyzer as mesh
    >>> snapshot = mesh.collect(url, days=0.05, end=end)
    >>> snapshot.steps.columns[:3].tolist()
    ['proxy', 'point', 'cpu_vcpu']
    """
    return MeshSnapshot(
        measurement.collect(
            url,
            days=days,
            end=end,
            namespaces=(namespaces,) if isinstance(namespaces, str) else tuple(namespaces),
            path=None if path is None else Path(path),
            force=force,
            on_progress=on_progress,
        )
    )


def load_snapshot(path: Path | str) -> MeshSnapshot:
    """Open a snapshot that `istio-usage collect` or `collect` has written.

    The folder that `istio-usage analyze -o` has written will do as well.

    Raises:
        SnapshotError: if it is missing, incomplete, damaged or of a newer schema.

    >>> import analyzer as mesh
    >>> from analyzer.data import sample_path
    >>> mesh.load_snapshot(sample_path("fleet")).usage.window.step_seconds
    600
    """
    return MeshSnapshot(measurement.load_snapshot(path))


def load_sample(name: str = DEFAULT_SAMPLE) -> MeshSnapshot:
    """Open a bundled snapshot: `lab`, of real Envoys, or `fleet`, of a larger simulated mesh.

    Raises:
        UsageError: if there is none of that name.

    >>> import analyzer as mesh
    >>> mesh.load_sample("fleet").proxies["role"].value_counts().to_dict()
    {'sidecar': 160, 'gateway': 2}
    """
    return load_snapshot(sample_path(name))


def calibrate(snapshot: Snapshot | MeshSnapshot) -> MeshCalibration:
    """Return what the proxies in a snapshot cost.

    Raises:
        InsufficientData: if it holds no CPU of any proxy.

    >>> import analyzer as mesh
    >>> calibration = mesh.calibrate(mesh.load_sample("fleet"))
    >>> round(calibration.sidecar.vcpu_per_1000_rps.mid, 2)
    0.35
    """
    return MeshSnapshot.of(snapshot).calibrated


def project(
    snapshot: Snapshot | MeshSnapshot,
    calibration: Calibration | MeshCalibration,
    scenario: Scenario | Path | str | Mapping[str, object] | None = None,
    *,
    node_count: int | None = None,
) -> MeshProjection:
    """Return what each mode costs for the traffic in a snapshot.

    Args:
        snapshot: what was measured.
        calibration: what its proxies cost.
        scenario: what to assume where that holds nothing: a `Scenario`, the path of a TOML file,
            or the assumptions to change, by name; the defaults, if None.
        node_count: number of nodes, where it is known better than Prometheus does.

    Raises:
        UsageError: if the scenario says what it may not.
        InsufficientData: if what was measured cannot answer the scenario.

    >>> import analyzer as mesh
    >>> snapshot = mesh.load_sample("fleet")
    >>> projection = mesh.project(snapshot, mesh.calibrate(snapshot), {"vcpu_month_usd": 30})
    >>> [mode.name for mode in projection.modes]
    ['sidecar', 'ambient-l4', 'ambient-waypoint', 'ambient-waypoint-all']
    """
    usage = None
    if isinstance(calibration, MeshCalibration):
        if calibration.answer.manifest == snapshot.manifest:
            # What was measured for the calibration need not be read again.
            usage = calibration.answer.usage
        calibration = calibration.result
    usage = usage or MeshSnapshot.of(snapshot).usage
    result = project_usage(usage, calibration, _scenario(scenario), node_count=node_count)
    answer = Answer(
        manifest=snapshot.manifest,
        usage=usage,
        load=result.load,
        calibration=calibration,
        projection=result,
    )
    return MeshProjection(result=result, answer=answer)


def _scenario(scenario: Scenario | Path | str | Mapping[str, object] | None) -> Scenario:
    if scenario is None:
        return default_scenario()
    if isinstance(scenario, Scenario):
        return scenario
    if isinstance(scenario, Mapping):
        return default_scenario().changed("the scenario", scenario)
    return load_scenario(Path(scenario))
