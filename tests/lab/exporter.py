"""The kubelet and kube-state-metrics of the lab: their names and labels, the kernel's figures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.lab.accounting import cpu_seconds, memory_bytes
from tests.lab.topology import NODES, Proxy, proxies

__all__ = ["CADVISOR", "RESERVED_MEMORY_BYTES", "RESERVED_VCPU", "STATE", "Exporter"]

CADVISOR = "/metrics/cadvisor"
STATE = "/metrics"

RESERVED_VCPU = 0.1
RESERVED_MEMORY_BYTES = 128 * 1024**2
"""What Istio's chart requests for a sidecar, a gateway and a waypoint."""

_ALLOCATABLE_VCPU = 4
_ALLOCATABLE_BYTES = 16 * 1024**3


class Exporter:
    """A server of both on loopback, for as long as a `with` lasts.

    Args:
        pids: returns the processes of the proxies that run, by namespace and pod.
    """

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        pages = {CADVISOR: lambda: _cadvisor(pids()), STATE: _state}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = pages.get(self.path)
                if page is None:
                    self.send_error(404)
                    return
                body = ("\n".join(page()) + "\n").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing: a scrape a second would fill the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _cadvisor(pids: Mapping[str, int]) -> Iterator[str]:
    for proxy in proxies():
        try:
            pid = pids[proxy.key]
            used, held = cpu_seconds(pid), memory_bytes(pid)
        except (KeyError, OSError):
            # It is being restarted.
            continue
        cgroup = f"/kubepods/burstable/pod{proxy.pod}"
        pod = f'namespace="{proxy.namespace}",pod="{proxy.pod}"'
        container = f'{pod},container="istio-proxy",id="{cgroup}/proxy",image="envoy",name="proxy"'
        # cAdvisor reports the pod's cgroup beside its containers. A sum of both counts twice.
        for labels in (container, f'{pod},id="{cgroup}"'):
            yield f'container_cpu_usage_seconds_total{{{labels},cpu="total"}} {used:.9f}'
            yield f"container_memory_working_set_bytes{{{labels}}} {held}"


def _state() -> Iterator[str]:
    for number, proxy in enumerate(proxies()):
        pod = f'namespace="{proxy.namespace}",pod="{proxy.pod}"'
        where = f'node="{proxy.node}",host_ip="10.0.0.1",pod_ip="10.1.0.{number + 1}"'
        made = f'created_by_kind="ReplicaSet",created_by_name="{proxy.workload}-1"'
        yield f"kube_pod_info{{{pod},{where},{made}}} 1"
        yield f"kube_pod_labels{{{pod}{_labels_of(proxy)}}} 1"
        of_proxy = f'{pod},container="istio-proxy",node="{proxy.node}"'
        requests = "kube_pod_container_resource_requests"
        yield f'{requests}{{{of_proxy},resource="cpu",unit="core"}} {RESERVED_VCPU}'
        yield f'{requests}{{{of_proxy},resource="memory",unit="byte"}} {RESERVED_MEMORY_BYTES}'
    for node in NODES:
        size = "kube_node_status_allocatable"
        yield f'{size}{{node="{node}",resource="cpu",unit="core"}} {_ALLOCATABLE_VCPU}'
        yield f'{size}{{node="{node}",resource="memory",unit="byte"}} {_ALLOCATABLE_BYTES}'


def _labels_of(proxy: Proxy) -> str:
    """Return the labels by which Istio's templates tell roles apart."""
    labels = {
        "sidecar": {"label_security_istio_io_tls_mode": "istio"},
        "gateway": {
            "label_gateway_networking_k8s_io_gateway_class_name": "istio",
            "label_gateway_istio_io_managed": "istio.io-gateway-controller",
        },
        "waypoint": {
            "label_gateway_networking_k8s_io_gateway_class_name": "istio-waypoint",
            "label_gateway_istio_io_managed": "istio.io-mesh-controller",
        },
    }[proxy.role]
    return "".join(f',{name}="{value}"' for name, value in labels.items())
