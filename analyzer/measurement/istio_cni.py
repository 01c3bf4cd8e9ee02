"""Whether istio-cni runs already: ambient needs it, and sidecars may have it."""

from collections.abc import Sequence
from typing import Final

from analyzer.measurement.snapshot import Snapshot

CONTAINERS: Final = "istio_cni_containers"
"""The query for its containers, by cluster."""


def istio_cni_share(snapshot: Snapshot, clusters: Sequence[str]) -> float | None:
    """Return the share of the clusters with a container of istio-cni in the window, 0 to 1.

    None where that is not known: an older version collected the snapshot, or the containers of
    several clusters have no cluster label.

    Args:
        snapshot: what was measured.
        clusters: those of the proxies; none where there is no cluster label.
    """
    if all(record.name != CONTAINERS for record in snapshot.manifest.queries):
        return None
    found = set(snapshot.frame(CONTAINERS)["cluster"])
    if len(clusters) < 2:  # noqa: PLR2004 - several
        return float(bool(found))
    known = found.intersection(clusters)
    return None if found and not known else len(known) / len(clusters)
