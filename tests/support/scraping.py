"""What scraping adds to a series: the labels by which one installation differs from another.

The generator's series carry the labels of one plain installation. `scrape` takes those off again,
and puts on the labels that the scrape jobs of another installation would.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tests.support.labels import Labels
from tests.support.layout import Pod
from tests.support.mesh import Mesh
from tests.support.series import Series

Family = Literal["envoy", "cadvisor", "state", "prices"]
"""Who exposes a metric: a proxy, the kubelet, kube-state-metrics or OpenCost."""

_ADDED: Mapping[Family, frozenset[str]] = {
    "envoy": frozenset({"namespace", "pod", "job", "instance"}),
    "cadvisor": frozenset({"metrics_path", "job", "instance"}),
    "state": frozenset({"job", "instance"}),
    # OpenCost itself has `instance`, which is the node.
    "prices": frozenset({"job"}),
}
"""The labels that the generator's series have from scraping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """A series as its exporter gives it, before any scraper touches it."""

    labels: Labels
    """With `__name__`."""
    pod: Pod | None
    """The pod of the series; None for a node's."""

    @property
    def name(self) -> str:
        """Return the metric's name."""
        return self.labels["__name__"]

    @property
    def own(self) -> Pod:
        """Return the pod of the series, for families that have only pods."""
        if self.pod is None:
            raise ValueError(f"{self.name} tells of no pod: {self.labels}")
        return self.pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One scrape job."""

    target: Callable[[Exposed], Labels | None]
    """The labels of the target that exposes a series; None when the job does not keep it."""
    honor_labels: bool = False
    """Whether labels of the exporter win over those of the target, instead of being renamed."""
    delay_ms: int = 0
    """How much later than the generator's scrapes this job's are."""


Jobs = Mapping[Family, Sequence[Job]]


def family_of(name: str) -> Family:
    """Return who exposes a metric."""
    if name.startswith(("istio_", "envoy_")):
        return "envoy"
    if name.startswith("container_"):
        return "cadvisor"
    if name.startswith("kube_"):
        return "state"
    if name.endswith("_hourly_cost"):
        return "prices"
    raise ValueError(f"{name}: exposed by nobody known")


def pods_by_name(mesh: Mesh) -> dict[tuple[str, str], Pod]:
    """Return the pods of a mesh by namespace and name."""
    return {(pod.workload.namespace, pod.name): pod for pod in mesh.pods}


def labelled(series: Series, labels: Labels) -> Series:
    """Return the samples of a series under other labels."""
    return replace(series, labels=tuple(sorted(labels.items())))


def pod_key(series: Series) -> tuple[str, str] | None:
    """Return namespace and name of the pod of a generated series, None for a node's."""
    labels = dict(series.labels)
    return (labels["namespace"], labels["pod"]) if "pod" in labels else None


def with_series(mesh: Mesh, series: Iterable[Series]) -> Mesh:
    """Return a mesh with other series."""
    return replace(mesh, series=tuple(series))


def scrape(mesh: Mesh, jobs: Jobs) -> Mesh:
    """Return a mesh as it is stored when these jobs scrape it, once for each job of a family.

    The mesh must still have the generator's labels. A family without a job is absent.
    """
    pods = pods_by_name(mesh)

    def told() -> Iterator[Series]:
        for series in mesh.series:
            family = family_of(series.name)
            key = pod_key(series)
            own = {n: v for n, v in series.labels if n not in _ADDED[family]}
            exposed = Exposed(labels=own, pod=pods[key] if key else None)
            for job in jobs.get(family, ()):
                target = job.target(exposed)
                if target is not None:
                    labels = stored_labels(own, target, honor_labels=job.honor_labels)
                    yield labelled(delayed(mesh, series, job.delay_ms), labels)

    return with_series(mesh, told())


def stored_labels(exposed: Labels, target: Labels, *, honor_labels: bool) -> Labels:
    """Return what Prometheus stores of an exporter's labels and its target's."""
    if honor_labels:
        return {**target, **exposed}
    renamed = {f"exported_{n}" if n in target else n: v for n, v in exposed.items()}
    return {**renamed, **target}


def delayed(mesh: Mesh, series: Series, delay_ms: int) -> Series:
    """Return a series scraped later; what would fall behind the window was never scraped."""
    if not delay_ms:
        return series
    times = series.times_ms + delay_ms
    kept = times < mesh.spec.start_ms + mesh.spec.window_seconds * 1000
    return replace(series, times_ms=times[kept], values=series.values[kept])
