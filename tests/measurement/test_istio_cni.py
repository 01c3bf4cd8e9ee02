"""In how many clusters istio-cni runs."""

from pathlib import Path

import pytest

from analyzer.measurement.istio_cni import CONTAINERS, istio_cni_share
from tests.measurement.snapshots import Rows, make_snapshot


def rows_of(*clusters: str) -> Rows:
    return [(cluster, point, 3.0) for cluster in clusters for point in range(2)]


@pytest.mark.parametrize(
    ("rows", "clusters", "share"),
    [
        (rows_of(), (), 0.0),
        (rows_of(""), (), 1.0),
        (rows_of("east"), ("east",), 1.0),
        (rows_of(), ("east", "west"), 0.0),
        (rows_of("east"), ("east", "west"), 0.5),
        (rows_of("east", "west", "test"), ("east", "west"), 1.0),
        # The kubelets lack the label of the clusters.
        (rows_of(""), ("east", "west"), None),
    ],
)
def test_it_is_the_share_of_the_clusters(
    rows: Rows, clusters: tuple[str, ...], share: float | None, tmp_path: Path
) -> None:
    snapshot = make_snapshot(tmp_path / "snapshot", {CONTAINERS: rows}, points=2)

    assert istio_cni_share(snapshot, clusters) == share


def test_an_older_snapshot_does_not_show_it(tmp_path: Path) -> None:
    assert istio_cni_share(make_snapshot(tmp_path / "old", {}), ()) is None
