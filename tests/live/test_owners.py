"""Owners, kills for memory, autoscalers and limits, as each installation stores them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analyzer.calibration import calibrate_usage
from analyzer.measurement import measure
from analyzer.measurement.autoscalers import (
    no_autoscalers,
    no_limit_ranges,
    no_vertical_autoscalers,
)
from analyzer.measurement.proxy_pods import no_kills
from analyzer.measurement.usage import MeshUsage
from analyzer.notebook.api import collect
from analyzer.projection import default_scenario, project_usage
from analyzer.projection.rightsizing.autoscaled import autoscaled
from analyzer.projection.rightsizing.result import Rightsizing
from analyzer.units import in_percent
from tests.support import (
    SMALL_MESH,
    Mesh,
    PrometheusServer,
    Series,
    ServerProcess,
    VictoriaServer,
    build_mesh,
)
from tests.support.dialects_operator import KUBE_PROMETHEUS_JOBS, state_labels
from tests.support.labels import Labels
from tests.support.objects import OWNERS, SPEC, mesh_with_objects, pods_of
from tests.support.scraping import Exposed, Job, labelled, scrape, with_series

pytestmark = [pytest.mark.live, pytest.mark.few(2)]


def plain(mesh: Mesh) -> Mesh:
    """Return the series as they are."""
    return mesh


def by_operator(mesh: Mesh) -> Mesh:
    """Return them by kube-prometheus-stack: each series has a container, of the target if none."""
    return scrape(mesh, KUBE_PROMETHEUS_JOBS)


def renamed(mesh: Mesh) -> Mesh:
    """Return them as they are without honorLabels: exported_namespace and the like."""
    state = [Job(target=lambda _: state_labels(), honor_labels=False)]
    return scrape(mesh, {**KUBE_PROMETHEUS_JOBS, "state": state})


def mixed(mesh: Mesh) -> Mesh:
    """Return them by two kube-state-metrics, each for some namespaces, one without honorLabels."""

    def of_shop(exposed: Exposed) -> Labels | None:
        return state_labels() if exposed.labels.get("namespace") == "shop" else None

    def of_others(exposed: Exposed) -> Labels | None:
        own = {**state_labels("10.0.1.4:8080"), "job": "kube-state-metrics-others"}
        return None if of_shop(exposed) else own

    state = [Job(target=of_shop), Job(target=of_others, honor_labels=True)]
    return scrape(mesh, {**KUBE_PROMETHEUS_JOBS, "state": state})


@pytest.fixture(
    scope="module",
    params=[
        (PrometheusServer, plain),
        (VictoriaServer, plain),
        (PrometheusServer, by_operator),
        (PrometheusServer, renamed),
        (PrometheusServer, mixed),
    ],
    ids=lambda param: f"{param[0].__name__}-{param[1].__name__}",
)
def usage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MeshUsage:
    engine: type[ServerProcess]
    told: Callable[[Mesh], Mesh]
    engine, told = request.param
    folder = tmp_path_factory.mktemp("owners")
    with engine(folder / "server") as server:
        server.fill(told(mesh_with_objects()))
        found = collect(server.url, days=SPEC.hours / 24, end=SPEC.end, path=folder / "snapshot")
    return measure(found.snapshot)


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.itertuples(index=False, name=None))


def test_each_workload_has_the_owner_of_its_pods(usage: MeshUsage) -> None:
    found = {(namespace, workload): owner for namespace, workload, *owner in rows_of(usage.owners)}

    (hand,) = (name for (_, workload), (_, name) in found.items() if workload == "hand")
    expected = {key: [kind, name] for key, (kind, name) in OWNERS.items()}
    expected["jobs", "hand"][1] = hand
    assert found == expected
    assert hand.startswith("hand-")


def test_only_kills_in_the_window_count(usage: MeshUsage) -> None:
    mesh = mesh_with_objects()
    first, _, third, _ = pods_of(mesh, "front")
    native = pods_of(mesh, "back")[0]

    assert set(rows_of(usage.memory_kills)) == {
        ("shop", pod.workload.name, pod.name) for pod in (first, third, native)
    }


def test_native_sidecars_are_known(usage: MeshUsage) -> None:
    known = usage.proxies.assign(is_native=usage.is_native).groupby("workload")["is_native"]

    assert not usage.is_native.isna().any()
    assert known.min().to_dict() == known.max().to_dict()
    assert known.min().to_dict() == {one.name: one.native for one in SPEC.workloads}


def test_requests_of_the_application_are_without_init_containers(usage: MeshUsage) -> None:
    found = usage.application_reserved_vcpu

    # Those of namespaces with an autoscaler.
    assert set(found["workload"]) == {one.name for one in SPEC.workloads if one.namespace == "shop"}
    assert found["application_reserved_vcpu"].unique().tolist() == [0.5]


def test_autoscalers_have_their_target_and_mean_replicas(usage: MeshUsage) -> None:
    back, front = usage.autoscalers.to_dict("records")

    assert (front["namespace"], front["kind"], front["name"]) == ("shop", "Deployment", "front")
    assert (front["min_replicas"], front["max_replicas"]) == (2, 10)
    assert front["replicas"] == pytest.approx(5, abs=0.2)
    assert front["target_utilization_percent"] == 70
    # That of one container does not count the sidecar.
    assert (back["kind"], back["autoscaler"]) == ("Rollout", "back-hpa")
    assert pd.isna(back["target_utilization_percent"])


def test_the_strictest_limits_count(usage: MeshUsage) -> None:
    assert rows_of(usage.limit_ranges) == [
        ("shop", "cpu", "max", 4.0),
        ("shop", "cpu", "min", 0.05),
    ]


def test_vertical_autoscalers_are_known_by_any_metric(usage: MeshUsage) -> None:
    front, back, store = rows_of(usage.vertical_autoscalers)

    assert front == ("shop", "Deployment", "front", "", False)
    assert store == ("shop", "StatefulSet", "store", "Auto", True)
    assert back[:4] == ("shop", "Rollout", "back", "Initial")
    assert pd.isna(back[4])


def test_an_autoscaler_at_70_percent_is_warned_of_with_its_replicas(usage: MeshUsage) -> None:
    """Of the other one only the container of the application counts: no warning."""
    # A workload with kills has no recommendation.
    usage = replace(usage, memory_kills=no_kills())
    found = projected(usage)
    (front,) = (item for item in found.workloads if item.workload == "front")
    assert front.recommended is not None
    recommended_vcpu = front.recommended.request_vcpu
    assert recommended_vcpu is not None
    assert front.today.request_vcpu == 0.1

    # The application beside it requests 0.5 vCPU.
    utilization_percent = 70 * 0.6 / (0.5 + recommended_vcpu)
    (one,) = autoscaled(found, usage).known
    assert (one.workload, one.autoscaler) == ("front", "front-hpa")
    assert one.new_utilization_percent == pytest.approx(utilization_percent)
    assert one.replicas is not None
    assert one.new_replicas == math.ceil(one.replicas * utilization_percent / 70)
    (warning,) = (finding for finding in found.warnings if finding.code == "IU409")
    assert warning.affected == ("shop/front",)
    assert in_percent(utilization_percent / 100) in warning.text
    assert one.is_tolerated
    assert f" {one.new_replicas} (front-hpa" in warning.text


def test_without_autoscalers_and_limits_there_is_no_warning(usage: MeshUsage) -> None:
    assert not projected(without_objects(usage)).warnings


def projected(usage: MeshUsage) -> Rightsizing:
    """Return the recommendations of a whole projection."""
    found = project_usage(usage, calibrate_usage(usage), default_scenario(), force_short=True)
    assert found.rightsizing is not None
    return found.rightsizing


def without_objects(usage: MeshUsage) -> MeshUsage:
    """Return a mesh of a cluster without autoscalers, limits and native sidecars."""
    return replace(
        usage,
        autoscalers=no_autoscalers(),
        vertical_autoscalers=no_vertical_autoscalers(),
        limit_ranges=no_limit_ranges(),
        is_native=usage.is_native.mask(usage.is_native, other=False),
    )


def test_hidden_names_are_in_no_file_and_answers_are_the_same(tmp_path: Path) -> None:
    with PrometheusServer(tmp_path / "server") as server:
        server.fill(mesh_with_objects())
        hidden = collect(
            server.url,
            days=SPEC.hours / 24,
            end=SPEC.end,
            path=tmp_path / "snapshot",
            hide_names=True,
        )
    written = b"".join(path.read_bytes() for path in (tmp_path / "snapshot").iterdir())
    tables = "".join(
        pq.read_table(path).to_pandas().to_csv()
        for path in (tmp_path / "snapshot").glob("*.parquet")
    )
    found = measure(hidden.snapshot)

    names = {name for key, owner in OWNERS.items() for name in (*key, owner[1])}
    assert not [name for name in (*names, "front-hpa", "28501") if name in tables]
    assert b"front" not in written
    # A Deployment is called as its workload, hidden or not.
    owners = found.owners[found.owners["kind"].isin(["Deployment", "Rollout", "StatefulSet"])]
    assert (owners["name"] == owners["workload"]).all()
    assert len(found.owners) == len(OWNERS)
    assert len(found.memory_kills) == 3
    scaled = found.autoscalers.merge(found.owners, on=["namespace", "kind", "name"])
    assert len(scaled) == 2


def test_what_is_not_there_is_not_asked_for(tmp_path: Path) -> None:
    added = {
        "application_reserved_vcpu",
        "autoscalers",
        "proxy_pods",
        "request_policies",
        "workload_owners",
    }
    asked = {}
    for name, mesh in (("all", mesh_with_objects()), ("none", build_mesh(SMALL_MESH))):
        with PrometheusServer(tmp_path / name) as server:
            server.fill(mesh)
            found = collect(
                server.url, days=SPEC.hours / 24, end=SPEC.end, path=tmp_path / f"{name}.snapshot"
            )
        asked[name] = {record.name for record in found.snapshot.manifest.queries} & added

    assert asked == {"all": added, "none": {"proxy_pods"}}


def test_autoscalers_of_an_old_kube_state_metrics_have_no_target(tmp_path: Path) -> None:
    def old(mesh: Mesh) -> Iterator[Series]:
        for series in mesh.series:
            labels = dict(series.labels)
            name = labels.pop("horizontalpodautoscaler", "")
            if not name:
                yield series
            # It has neither the scale target nor targets for one container.
            elif not series.name.endswith("_info") and "container" not in labels:
                metric = series.name.replace("horizontalpodautoscaler", "hpa")
                yield labelled(series, {**labels, "__name__": metric, "hpa": name})

    mesh = mesh_with_objects()
    with PrometheusServer(tmp_path / "server") as server:
        server.fill(with_series(mesh, old(mesh)))
        found = collect(server.url, days=SPEC.hours / 24, end=SPEC.end, path=tmp_path / "snapshot")
    back, front = measure(found.snapshot).autoscalers.to_dict("records")

    assert (front["kind"], front["name"], front["autoscaler"]) == ("", "", "front-hpa")
    assert (front["max_replicas"], front["target_utilization_percent"]) == (10, 70)
    assert pd.isna(back["target_utilization_percent"])
