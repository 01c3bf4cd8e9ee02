"""Why no pod has both CPU and requests, by the label that is missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analyzer.errors import sentences
from analyzer.measurement.metrics import CPU, REQUESTS
from analyzer.measurement.naming import Labels
from analyzer.prometheus.label_mapping import Exporter, LabelMapping, Names


@dataclass(frozen=True, slots=True)
class _Side:
    """The series of one exporter, and where their labels are kept."""

    metric: str
    names: Names
    rows: Sequence[Labels]
    job: str

    def faults(self) -> Iterator[str]:
        """Yield which label is missing or names something else, with the fix."""
        if not self.rows:
            return
        for part, label in (("pod", self.names.pod), ("namespace", self.names.namespace)):
            if not any(row.get(label) for row in self.rows):
                yield f"{self.metric} has no label `{label}` or another one with the {part}."
                yield f"Keep the label `{part}` in the scrape job of {self.job}."
                return
        pods = {row.get(self.names.pod, "") for row in self.rows}
        if len(pods) == 1 < len(self.rows):
            yield f"The label `{self.names.pod}` of {self.metric} is {pods.pop()!r} on all series."
            yield "It names the target that was scraped and not the proxy."
            yield f"Set honor_labels: true in the scrape job of {self.job}."


def unjoined(mapping: LabelMapping, rows: Mapping[str, Sequence[Labels]]) -> str:
    """Return why CPU and requests name no pod in common, and the fix.

    Args:
        mapping: the labels that were read.
        rows: by exporter, the labels of each pod's series; empty where they are not known.
    """
    sides = (
        _Side(CPU, mapping.cadvisor, rows.get(Exporter.CADVISOR, ()), "the kubelets"),
        _Side(REQUESTS, mapping.proxy, rows.get(Exporter.PROXY, ()), "the proxies"),
    )
    head = f"No pod has both {CPU} (container istio-proxy) and {REQUESTS}."
    faults = [fault for side in sides for fault in side.faults()]
    if faults:
        return sentences(head, *faults)
    return sentences(
        head,
        f"The labels {mapping.cadvisor.namespace}/{mapping.cadvisor.pod} of the first and "
        f"{mapping.proxy.namespace}/{mapping.proxy.pod} of the second must name the same pod.",
        "Check the relabelling of the proxies' scrape job.",
    )
