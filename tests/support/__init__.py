"""A mesh with known truth, and real and faulty servers to ask for it.

Spec and mesh::

    spec = default_mesh(pods=300, hours=24, seed=1, start=DEFAULT_START, nodes=8)
    spec = dataclasses.replace(spec, envoy_scrape_seconds=15, node_prices=True, churn=0.0)
    spec = MeshSpec(seed=1, start=aware, hours=2, workloads=(WorkloadSpec(...), ...))
    spec = SMALL_MESH             # 10 pods, 2 h; STILL_MESH: the same without any noise
    mesh = build_mesh(spec)       # .truth, .pods, .series, .sample_count, .named(metric, **labels)
    mesh.truth.mesh_vcpu_per_1000_rps, .mean_idle_vcpu_per_proxy, .sidecar_vcpu, .proxy_rps, ...
    mesh.truth.workloads          # WorkloadTruth: idle_vcpu, vcpu_per_1000_rps, inbound_rps, ...
    mesh.truth.pod_count("gateway"), .mean_pods_alive("sidecar"), .namespace_sidecar_vcpu

Real Prometheus::

    with PrometheusServer(folder, flags=("--query.max-samples=1000000",)) as server:
        server.fill(mesh)         # once, into an empty folder
        server.url, server.query_log()   # [LoggedQuery(promql, path, start, end, step_seconds)]
    with PrometheusServer(folder) as server: ...              # the same samples again

    cache = MeshCache(root)       # one a test session
    filled = cache.filled(spec)   # .spec, .truth, .folder; generated and written once
    with filled.serve(tmp_path / "server", flags=()) as server: ...     # on a copy

    with GuardedPrometheus(folder, identity=self_signed("a", folder), wants_password=True): ...

Faults::

    with FaultyHttp([prometheus_error(503, "timeout", "query timed out", Retry_After="1"), None],
                    upstream=server.url) as faulty:
        faulty.url, faulty.received      # [Received(method, path, headers, body)]

VictoriaMetrics, filled and asked the same way::

    with VictoriaServer(folder) as server:
        server.fill(mesh)         # waits until the samples are searchable

Dialects, the ways in which installations store a mesh::

    for one in DIALECTS:          # or dialect("kube-prometheus-stack")
        mesh = one.told(dialect_mesh())      # .series as stored there, .truth of that
        one.possible, one.limits  # the answers it leaves possible, and why not the others
    mesh = one.tell(with_gap(build_mesh(spec), after_hours=1))       # first spoilt, then stored
    before_migration(), after_migration(waypoint_factor=1.3)    # one mesh, a day apart
    spec = roles_mesh()           # 3 gateways, 5 waypoints, 4 ztunnels, 200 sidecars

What spoils a mesh, in `quality`, `throttling`, `short_lives` and `pod_labels`: with_gap,
retained_from, unseen, with_streams, with_throttling, with_short_lives, with_instance_types,
with_pod_labels. `completed` adds what the generator leaves out, of proxies alone
`with_more_of_proxies`; dialects do so themselves.

`remote_write.write(url, series)` fills any server that takes Prometheus remote write.
"""

from tests.support.answers import Answer, login_page, prometheus_error, prometheus_success
from tests.support.binaries import MissingBinaryError, find_binary
from tests.support.certificates import Identity, self_signed
from tests.support.completing import completed
from tests.support.default import DEFAULT_START, default_mesh
from tests.support.dialect import EVERY_ANSWER, Dialect
from tests.support.dialects import DIALECTS, dialect
from tests.support.dialects_twice import CLUSTERS, cluster_truth
from tests.support.faulty_http import FaultyHttp, Received
from tests.support.guarded import GuardedPrometheus
from tests.support.layout import Pod
from tests.support.mesh import Mesh, build_mesh
from tests.support.mesh_cache import FilledMesh, MeshCache
from tests.support.meshes import dialect_mesh, roles_mesh
from tests.support.migrated import after_migration, before_migration
from tests.support.more_of_proxies import with_more_of_proxies
from tests.support.pod_labels import with_instance_types, with_pod_labels
from tests.support.prometheus import LoggedQuery, PrometheusServer
from tests.support.quality import retained_from, unseen, with_gap, with_streams
from tests.support.remote_write import RemoteWriteError
from tests.support.series import STALE, Series
from tests.support.server_process import ServerProcess, ServerStartError
from tests.support.short_lives import with_short_lives
from tests.support.small import BACK, FRONT, SMALL_MESH, STILL_MESH
from tests.support.spec import MEBIBYTE, MeshSpec, WorkloadSpec
from tests.support.throttling import with_throttling
from tests.support.truth import Truth, WorkloadTruth
from tests.support.victoria import VictoriaServer

__all__ = [
    "BACK",
    "CLUSTERS",
    "DEFAULT_START",
    "DIALECTS",
    "EVERY_ANSWER",
    "FRONT",
    "MEBIBYTE",
    "SMALL_MESH",
    "STALE",
    "STILL_MESH",
    "Answer",
    "Dialect",
    "FaultyHttp",
    "FilledMesh",
    "GuardedPrometheus",
    "Identity",
    "LoggedQuery",
    "Mesh",
    "MeshCache",
    "MeshSpec",
    "MissingBinaryError",
    "Pod",
    "PrometheusServer",
    "Received",
    "RemoteWriteError",
    "Series",
    "ServerProcess",
    "ServerStartError",
    "Truth",
    "VictoriaServer",
    "WorkloadSpec",
    "WorkloadTruth",
    "after_migration",
    "before_migration",
    "build_mesh",
    "cluster_truth",
    "completed",
    "default_mesh",
    "dialect",
    "dialect_mesh",
    "find_binary",
    "login_page",
    "prometheus_error",
    "prometheus_success",
    "retained_from",
    "roles_mesh",
    "self_signed",
    "unseen",
    "with_gap",
    "with_instance_types",
    "with_more_of_proxies",
    "with_pod_labels",
    "with_short_lives",
    "with_streams",
    "with_throttling",
]
