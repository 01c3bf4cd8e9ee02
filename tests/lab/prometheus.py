"""The lab's Prometheus: it gives the Envoys' own counters Istio's names and labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.lab.exporter import CADVISOR, STATE
from tests.lab.mesh import LabMesh
from tests.lab.topology import proxies
from tests.support.prometheus import PrometheusServer

__all__ = ["LabPrometheus"]

_PREFIX_LABEL = {"http": "envoy_http_conn_manager_prefix", "tcp": "envoy_tcp_prefix"}

_HTTP = {
    "envoy_http_downstream_rq_completed": "istio_requests_total",
    "envoy_http_downstream_cx_rx_bytes_total": "istio_request_bytes_sum",
    "envoy_http_downstream_cx_tx_bytes_total": "istio_response_bytes_sum",
}
_TCP = {
    "envoy_tcp_downstream_cx_total": "istio_tcp_connections_opened_total",
    "envoy_tcp_downstream_cx_rx_bytes_total": "istio_tcp_received_bytes_total",
    "envoy_tcp_downstream_cx_tx_bytes_total": "istio_tcp_sent_bytes_total",
}
_ISTIO_LABELS = (
    "reporter",
    "source_workload_namespace",
    "source_workload",
    "destination_workload_namespace",
    "destination_workload",
)


class LabPrometheus(PrometheusServer):
    """A Prometheus that scrapes a lab.

    Args:
        folder: for its data.
        mesh: the Envoys.
        exporter_port: of the lab's kubelet and kube-state-metrics.
        scrape_seconds: between two scrapes of anything.
    """

    def __init__(
        self, folder: Path, *, mesh: LabMesh, exporter_port: int, scrape_seconds: int
    ) -> None:
        super().__init__(folder)
        self._mesh = mesh
        self._exporter = f"127.0.0.1:{exporter_port}"
        self._scrape_seconds = scrape_seconds

    def settings(self) -> dict[str, Any]:
        """Return the settings with what is to be scraped."""
        settings = super().settings()
        interval = f"{self._scrape_seconds}s"
        settings["global"] |= {"scrape_interval": interval, "scrape_timeout": interval}
        settings["scrape_configs"] = [
            _exporter_job("kubelet", CADVISOR, self._exporter),
            _exporter_job("kube-state-metrics", STATE, self._exporter),
            {
                "job_name": "envoy-stats",
                "metrics_path": "/stats/prometheus",
                "static_configs": list(self._targets()),
                "metric_relabel_configs": list(_relabelling()),
            },
        ]
        return settings

    def _targets(self) -> Iterator[Mapping[str, Any]]:
        for proxy in proxies():
            port = self._mesh.envoys[proxy.key].admin_port
            labels = {"namespace": proxy.namespace, "pod": proxy.pod}
            yield {"targets": [f"127.0.0.1:{port}"], "labels": labels}


def _exporter_job(name: str, path: str, address: str) -> Mapping[str, Any]:
    return {
        "job_name": name,
        "metrics_path": path,
        # Its pod labels are those of the proxies, not the exporter's own.
        "honor_labels": True,
        "static_configs": [{"targets": [address]}],
    }


def _relabelling() -> Iterator[Mapping[str, Any]]:
    """Return rules that turn a counter's stat prefix into labels, and then its name."""
    for kind, names in (("http", _HTTP), ("tcp", _TCP)):
        prefix = _PREFIX_LABEL[kind]
        for number, label in enumerate(_ISTIO_LABELS):
            before = "[^~]*~" * number
            after = "(?:~.*)?"
            yield {
                "source_labels": [prefix],
                "regex": f"{before}([^~]+){after}",
                "target_label": label,
            }
        yield {
            "source_labels": [prefix],
            "regex": ".+",
            "target_label": "request_protocol",
            "replacement": kind,
        }
        for envoys, istios in names.items():
            yield {
                "source_labels": ["__name__"],
                "regex": envoys,
                "target_label": "__name__",
                "replacement": istios,
            }
    yield {
        "source_labels": ["__name__"],
        "regex": "envoy_server_live",
        "target_label": "component",
        "replacement": "proxy",
    }
    yield {
        "source_labels": ["__name__"],
        "regex": "envoy_server_live",
        "target_label": "__name__",
        "replacement": "istio_build",
    }
    yield {"regex": "|".join(_PREFIX_LABEL.values()), "action": "labeldrop"}
