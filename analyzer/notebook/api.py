"""The four steps, each one call."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, Unpack

from analyzer import measurement
from analyzer.calibration import Calibration
from analyzer.comparison.compare import compare as compare_snapshots
from analyzer.data import sample_path
from analyzer.defaults import DEFAULT_DAYS, DEFAULT_SAMPLE
from analyzer.errors import InsufficientData
from analyzer.measurement.collect import Progress, collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.same import refuse_same
from analyzer.measurement.snapshot import Snapshot
from analyzer.notebook.calibration import MeshCalibration
from analyzer.notebook.comparison import MeshComparison
from analyzer.notebook.meshes import ManyProjections
from analyzer.notebook.projection import MeshProjection
from analyzer.notebook.snapshot import MeshSnapshot
from analyzer.projection import (
    Scenario,
    default_scenario,
    hypothetical_scenario,
    load_scenario,
    project_usage,
)
from analyzer.projection.stated import load_meshes
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.promql import Scope
from analyzer.report.answer import Answer, FrontEnd
from analyzer.report.migration import ComparisonReport
from analyzer.report.several import of_measured, of_stated
from analyzer.units import Refusal


class Credentials(TypedDict, total=False):
    """How to authenticate to a server; as in `Access.parse`, which has the environment as well."""

    token_file: Path | str
    username: str
    password_file: Path | str
    headers: Sequence[str]
    ca_file: Path | str
    client_certificate: Path | str
    client_key: Path | str
    timeout_seconds: int
    deadline_seconds: int
    max_answer_mib: int


_FILES = ("token_file", "password_file", "ca_file", "client_certificate", "client_key")


def collect(  # noqa: PLR0913 - one keyword for each setting
    url: str | Access,
    *,
    days: float = DEFAULT_DAYS,
    start: datetime | None = None,
    end: datetime | None = None,
    step_seconds: int | None = None,
    namespaces: Sequence[str] | str = (),
    cluster: str = "",
    cluster_label: str | None = None,
    replica_labels: Sequence[str] | str = (),
    no_rules: bool = False,
    hide_names: bool = False,
    note: str = "",
    path: Path | str | None = None,
    force: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    **credentials: Unpack[Credentials],
) -> MeshSnapshot:
    """Measure the mesh behind a Prometheus.

    Args:
        url: its address, or an `Access` with credentials. A plain address takes them from
            `credentials` or the environment (PROMETHEUS_TOKEN, PROMETHEUS_USERNAME,
            PROMETHEUS_PASSWORD).
        days: length of the time range, if there is no `start`.
        start: start of the time range, with a time zone.
        end: end of the time range, with a time zone; now, if None.
        step_seconds: length of one step; at least 5 minutes and 10 scrapes, if None.
        namespaces: a regular expression, or several; all namespaces, if empty.
        cluster: only the cluster with this value of the cluster label.
        cluster_label: label that identifies clusters; detected, if None.
        replica_labels: label, or labels, that differ between copies of a series; others are
            detected.
        no_rules: read raw samples, even where recording rules have the answer.
        hide_names: replace names of clusters, namespaces, workloads, pods and nodes by hashes.
        note: sentence to store in the snapshot and show in every answer.
        path: folder for the snapshot, or one that answers the same question; a temporary one, if
            None.
        force: replace the snapshot in `path`, whichever its question.
        on_progress: called after each answer.
        credentials: `token_file`, `username`, `password_file`, `headers` ("Name: value"),
            `ca_file`, `client_certificate`, `client_key`, `timeout_seconds`, `deadline_seconds` for
            all requests together, `max_answer_mib`.

    Raises:
        AnalyzerError: see `measurement.collect.collect_snapshot`.
        TypeError: if `url` is an `Access` and there are `credentials` as well.

    >>> import analyzer as mesh
    >>> snapshot = mesh.collect(url, days=0.05, end=end)
    >>> snapshot.steps.columns[:3].tolist()
    ['proxy', 'point', 'cpu_vcpu']
    """
    access = _access(url, credentials)
    labels = (replica_labels,) if isinstance(replica_labels, str) else tuple(replica_labels)
    patterns = (namespaces,) if isinstance(namespaces, str) else tuple(namespaces)
    ask = Ask(
        source=access.url,
        tenant=access.tenant,
        scope=Scope(namespaces=patterns, cluster=cluster),
        days=days,
        start=start,
        end=end,
        step_seconds=step_seconds,
        cluster_label=cluster_label,
        replica_labels=labels,
        no_rules=no_rules,
        hide_names=hide_names,
        note=note,
    )
    folder = Path(tempfile.mkdtemp(prefix="istio-usage-")) / "snapshot" if path is None else path
    with Connection(access) as source:
        now = datetime.now(UTC)
        return MeshSnapshot(
            collect_snapshot(
                source, ask, Path(folder), now=now, force=force, on_progress=on_progress
            )
        )


def _access(url: str | Access, credentials: Credentials) -> Access:
    if isinstance(url, Access):
        if credentials:
            raise TypeError(f"{', '.join(credentials)}: put credentials into the Access")
        return url
    given = {
        name: Path(value) if name in _FILES else tuple(value) if name == "headers" else value  # type: ignore[arg-type]
        for name, value in credentials.items()
        if value is not None
    }
    return Access.parse(url, **given)  # type: ignore[arg-type]


def load_snapshot(path: Path | str) -> MeshSnapshot:
    """Open a snapshot that `istio-usage collect` or `collect` wrote.

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
    """Open a bundled snapshot: `lab` (real Envoys) or `fleet` (larger, simulated).

    Raises:
        UsageError: if there is no sample of that name.

    >>> import analyzer as mesh
    >>> mesh.load_sample("fleet").proxies["role"].value_counts().to_dict()
    {'sidecar': 160, 'gateway': 2}
    """
    return load_snapshot(sample_path(name))


def calibrate(snapshot: Snapshot | MeshSnapshot) -> MeshCalibration:
    """Fit the cost per request and the idle CPU of the proxies in a snapshot.

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
    calibration: Calibration | MeshCalibration | None = None,
    scenario: Scenario | Path | str | Mapping[str, object] | None = None,
    *,
    node_count: int | None = None,
    force_short: bool = False,
) -> MeshProjection:
    """Price each mode for the traffic in a snapshot.

    Args:
        snapshot: what was measured.
        calibration: the costs of its proxies; fitted from the snapshot, if None.
        scenario: assumptions that replace the defaults: a `Scenario`, the path of a TOML file, or
            values by name. `istio-usage project --show-scenario` prints all names.
        node_count: overrides the detected node count.
        force_short: recommends requests of sidecars also from less than a day.

    Raises:
        UsageError: if the scenario has an unknown name or a wrong value.
        InsufficientData: if the snapshot cannot answer the scenario.

    >>> import analyzer as mesh
    >>> projection = mesh.project(mesh.load_sample("fleet"), scenario={"vcpu_month_usd": 30})
    >>> [mode.name for mode in projection.modes]
    ['sidecar', 'sidecar-rightsized', 'ambient-l4', 'ambient-waypoint', 'ambient-waypoint-all']
    """
    measured = MeshSnapshot.of(snapshot)
    usage = None
    if calibration is None:
        calibration = measured.calibrated
    if isinstance(calibration, MeshCalibration):
        if calibration.answer.manifest == snapshot.manifest:
            # The calibration has already read it.
            usage = calibration.answer.usage
        calibration = calibration.result
    if not isinstance(calibration, Calibration):
        raise TypeError("the second argument is `calibration`: give assumptions as `scenario`")
    usage = usage or measured.usage
    result = project_usage(
        usage,
        calibration,
        _scenario(scenario, default_scenario()),
        node_count=node_count,
        force_short=force_short,
    )
    answer = Answer(
        manifest=snapshot.manifest,
        usage=usage,
        load=result.load,
        calibration=calibration,
        projection=result,
    )
    return MeshProjection(result=result, answer=answer)


def compare(
    before: Snapshot | MeshSnapshot,
    after: Snapshot | MeshSnapshot,
    scenario: Scenario | Path | str | Mapping[str, object] | None = None,
) -> MeshComparison:
    """Compare a prediction with the measurement after a migration.

    Args:
        before: a snapshot with sidecars.
        after: a snapshot of the same mesh with ztunnels, after some or all namespaces have moved.
        scenario: assumptions of the prediction, as in `project`.

    Raises:
        UsageError: if the scenario has an unknown name or a wrong value.
        InsufficientData: if the two cannot be compared, with the reason.

    >>> import analyzer as mesh
    >>> comparison = mesh.compare(before, after)
    >>> comparison.result.total.is_within_at_after
    True
    """
    first, second = MeshSnapshot.of(before), MeshSnapshot.of(after)
    found = compare_snapshots(
        first.snapshot, second.snapshot, _scenario(scenario, default_scenario())
    )
    if isinstance(found, Refusal):
        raise InsufficientData(str(found))
    report = ComparisonReport(comparison=found, before=first.manifest, after=second.manifest)
    return MeshComparison(result=found, report=report)


def project_meshes(
    meshes: Mapping[str, Snapshot | MeshSnapshot] | Path | str,
    scenario: Scenario | Path | str | Mapping[str, object] | None = None,
) -> ManyProjections:
    """Price several meshes in one table, with their sum.

    Args:
        meshes: snapshots by name of the mesh; or the path of a TOML file with hypothetical meshes,
            as `analyzer.projection.stated.load_meshes` reads it.
        scenario: assumptions for all of them, as in `project`.

    A snapshot that cannot be priced is among the refusals and not in the sum.

    Raises:
        UsageError: if the scenario or the file has an unknown name or a wrong value, or if two
            snapshots hold the same data.
        InsufficientData: if none of the meshes can be priced.

    >>> import analyzer as mesh
    >>> several = mesh.project_meshes({n: mesh.load_sample(n) for n in ("lab", "fleet")})
    >>> several.result.total.sidecar_count
    170
    """
    is_measured = isinstance(meshes, Mapping)
    assumed = _scenario(scenario, default_scenario() if is_measured else hypothetical_scenario())
    if isinstance(meshes, Mapping):
        measured = {name: MeshSnapshot.of(snapshot) for name, snapshot in meshes.items()}
        refuse_same({name: snapshot.manifest for name, snapshot in measured.items()})
        report = of_measured(
            measured, lambda name: project(measured[name], scenario=assumed).answer
        )
    else:
        report = of_stated(load_meshes(Path(meshes)), assumed, FrontEnd())
    return ManyProjections(report=report)


def _scenario(
    scenario: Scenario | Path | str | Mapping[str, object] | None, defaults: Scenario
) -> Scenario:
    if scenario is None:
        return defaults
    if isinstance(scenario, Scenario):
        return scenario
    if isinstance(scenario, Mapping):
        return defaults.changed("the scenario", scenario)
    return load_scenario(Path(scenario), defaults)
