"""An `analyze` that is killed while it reports goes on from its snapshot, and leaves nothing."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.unreported import UNREPORTED
from tests.live.analyses import DRAWING, analyzed, left
from tests.support import SMALL_MESH, FaultyHttp, PrometheusServer

pytestmark = pytest.mark.live

_NOW = SMALL_MESH.end
_STEP = timedelta(minutes=11)
"""A little more than a step."""


def _window_end(folder: Path) -> datetime:
    return load_snapshot(folder).manifest.window.end


def test_a_report_that_is_killed_twice_is_finished_from_its_snapshot(
    tmp_path: Path, small_server: PrometheusServer
) -> None:
    out = tmp_path / "out"
    with FaultyHttp(upstream=small_server.url) as server:
        asking = ("-p", server.url, "--days", "0.05", "-o", out)
        drawn = (*asking, "--charts", "cost,calibration,workloads")
        killed = analyzed(drawn, tmp_path, _NOW, fatal=DRAWING)

        assert killed.status == -9
        assert [path.name for path in out.iterdir()] == ["snapshot"]
        asked, end = len(server.received), _window_end(out)
        killed = analyzed(drawn, tmp_path, _NOW + _STEP, fatal="report.html")

        assert killed.status == -9
        assert "its report was interrupted" in killed.stderr
        assert (out / "cost.png").exists()
        assert len(left(out)) == 1
        # A copied folder is finished as well: it has another path, and other times of its files.
        shutil.copytree(out, tmp_path / "moved")
        out = tmp_path / "moved"
        again = analyzed((*drawn[:-3], out, *drawn[-2:]), tmp_path, _NOW + 2 * _STEP)

        assert again.status == 0, again.stderr
        assert "its report was interrupted" in again.stderr
        assert "--force" in again.stderr
        assert len(server.received) == asked
        assert _window_end(out) == end
        assert (out / "report.html").exists()
        assert left(out) == []
        assert not (out / "snapshot" / UNREPORTED).exists()


def test_a_snapshot_without_an_answer_is_not_held(
    tmp_path: Path, small_server: PrometheusServer
) -> None:
    out = tmp_path / "out"
    refused = analyzed(
        ("-p", small_server.url, "--days", "0.05", "--namespace", "none", "-o", out),
        tmp_path,
        _NOW,
    )

    assert refused.status == 3
    assert not (out / "snapshot" / UNREPORTED).exists()
