"""Who the proxies are: workload, node and role of each, from what the snapshot holds.

Sidecars, gateways, waypoints and ztunnels are told apart here: all are called istio-proxy.
"""

from typing import Final

import numpy as np
import pandas as pd

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
"""Tables in which only proxies stand."""

UNKNOWN = "unknown"
"""Role of a proxy whose evidence decides nothing: it is listed, and counted nowhere."""


def proxy_table(tables: Tables) -> pd.DataFrame:
    """Return one row a proxy, sorted by namespace and pod.

    Columns: namespace, pod, workload, node, role, evidence. A proxy is known by its CPU or by its
    own metrics. Its workload is what Istio calls it; else the object that created its pod; else
    the pod's own name.
    """
    own = [tables[name][KEY] for name in _OF_PROXIES]
    known = pd.concat(own).drop_duplicates().sort_values(KEY, ignore_index=True)
    known = known[(known["pod"] != "") & (known["namespace"] != "")].reset_index(drop=True)
    described = known.assign(**_reports(tables, known), **_descriptions(tables, known))
    creator, reported = workload_of_creator(described), described["reported_workload"]
    workload = reported.where(reported != "", creator.where(creator != "", described["pod"]))
    columns = [*KEY, "workload", "node", "role", "evidence"]
    return assign_roles(described.assign(workload=workload))[columns]


def _reports(tables: Tables, known: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what each proxy was seen to be or do, as bool columns for `assign_roles`."""
    keys = pd.MultiIndex.from_frame(known)

    def is_in(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(keys.isin(pd.MultiIndex.from_frame(frame[KEY])), index=known.index)

    tcp, build, cpu = (
        tables[name] for name in ("proxy_tcp_bytes_per_second", "proxy_build", "proxy_cpu_vcpu")
    )
    applications = tables["application_containers"]
    return {
        "is_agentgateway": is_in(cpu[cpu["container"] == "agentgateway"]),
        "is_ztunnel_build": is_in(build[build["component"] == "ztunnel"]),
        "reports_waypoint": is_in(tables["waypoint_requests_rps"]),
        "has_application": is_in(applications),
        # Where a pod's containers are not seen, or nobody's, being alone is not known either.
        "is_alone": ~is_in(applications) & is_in(cpu) & (len(applications) > 0),
        "reports_inbound": is_in(tables["inbound_requests_rps"])
        | is_in(tcp[tcp["reporter"] == "destination"]),
        "reports_outbound": is_in(tables["outbound_requests_rps"])
        | is_in(tcp[tcp["reporter"] == "source"]),
    }


def _descriptions(tables: Tables, known: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what is written about each proxy, as str columns; "" where nothing is."""
    keys = pd.MultiIndex.from_frame(known)

    def text(name: str, label: str) -> pd.Series:
        frame = tables[name].sort_values(TIME, kind="stable")
        last = frame[~frame[label].isin(UNKNOWN_NAMES)].groupby(KEY)[label].last()
        return last.reindex(keys).fillna("").reset_index(drop=True).astype("str")

    def first_known(*sources: tuple[str, str]) -> pd.Series:
        found = text(*sources[0])
        for source in sources[1:]:
            found = found.where(found != "", text(*source))
        return found

    return {
        "gateway_class": text("pod_labels", "label_gateway_networking_k8s_io_gateway_class_name"),
        "managed_by": text("pod_labels", "label_gateway_istio_io_managed"),
        "tls_mode": text("pod_labels", "label_security_istio_io_tls_mode"),
        "created_by_kind": text("pod_placement", "created_by_kind"),
        "created_by_name": text("pod_placement", "created_by_name"),
        "node": first_known(
            ("pod_placement", "node"),
            ("proxy_nodes", "node"),
            ("proxy_nodes", "kubernetes_io_hostname"),
        ),
        "reported_workload": first_known(
            ("inbound_requests_rps", "destination_workload"),
            ("outbound_requests_rps", "source_workload"),
        ),
    }


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

    `proxies` has one row a proxy, with the columns of `_reports` and `_descriptions`.
    """
    ztunnel_name = proxies["created_by_name"].str.contains("ztunnel", regex=False)
    ztunnel_set = ztunnel_name & (proxies["created_by_kind"] == "DaemonSet")
    gateway_class = proxies["gateway_class"]
    is_waypoint_class = gateway_class.isin(["istio-waypoint", "istio-agentgateway-waypoint"])
    lone_sender = proxies["reports_outbound"] & proxies["is_alone"]
    rules = [
        (is_waypoint_class, Role.WAYPOINT, "label gateway-class-name"),
        (gateway_class != "", Role.GATEWAY, "label gateway-class-name"),
        (proxies["managed_by"] == "istio.io-mesh-controller", Role.WAYPOINT, "label managed"),
        (proxies["managed_by"] == "istio.io-gateway-controller", Role.GATEWAY, "label managed"),
        (proxies["tls_mode"] == "istio", Role.SIDECAR, "label tlsMode"),
        (proxies["is_ztunnel_build"], Role.ZTUNNEL, "istio_build component ztunnel"),
        (proxies["reports_waypoint"], Role.WAYPOINT, "reporter waypoint"),
        (proxies["is_agentgateway"], Role.WAYPOINT, "container agentgateway"),
        (proxies["has_application"], Role.SIDECAR, "application container in the pod"),
        (ztunnel_set, Role.ZTUNNEL, "DaemonSet called ztunnel"),
        (proxies["reports_inbound"], Role.SIDECAR, "reporter destination"),
        (lone_sender, Role.GATEWAY, "reporter source, alone in its pod"),
    ]
    conditions = [condition.to_numpy(bool) for condition, _, _ in rules]
    roles = np.select(conditions, [str(role) for _, role, _ in rules], UNKNOWN)
    evidence = np.select(conditions, [text for _, _, text in rules], "none")
    return proxies.assign(role=roles, evidence=evidence)
