"""What proxies count besides adds up to the truth, and is there for those that count it."""

from functools import cache

import numpy as np
import pytest

from tests.support import Mesh, build_mesh, dialect_mesh, with_more_of_proxies
from tests.support.more_of_proxies import CLOSED, OPENED
from tests.support.scraping import pod_key, pods_by_name
from tests.support.telling import total

CLUSTERS = "envoy_cluster_manager_active_clusters"


@cache
def mesh() -> Mesh:
    return with_more_of_proxies(build_mesh(dialect_mesh()))


def test_counters_add_up_to_the_truth() -> None:
    http = total(mesh(), "istio_request_bytes_sum") + total(mesh(), "istio_response_bytes_sum")
    connections = total(mesh(), OPENED)

    workloads = mesh().truth.workloads
    assert http == pytest.approx(sum(one.http_bytes_per_second for one in workloads), rel=0.02)
    assert connections == pytest.approx(
        sum(one.new_connections_per_second for one in workloads), rel=0.02
    )


def test_a_proxy_has_closed_what_it_opened_but_does_not_hold() -> None:
    last = {
        name: {
            (pod_key(one), dict(one.labels)["reporter"]): one.values[~np.isnan(one.values)][-1]
            for one in mesh().named(name)
        }
        for name in (OPENED, CLOSED)
    }
    pods = pods_by_name(mesh())
    held: dict[str, list[float]] = {}
    for (key, reporter), opened in last[OPENED].items():
        assert key is not None
        held.setdefault(f"{pods[key].workload.key} {reporter}", []).append(
            opened - last[CLOSED][key, reporter]
        )

    assert {name: set(values) for name, values in held.items()} == {
        "data/cache destination": {60.0},
        "istio-system/ztunnel destination": {120.0},
        "istio-system/ztunnel source": {80.0},
    }


def test_workloads_differ_in_what_a_request_a_connection_and_a_configuration_are() -> None:
    """Whoever mixes up whose they are comes out wrong."""
    specs = mesh().spec.workloads

    for name in ("wire_bytes_per_request", "tcp_bytes_per_connection", "configured_clusters"):
        assert len({getattr(one, name) for one in specs}) > 1, name


def test_every_envoy_and_no_ztunnel_tells_how_large_its_configuration_is() -> None:
    told = {pod_key(one): np.unique(one.values).tolist() for one in mesh().named(CLUSTERS)}

    assert told == {
        (pod.workload.namespace, pod.name): [pod.workload.configured_clusters]
        for pod in mesh().pods
        if pod.workload.role != "ztunnel"
    }


def test_nothing_else_is_added() -> None:
    before = {one.name for one in build_mesh(dialect_mesh()).series}

    assert {one.name for one in mesh().series} - before == {
        CLUSTERS,
        "istio_request_bytes_sum",
        "istio_response_bytes_sum",
        OPENED,
        CLOSED,
    }
