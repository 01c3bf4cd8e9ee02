"""The configuration of a lab's Envoy: its listeners, filters and clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, Final

from tests.lab.certificates import Certificates

__all__ = [
    "ADMIN",
    "Listening",
    "Settings",
    "answering",
    "bootstrap",
    "passing",
    "sealed",
    "upstream",
]

_TYPES = "type.googleapis.com/envoy.extensions"

_KEPT_STATS = (
    r"(http\..*~.*\.(downstream_rq_completed|downstream_rq_2xx|downstream_cx_rx_bytes_total|"
    r"downstream_cx_tx_bytes_total)|tcp\..*~.*\.downstream_cx_(total|rx_bytes_total|"
    r"tx_bytes_total)|server\.live|cluster_manager\.active_clusters)"
)
"""Istio's Envoys keep few as well: statistics that are not read would be written at each scrape."""

ADMIN: Final = "admin"
"""What the port of Envoy's own statistics is called among those of its listeners."""

_SCRIPT: Final = """
function envoy_on_request(handle)
  local text = handle:headers():get(":path") .. handle:headers():get(":authority")
  local sum = 0
  for turn = 1, 200 do
    for place = 1, #text do
      sum = (sum * 31 + text:byte(place) + turn) % 65521
    end
  end
  handle:headers():replace("x-lab-sum", tostring(sum))
end
"""
"""It costs CPU for each request, as a filter of an earlier release may."""

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One listener of an Envoy.

    Attributes:
        filters: of its chain.
        seal: the transport socket; None: what comes is plain.
    """

    name: str
    filters: Sequence[Settings]
    seal: Settings | None = None


def passing(
    stat_prefix: str,
    cluster: str,
    *,
    is_tcp: bool = False,
    access_log: File | None = None,
    is_scripted: bool = False,
) -> list[Settings]:
    """Return the filters that pass what comes on to a cluster."""
    if is_tcp:
        return [
            _typed(
                "envoy.filters.network.tcp_proxy",
                "filters.network.tcp_proxy.v3.TcpProxy",
                {"stat_prefix": stat_prefix, "cluster": cluster},
            )
        ]
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "15s"}}]
    more: dict[str, Any] = {}
    if access_log is not None:
        log = {"path": str(access_log)}
        more["access_log"] = [
            _typed("envoy.access_loggers.file", "access_loggers.file.v3.FileAccessLog", log)
        ]
    if is_scripted:
        script = {"default_source_code": {"inline_string": _SCRIPT}}
        filters = [_typed("envoy.filters.http.lua", "filters.http.lua.v3.Lua", script), _router()]
        more["http_filters"] = filters
    return [_http(stat_prefix, routes, more)]


def answering(sizes: Sequence[int]) -> list[Settings]:
    """Return the filters that answer /SIZE with that many bytes."""
    routes = [
        {
            "match": {"path": f"/{size}"},
            "direct_response": {"status": 200, "body": {"inline_string": "x" * size}},
        }
        for size in sizes
    ]
    return [_http("backend", routes, {})]


def _http(stat_prefix: str, routes: Sequence[Settings], more: Settings) -> Settings:
    return _typed(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        {
            "stat_prefix": stat_prefix,
            "route_config": {
                "max_direct_response_body_size_bytes": 65_536,
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": list(routes)}],
            },
            "http_filters": [_router()],
            **more,
        },
    )


def _router() -> Settings:
    return _typed("envoy.filters.http.router", "filters.http.router.v3.Router", {})


def _typed(name: str, kind: str, settings: Settings) -> Settings:
    return {"name": name, "typed_config": {"@type": f"{_TYPES}.{kind}", **settings}}


def upstream(name: str, port: int, certificates: Certificates | None = None) -> Settings:
    """Return a cluster of one address, over mutual TLS where there are certificates."""
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
    cluster: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }
    if certificates is not None:
        kind = "transport_sockets.tls.v3.UpstreamTlsContext"
        settings = {"common_tls_context": certificates.context}
        cluster["transport_socket"] = _typed("envoy.transport_sockets.tls", kind, settings)
    return cluster


def sealed(certificates: Certificates) -> Settings:
    """Return the transport socket that takes mutual TLS only."""
    return _typed(
        "envoy.transport_sockets.tls",
        "transport_sockets.tls.v3.DownstreamTlsContext",
        {"common_tls_context": certificates.context, "require_client_certificate": True},
    )


def bootstrap(
    name: str,
    listeners: Sequence[Listening],
    clusters: Sequence[Settings],
    ports: Mapping[str, int] | None = None,
) -> Settings:
    """Return the whole configuration.

    Args:
        name: of the Envoy.
        listeners: that it has.
        clusters: that it calls.
        ports: of its listeners by name, and of `ADMIN`; Envoy chooses those that are not here.
    """
    known = ports or {}
    return {
        "node": {"id": name, "cluster": "lab"},
        "admin": {"address": _address(known.get(ADMIN, 0))},
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {"patterns": [{"safe_regex": {"regex": _KEPT_STATS}}]}
            }
        },
        "static_resources": {
            "listeners": [_listener(item, known.get(item.name, 0)) for item in listeners],
            "clusters": list(clusters),
        },
    }


def _address(port: int) -> Settings:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(item: Listening, port: int) -> Settings:
    chain: dict[str, Any] = {"filters": list(item.filters)}
    if item.seal is not None:
        chain["transport_socket"] = item.seal
    return {"name": item.name, "address": _address(port), "filter_chains": [chain]}
