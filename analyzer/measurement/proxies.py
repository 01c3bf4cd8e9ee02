"""Who the proxies are: workload, node and role of each, from what the snapshot holds."""

from __future__ import annotations

from typing import Final

import pandas as pd

from analyzer.measurement.roles import assign_roles
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables, workload_of_creator

__all__ = ["KEY", "proxy_table"]

KEY: Final = ["namespace", "pod"]


def proxy_table(tables: Tables) -> pd.DataFrame:
    """Return one row a proxy, sorted by namespace and pod.

    Columns: namespace, pod, workload, node, role, evidence. A proxy is known by its CPU or by its
    own metrics. Its workload is what Istio calls it; else the object that created its pod; else
    the pod's own name.
    """
    frames = {
        name: tables[name]
        for name in (
            "proxy_cpu_vcpu",
            "inbound_requests_rps",
            "outbound_requests_rps",
            "waypoint_requests_rps",
            "proxy_tcp_bytes_per_second",
            "proxy_build",
            "application_containers",
            "pod_placement",
            "proxy_nodes",
        )
    }
    of_proxies = [
        frame[KEY]
        for name, frame in frames.items()
        if name not in {"application_containers", "pod_placement", "proxy_nodes"}
    ]
    known = pd.concat(of_proxies).drop_duplicates().sort_values(KEY, ignore_index=True)
    known = known[(known["pod"] != "") & (known["namespace"] != "")].reset_index(drop=True)
    keys = pd.MultiIndex.from_frame(known)

    def is_in(frame: pd.DataFrame) -> pd.Series:
        return pd.Series(keys.isin(pd.MultiIndex.from_frame(frame[KEY])), index=known.index)

    def text(frame: pd.DataFrame, label: str) -> pd.Series:
        last = frame[~frame[label].isin(UNKNOWN_NAMES)].groupby(KEY)[label].last()
        return last.reindex(keys).fillna("").reset_index(drop=True).astype("str")

    build, tcp, placement = (
        frames["proxy_build"],
        frames["proxy_tcp_bytes_per_second"],
        frames["pod_placement"].sort_values("time", kind="stable"),
    )
    inbound = is_in(frames["inbound_requests_rps"]) | is_in(tcp[tcp["reporter"] == "destination"])
    outbound = is_in(frames["outbound_requests_rps"]) | is_in(tcp[tcp["reporter"] == "source"])
    applications = frames["application_containers"]
    cpu = frames["proxy_cpu_vcpu"]
    node = text(placement, "node")
    for label in ("node", "kubernetes_io_hostname"):
        node = node.where(node != "", text(frames["proxy_nodes"], label))
    described = known.assign(
        is_agentgateway=is_in(cpu[cpu["container"] == "agentgateway"]),
        is_ztunnel_build=is_in(build[build["component"] == "ztunnel"]),
        reports_waypoint=is_in(frames["waypoint_requests_rps"]),
        has_application=is_in(applications),
        # Where nobody's containers are known, being alone in a pod is not known either.
        is_alone=~is_in(applications) & (len(applications) > 0),
        reports_inbound=inbound,
        reports_outbound=outbound,
        created_by_kind=text(placement, "created_by_kind"),
        created_by_name=text(placement, "created_by_name"),
        node=node,
    )
    told = text(frames["inbound_requests_rps"], "destination_workload")
    told = told.where(told != "", text(frames["outbound_requests_rps"], "source_workload"))
    creator = workload_of_creator(described)
    workload = told.where(told != "", creator.where(creator != "", described["pod"]))
    columns = [*KEY, "workload", "node", "role", "evidence"]
    return assign_roles(described.assign(workload=workload))[columns]
