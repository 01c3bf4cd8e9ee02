"""An address is read as people paste it, and no real path prefix is lost."""

import hashlib

import pytest

from analyzer.errors import UsageError
from analyzer.prometheus.address import parse_address
from analyzer.prometheus.credentials import Access
from analyzer.settings import Setting


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("localhost:9090", "http://localhost:9090"),
        (" prom.example:9090/prefix/ ", "http://prom.example:9090/prefix"),
        ("prometheus", "http://prometheus"),
        ("httpbin:9090", "http://httpbin:9090"),
        ("//prom.example:9090", "http://prom.example:9090"),
        ("[::1]:9090", "http://[::1]:9090"),
        ("prom.example:443", "https://prom.example:443"),
    ],
)
def test_a_scheme_that_is_missing_is_assumed_and_remarked(given: str, used: str) -> None:
    address = parse_address(given)

    assert address.url == used
    assert address.is_scheme_assumed
    assert address.remark.startswith(f"Using {used}: ")
    assert f"{used.partition(':')[0]} is assumed" in address.remark


@pytest.mark.parametrize(
    ("given", "used", "page"),
    [
        ("http://h:9090/graph?g0.expr=up&g0.tab=1", "http://h:9090", "/graph"),
        ("http://h:9090/query?g0.expr=up#top", "http://h:9090", "/query"),
        ("http://h:9090/classic/targets", "http://h:9090", "/classic/targets"),
        ("http://h:9090/prometheus/alerts/", "http://h:9090/prometheus", "/alerts"),
        ("http://h:9090/api/v1", "http://h:9090", "/api/v1"),
        ("http://h/p/api/v1/query_range?query=up", "http://h/p", "/api/v1/query_range"),
        ("http://h/api/v1/label/job/values", "http://h", "/api/v1/label/job/values"),
        ("https://vm/vmui/#/?g0.expr=up", "https://vm", "/vmui"),
        ("https://vm/select/0/vmui", "https://vm/select/0/prometheus", "/vmui"),
        ("http://h/query/api/v1", "http://h/query", "/api/v1"),
        (
            "http://k/api/v1/namespaces/m/services/prometheus:9090/proxy/graph",
            "http://k/api/v1/namespaces/m/services/prometheus:9090/proxy",
            "/graph",
        ),
    ],
)
def test_a_page_of_the_browser_is_left_out_and_remarked(given: str, used: str, page: str) -> None:
    address = parse_address(given)

    assert address.url == used
    assert address.remark.startswith(f"Using {used}: ")
    assert page in address.remark
    assert ("? or #" in address.remark) == ("?" in given)
    assert "expr" not in address.remark


@pytest.mark.parametrize(
    "url",
    [
        "https://mimir.example/prometheus",
        "http://vm:8481/select/0/prometheus",
        "https://grafana.example/api/datasources/proxy/uid/abc",
        "http://k/api/v1/namespaces/m/services/prometheus:9090/proxy",
        "http://h/query/eu",
        "http://h/graphs",
        "https://x.example/data/metrics",
    ],
)
def test_a_real_prefix_is_kept_without_a_remark(url: str) -> None:
    address = parse_address(url)

    assert (address.url, address.remark, address.is_scheme_assumed) == (url, "", False)


@pytest.mark.parametrize("part", ["?token=s3cret", "/#s3cret", "/graph?token=s3cret"])
def test_what_is_left_out_is_not_repeated(part: str) -> None:
    address = parse_address(f"http://prometheus{part}")

    assert address.url == "http://prometheus"
    assert "s3cret" not in address.remark


@pytest.mark.parametrize(
    "text", ["::1", "http:/h", "http//h", "https:h", "/tmp/x", "./x", "tcp://10.0.0.1:9090", " "]
)
def test_what_is_mistyped_is_no_host(text: str) -> None:
    with pytest.raises(UsageError, match="is not an http") as caught:
        parse_address(text)

    assert caught.value.settings == (Setting.URL,)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost:1", True),
        ("127.0.0.2:9090", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_this_machine_is_known(host: str, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert parse_address(host).is_loopback == expected


# --- with credentials ---


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("prom.example:9090", {"environment": {"PROMETHEUS_TOKEN": "s3cret"}}),
        ("me:s3cret@prom.example:9090", {}),
        ("prom.example:9090", {"username": "s3cret"}),
        ("prom.example:9090", {"headers": ("X-Key: s3cret",)}),
    ],
)
def test_no_secret_is_sent_to_another_machine_by_an_assumed_scheme(
    url: str, more: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="has no scheme") as caught:
        Access.parse(url, **{"environment": {}, **more})  # type: ignore[arg-type]

    assert "s3cret" not in str(caught.value)
    assert caught.value.settings == (Setting.URL,)


@pytest.mark.parametrize("url", ["localhost:9090", "http://prom.example", "https://prom.example"])
def test_a_secret_is_sent_to_this_machine_or_by_a_stated_scheme(url: str) -> None:
    access = Access.parse(url, environment={"PROMETHEUS_TOKEN": "s3cret"})

    assert access.token == "s3cret"


def test_a_tenant_header_is_no_secret() -> None:
    access = Access.parse("mimir:8080/prometheus", headers=("X-Scope-OrgID: a",), environment={})

    assert access.url == "http://mimir:8080/prometheus"


def test_tenants_and_users_differ_and_renewed_secrets_do_not() -> None:
    def tenant(*headers: str, **environment: str) -> str:
        named = {f"PROMETHEUS_{name}": value for name, value in environment.items()}
        return Access.parse("http://h", headers=headers, environment=named).tenant

    assert tenant() == tenant("X-Key: 1") == tenant(TOKEN="1") == ""
    different = {
        tenant("X-Scope-OrgID: a"),
        tenant("X-Scope-OrgID: b"),
        tenant("THANOS-TENANT: a"),
        tenant(USERNAME="a"),
        tenant("X-Scope-OrgID: a", USERNAME="a"),
    }
    assert len(different) == 5
    for name in ("X-Team", "X-Grafana-Org", "X-WEBAUTH-USER", "X-Prometheus-Tenant", "Host"):
        assert tenant(f"{name}: a") not in {"", tenant(f"{name}: b")}
    for name in (
        "authorization",
        "Cookie",
        "X-Auth",
        "X-Amz-Security-Token",
        "CF-Access-Client-Id",
        "User-Agent",
        "traceparent",
        "X-Request-Id",
        "Accept-Encoding",
    ):
        assert tenant(f"{name}: a") == ""
    assert tenant("x-scope-orgid: a") == tenant("X-Scope-OrgID: a", "X-Key: 2")
    assert tenant(USERNAME="a", PASSWORD="1") == tenant(USERNAME="a", PASSWORD="2")


def test_the_hash_of_a_tenant_is_salted_with_the_server() -> None:
    headers = ("X-Scope-OrgID: a",)
    here, again, there = (
        Access.parse(url, headers=headers, environment={}).tenant
        for url in ("http://h", "http://h/", "http://g")
    )

    assert here == again != there
    assert hashlib.sha256(b"x-scope-orgid: a").hexdigest()[:12] not in here
