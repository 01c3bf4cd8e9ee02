"""What a server remarks on its own answers reaches the manifest and the report."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import cli
from analyzer.measurement import measure
from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.findings import Finding, Severity
from analyzer.measurement.plan import Ask
from analyzer.measurement.snapshot import MANIFEST, Snapshot
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.live.remarking import Remarking
from tests.support import SMALL_MESH, PrometheusServer

pytestmark = pytest.mark.live

_WARNING = "No StoreAPIs matched for this query: acme-store-0"
_INFO = "PromQL info: metric might not be a counter"


def _collected(
    server: PrometheusServer, folder: Path, more: Mapping[str, object], *, hide_names: bool = False
) -> tuple[Snapshot, Finding]:
    """Return a snapshot, and what is found of the remarks."""
    with (
        Remarking(server.url, more) as remarking,
        Connection(Access(url=remarking.url)) as source,
    ):
        ask = Ask(source=remarking.url, start=SMALL_MESH.start, end=SMALL_MESH.end)
        ask = replace(ask, hide_names=hide_names)
        snapshot = collect_snapshot(source, ask, folder, now=SMALL_MESH.end)
    findings = {finding.name: finding for finding in measure(snapshot).findings}
    return snapshot, findings["server_remarks"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"warnings": [_WARNING], "infos": [_INFO]}, _WARNING),
        ({"isPartial": True}, "isPartial: some vmstorage nodes did not answer"),
    ],
    ids=["Thanos", "VictoriaMetrics"],
)
def test_a_partial_answer_is_in_the_manifest_and_a_finding(
    small_server: PrometheusServer, tmp_path: Path, more: dict[str, object], words: str
) -> None:
    snapshot, finding = _collected(small_server, tmp_path / "mesh", more)

    assert words in snapshot.manifest.remarks
    assert finding.severity is Severity.WARNING
    assert finding.affected == snapshot.manifest.remarks
    assert "may be incomplete" in finding.text
    shown = CliRunner().invoke(cli, ["calibrate", str(snapshot.path)]).stdout
    assert "warning [IU103]" in " ".join(shown.split())


def test_a_remark_on_a_query_is_no_partial_answer(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    _, finding = _collected(small_server, tmp_path / "mesh", {"infos": [_INFO], "isPartial": False})

    assert finding.severity is Severity.INFO
    assert finding.affected == (_INFO,)


def test_a_remark_that_quotes_names_is_hidden_with_them(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    warnings = [_WARNING, _WARNING.replace("0", "1")]
    folder = tmp_path / "mesh"
    snapshot, finding = _collected(small_server, folder, {"warnings": warnings}, hide_names=True)

    (remark,) = snapshot.manifest.remarks
    assert remark.startswith("2 remarks")
    assert finding.severity is Severity.WARNING
    assert "acme" not in str(finding)
    assert "acme" not in (folder / MANIFEST).read_text()
