"""Prometheus was away for a while, which is not the same as a mesh at rest."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.measurement.collect import collect_snapshot
from analyzer.measurement.plan import Ask
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.prometheus.connection import Connection
from analyzer.prometheus.credentials import Access
from analyzer.units import Role
from tests.support import SMALL_MESH, PrometheusServer, Series, build_mesh, remote_write

pytestmark = pytest.mark.live

REQUESTS = "istio_requests_total"
CPU = "container_cpu_usage_seconds_total"
OUTAGE_SECONDS = (535, 1145)
"""Nearly all of the second step and the scrape before it: of each proxy, a single scrape is left
in what a rate of that step reads."""


def builds(series: Sequence[Series]) -> list[Series]:
    """Return istio_build of every proxy that reports inbound requests, scraped with them."""
    kept = ("namespace", "pod", "job", "instance")
    found = []
    for one in series:
        labels = dict(one.labels)
        if one.name == REQUESTS and labels["reporter"] == "destination":
            build = {"__name__": "istio_build", "component": "proxy"}
            build |= {name: labels[name] for name in kept}
            found.append(replace(one, labels=tuple(sorted(build.items())), values=one.values**0))
    return found


def interrupted(series: Series, prefix: str) -> Series:
    if not series.name.startswith(prefix):
        return series
    seconds = (series.times_ms - SMALL_MESH.start_ms) / 1000
    seen = ~((seconds > OUTAGE_SECONDS[0]) & (seconds <= OUTAGE_SECONDS[1]))
    return replace(series, times_ms=series.times_ms[seen], values=series.values[seen])


def measured(folder: Path, prefix: str) -> MeshUsage:
    """Return what is measured where the metrics of one prefix were not scraped for a while."""
    series = build_mesh(SMALL_MESH).series
    left = [interrupted(one, prefix) for one in (*series, *builds(series))]
    with PrometheusServer(folder / "server") as server:
        remote_write.write(f"{server.url}/api/v1/write", left)
        ask = Ask(source=server.url, start=SMALL_MESH.start, end=SMALL_MESH.end)
        with Connection(Access(url=server.url)) as source:
            return measure(collect_snapshot(source, ask, folder / "snap", now=SMALL_MESH.end))


@pytest.mark.parametrize(
    ("prefix", "column", "finding"),
    [("istio_", "proxy_rps", "unseen_requests"), (CPU, "cpu_vcpu", "unseen_cpu")],
    ids=["proxies", "kubelet"],
)
def test_a_step_that_one_source_missed_is_filled(
    prefix: str, column: str, finding: str, tmp_path: Path
) -> None:
    usage = measured(tmp_path, prefix)

    assert len(usage.observed_points) == usage.window.point_count
    assert 1 in usage.steps.loc[usage.steps[column].isna(), "point"].to_numpy()
    assert not np.isclose(usage.filled["proxy_rps"], 0).any()
    truth = build_mesh(SMALL_MESH).truth
    found = usage.mean_total(Role.SIDECAR, "cpu_vcpu"), usage.mean_total(Role.SIDECAR, "proxy_rps")
    assert found == pytest.approx((truth.sidecar_vcpu, truth.proxy_rps), rel=0.015)
    assert finding in {item.name for item in usage.findings}


def test_reservations_outlive_an_outage_of_what_tells_them(tmp_path: Path) -> None:
    usage = measured(tmp_path, "kube_")

    assert usage.observed_points.tolist() == list(range(12))
    assert usage.mean_total(Role.SIDECAR, "reserved_vcpu") == pytest.approx(1.0)
