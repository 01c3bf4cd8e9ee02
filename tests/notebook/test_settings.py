"""What an error names is an argument that exists in Python."""

import inspect
from datetime import timedelta
from pathlib import Path

import pytest

import analyzer as mesh
from analyzer.errors import AnalyzerError, InsufficientData, UsageError
from analyzer.notebook.api import Credentials
from analyzer.prometheus.credentials import Access
from analyzer.settings import Setting
from tests.support import SMALL_MESH, FaultyHttp, PrometheusServer, prometheus_error

_OF_A_HYPOTHETICAL_MESH = {Setting.POD_COUNT, Setting.NAMESPACE_COUNT, Setting.PROXY_RPS}
"""The command line alone prices one."""

_OF_A_SCENARIO = {Setting.WAYPOINT_REPLICAS}
"""In Python an assumption is a value of `scenario`."""


def test_every_setting_is_an_argument() -> None:
    arguments = {
        *inspect.signature(mesh.collect).parameters,
        *inspect.signature(mesh.project).parameters,
        *Credentials.__annotations__,
    }
    named = set(Setting) - _OF_A_HYPOTHETICAL_MESH - _OF_A_SCENARIO

    assert {setting.value for setting in named} <= arguments
    assert mesh.project(mesh.load_sample(), scenario={"waypoint_replicas": 2}).modes


def test_credentials_are_those_of_an_access() -> None:
    accepted = set(inspect.signature(Access.parse).parameters)

    assert set(Credentials.__annotations__) == accepted - {"url", "environment"}


@pytest.mark.live
def test_every_argument_reaches_the_snapshot(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    end = SMALL_MESH.end
    snapshot = mesh.collect(
        small_server.url,
        start=end - timedelta(hours=1),
        end=end,
        step_seconds=600,
        namespaces="shop",
        note="A note.",
        path=str(tmp_path / "snapshot"),
        timeout_seconds=5,
    )

    assert snapshot.manifest.window.step_seconds == 600
    assert snapshot.manifest.window.point_count == 6
    assert snapshot.manifest.scope.namespaces == ("shop",)
    assert snapshot.manifest.note == "A note."
    assert snapshot.path == tmp_path / "snapshot"


@pytest.mark.live
def test_names_are_hidden_when_asked(small_server: PrometheusServer) -> None:
    snapshot = mesh.collect(small_server.url, days=0.05, end=SMALL_MESH.end, hide_names=True)

    assert "shop" not in set(snapshot.proxies["namespace"])
    assert small_server.url not in repr(snapshot.manifest)


@pytest.mark.live
def test_a_step_that_is_too_short_is_refused_by_its_argument(
    small_server: PrometheusServer,
) -> None:
    with pytest.raises(AnalyzerError) as refused:
        mesh.collect(small_server.url, days=0.05, end=SMALL_MESH.end, step_seconds=1)

    assert Setting.STEP in refused.value.settings
    assert "--" not in str(refused.value)


@pytest.mark.live
def test_a_cluster_without_a_label_is_refused_by_its_argument(
    small_server: PrometheusServer,
) -> None:
    with pytest.raises((InsufficientData, UsageError)) as refused:
        mesh.collect(small_server.url, days=0.05, end=SMALL_MESH.end, cluster="east")

    assert {Setting.CLUSTER, Setting.CLUSTER_LABEL} & set(refused.value.settings)
    assert "--" not in str(refused.value)


def test_credentials_are_sent(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    refusal = prometheus_error(400, "bad_data", "no")
    with FaultyHttp([refusal] * 20) as server, pytest.raises(AnalyzerError):
        mesh.collect(server.url, token_file=str(token), headers=["X-Scope-OrgID: team-a"])

    headers = {name.lower(): value for name, value in server.received[0].headers.items()}
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["x-scope-orgid"] == "team-a"


def test_credentials_beside_an_access_are_a_mistake() -> None:
    with pytest.raises(TypeError, match="username"):
        mesh.collect(Access(url="http://127.0.0.1:9"), username="me")


@pytest.mark.parametrize("scheme", ["ftp://h", "://"])
def test_an_address_that_is_none_names_its_argument(scheme: str) -> None:
    with pytest.raises(UsageError) as refused:
        mesh.collect(scheme)

    assert Setting.URL in refused.value.settings
    assert "--" not in str(refused.value)
