"""Both engines give back what they were given."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.support import (
    SMALL_MESH,
    STILL_MESH,
    Mesh,
    PrometheusServer,
    ServerProcess,
    ServerStartError,
    VictoriaServer,
    build_mesh,
)
from tests.support.telling import (
    CPU,
    REQUESTS,
    all_rps,
    all_vcpu,
    told,
)


def get(url: str, params: dict[str, str | float] | None = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, params=params, timeout=30)


def ask(server: ServerProcess, promql: str, **more: float) -> list[dict[str, Any]]:
    path = "query_range" if "step" in more else "query"
    asked: dict[str, str | float] = {"query": promql, **more}
    answer = get(f"{server.url}/api/v1/{path}", asked).json()
    assert answer["status"] == "success", answer
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


def ask_number(server: ServerProcess, promql: str, time: float) -> float:
    (found,) = ask(server, promql, time=time)
    return float(found["value"][1])


def ask_mean(server: ServerProcess, promql: str, mesh: Mesh) -> float:
    start, end = mesh.spec.start.timestamp(), mesh.spec.end.timestamp()
    (found,) = ask(server, promql, start=start + 300, end=end, step=300)
    assert len(found["values"]) == 24
    return float(np.mean([float(value) for _, value in found["values"]]))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(tmp_path_factory.mktemp("prometheus")) as server:
        server.fill(told("kube-prometheus-stack"))
        yield server


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaServer]:
    with VictoriaServer(tmp_path_factory.mktemp("victoria")) as server:
        assert (
            server.fill(told("kube-prometheus-stack")) == told("kube-prometheus-stack").sample_count
        )
        yield server


TRUE_SUMS: dict[str, Callable[[Mesh], float]] = {
    f'sum(rate({CPU}{{container="istio-proxy"}}[5m]))': all_vcpu,
    f"sum(rate({REQUESTS}[5m]))": all_rps,
    f'sum(rate({REQUESTS}{{reporter="destination"}}[5m]))': lambda mesh: sum(
        w.inbound_rps for w in mesh.truth.workloads if w.role == "sidecar"
    ),
    'sum(kube_pod_init_container_resource_requests{container="istio-proxy", resource="cpu"})': (
        lambda mesh: sum(p.workload.reserved_vcpu for p in mesh.pods if p.workload.native)
    ),
}


@pytest.mark.live
@pytest.mark.parametrize("promql", TRUE_SUMS)
def test_two_engines_give_the_truth_back(
    promql: str, prometheus: PrometheusServer, victoria: VictoriaServer
) -> None:
    mesh = told("kube-prometheus-stack")
    true = TRUE_SUMS[promql](mesh)

    means = [ask_mean(server, promql, mesh) for server in (prometheus, victoria)]
    assert means[0] == pytest.approx(true, rel=0.01)
    assert means[1] == pytest.approx(means[0], rel=0.02)
    whole = promql.replace("[5m]", "[2h]")
    numbers = [ask_number(s, whole, mesh.spec.end.timestamp()) for s in (prometheus, victoria)]
    assert numbers[0] == pytest.approx(true, rel=0.01)
    assert numbers[1] == pytest.approx(numbers[0], rel=0.02)


@pytest.mark.live
@pytest.mark.parametrize("server_type", [PrometheusServer, VictoriaServer])
def test_engines_agree_on_federated_sums(server_type: type[ServerProcess], tmp_path: Path) -> None:
    mesh = told("istio-production-federation")

    with server_type(tmp_path) as server:
        server.fill(mesh)
        found = ask_number(server, f"sum(rate({REQUESTS}[2h]))", mesh.spec.end.timestamp())
    assert found == pytest.approx(all_rps(mesh), rel=0.02)


@pytest.mark.live
def test_victoria_metrics_serves_again_what_it_was_given(tmp_path: Path) -> None:
    asked = SMALL_MESH.end.timestamp() - 60
    with VictoriaServer(tmp_path) as server:
        server.fill(build_mesh(STILL_MESH))
        assert ask_number(server, "count(kube_pod_info)", asked) == 10
        url = server.url
    with pytest.raises(requests.ConnectionError):
        get(f"{url}/health")
    with VictoriaServer(tmp_path) as server:
        assert ask_number(server, "count(kube_pod_info)", asked) == 10


@pytest.mark.live
def test_a_failed_start_of_victoria_metrics_has_its_last_words(tmp_path: Path) -> None:
    server = VictoriaServer(tmp_path, flags=["-no-such-flag"])

    with pytest.raises(ServerStartError, match="victoria-metrics ended at once: "):
        server.start()
