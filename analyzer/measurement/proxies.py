"""Who the proxies are: workload, node and role of each, from what the snapshot holds."""

from __future__ import annotations

from typing import Final

import pandas as pd

from analyzer.measurement.frames import TIME
from analyzer.measurement.roles import assign_roles
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables, workload_of_creator

__all__ = ["KEY", "proxy_table"]

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
    creator = workload_of_creator(described)
    told = described["told_workload"]
    workload = told.where(told != "", creator.where(creator != "", described["pod"]))
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
        "told_workload": first_known(
            ("inbound_requests_rps", "destination_workload"),
            ("outbound_requests_rps", "source_workload"),
        ),
    }
