"""Credentials are read from where they may be, and shown nowhere."""

import os
from pathlib import Path

import pytest

from analyzer.defaults import DEFAULT_TIMEOUT_SECONDS
from analyzer.errors import UsageError
from analyzer.prometheus.credentials import Access

URL = "http://prometheus:9090"
NOTHING: dict[str, str] = {}


def secret_file(folder: Path, content: bytes) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    return path


def test_an_address_alone_carries_no_credentials() -> None:
    access = Access.parse(URL, environment=NOTHING)

    assert access == Access(url=URL)
    assert (access.token, access.username, access.password) == (None, None, None)
    assert access.timeout_seconds == DEFAULT_TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://prometheus:9090/", "http://prometheus:9090"),
        ("https://mimir.example.com/prometheus//", "https://mimir.example.com/prometheus"),
        ("HTTP://Prometheus/Path", "http://prometheus/Path"),
        ("http://[::1]:9090", "http://[::1]:9090"),
        ("http://user:pass@[::1]:9090/p", "http://[::1]:9090/p"),
    ],
)
def test_an_address_is_kept_without_credentials_and_without_a_slash_at_its_end(
    given: str, kept: str
) -> None:
    assert Access.parse(given, environment=NOTHING).url == kept


def test_credentials_in_the_address_are_decoded_and_moved_out_of_it() -> None:
    access = Access.parse("https://us%40er:p%3Ass%2F%20w@host:1/x", environment=NOTHING)

    assert access.url == "https://host:1/x"
    assert (access.username, access.password) == ("us@er", "p:ss/ w")


def test_nothing_secret_is_shown() -> None:
    access = Access(
        url=URL,
        token="s3cret-token",
        username="s3cret-user",
        password="s3cret-password",
        headers={"X-Key": "s3cret-header"},
        client_key=Path("s3cret.key"),
    )

    assert "s3cret" not in repr(access) + str(access)
    assert "s3cret" not in access.url


@pytest.mark.parametrize(
    "content",
    [b"s3cret\n", b"s3cret", b"  s3cret \r\nnot this\n", b"\xef\xbb\xbfs3cret\r\n"],
    ids=["line", "no newline", "more lines", "byte order mark"],
)
def test_a_token_is_the_first_line_of_its_file(content: bytes, tmp_path: Path) -> None:
    access = Access.parse(
        URL, token_file=secret_file(tmp_path, content), environment={"PROMETHEUS_TOKEN": "other"}
    )

    assert access.token == "s3cret"


def test_a_password_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    access = Access.parse(
        URL,
        username="me",
        password_file=secret_file(tmp_path, b"s3cret\n"),
        environment={"PROMETHEUS_USERNAME": "you", "PROMETHEUS_PASSWORD": "other"},
    )

    assert (access.username, access.password) == ("me", "s3cret")


def test_the_environment_is_read_and_its_line_ends_are_not() -> None:
    environment = {
        "PROMETHEUS_TOKEN": "s3cret\n",
        "PROMETHEUS_USERNAME": "me",
        "PROMETHEUS_PASSWORD": " pass word \n",
    }
    access = Access.parse("http://you:there@prometheus:9090", environment=environment)

    assert access.token == "s3cret"
    assert (access.username, access.password) == ("me", " pass word ")


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_TOKEN", "s3cret")

    assert Access.parse(URL).token == "s3cret"
    assert os.environ["PROMETHEUS_TOKEN"] == "s3cret"


def test_an_empty_variable_is_none_at_all() -> None:
    environment = dict.fromkeys(("PROMETHEUS_TOKEN", "PROMETHEUS_PASSWORD"), "")

    assert Access.parse(URL, environment=environment) == Access(url=URL)


def test_headers_are_read_as_name_and_value() -> None:
    access = Access.parse(
        URL, headers=("X-Scope-OrgID: team-a", "X-Time:12:30"), environment=NOTHING
    )

    assert access.headers == {"X-Scope-OrgID": "team-a", "X-Time": "12:30"}


@pytest.mark.parametrize("header", ["s3cret", ": s3cret", "A: s3cret\r\nB: c", "A: s3cret\nB"])
def test_a_header_that_is_none_is_refused_and_not_repeated(header: str) -> None:
    with pytest.raises(UsageError, match="takes 'Name: value'") as caught:
        Access.parse(URL, headers=(header,), environment=NOTHING)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://me:s3cret@prometheus",
        "http://",
        "http://me:s3cret@:9090",
        "http://me:s3cret@prometheus:port",
        "http://me:s3cret@prometheus:99999",
        "http://me:s3cret@[::1",
        "",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match=r"is not an http\(s\) address") as caught:
        Access.parse(url, environment=NOTHING)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://me:12/s3cret@prometheus",
        "http://me:12?s3cret@prometheus",
    ],
)
def test_a_secret_that_is_no_part_of_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="an @ after the host") as caught:
        Access.parse(url, environment=NOTHING)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\u2014", "ü", "\x7f"])
def test_what_no_header_can_carry_is_refused_and_not_repeated(character: str) -> None:
    secret = f"s3cret{character}x"
    with pytest.raises(UsageError, match="no HTTP header can carry") as caught:
        Access(url=URL, token=secret)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UsageError, match="no HTTP header can carry") as caught:
        Access(url=URL, headers={"X-Key": secret})
    assert "s3cret" not in str(caught.value)


def test_an_empty_secret_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"secret is empty"):
        Access.parse(URL, token_file=secret_file(tmp_path, b"\ns3cret"), environment=NOTHING)


def test_a_secret_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent .*: No such file"):
        Access.parse(URL, token_file=tmp_path / "absent", environment=NOTHING)
    with pytest.raises(UsageError, match=r"secret .*: it is not"):
        Access.parse(URL, password_file=secret_file(tmp_path, b"\xff\xfe"), environment=NOTHING)


@pytest.mark.parametrize("name", ["ca_file", "client_certificate", "client_key"])
def test_a_certificate_file_that_is_not_there_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*absent\.pem"):
        Access.parse(URL, environment=NOTHING, **{name: tmp_path / "absent.pem"})  # type: ignore[arg-type]
