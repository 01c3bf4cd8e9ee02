"""A token in the path of an address is sent, and is in no text."""

from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.prometheus.credentials import Access
from analyzer.prometheus.secret_path import HIDDEN, secrets_in, without_secrets
from tests.live.command import run
from tests.support import SMALL_MESH, FaultyHttp, PrometheusServer

_TOKEN = "t0kEn-4f5a9c1e2b77"
_SECRETS = [
    _TOKEN,
    "4f5a9c1e2b774f5a9c1e2b77",
    "3f0ab7a2-7d54-4f11-9c1e-2b7721976ae5",
    "glsa_Xy12abCDef34GHij56klMN78",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlMQ",
    "qWeRtYuIoPaSdFgHjKlZ",
    "ABCDEFGHIJ0123456789",
    "t0kEn%2D4f5a9c1e2b77",
]
_PATHS = [
    "/prometheus",
    "/select/0/prometheus",
    "/select/4294967295:4294967295/prometheus",
    "/api/datasources/proxy/uid/P1809F7CD0C75ACF3",
    "/api/datasources/uid/3f0ab7a2-7d54-4f11-9c1e-2b7721976ae5",
    "/api/v1/namespaces/monitoring/services/http:kube-prometheus-stack-prometheus:9090/proxy",
    "/k8s/clusters/c-m-4xk9tz2wq1b7n8v5/api/v1/namespaces/x/services/http:rancher:9090/proxy",
    "/workspaces/ws-3f0ab7a2-7d54-4f11-9c1e-2b7721976ae5",
    "/v1/projects/my-project-123456789012/location/global/prometheus",
    "/kube-prometheus-stack-prometheus-eu-west-1",
    "/PrometheusProductionEurope",
    "/MyCompanyMonitoring2024",
    "/ThanosQueryFrontend1",
    "/tenantA-production1-eu",
    "/tenants/3f0ab7a2-7d54-4f11-9c1e-2b7721976ae5",
    "",
]


@pytest.mark.parametrize("secret", _SECRETS)
def test_what_looks_random_is_hidden_and_still_sent(secret: str) -> None:
    url = f"https://host:9090/a/{secret}/prometheus"
    access = Access.parse(f"{url}/graph", environment={})

    assert access.url == f"https://host:9090/a/{HIDDEN}/prometheus"
    assert access.sent_url == url
    assert secret not in f"{access!r}{access.remark}"
    assert secret in access.secrets
    assert replace(access, timeout_seconds=1).sent_url == url
    assert replace(access, url="http://b").sent_url == "http://b"


@pytest.mark.parametrize("path", _PATHS)
def test_an_ordinary_path_stays_as_it_is(path: str) -> None:
    url = f"http://prometheus-0123456789abcdef0123:9090{path}"

    assert without_secrets(url) == url
    assert secrets_in(url) == ()


def test_what_follows_the_word_token_is_hidden_whatever_it_looks_like() -> None:
    assert without_secrets("http://host/token/sesame/x") == f"http://host/token/{HIDDEN}/x"


def test_two_tokens_are_two_questions() -> None:
    first, again, other, none = (
        Access(url=f"http://host/{part}/x").tenant
        for part in (_TOKEN, _TOKEN, _SECRETS[1], "prometheus")
    )

    assert first == again
    assert first != other
    assert none == ""
    assert _TOKEN not in first


def test_a_token_in_the_path_is_in_no_file_and_no_message(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    times = ("--days", "0.08", "--end", SMALL_MESH.end.isoformat())
    with FaultyHttp([], upstream=small_server.url) as server:
        url = f"{server.url}/{_TOKEN}"
        refused = run("collect", "-v", "-p", url, *times, "-o", tmp_path / "snap")
        failed = run("queries", "-p", f"http://127.0.0.1:1/{_TOKEN}")

    # The small server has no such path: the token was sent, and answered with 404.
    assert any(_TOKEN in request.path for request in server.received)
    for outcome in (refused, failed):
        assert outcome.status == 1
        assert f"/{HIDDEN}" in outcome.stderr
        assert _TOKEN not in outcome.stdout + outcome.stderr
