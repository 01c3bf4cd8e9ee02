"""What travels to the server, and what must not."""

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from analyzer.errors import PrometheusError, Unreachable
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.prometheus.session import PrometheusSession
from analyzer.settings import Setting
from tests.prometheus.asking import AT
from tests.prometheus.https_server import HttpsServer
from tests.support import Answer, FaultyHttp, Received, prometheus_success
from tests.support.certificates import Identity, self_signed

NOTHING = prometheus_success([], result_type="vector")


@pytest.fixture
def server() -> Iterator[FaultyHttp]:
    with FaultyHttp([NOTHING]) as faulty:
        yield faulty


def received(server: FaultyHttp, access: Access, promql: str = "up") -> Received:
    """Ask once and return the request that arrived."""
    with Connection(access) as connection:
        connection.instant(promql, AT)
    (request,) = server.received
    return request


def test_a_query_travels_in_the_body_however_long_it_is(server: FaultyHttp) -> None:
    promql = "sum(" * 10_000
    request = received(server, Access(url=f"{server.url}/prefix"), promql)

    assert (request.method, request.path) == ("POST", "/prefix/api/v1/query")
    assert parse_qs(request.body.decode()) == {
        "query": [promql],
        "time": [str(int(AT.timestamp()))],
        "timeout": ["120s"],
    }
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_bearer_token_arrives(server: FaultyHttp) -> None:
    request = received(server, Access(url=server.url, token="s3cret"))

    assert request.headers["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("password", ["pass:word", "pässword", "mot de passe\u2014"])
def test_a_password_arrives_whatever_its_letters(server: FaultyHttp, password: str) -> None:
    request = received(server, Access(url=server.url, username="me", password=password))

    kind, encoded = request.headers["authorization"].split()
    assert kind == "Basic"
    assert base64.b64decode(encoded).decode() == f"me:{password}"


def test_further_headers_arrive(server: FaultyHttp) -> None:
    headers = {"X-Scope-OrgID": "team-a", "Authorization": "Custom own"}
    request = received(server, Access(url=server.url, headers=headers))

    assert request.headers["x-scope-orgid"] == "team-a"
    assert request.headers["authorization"] == "Custom own"


@pytest.mark.parametrize(
    ("access", "authorization"),
    [
        ({}, None),
        ({"token": "s3cret"}, "Bearer s3cret"),
        ({"headers": {"Authorization": "Custom own"}}, "Custom own"),
    ],
    ids=["nothing", "token", "header"],
)
def test_netrc_adds_and_overrides_nothing(
    access: dict[str, str],
    authorization: str | None,
    server: FaultyHttp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    request = received(server, Access(url=server.url, **access))  # type: ignore[arg-type]
    assert request.headers.get("authorization") == authorization


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_takes_no_credential_along(
    status: int, server: FaultyHttp
) -> None:
    elsewhere = Answer(status=status, headers=(("Location", f"{server.url}/login"),))
    with FaultyHttp([elsewhere]) as redirecting:
        access = Access(url=redirecting.url, token="s3cret", headers={"X-Key": "s3cret"})
        with (
            Connection(access) as connection,
            pytest.raises(PrometheusError, match=rf"HTTP {status}: .* redirects to"),
        ):
            connection.instant("up", AT)

        assert len(redirecting.received) == 1
    assert server.received == ()


def test_each_thread_has_the_remarks_on_its_own_last_answer() -> None:
    remarks = [prometheus_success([], warnings=[word]) for word in ("first", "second")]
    seen: list[tuple[str, ...]] = []
    with FaultyHttp(remarks) as server, PrometheusSession(Access(url=server.url)) as session:

        def ask() -> None:
            session.request("POST", server.url, params={"query": "up"})

        def remember() -> None:
            assert session.last_response is not None
            seen.append(session.last_response.json()["data"]["result"].warnings)

        def ask_elsewhere() -> None:
            ask()
            remember()

        ask()
        thread = threading.Thread(target=ask_elsewhere)
        thread.start()
        thread.join()
        remember()

    assert seen == [("second",), ("first",)]


def test_a_request_without_an_answer_leaves_no_older_one_behind(server: FaultyHttp) -> None:
    with FaultyHttp([NOTHING]) as gone:
        nobody = gone.url
    with PrometheusSession(Access(url=server.url)) as session:
        session.request("POST", server.url).json()
        assert session.last_response is not None
        with pytest.raises(OSError, match="refused"):
            session.request("POST", nobody)
        assert session.last_response is None


# --- TLS ---


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return self_signed("server", tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return self_signed("client", tmp_path_factory.mktemp("client"))


def one(access: Access) -> float:
    """Return what a server of one answer says."""
    with Connection(access, sleep=lambda _: None) as connection:
        (series,) = connection.instant("1", AT).series
    return float(series.samples[0])


def test_a_certificate_of_nobody_is_refused_at_once_with_what_to_check(identity: Identity) -> None:
    waits: list[float] = []
    with (
        HttpsServer(identity) as server,
        Connection(Access(url=server.url), sleep=waits.append) as connection,
        pytest.raises(Unreachable, match="self-signed certificate") as caught,
    ):
        connection.instant("1", AT)

    assert waits == []
    assert "\n" not in str(caught.value)
    assert caught.value.settings == (Setting.CA_FILE,)


def test_a_certificate_is_accepted_from_the_given_authority(identity: Identity) -> None:
    with HttpsServer(identity) as server:
        assert one(Access(url=server.url, ca_file=identity.certificate)) == 1.0


def test_the_given_authority_stands_above_the_environments(
    identity: Identity, client: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(client.certificate))
    with HttpsServer(identity) as server:
        assert one(Access(url=server.url, ca_file=identity.certificate)) == 1.0


def test_a_file_that_holds_no_certificate_is_a_known_failure(
    identity: Identity, tmp_path: Path
) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    with HttpsServer(identity) as server, pytest.raises(Unreachable) as caught:
        one(Access(url=server.url, ca_file=nonsense))
    assert caught.value.settings == (Setting.CA_FILE,)


@pytest.mark.parametrize("in_one_file", [False, True])
def test_a_client_certificate_is_shown(
    in_one_file: bool,  # noqa: FBT001 - a parameter of pytest's
    identity: Identity,
    client: Identity,
    tmp_path: Path,
) -> None:
    both = tmp_path / "both.pem"
    both.write_text(client.certificate.read_text() + client.key.read_text())
    with HttpsServer(identity, clients=client.certificate) as server:
        access = Access(
            url=server.url,
            ca_file=identity.certificate,
            client_certificate=both if in_one_file else client.certificate,
            client_key=None if in_one_file else client.key,
        )
        assert one(access) == 1.0
        assert server.client_names == ["client"]


def test_without_its_client_certificate_one_is_not_let_in(
    identity: Identity, client: Identity
) -> None:
    with (
        HttpsServer(identity, clients=client.certificate) as server,
        pytest.raises(PrometheusError, match="Cannot reach Prometheus"),
    ):
        one(Access(url=server.url, ca_file=identity.certificate))
