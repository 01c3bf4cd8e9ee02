"""Workload, node and role of each proxy, from what the snapshot holds.

Sidecars, gateways, waypoints and ztunnels are distinguished here: all are called istio-proxy.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.applications import with_application
from analyzer.measurement.frames import TIME
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables, workload_of_creator
from analyzer.units import Role

KEY: Final = ["namespace", "pod"]

_OF_PROXIES: Final = (
    "proxy_cpu_vcpu",
    "inbound_requests_rps",
    "outbound_requests_rps",
    "waypoint_requests_rps",
    "proxy_tcp_bytes_per_second",
    "proxy_build",
)
"""Tables that have rows of proxies only."""

_DESCRIBED: Final = (
    ("gateway_class", "pod_labels", "label_gateway_networking_k8s_io_gateway_class_name"),
    ("managed_by", "pod_labels", "label_gateway_istio_io_managed"),
    ("tls_mode", "pod_labels", "label_security_istio_io_tls_mode"),
    ("created_by_kind", "pod_placement", "created_by_kind"),
    ("created_by_name", "pod_placement", "created_by_name"),
    ("node", "pod_placement", "node"),
    ("node", "proxy_nodes", "node"),
    ("node", "proxy_nodes", "kubernetes_io_hostname"),
    ("reported_workload", "inbound_requests_rps", "destination_workload"),
    ("reported_workload", "outbound_requests_rps", "source_workload"),
)
"""What is known of a proxy: our name, the table and its label, in order of preference."""

UNKNOWN = "unknown"
"""Role of a proxy whose evidence is not enough: it is listed, and in no total."""


def proxy_table(tables: Tables) -> pd.DataFrame:
    """Return one row a proxy, sorted by namespace and pod.

    Columns: namespace, pod, workload, node, role, evidence. A proxy is known by its CPU or by its
    own metrics. Its workload is what Istio calls it; else the object that created its pod; else
    the pod's own name.
    """
    own = [tables[name][KEY] for name in _OF_PROXIES]
    known = pd.concat(own).drop_duplicates().sort_values(KEY, ignore_index=True)
    known = known[(known["pod"] != "") & (known["namespace"] != "")].reset_index(drop=True)
    described = known.assign(**_descriptions(tables, known))
    creator, reported = workload_of_creator(described), described["reported_workload"]
    workload = reported.where(reported != "", creator.where(creator != "", described["pod"]))
    described = described.assign(workload=workload)
    columns = [*KEY, "workload", "node", "role", "evidence"]
    return assign_roles(described.assign(**_reports(tables, described)))[columns]


def _reports(tables: Tables, known: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what each proxy was seen to be or do, as bool columns for `assign_roles`."""
    keys = pd.MultiIndex.from_frame(known[KEY])

    def is_in(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(keys.isin(pd.MultiIndex.from_frame(frame[KEY])), index=known.index)

    tcp, build, cpu = (
        tables[name] for name in ("proxy_tcp_bytes_per_second", "proxy_build", "proxy_cpu_vcpu")
    )
    containers = tables["application_containers"]
    has_application = pd.Series(
        with_application(containers, cpu, known[[*KEY, "workload"]]), index=known.index
    )
    return {
        "is_agentgateway": is_in(cpu[cpu["container"] == "agentgateway"]),
        "is_ztunnel_build": is_in(build[build["component"] == "ztunnel"]),
        "reports_waypoint": is_in(tables["waypoint_requests_rps"]),
        "has_application": has_application,
        # Without data about a pod's containers it is unknown whether a proxy is alone.
        "is_alone": ~has_application & is_in(cpu) & (len(containers) > 0),
        "reports_inbound": is_in(tables["inbound_requests_rps"])
        | is_in(tcp[tcp["reporter"] == "destination"]),
        "reports_outbound": is_in(tables["outbound_requests_rps"])
        | is_in(tcp[tcp["reporter"] == "source"]),
    }


def _descriptions(tables: Tables, known: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what is known of each proxy, as str columns; "" where nothing is."""
    keys = pd.MultiIndex.from_frame(known)

    found = dict.fromkeys((ours for ours, *_ in _DESCRIBED), pd.Series("", known.index))
    for ours, name, label in _DESCRIBED:
        frame = tables[name].sort_values(TIME, kind="stable")
        last = frame[~frame[label].isin(UNKNOWN_NAMES)].groupby(KEY)[label].last()
        text = last.reindex(keys).fillna("").reset_index(drop=True).astype("str")
        found[ours] = found[ours].where(found[ours] != "", text).astype("str")
    return found


def assign_roles(proxies: pd.DataFrame) -> pd.DataFrame:
    """Return `proxies` with the columns `role` and `evidence`, by the best evidence there is.

    The discriminators are those of Istio's injection templates and stats filter.
    `proxies` has one row a proxy, with the columns of `_reports` and `_descriptions`.
    """
    ztunnel_name = proxies["created_by_name"].str.contains("ztunnel", regex=False)
    ztunnel_set = ztunnel_name & (proxies["created_by_kind"] == "DaemonSet")
    gateway_class = proxies["gateway_class"]
    is_waypoint_class = gateway_class.isin(["istio-waypoint", "istio-agentgateway-waypoint"])
    lone_sender = proxies["reports_outbound"] & proxies["is_alone"]
    rules = [
        # From kube-state-metrics: the pod's Gateway class and the controller that made it, or
        # the TLS mode label that injection puts on a sidecar.
        (is_waypoint_class, Role.WAYPOINT, "label gateway-class-name"),
        (gateway_class != "", Role.GATEWAY, "label gateway-class-name"),
        (proxies["managed_by"] == "istio.io-mesh-controller", Role.WAYPOINT, "label managed"),
        (proxies["managed_by"] == "istio.io-gateway-controller", Role.GATEWAY, "label managed"),
        (proxies["tls_mode"] == "istio", Role.SIDECAR, "label tlsMode"),
        (proxies["is_ztunnel_build"], Role.ZTUNNEL, "istio_build component ztunnel"),
        # Only waypoints are given that reporter.
        (proxies["reports_waypoint"], Role.WAYPOINT, "reporter waypoint"),
        (proxies["is_agentgateway"], Role.WAYPOINT, "container agentgateway"),
        # Gateways, waypoints and ztunnels are alone in their pods.
        (proxies["has_application"], Role.SIDECAR, "application container in the pod"),
        (ztunnel_set, Role.ZTUNNEL, "DaemonSet called ztunnel"),
        # Of Envoys only a sidecar reports what came in for its own workload.
        (proxies["reports_inbound"], Role.SIDECAR, "reporter destination"),
        (lone_sender, Role.GATEWAY, "reporter source, alone in its pod"),
    ]
    conditions = [condition.to_numpy(bool) for condition, _, _ in rules]
    roles = np.select(conditions, [str(role) for _, role, _ in rules], UNKNOWN)
    evidence = np.select(conditions, [text for _, _, text in rules], "none")
    return proxies.assign(role=roles, evidence=evidence)
