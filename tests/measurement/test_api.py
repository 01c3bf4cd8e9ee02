"""A notebook measures a mesh in one call."""

import tempfile
from pathlib import Path

import pytest

from analyzer.measurement import collect, load_snapshot
from analyzer.prometheus.credentials import Access
from tests.support import SMALL_MESH, PrometheusServer

pytestmark = pytest.mark.live


def test_one_call_makes_a_snapshot(small_server: PrometheusServer, tmp_path: Path) -> None:
    snapshot = collect(small_server.url, days=1 / 24, end=SMALL_MESH.end, path=tmp_path / "snap")

    assert snapshot == load_snapshot(tmp_path / "snap")
    assert snapshot.manifest.window.point_count == 6
    assert snapshot.manifest.source == small_server.url


def test_without_a_path_the_snapshot_is_temporary(
    small_server: PrometheusServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    snapshot = collect(
        Access(url=small_server.url, token="s3cret"),
        days=2 / 24,
        end=SMALL_MESH.end,
        namespaces=("shop",),
    )

    assert tmp_path in snapshot.path.parents
    assert snapshot.manifest.scope.namespaces == ("shop",)


def test_an_end_without_a_zone_is_refused(small_server: PrometheusServer) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        collect(small_server.url, end=SMALL_MESH.end.replace(tzinfo=None))
