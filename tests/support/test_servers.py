"""Samples arrive whole, real servers come and go, and faulty ones fail as set."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cramjam
import numpy as np
import pytest
import requests

from tests.support import (
    SMALL_MESH,
    Answer,
    FaultyHttp,
    MeshCache,
    MissingBinaryError,
    PrometheusServer,
    RemoteWriteError,
    ServerStartError,
    build_mesh,
    find_binary,
    login_page,
    prometheus_error,
    remote_write,
)

CPU = "container_cpu_usage_seconds_total"
REQUESTS = "istio_requests_total"

# --- writing ---


def messages(data: bytes) -> Iterator[tuple[int, Any]]:
    """Decode one level of protobuf, the slow and obvious way."""
    place = 0

    def varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            byte = data[place]
            place += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while place < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = 8 if tag & 7 == 1 else varint()
        yield tag >> 3, data[place : place + size]
        place += size


def decoded(body: bytes) -> Iterator[tuple[tuple[tuple[str, str], ...], list[tuple[int, float]]]]:
    for _, series in messages(bytes(cramjam.snappy.decompress_raw(body))):
        parts = list(messages(series))
        labels = [dict(messages(part)) for field, part in parts if field == 1]
        samples = [dict(messages(part)) for field, part in parts if field == 2]
        yield (
            tuple((label[1].decode(), label[2].decode()) for label in labels),
            [(one[2], float(np.frombuffer(one[1])[0])) for one in samples],
        )


def test_samples_are_written_whole_and_in_time_order() -> None:
    slow = replace(SMALL_MESH, hours=24, envoy_scrape_seconds=600, cadvisor_scrape_seconds=600)
    mesh = build_mesh(replace(slow, churn=0.3, restarts=0.3))
    with FaultyHttp([Answer(status=204)]) as server:
        count = remote_write.write(f"{server.url}/api/v1/write", mesh.series)
        bodies = [request.body for request in server.received]

    found: defaultdict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = defaultdict(list)
    last_end_ms = 0
    for body in bodies:
        times_ms = []
        for labels, samples in decoded(body):
            found[labels] += samples
            times_ms += [sample[0] for sample in samples]
        assert last_end_ms < min(times_ms)
        assert max(times_ms) - min(times_ms) < remote_write.BLOCK_HOURS / 2 * 3_600_000
        last_end_ms = max(times_ms)
    assert len(bodies) > 2
    assert sum(map(len, found.values())) == count == mesh.sample_count
    for series in mesh.series:
        samples = found[series.labels]
        assert [sample[0] for sample in samples] == series.times_ms.tolist()
        np.testing.assert_array_equal([sample[1] for sample in samples], series.values)


# --- Prometheus ---


def get(
    url: str,
    *,
    timeout_seconds: float = 30,
    params: dict[str, str | float] | None = None,
    headers: dict[str, str] | None = None,
) -> requests.Response:
    """Ask a server on loopback, past any proxy in the environment."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=timeout_seconds, params=params, headers=headers)


def ask(url: str, promql: str, **more: float) -> list[dict[str, Any]]:
    path = "query_range" if "step" in more else "query"
    asked: dict[str, str | float] = {"query": promql, **more}
    answer = get(f"{url}/api/v1/{path}", params=asked).json()
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


@pytest.fixture(scope="module")
def meshes(tmp_path_factory: pytest.TempPathFactory) -> MeshCache:
    return MeshCache(tmp_path_factory.mktemp("meshes"))


@pytest.mark.live
def test_a_real_prometheus_gives_back_the_truth(meshes: MeshCache, tmp_path: Path) -> None:
    filled = meshes.filled(replace(SMALL_MESH, churn=0.1, restarts=0.1))
    assert meshes.filled(replace(SMALL_MESH, churn=0.1, restarts=0.1)) is filled
    end = filled.spec.end.timestamp()
    wanted = {
        f'sum(rate({CPU}{{container="istio-proxy"}}[2h]))': filled.truth.sidecar_vcpu,
        f"sum(rate({REQUESTS}[2h]))": filled.truth.proxy_rps,
        f'sum(rate({REQUESTS}{{reporter="destination"}}[2h]))': filled.truth.mesh_rps,
        "avg_over_time(count(kube_pod_info)[110m:5m])": 10,
    }

    with filled.serve(tmp_path / "server") as server:
        for promql, true in wanted.items():
            (found,) = ask(server.url, promql, time=end)
            tolerance = 0.01 if "[2h]" in promql else 0
            assert float(found["value"][1]) == pytest.approx(true, rel=tolerance)


@pytest.mark.live
def test_windows_of_a_real_prometheus_average_to_the_truth(
    meshes: MeshCache, tmp_path: Path
) -> None:
    filled = meshes.filled(SMALL_MESH)
    start, end = filled.spec.start.timestamp(), filled.spec.end.timestamp()
    promql = f'sum(rate({CPU}{{container="istio-proxy"}}[10m]))'

    with filled.serve(tmp_path / "server") as server:
        (found,) = ask(server.url, promql, start=start + 600, end=end, step=600)
        (logged,) = server.query_log()

    values = [float(value) for _, value in found["values"]]
    assert len(values) == 12
    assert np.mean(values) == pytest.approx(filled.truth.sidecar_vcpu, rel=0.01)
    assert (logged.promql, logged.path) == (promql, "/api/v1/query_range")
    assert (logged.start.timestamp(), logged.end.timestamp()) == (start + 600, end)
    assert logged.step_seconds == 600


@pytest.mark.live
def test_samples_that_come_too_late_are_refused_in_the_servers_words(tmp_path: Path) -> None:
    with PrometheusServer(tmp_path) as server:
        server.fill(build_mesh(SMALL_MESH))
        with pytest.raises(RemoteWriteError, match="answered 400: out of bounds"):
            server.fill(build_mesh(replace(SMALL_MESH, start=datetime(2024, 5, 11, tzinfo=UTC))))


@pytest.mark.live
def test_a_failed_start_has_the_servers_last_words(tmp_path: Path) -> None:
    server = PrometheusServer(tmp_path, flags=["--no-such-flag"])

    with pytest.raises(ServerStartError, match=r"prometheus ended at once: .*no-such-flag"):
        server.start()


@pytest.mark.live
def test_no_server_outlives_a_failing_test(tmp_path: Path) -> None:
    def fail() -> None:
        raise AssertionError

    with pytest.raises(AssertionError), PrometheusServer(tmp_path) as server:
        fail()
    with pytest.raises(requests.ConnectionError):
        get(server.url)


def test_a_missing_program_says_how_to_get_it() -> None:
    with pytest.raises(MissingBinaryError, match="make tools"):
        find_binary("no-such-program")


# --- faults ---


def test_faults_come_first_and_then_the_real_answer() -> None:
    refusal = prometheus_error(503, "timeout", "query timed out", Retry_After="1")
    with (
        FaultyHttp([Answer(body=b"real")]) as real,
        FaultyHttp([refusal, None, login_page()], upstream=real.url) as faulty,
    ):
        asked = f"{faulty.url}/api/v1/query?query=up"
        answers = [get(asked, headers={"X-Scope-OrgID": "one"}) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [503, 200, 200, 200]
        assert answers[0].json()["error"] == "query timed out"
        assert answers[0].headers["Retry-After"] == "1"
        assert [answer.text[:4] for answer in answers[1:]] == ["real", "<!DO", "real"]
        assert [request.headers["x-scope-orgid"] for request in faulty.received] == ["one"] * 4
        assert [request.path for request in real.received] == ["/api/v1/query?query=up"] * 2


def test_only_counted_requests_meet_faults() -> None:
    with (
        FaultyHttp([Answer(body=b"real")]) as real,
        FaultyHttp(
            [Answer(status=404)], upstream=real.url, counts=lambda request: "range" in request.path
        ) as faulty,
    ):
        paths = ("query", "query_range", "query_range")
        codes = [get(f"{faulty.url}/{path}").status_code for path in paths]

    assert codes == [200, 404, 200]


def test_a_body_can_be_cut_short_and_an_answer_slow() -> None:
    cut = Answer(body=b"0123456789", missing_bytes=5)
    with FaultyHttp([cut, Answer(delay_seconds=60)]) as faulty:
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            get(faulty.url)
        begin = time.monotonic()
        with pytest.raises(requests.ReadTimeout):
            get(faulty.url, timeout_seconds=0.2)
    assert time.monotonic() - begin < 5
