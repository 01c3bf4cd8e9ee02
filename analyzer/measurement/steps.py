"""Every quantity of every proxy and call, step by step: unknown is NaN, never 0."""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats
from analyzer.measurement.frames import TIME
from analyzer.measurement.roles import KEY
from analyzer.measurement.tables import Tables
from analyzer.window import TimeWindow

_CPU: Final = "proxy_cpu_vcpu"
_TCP: Final = "proxy_tcp_bytes_per_second"
_RESETS: Final = "proxy_resets"

_SHOW_A_SCRAPE: Final = (
    "inbound_requests_rps",
    "outbound_requests_rps",
    "waypoint_requests_rps",
    _TCP,
    "proxy_build",
)
"""Tables that have a proxy in a step only if it was scraped at least twice in it."""

_FOR_LIFE: Final = ("reserved_vcpu", "reserved_memory_bytes", "limit_vcpu", "limit_memory_bytes")
"""What a pod is given at its creation and keeps."""

_SOURCE: Final = ["source_workload_namespace", "source_workload"]
_DESTINATION: Final = ["destination_workload_namespace", "destination_workload"]


def step_table(tables: Tables, proxies: pd.DataFrame, window: TimeWindow) -> pd.DataFrame:
    """Return one row a proxy and step in which it was seen, sorted by both; NaN is unknown.

    Returns:
        proxy, point: row of `proxies`, and number of the step.
        cpu_vcpu, memory_bytes: used.
        inbound_rps, outbound_rps, proxy_rps: requests; the last is all, also a waypoint's.
        http_bytes_per_second: requests and responses with their headers, inbound and outbound.
        tcp_bytes_per_second, new_connections_per_second: of TCP.
        configured_clusters: Envoy's.
        throttled_share: of CPU periods, 0 to 1.
        resets: how often its request counters were reset.
        reserved_vcpu, reserved_memory_bytes, limit_vcpu, limit_memory_bytes: of the container.
    """
    rows = _Rows(tables, proxies, window)
    inbound, outbound, waypoint = (
        rows.zero_where_scraped(name)
        for name in ("inbound_requests_rps", "outbound_requests_rps", "waypoint_requests_rps")
    )
    requests = inbound + outbound + waypoint
    tcp = rows.zero_where_scraped(_TCP, is_known=tables.is_attributable(_TCP))
    columns = {
        "cpu_vcpu": rows.known(_CPU),
        "inbound_rps": inbound,
        "outbound_rps": outbound,
        "proxy_rps": requests,
        "http_bytes_per_second": rows.zero_beside("proxy_http_bytes_per_second", requests),
        "tcp_bytes_per_second": tcp,
        "new_connections_per_second": rows.zero_beside("proxy_new_connections_per_second", tcp),
        "memory_bytes": rows.known("proxy_memory_bytes"),
        "configured_clusters": rows.known("proxy_configured_clusters"),
        "throttled_share": rows.zero_where_cpu_is_known("proxy_throttled_share"),
        "resets": rows.zero_where_scraped(_RESETS, is_known=tables.has(_RESETS)),
        **{name: rows.for_life(f"proxy_{name}") for name in _FOR_LIFE},
    }
    return pd.DataFrame(columns, index=rows.index).reset_index()


def with_points(frame: pd.DataFrame, window: TimeWindow) -> pd.DataFrame:
    """Return `frame` with `point`, the number of the step, in place of its time."""
    elapsed = frame[TIME] - int(window.start.timestamp())
    return frame.assign(point=elapsed // window.step_seconds - 1).drop(columns=TIME)


class _Rows:
    """The rows of the step table, and the values of each query's table in them.

    A query leaves out zeros as well as what was not scraped. Each method is one rule that
    distinguishes the two.
    """

    def __init__(self, tables: Tables, proxies: pd.DataFrame, window: TimeWindow) -> None:
        self._tables = tables
        self._numbers = pd.Series(proxies.index, index=pd.MultiIndex.from_frame(proxies[KEY]))
        self._window = window
        self._read: dict[str, pd.Series] = {}
        shown = pd.concat([self._series(name) for name in _SHOW_A_SCRAPE])
        scraped = shown.groupby(level=["proxy", "point"]).size()
        self.index = self._series(_CPU).index.union(scraped.index).sort_values()
        self._was_scraped = self.index.isin(scraped.index)

    def known(self, name: str) -> Floats:
        """Return the values of the table, and NaN elsewhere."""
        return self._series(name).reindex(self.index).to_numpy(float)

    def zero_where_scraped(self, name: str, *, is_known: bool = True) -> Floats:
        """Return 0 for a known counter that a scraped proxy lacks: it has never moved."""
        return _zero_where(self._was_scraped & is_known, self.known(name))

    def zero_beside(self, name: str, traffic: Floats) -> Floats:
        """Return the same, but NaN where traffic must have moved the counter.

        Istio's Telemetry resource switches single metrics off, for single workloads too.
        """
        is_zero = self._was_scraped & (traffic == 0) & self._tables.has(name)
        return _zero_where(is_zero, self.known(name))

    def zero_where_cpu_is_known(self, name: str) -> Floats:
        """Return what the kubelet measures with the CPU: unknown where the CPU is."""
        cpu_is_known = ~np.isnan(self.known(_CPU)) & self._tables.has(name)
        values = _zero_where(cpu_is_known, self.known(name))
        return np.where(cpu_is_known, values, np.nan)

    def for_life(self, name: str) -> Floats:
        """Return what a pod keeps for life, filled where kube-state-metrics missed a step."""
        forward = self._series(name).reindex(self.index).groupby(level="proxy").ffill()
        return forward.groupby(level="proxy").bfill().to_numpy(float)

    def _series(self, name: str) -> pd.Series:
        if name not in self._read:
            frame = with_points(self._tables[name], self._window)
            numbers = self._numbers.reindex(pd.MultiIndex.from_frame(frame[KEY])).to_numpy()
            index = [pd.Index(numbers, name="proxy"), pd.Index(frame["point"], name="point")]
            self._read[name] = frame[name].groupby(index).sum()
        return self._read[name]


def _zero_where(known: Bools, values: Floats) -> Floats:
    return np.where(known & np.isnan(values), 0.0, values)


def count_calls_once(
    reports: pd.DataFrame, *, meshed_namespaces: frozenset[str], whole_mesh: bool
) -> pd.DataFrame:
    """Return mesh requests, each call counted once.

    The destination's report or the waypoint's counts. The source's counts only where no proxy at
    the destination ever reports: an external service, or a workload outside the mesh.

    Where only some namespaces were asked for (not `whole_mesh`), the reports of a destination
    elsewhere are not in the snapshot: it may be in the mesh.

    `reports` has `reporter`, the four labels of the two ends, `point` and `mesh_requests_rps`;
    what is returned has the four labels, `point` and `rps`.
    """
    at_destination = reports[reports["reporter"].isin(["destination", "waypoint"])]
    at_source = reports[reports["reporter"] == "source"]
    reporting = pd.MultiIndex.from_frame(at_destination[_DESTINATION].drop_duplicates())
    unreported = ~pd.MultiIndex.from_frame(at_source[_DESTINATION]).isin(reporting)
    if not whole_mesh:
        namespace = at_source["destination_workload_namespace"]
        unreported &= namespace.isin(meshed_namespaces | {"", "unknown"}).to_numpy()
    counted = pd.concat([at_destination, at_source[unreported]])
    totals = counted.groupby([*_SOURCE, *_DESTINATION, "point"])["mesh_requests_rps"].sum()
    return totals.rename("rps").reset_index()
