"""The metrics of each proxy beside CPU and requests, from a real Prometheus, against the truth."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzer.measurement import MeshUsage, measure
from analyzer.notebook.api import collect
from analyzer.units import Role
from tests.support import (
    DEFAULT_START,
    Mesh,
    MeshSpec,
    PrometheusServer,
    WorkloadSpec,
    build_mesh,
    default_mesh,
    dialect,
    with_throttling,
)
from tests.support.more_of_proxies import CLOSED, OPENED
from tests.support.sampling import at
from tests.support.scraping import pod_key, with_series

pytestmark = pytest.mark.live

_SPEC = replace(default_mesh(pods=60, hours=3), churn=0.0, restarts=0.3)
_THROTTLED, _SHARE = "shop/frontend", 0.4


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    """Return a mesh of all roles; one workload runs into its CPU limit, some proxies restart."""
    spoilt = with_throttling(build_mesh(_SPEC), [_THROTTLED], share=_SHARE)
    return dialect("kube-prometheus-stack").tell(spoilt)


@pytest.fixture(scope="module")
def usage(mesh: Mesh, tmp_path_factory: pytest.TempPathFactory) -> MeshUsage:
    folder = tmp_path_factory.mktemp("steps")
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        snapshot = collect(
            server.url, days=_SPEC.hours / 24, end=_SPEC.end, path=folder / "snapshot"
        ).snapshot
    return measure(snapshot)


def by_workload(usage: MeshUsage, column: str) -> Mapping[str, float]:
    """Return the total of each workload's proxies, averaged over the window."""
    rows = usage.steps.join(usage.proxies[["namespace", "workload"]], on="proxy")
    names = rows["namespace"] + "/" + rows["workload"]
    totals = rows[column].groupby(names).sum() / len(usage.observed_points)
    return {str(name): float(total) for name, total in totals.items()}


@pytest.mark.parametrize(
    "column",
    [
        "http_bytes_per_second",
        "new_connections_per_second",
        "inbound_tcp_bytes_per_second",
        "open_connections",
    ],
)
def test_each_workload_is_the_truth_within_2_percent(
    column: str, usage: MeshUsage, mesh: Mesh
) -> None:
    true = {f"{one.namespace}/{one.name}": getattr(one, column) for one in mesh.truth.workloads}

    assert not usage.steps[column].isna().any()
    assert by_workload(usage, column) == pytest.approx(true, rel=0.02)


def test_ztunnels_have_bytes_and_connections_of_tcp_alone(usage: MeshUsage) -> None:
    rows = usage.of_role(Role.ZTUNNEL)

    assert (rows["tcp_bytes_per_second"] > 0).all()
    assert (rows["new_connections_per_second"] > 0).all()
    assert (rows["http_bytes_per_second"] == 0).all()
    assert rows["configured_clusters"].isna().all()


def test_every_envoy_has_the_size_of_its_configuration(usage: MeshUsage) -> None:
    sizes = {f"{one.namespace}/{one.name}": one.configured_clusters for one in _SPEC.workloads}
    for role in set(Role) - {Role.ZTUNNEL}:
        rows = usage.of_role(role)
        names = rows["namespace"].astype(str) + "/" + rows["workload"].astype(str)
        expected = names.map(sizes)
        assert (rows["configured_clusters"] == expected).all(), role


def test_only_the_throttled_workload_is_throttled(usage: MeshUsage) -> None:
    rows = usage.steps.join(usage.proxies[["namespace", "workload"]], on="proxy")
    throttled = rows["namespace"] + "/" + rows["workload"] == _THROTTLED

    assert rows.loc[throttled, "throttled_share"].mean() == pytest.approx(_SHARE, rel=0.02)
    assert (rows.loc[~throttled, "throttled_share"] == 0).all()


def test_each_restart_is_a_reset_in_its_step(usage: MeshUsage, mesh: Mesh) -> None:
    """Of proxies that count requests: the others have no request counter to reset."""
    step_seconds = usage.window.step_seconds
    counting = {pod_key(one) for one in mesh.named("istio_requests_total")}
    restarted = {
        (pod.workload.namespace, pod.name): divmod(pod.restart_seconds, step_seconds)
        for pod in mesh.pods
        if pod.restart_seconds is not None and (pod.workload.namespace, pod.name) in counting
    }
    # That a counter fell is only seen where the scrapes before and after are of one step.
    margin = _SPEC.envoy_scrape_seconds + 1
    within = {
        (*pod, step)
        for pod, (step, second) in restarted.items()
        if margin < second < step_seconds - margin
    }
    rows = usage.steps[usage.steps["resets"] > 0].join(usage.proxies, on="proxy")
    found = set(rows[["namespace", "pod", "point"]].itertuples(index=False, name=None))

    assert usage.window.start == _SPEC.start
    assert len(within) > 5
    assert within <= found
    assert {(namespace, pod) for namespace, pod, _ in found} <= restarted.keys()
    assert not usage.steps["resets"].isna().any()


# --- TCP connections that stay open ---

_FOREVER = 10**9
_POOLS = MeshSpec(
    seed=5,
    start=DEFAULT_START,
    hours=2,
    workloads=(
        WorkloadSpec(namespace="shop", name="web", pods=2, idle_vcpu=0.01, inbound_rps_per_pod=20),
        *(
            WorkloadSpec(
                namespace="data",
                name=name,
                pods=3,
                traffic="tcp",
                idle_vcpu=0.01,
                tcp_bytes_per_second_per_pod=2e6,
                open_tcp_connections=held,
            )
            for name, held in (("cache", 60), ("pool", _FOREVER))
        ),
    ),
)


def pools(mesh: Mesh, folder: Path) -> MeshUsage:
    """Return this mesh as a real Prometheus has it."""
    with PrometheusServer(folder / "server") as server:
        server.fill(mesh)
        found = collect(server.url, days=2 / 24, end=_POOLS.end, path=folder / "snapshot")
    return measure(found.snapshot)


def open_of(usage: MeshUsage, workload: str) -> pd.DataFrame:
    """Return the open connections of a workload's pods, one column a pod."""
    rows = usage.steps.join(usage.proxies[["pod", "workload"]], on="proxy")
    rows = rows[rows["workload"] == workload]
    return rows.pivot_table(
        index="point", columns="pod", values="open_connections", dropna=False, observed=False
    )


def test_connections_of_a_proxy_that_closed_none_are_all_open(tmp_path: Path) -> None:
    mesh = dialect("kube-prometheus-stack").tell(build_mesh(_POOLS))
    usage = pools(mesh, tmp_path)
    found = open_of(usage, "pool")
    ends = [usage.window.time_of(point) for point in found.index]
    ends_ms = np.array([round(end.timestamp() * 1000) for end in ends], dtype=np.int64)

    opened = {key[1]: at(one, ends_ms) for one in mesh.named(OPENED) if (key := pod_key(one))}
    assert len(found.columns) == 3
    for pod, values in found.items():
        assert values.tolist() == opened[str(pod)].tolist()
        assert values.is_monotonic_increasing
    assert set(open_of(usage, "cache").to_numpy().ravel()) == {60.0}


def test_open_connections_are_not_known_where_no_closed_ones_are_counted(tmp_path: Path) -> None:
    mesh = dialect("kube-prometheus-stack").tell(build_mesh(_POOLS))
    kept = with_series(mesh, [one for one in mesh.series if one.name != CLOSED])
    usage = pools(kept, tmp_path)

    assert usage.steps["open_connections"].isna().all()
    assert (usage.steps["new_connections_per_second"] > 0).any()
