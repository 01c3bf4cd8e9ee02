"""Telling sidecars, gateways, waypoints and ztunnels apart: all are called istio-proxy."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzer.units import Role

__all__ = ["UNKNOWN", "assign_roles"]

_WAYPOINT_CLASSES = ("istio-waypoint", "istio-agentgateway-waypoint")
_MESH_CONTROLLER = "istio.io-mesh-controller"
_GATEWAY_CONTROLLER = "istio.io-gateway-controller"

UNKNOWN = "unknown"
"""Role of a proxy whose evidence decides nothing: it is listed, and counted nowhere."""


def assign_roles(proxies: pd.DataFrame) -> pd.DataFrame:
    """Return `proxies` with the columns `role` and `evidence`, best evidence first.

    The order, and why (discriminators by Istio's injection templates and stats filter):

    0. Its pod's labels, where kube-state-metrics tells them: the class of the Gateway it was made
       for, the controller that made it, or the TLS mode that injection writes on a sidecar.
    1. istio_build names its component ztunnel.
    2. It reports as a waypoint: only waypoint proxies are given that reporter.
    3. Its container is called agentgateway: Istio's other waypoint.
    4. A container of the application runs beside it: gateways, waypoints and ztunnels are alone.
    5. Its pod belongs to a DaemonSet called ztunnel.
    6. It reports what came in for its own workload: of Envoys only a sidecar does.
    7. It only reports what it sent out, and is alone in its pod: a gateway.

    Args:
        proxies: one row a proxy, with the str columns `gateway_class`, `managed_by`, `tls_mode`
            ("" where not known), the bool columns `is_ztunnel_build`, `reports_waypoint`,
            `is_agentgateway`, `has_application`, `is_alone`, `reports_inbound`,
            `reports_outbound` and the str columns `created_by_kind`, `created_by_name`.
    """
    ztunnel_set = (proxies["created_by_kind"] == "DaemonSet") & proxies[
        "created_by_name"
    ].str.contains("ztunnel", regex=False)
    gateway_class = proxies["gateway_class"]
    is_waypoint_class = gateway_class.isin(_WAYPOINT_CLASSES)
    rules = [
        (is_waypoint_class, Role.WAYPOINT, "label gateway-class-name"),
        (gateway_class != "", Role.GATEWAY, "label gateway-class-name"),
        (proxies["managed_by"] == _MESH_CONTROLLER, Role.WAYPOINT, "label managed"),
        (proxies["managed_by"] == _GATEWAY_CONTROLLER, Role.GATEWAY, "label managed"),
        (proxies["tls_mode"] == "istio", Role.SIDECAR, "label tlsMode"),
        (proxies["is_ztunnel_build"], Role.ZTUNNEL, "istio_build component ztunnel"),
        (proxies["reports_waypoint"], Role.WAYPOINT, "reporter waypoint"),
        (proxies["is_agentgateway"], Role.WAYPOINT, "container agentgateway"),
        (proxies["has_application"], Role.SIDECAR, "application container in the pod"),
        (ztunnel_set, Role.ZTUNNEL, "DaemonSet called ztunnel"),
        (proxies["reports_inbound"], Role.SIDECAR, "reporter destination"),
        (
            proxies["reports_outbound"] & proxies["is_alone"],
            Role.GATEWAY,
            "reporter source, alone in its pod",
        ),
    ]
    conditions = [condition.to_numpy(bool) for condition, _, _ in rules]
    roles = np.select(conditions, [str(role) for _, role, _ in rules], UNKNOWN)
    evidence = np.select(conditions, [text for _, _, text in rules], "none")
    return proxies.assign(role=roles, evidence=evidence)
