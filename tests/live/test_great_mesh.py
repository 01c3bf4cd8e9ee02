"""The mesh of the benchmark of scale is what it says, as a real server and `analyze` see it."""

from pathlib import Path

import pytest

from tests.live.command import run
from tests.support import PrometheusServer
from tests.support.great_mesh import VCPU_PER_1000_RPS, GreatMesh, end_of, write_great_mesh


def test_its_truth_is_found(tmp_path: Path) -> None:
    mesh = GreatMesh(pods=25, days=1, scrape_seconds=60)
    with PrometheusServer(tmp_path) as server:
        totals = write_great_mesh(mesh, f"{server.url}/api/v1/write")
        times = ["--days", 1, "--end", end_of(mesh)]
        answer = run("analyze", "-p", server.url, *times, "--format", "json", "-q").document
    assert answer["mesh"]["sidecar_count"] == mesh.pods
    assert answer["measured"]["sidecar_vcpu"] == pytest.approx(totals.vcpu, rel=1e-3)
    assert answer["mesh"]["proxy_rps"] == pytest.approx(totals.proxy_rps, rel=1e-3)
    slope = answer["calibration"]["sidecar"]["vcpu_per_1000_rps"]
    assert slope["low"] < VCPU_PER_1000_RPS < slope["high"]
