"""A request is bounded in all its phases, and all requests by a deadline."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from analyzer.errors import DeadlinePassed, PrometheusError, QueryTooHeavy, Unreachable
from analyzer.prometheus.bounds import Allowance, AnswerTooLarge, Budget
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.settings import Setting
from tests.prometheus.asking import AT, ONE, OVERLOADED
from tests.support import Answer, FaultyHttp, prometheus_success, self_signed

_MEBIBYTE = 1024 * 1024
_SECONDS = 0.3


def _ask(access: Access) -> float:
    """Ask once and return how long it took to fail."""
    began = time.monotonic()
    with (
        Connection(access, sleep=lambda _: None) as connection,
        pytest.raises(PrometheusError, match=rf"within {_SECONDS} s"),
    ):
        connection.instant("up" * 100_000, AT)
    return time.monotonic() - began


@contextmanager
def _never_accepting() -> Iterator[socket.socket]:
    """Listen, accept nothing, and have no room for another connection."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listener.getsockname())
        time.sleep(0.05)
        yield listener
        for one in waiting:
            one.close()


@contextmanager
def _silent() -> Iterator[socket.socket]:
    """Accept connections by the backlog alone, and read nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield listener


def _url(listener: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


# --- the phases of one request ---


def test_connecting_is_bounded_and_no_reason_to_ask_for_less() -> None:
    with _never_accepting() as listener:
        access = Access(url=_url(listener), timeout_seconds=_SECONDS)
        with pytest.raises(Unreachable), Connection(access, sleep=lambda _: None) as connection:
            connection.instant("up", AT)
        # It may pass, so it is tried twice.
        assert 2 * _SECONDS <= _ask(access) < 2 * _SECONDS + 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_sending_and_the_handshake_are_bounded(scheme: str, tmp_path: Path) -> None:
    identity = self_signed("server", tmp_path)
    with _silent() as listener:
        url = _url(listener, scheme)
        access = Access(url=url, timeout_seconds=_SECONDS, ca_file=identity.certificate)
        assert _ask(access) < 2 * _SECONDS + 1


def test_looking_a_name_up_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name that tests may look up takes long, so the resolver is slowed down."""
    over = threading.Event()

    def look_up(*_: object) -> None:
        over.wait(30)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        assert _ask(Access(url="http://prometheus", timeout_seconds=_SECONDS)) < 2 * _SECONDS + 1
    finally:
        over.set()


def test_a_crawling_proxy_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with _silent() as listener:
        monkeypatch.setenv("http_proxy", _url(listener))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert _ask(Access(url="http://prometheus", timeout_seconds=_SECONDS)) < 2 * _SECONDS + 1


def test_each_address_of_a_name_has_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with _never_accepting() as full, FaultyHttp([ONE]) as server:
        port = int(server.url.rpartition(":")[2])
        usual = socket.getaddrinfo

        def look_up(host: str, *more: object, **named: object) -> object:
            # 127.0.0.1 is another address of the server, and "first" is none that answers.
            addresses = {"two": ["127.0.0.2", "127.0.0.1"]}.get(host, [host])
            return [one for each in addresses for one in usual(each, *more, **named)]  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with Connection(Access(url=f"http://two:{port}", timeout_seconds=1)) as connection:
            assert len(connection.instant("up", AT).series) == 1
        del full


# --- all requests ---


def test_the_deadline_ends_requests_and_waits() -> None:
    for script in ([Answer(delay_seconds=60)], [OVERLOADED]):
        began = time.monotonic()
        with FaultyHttp(script) as server:
            access = Access(url=server.url, deadline_seconds=0.3)
            with Connection(access) as connection, pytest.raises(DeadlinePassed) as caught:
                connection.instant("up", AT)
        assert 0.3 <= time.monotonic() - began < 1.5
        assert caught.value.settings == (Setting.DEADLINE,)


def test_a_server_that_asks_for_patience_is_not_waited_for_beyond_the_deadline() -> None:
    refusal = Answer(status=429, headers=(("Retry-After", "100"),))
    began = time.monotonic()
    with FaultyHttp([refusal]) as server:
        access = Access(url=server.url, deadline_seconds=0.3)
        with Connection(access) as connection, pytest.raises(DeadlinePassed):
            connection.instant("up", AT)
    assert time.monotonic() - began < 1.5


def test_after_the_deadline_nothing_is_asked() -> None:
    with FaultyHttp([ONE]) as server:
        access = Access(url=server.url, deadline_seconds=0.1)
        with Connection(access) as connection:
            time.sleep(0.15)
            for ask in (lambda: connection.instant("up", AT), lambda: connection.label_values("a")):
                with pytest.raises(DeadlinePassed):
                    ask()
        assert server.received == ()


def test_the_server_is_given_no_more_time_than_there_is() -> None:
    access = Access(url="http://h", timeout_seconds=60, deadline_seconds=10)

    assert Budget(access).request_seconds in {9, 10}


# --- bytes ---


def _budget(mebibytes: int = 1) -> Budget:
    return Budget(Access(url="http://h", max_answer_mib=mebibytes))


def test_a_large_answer_waits_for_another_and_its_time_does_not_pass() -> None:
    budget, order = _budget(), list[str]()
    held = threading.Event()

    def first() -> None:
        with budget.allowed() as allowance:
            allowance.grown_to(_MEBIBYTE)
            held.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(10)
    second = Allowance(seconds=0.1, budget=budget)
    second.grown_to(1000)
    order.append("small")
    second.grown_to(_MEBIBYTE)
    order.append("second")
    assert second.seconds_left() > 0
    second.end()
    thread.join()
    assert order == ["small", "first", "second"]


@pytest.mark.parametrize("item", [b"[],", b"{},", b'"",', b'{"a":1},', b'[1,"2"],'])
def test_many_values_in_few_bytes_are_too_large(item: bytes) -> None:
    with _budget().allowed() as allowance:
        allowance.grown_to(_MEBIBYTE)
        with pytest.raises(AnswerTooLarge):
            allowance.weigh(item * (_MEBIBYTE // len(item)))


def test_a_matrix_of_full_numbers_is_not_too_large() -> None:
    sample = b'[1715680800,"0.00453123456789012"],'
    with _budget().allowed() as allowance:
        allowance.grown_to(_MEBIBYTE)
        allowance.weigh(sample * (_MEBIBYTE // len(sample)))


def test_an_answer_that_is_too_large_names_the_setting_and_is_not_sent_again() -> None:
    with FaultyHttp([Answer(body=b" " * 2 * _MEBIBYTE)]) as server:
        access = Access(url=server.url, max_answer_mib=1)
        with Connection(access) as connection, pytest.raises(QueryTooHeavy) as caught:
            connection.instant("up", AT)
        assert len(server.received) == 1
    assert caught.value.settings == (Setting.MAX_ANSWER,)


def test_label_values_are_bounded_as_well() -> None:
    body = b'{"data":["' + b"x" * 2 * _MEBIBYTE + b'"]}'
    with (
        FaultyHttp([Answer(body=body)]) as server,
        Connection(Access(url=server.url, max_answer_mib=1)) as connection,
    ):
        assert connection.label_values("namespace") == ()


def test_label_values_that_were_lost_once_are_asked_for_again() -> None:
    with (
        FaultyHttp([Answer(), Answer(body=b'{"status":"success","data":["a"]}')]) as server,
        Connection(Access(url=server.url)) as connection,
    ):
        assert connection.label_values("namespace") == ("a",)


@pytest.mark.parametrize("status", [503, 429])
def test_label_values_are_retried_as_queries_are(status: int) -> None:
    values = Answer(body=b'{"status":"success","data":["a"]}')
    refusals = [Answer(status=status, headers=(("Retry-After", "0"),))] * 3
    with FaultyHttp([*refusals, values]) as server, quick(server.url) as connection:
        assert connection.label_values("namespace") == ("a",)


def test_a_server_that_lists_no_values_is_asked_once_and_may_still_refuse_post() -> None:
    absent, refused = Answer(status=404), Answer(status=405)
    with FaultyHttp([absent, refused, ONE]) as server, quick(server.url) as connection:
        assert connection.label_values("namespace") == ()
        assert len(server.received) == 1
        assert connection.instant("up", AT).series
        assert [one.method for one in server.received] == ["GET", "POST", "GET"]


def quick(url: str) -> Connection:
    return Connection(Access(url=url), sleep=lambda _: None)


def test_of_a_page_only_the_beginning_is_read_and_json_is_no_page() -> None:
    html = (("Content-Type", "text/html"),)
    page = Answer(body=b"<html>" + b" " * 2 * _MEBIBYTE, headers=html)
    many = [{"metric": {"pod": f"a-{n}"}, "value": [AT.timestamp(), "1"]} for n in range(10_000)]
    json = prometheus_success(many, result_type="vector").body
    assert len(json) > 256 * 1024
    with (
        FaultyHttp([page, Answer(body=json, headers=html)]) as server,
        Connection(Access(url=server.url, max_answer_mib=2)) as connection,
    ):
        with pytest.raises(PrometheusError, match="login page"):
            connection.instant("up", AT)
        assert len(connection.instant("up", AT).series) == len(many)


_GREEDY = """
import resource
from analyzer.errors import QueryTooHeavy
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from tests.prometheus.asking import AT, ONE
from tests.support import Answer
from tests.support.spoilt_http import KINDS, SpoiltServer, bodies

def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

samples = b",".join([b'[1715680800,"0.0453"]'] * 400_000)
row = b'{"status":"success","data":{"resultType":"vector","result":[%b]}}' % samples
before = peak_mib()
spoils = [KINDS[name].spoil for name in ("gzip bomb", "endless body", "millions of lists")]
spoils.append(bodies.changed(lambda _: row))
for spoil in spoils:
    with SpoiltServer(ONE, spoil) as server, Connection(
        Access(url=server.url, max_answer_mib=8), sleep=lambda _: None
    ) as connection:
        try:
            connection.instant("up", AT)
        except QueryTooHeavy:
            pass
print(peak_mib() - before)
"""


def test_memory_is_bounded_by_the_largest_answer() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GREEDY], capture_output=True, text=True, check=True, timeout=120
    )

    # The server of the test is in the same process, with what it sends.
    assert float(done.stdout) < 8 * 13 + 50
