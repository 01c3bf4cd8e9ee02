"""What a new user meets in the first five minutes: each tried with the real command line.

Folders are in `test_folders`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.live.command import Outcome, run
from tests.support import (
    SMALL_MESH,
    Answer,
    FaultyHttp,
    GuardedPrometheus,
    Identity,
    MeshCache,
    PrometheusServer,
    WorkloadSpec,
    login_page,
    self_signed,
)
from tests.support.guarded import PASSWORD, USER

pytestmark = pytest.mark.live

END = SMALL_MESH.end.isoformat()
TIMES = ("--days", "0.08", "--end", END)


def doctor(url: str, *options: object, **environment: str) -> Outcome:
    return run("doctor", "-p", url, *(options or TIMES), **environment)


def only_line(outcome: Outcome, status: int) -> str:
    """Return what a failure printed: one line on stderr, and nothing else."""
    assert outcome.status == status, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert "Traceback" not in outcome.stderr
    return outcome.stderr.removeprefix("istio-usage: ").rstrip("\n")


def verdict(outcome: Outcome, status: int = 3) -> str:
    """Return the last paragraph of a diagnosis, which the doctor wraps."""
    assert outcome.status == status, outcome.stderr
    return " ".join(outcome.stdout.rpartition("\n\n")[2].split())


# --- the address ---


def test_an_address_without_a_scheme(small_server: PrometheusServer) -> None:
    host = urlsplit(small_server.url).netloc
    outcome = doctor(host)

    assert outcome.status == 0
    assert outcome.stderr.startswith(f"istio-usage: Using http://{host}: http is assumed")
    assert outcome.stderr.count("\n") == 1
    assert doctor(host, *TIMES, "--quiet").stderr == ""


def test_an_address_without_a_scheme_and_a_secret() -> None:
    line = only_line(doctor("prom.example:9090", PROMETHEUS_TOKEN="s3cret"), 2)

    assert "--prometheus-url has no scheme" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    "page", ["/graph?g0.expr=up&g0.tab=1", "/query", "/targets?search=", "/api/v1/query?query=up"]
)
def test_an_address_pasted_from_a_browser(small_server: PrometheusServer, page: str) -> None:
    outcome = doctor(f"{small_server.url}{page}")

    assert outcome.status == 0
    assert outcome.stderr.startswith(f"istio-usage: Using {small_server.url}: ")
    assert outcome.stderr.count("\n") == 1


def test_a_snapshot_holds_the_address_that_was_used(
    small_server: PrometheusServer, tmp_path: Path
) -> None:
    page = f"{small_server.url}/graph"
    for url in (page, small_server.url):
        assert run("collect", "-p", url, *TIMES, "-o", tmp_path / "snap").status == 0

    assert f'"source": "{small_server.url}"' in (tmp_path / "snap" / "manifest.json").read_text()


# --- TLS ---


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return self_signed("server", tmp_path_factory.mktemp("identity"))


@pytest.fixture(scope="module")
def with_tls(
    identity: Identity, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedPrometheus]:
    with GuardedPrometheus(tmp_path_factory.mktemp("tls"), identity=identity) as server:
        yield server


def test_https_to_a_plain_port(small_server: PrometheusServer) -> None:
    line = only_line(doctor(small_server.url.replace("http://", "https://")), 1)

    assert "speaks http, not https" in line
    assert line.endswith(f"Use {small_server.url} for --prometheus-url.")


def test_https_to_a_plain_port_with_a_password(small_server: PrometheusServer) -> None:
    url = small_server.url.replace("http://", "https://me:s3cret@")
    line = only_line(doctor(url), 1)

    assert f"Use {small_server.url} for" in line
    assert "credentials unencrypted" in line
    assert "s3cret" not in line


def test_http_to_a_port_with_tls(with_tls: GuardedPrometheus) -> None:
    """Whether its words arrive, or a reset overtakes them, is a matter of luck."""
    line = only_line(doctor(with_tls.url.replace("https://", "http://")), 1)

    assert "Client sent an HTTP" in line or "reset" in line
    assert f"se {with_tls.url} for --prometheus-url." in line


@pytest.mark.parametrize(
    "body",
    [
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
        b"<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p>",
    ],
    ids=["Go", "nginx", "Apache"],
)
def test_the_words_of_a_port_with_tls(body: bytes) -> None:
    with FaultyHttp([Answer(status=400, body=body)]) as server:
        line = only_line(doctor(server.url), 1)

    better = server.url.replace("http://", "https://")
    assert line.endswith(f"This port speaks TLS. Use {better} for --prometheus-url.")


def test_a_certificate_of_another_host(with_tls: GuardedPrometheus, identity: Identity) -> None:
    url = with_tls.url.replace("127.0.0.1", "localhost")
    line = only_line(doctor(url, *TIMES, "--ca-file", identity.certificate), 1)

    assert "localhost" in line
    assert "host name of the certificate" in line


def test_an_authority_that_is_not_known(with_tls: GuardedPrometheus) -> None:
    line = only_line(doctor(with_tls.url), 1)

    assert "self-signed certificate" in line
    assert "--ca-file" in line


def test_a_redirect_to_tls() -> None:
    with FaultyHttp([Answer(status=308, headers=(("Location", "https://127.0.0.1/x"),))]) as server:
        line = only_line(doctor(f"{server.url}/prefix"), 1)

    assert "Use https://127.0.0.1/prefix for --prometheus-url." in line


# --- proxies ---


def _proxied(address: str) -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    return {"NO_PROXY": "", "no_proxy": "", **dict.fromkeys(names, address)}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_gone(scheme: str) -> None:
    with FaultyHttp([Answer()]) as gone:
        proxy = urlsplit(gone.url).netloc
    environment = _proxied(f"http://me:s3cret@{proxy}")
    line = only_line(doctor(f"{scheme}://prom.example:9090", **environment), 1)

    assert f"{proxy} ({scheme}_proxy)" in line
    assert "Add prom.example to NO_PROXY" in line
    assert "s3cret" not in line


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=403, body=b"<html><title>Blocked by policy</title></html>"),
        Answer(status=404, body=b"no such host"),
        Answer(status=407),
        Answer(status=502),
        login_page(),
    ],
    ids=["403", "404", "407", "502", "page"],
)
def test_a_proxy_that_answers_in_place_of_the_server(answer: Answer) -> None:
    with FaultyHttp([answer]) as proxy:
        line = only_line(doctor("http://10.1.2.3:9090", **_proxied(proxy.url)), 1)

    assert f"the proxy {urlsplit(proxy.url).netloc} (http_proxy)" in line
    assert "Add 10.1.2.3 to NO_PROXY" in line
    assert ("Blocked by policy" in line) == (b"Blocked" in answer.body)


def test_a_proxy_that_is_no_address() -> None:
    line = only_line(doctor("http://prom.example:9090", **_proxied("http://me:s3cret@")), 2)

    assert line.startswith("http_proxy is not the address")
    assert "s3cret" not in line


def test_what_prometheus_says_through_a_proxy_is_not_the_proxys_fault(
    small_server: PrometheusServer,
) -> None:
    """A Prometheus takes a request for another host as its own, as a proxy would."""
    outcome = doctor("http://prom.example:9090", **_proxied(small_server.url))
    assert outcome.status == 0, outcome.stderr
    assert outcome.stderr == ""


# --- credentials ---


@pytest.fixture(scope="module")
def with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedPrometheus]:
    with GuardedPrometheus(tmp_path_factory.mktemp("guarded"), wants_password=True) as server:
        yield server


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ("No credentials were sent", "--username with --password-file")),
        ({"PROMETHEUS_TOKEN": "wr0ng"}, ("token", "--token-file", "PROMETHEUS_TOKEN")),
        ({"PROMETHEUS_USERNAME": USER}, ("without a password", "--password-file")),
        (
            {"PROMETHEUS_USERNAME": USER, "PROMETHEUS_PASSWORD": "wr0ng"},
            ("user name or the password", "--username", "--password-file"),
        ),
    ],
    ids=["none", "token", "no password", "wrong password"],
)
def test_a_server_that_wants_a_password(
    with_password: GuardedPrometheus, environment: Mapping[str, str], words: tuple[str, ...]
) -> None:
    line = only_line(doctor(with_password.url, **environment), 1)

    assert line.startswith(f"{with_password.url} answered HTTP 401: Unauthorized. ")
    for word in words:
        assert word in line
    assert "wr0ng" not in line


def test_a_server_that_gets_its_password(with_password: GuardedPrometheus) -> None:
    right = {"PROMETHEUS_USERNAME": USER, "PROMETHEUS_PASSWORD": PASSWORD}

    # It is let in; there is no mesh.
    assert verdict(doctor(with_password.url, **right)).startswith("The main question cannot")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("No credentials were sent", "--token-file")),
        (("--username", "me"), ("user (--username)",)),
        (("-H", "Authorization: Custom s3cret"), ("header (--header)",)),
    ],
)
def test_a_server_that_forbids(options: tuple[str, ...], words: tuple[str, ...]) -> None:
    with FaultyHttp([Answer(status=403, body=b"access denied by policy")]) as server:
        line = only_line(doctor(server.url, *TIMES, *options), 1)

    assert "403: access denied by policy. " in line
    for word in words:
        assert word in line


def test_a_server_that_repeats_a_token() -> None:
    with FaultyHttp([Answer(status=403, body=b"token s3cret has expired")]) as server:
        line = only_line(doctor(server.url, PROMETHEUS_TOKEN="s3cret"), 1)

    assert "token *** has expired. " in line
    assert "s3cret" not in line


def test_a_server_that_wants_a_tenant() -> None:
    with FaultyHttp([Answer(status=401, body=b"no org id")]) as server:
        line = only_line(doctor(server.url), 1)

    assert "HTTP 401: no org id. " in line
    assert "--header 'X-Scope-OrgID: NAME'" in line


# --- namespaces ---


@pytest.fixture(scope="module")
def with_namespaces(
    mesh_cache: MeshCache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    names = ("shop", "shop-eu", "payments", "Legacy")
    workloads = tuple(
        WorkloadSpec(namespace=name, name="app", pods=1, idle_vcpu=0.01, inbound_rps_per_pod=20)
        for name in names
    )
    spec = replace(SMALL_MESH, workloads=workloads)
    with mesh_cache.filled(spec).serve(tmp_path_factory.mktemp("names") / "server") as server:
        yield server


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("shpo", ("none of 4 namespaces", "Nearest: shop")),
        ("legacy", ("Nearest: Legacy",)),
        ("pay", ("Nearest: payments", "match the whole name")),
        ("zzz", ("There are Legacy, payments, shop, 1 more",)),
    ],
)
def test_a_namespace_that_is_mistyped(
    with_namespaces: PrometheusServer, tmp_path: Path, pattern: str, words: tuple[str, ...]
) -> None:
    asked = ("-p", with_namespaces.url, *TIMES, "--namespace", pattern)
    line = only_line(run("analyze", *asked, "-o", tmp_path / "out"), 3)

    assert line.startswith(f"--namespace {pattern} ")
    for word in words:
        assert word in line
    assert not (tmp_path / "out").exists()
    # The doctor wraps it.
    assert line in " ".join(run("doctor", *asked).stdout.split())


def test_a_namespace_without_sidecars(tmp_path: Path, mesh_cache: MeshCache) -> None:
    """Its pods are known to kube-state-metrics alone."""
    filled = mesh_cache.filled(SMALL_MESH)
    with filled.serve(tmp_path / "server") as server:
        line = only_line(run("analyze", "-p", server.url, *TIMES, "--namespace", "kube-.*"), 3)

    assert "the only namespace with sidecars" in line


# --- times ---


def test_data_that_ended_a_while_ago(tmp_path: Path, mesh_cache: MeshCache) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    recent = replace(SMALL_MESH, start=now - timedelta(hours=3, minutes=2))
    with mesh_cache.filled(recent).serve(tmp_path / "server") as server:
        asked = ("analyze", "-p", server.url, "-o", tmp_path / "out")
        line = only_line(run(*asked, "--days", "0.02"), 3)
        end = line.removesuffix(".").rpartition(" --end ")[2]
        again = run("collect", "-p", server.url, "--end", end, "-o", tmp_path / "snap")
        whole = run(*asked, "--format", "json")

    # A week holds its data, and the answer names how little of the week they are.
    assert whole.status == 0, whole.stderr
    assert "sparse_window" in {item["name"] for item in json.loads(whole.stdout)["quality"]}
    # Requested times end at a full step, so that up to a step less is told than has passed.
    said = re.search(r"(\d+) minutes ago", line)
    assert said, line
    assert 50 <= int(said[1]) <= 63
    assert "still scraped" in line
    assert again.status == 0, again.stderr


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(hours=3), "3 hours before the end"),
        (timedelta(days=20), "20 days before the end"),
        (-timedelta(hours=5), "3 hours after the end"),
        (-timedelta(days=9), "9 days after the end"),
    ],
)
def test_data_of_another_time(small_server: PrometheusServer, later: timedelta, words: str) -> None:
    before = len(small_server.query_log())
    end = (SMALL_MESH.end + later).isoformat()
    line = only_line(run("analyze", "-p", small_server.url, "--days", "0.02", "--end", end), 3)

    assert words in line
    assert "2024-05-14" in line
    assert "--end" in line
    assert len(small_server.query_log()) - before <= 12


def test_data_of_one_namespace_that_ended(small_server: PrometheusServer) -> None:
    end = (SMALL_MESH.end + timedelta(hours=1)).isoformat()
    options = ("--days", "0.01", "--end", end, "--namespace", "shop")
    line = only_line(run("analyze", "-p", small_server.url, *options), 3)

    assert "within --namespace" in line
    assert "60 minutes before the end" in line or "61 minutes" in line


def test_a_time_without_a_zone_is_in_utc(small_server: PrometheusServer, tmp_path: Path) -> None:
    times = ("--start", "2024-05-14T10:00", "--end", "2024-05-14 12:00:00")
    asked = ("collect", "-p", small_server.url, *times, "-o", tmp_path / "snap")

    assert run(*asked, TZ="Asia/Tokyo").status == 0
    manifest = (tmp_path / "snap" / "manifest.json").read_text()
    assert '"start": "2024-05-14T10:07:30Z"' in manifest
    assert '"end": "2024-05-14T11:57:30Z"' in manifest
    text = run("collect", "--help").stdout
    assert text.count("UTC") >= 2
