"""A mesh whose truth a test chooses, and the series a Prometheus would have of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.support.layout import Pod, generator, lay_out
from tests.support.node_series import node_series
from tests.support.pod_series import Scrapers, pod_series
from tests.support.series import Series
from tests.support.spec import MeshSpec, WorkloadSpec
from tests.support.traffic import workload_load
from tests.support.truth import Truth, WorkloadTruth, workload_truth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh:
    """A generated mesh."""

    spec: MeshSpec
    truth: Truth
    pods: tuple[Pod, ...]
    series: tuple[Series, ...]

    @property
    def sample_count(self) -> int:
        """Return how many samples all series hold together."""
        return sum(len(series.times_ms) for series in self.series)

    def named(self, name: str, **labels: str) -> tuple[Series, ...]:
        """Return the series of a metric that carry given labels."""
        wanted = labels.items()
        return tuple(
            series
            for series in self.series
            if series.name == name and wanted <= dict(series.labels).items()
        )


def build_mesh(spec: MeshSpec) -> Mesh:
    """Generate the mesh of a spec: the same spec, the same samples, to the bit."""
    scrapers = Scrapers.of(spec)
    truths: list[WorkloadTruth] = []
    series: list[Series] = []
    layout = lay_out(spec)
    for workload, pods in zip(spec.workloads, layout, strict=True):
        sums, found = _workload(spec, workload, pods, scrapers)
        truths.append(sums)
        series.extend(found)
    series.extend(node_series(spec, scrapers.state))
    truth = Truth(
        workloads=tuple(truths),
        node_count=spec.nodes,
        node_vcpu=spec.node_vcpu,
        node_memory_bytes=spec.node_memory_bytes,
    )
    all_pods = tuple(pod for pods in layout for pod in pods)
    return Mesh(spec=spec, truth=truth, pods=all_pods, series=tuple(series))


def _workload(
    spec: MeshSpec, workload: WorkloadSpec, pods: tuple[Pod, ...], scrapers: Scrapers
) -> tuple[WorkloadTruth, Sequence[Series]]:
    load = workload_load(spec, workload, pods)
    random = generator(spec, "clocks", workload.key)

    def found() -> Iterator[Series]:
        for row, pod in enumerate(pods):
            yield from pod_series(spec, pod, load.of_pod(row), scrapers, random)

    return workload_truth(spec, workload, pods, load), list(found())
