"""Every quantity of every proxy and call, step by step: unknown is NaN, never 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints, are_alike
from analyzer.measurement.columns import added, alike, as_one
from analyzer.measurement.counters import CPU_COUNTER, REPORTERS, REQUEST_COUNTER, Counted
from analyzer.measurement.lived import FOR_LIFE, LIVED, PART_OF_A_STEP, WHOLE, Scrapes
from analyzer.measurement.manifest import Manifest
from analyzer.measurement.neighbours import after, before, follows
from analyzer.measurement.rows import CPU, TCP, Rows, with_points
from analyzer.measurement.tables import Tables
from analyzer.prometheus.label_mapping import Exporter
from analyzer.window import TimeWindow

_MOST: Final = 0.8
"""Share of the proxies that makes most of them: scrapes of single ones come early or late."""

_RENEWED: Final = 0.5
"""Share of its value below which a counter is another one."""

_RESETS: Final = "proxy_resets"

REQUEST_COLUMNS: Final = ("inbound_rps", "outbound_rps", "proxy_rps")
OWN_COLUMNS: Final = (
    *REQUEST_COLUMNS,
    "http_bytes_per_second",
    "tcp_bytes_per_second",
    "new_connections_per_second",
    "inbound_tcp_bytes_per_second",
)
"""Rates of a proxy's own counters."""

EVENTS: Final[Mapping[str, str]] = {
    "configuration_updates_per_second": "proxy_configuration_updates_per_second",
    "accepted_connections_per_second": "proxy_accepted_connections_per_second",
    "failed_rps": "proxy_failed_requests_rps",
}
"""Columns of events that a fit may need, and their queries. Nothing is filled in or added up."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepTable:
    """The samples of all proxies, and where they could have been.

    Attributes:
        rows: one row a proxy and step in which it existed, sorted by both; NaN is unknown.
            proxy, point: row of `proxies`, and number of the step.
            cpu_vcpu, memory_bytes: used.
            inbound_rps, outbound_rps, proxy_rps: requests; the last is all, also a waypoint's.
            http_bytes_per_second: requests and responses with their headers, inbound and outbound.
            tcp_bytes_per_second, new_connections_per_second: of TCP.
            inbound_tcp_bytes_per_second: of TCP connections that it accepted.
            open_connections: TCP connections that are open at the end of the step.
            configured_clusters: Envoy's.
            configuration_updates_per_second, accepted_connections_per_second, failed_rps: of
                Envoys; the last are HTTP requests with code 5xx.
            throttled_share: of CPU periods, 0 to 1.
            resets: how often its request counters were reset.
            is_whole: scraped as often as proxies of its workload usually are in a step.
            lived_share: of the step, for which the proxy existed, 0 to 1.
            reserved_vcpu, reserved_memory_bytes, limit_vcpu, limit_memory_bytes: of the container.
        reported: inbound_rps, outbound_rps and proxy_rps of the same rows as the server has them,
            also where a proxy was scraped for a part of the step.
        scrapes: how often the proxy was scraped in each row; NaN where not known.
        recounted: by which multiple each proxy's CPU rates were too low over all steps, shape
            (rows,): its CPU comes from the counter then.
        counters: of cpu_vcpu, and of the requests of each of `counters.REPORTERS`, at the end of
            each row: in units of the rates times steps, shape (rows,); NaN where not known.
        has_cpu_counters: whether those of CPU were asked for: where a proxy has none then, they
            agree with its rates.
        missed_rps: the part of proxy_rps in first samples of evicted series, shape (rows,).
        doubtful: the proxies and steps of `Presence.doubtful`: columns proxy, point.
        has_idle_scrapes: which proxies are known to be scraped without a request, shape (proxies,):
            of the others, no request counter before the first request is no gap.
    """

    rows: pd.DataFrame
    reported: pd.DataFrame
    scrapes: Floats
    recounted: Floats
    counters: Mapping[str, Floats]
    has_cpu_counters: bool
    missed_rps: Floats
    doubtful: pd.DataFrame
    has_idle_scrapes: Bools


def step_table(
    tables: Tables, proxies: pd.DataFrame, manifest: Manifest, cluster: Ints, counted: Counted
) -> StepTable:
    """Return every proxy's samples.

    Args:
        tables: of the snapshot.
        proxies: one row a proxy.
        manifest: of the snapshot.
        cluster: the number of each proxy's cluster, shape (proxies,).
        counted: corrects the rates in the rows; `reported` has them as the server has.
    """
    window = manifest.window
    rows = Rows(tables, proxies, window, cluster)
    reported = [rows.zero_where_scraped(name) for name in REPORTERS.values()]
    unreported = [rows.sums(_of(counted.missed, name), "rps") for name in REPORTERS]
    inbound, outbound, waypoint = (
        rows.replaced(added(rate, unseen), _of(counted.requests, name), "rate")
        for name, rate, unseen in zip(REPORTERS, reported, unreported, strict=True)
    )
    requests = added(added(inbound, outbound), waypoint)
    tcp = rows.zero_where_scraped(TCP, is_known=tables.is_attributable(TCP))
    cpu = rows.known(CPU)
    columns = {
        "cpu_vcpu": rows.replaced(cpu, counted.cpu, "rate"),
        "inbound_rps": inbound,
        "outbound_rps": outbound,
        "proxy_rps": requests,
        "http_bytes_per_second": rows.zero_beside("proxy_http_bytes_per_second", requests),
        "tcp_bytes_per_second": tcp,
        "new_connections_per_second": rows.zero_beside("proxy_new_connections_per_second", tcp),
        "inbound_tcp_bytes_per_second": rows.reported(TCP, "destination", tcp),
        "open_connections": rows.zero_beside("proxy_open_connections", tcp),
        **_events(rows, tables),
        "memory_bytes": rows.known("proxy_memory_bytes"),
        "configured_clusters": rows.known("proxy_configured_clusters"),
        "throttled_share": rows.zero_where_cpu_is_known("proxy_throttled_share"),
        "resets": rows.zero_where_scraped(_RESETS, is_known=tables.has(_RESETS)),
        **{name: rows.for_life(f"proxy_{name}") for name in FOR_LIFE},
    }
    recounted = _multiple(rows.proxy, columns["cpu_vcpu"], cpu)
    del cpu
    scrapes = rows.known("proxy_build")
    expected = manifest.rate_window_seconds(Exporter.PROXY) / manifest.request_scrape_seconds
    scraped = _scrapes(rows, scrapes, columns["cpu_vcpu"], proxies, cluster, expected)
    is_first = _begins_with_window(rows.proxy, rows.point, scrapes)
    is_corrected = any(
        one is not other for one, other in zip(reported, (inbound, outbound, waypoint), strict=True)
    )
    whole = sum(reported) if is_corrected else requests
    as_reported = dict(zip(REQUEST_COLUMNS, (*reported[:2], whole), strict=True))
    for exporter, names, test in (
        (Exporter.CADVISOR, ("cpu_vcpu",), "cpu_vcpu"),
        (Exporter.PROXY, (*OWN_COLUMNS, *EVENTS), "proxy_rps"),
    ):
        # A series that begins or ends in a step has its increase divided by the whole range.
        factor = manifest.rate_window_seconds(exporter) / window.step_seconds
        covered = rows.covered(exporter)
        is_unknown = rows.half_covered(covered, columns[test])
        factors = np.where(rows.at(covered.is_cut) | is_first, factor, 1.0)
        factors *= np.where(rows.at(covered.is_end), _own_share(scraped.shares, factor), 1.0)
        if is_unknown.any() or (factors != 1).any():
            for name in names:
                columns[name] = as_one(np.where(is_unknown, np.nan, columns[name] * factors))
    counters = _counters(rows, tables, window)
    is_renewed = _is_renewed(rows.proxy, rows.point, counters, columns["resets"])
    if is_renewed.any():
        for name in ("cpu_vcpu", *OWN_COLUMNS, *EVENTS):
            columns[name] = as_one(np.where(is_renewed, np.nan, columns[name]))
    apart = {"is_whole": scraped.shares >= WHOLE, LIVED: _lived_shares(rows, scraped, manifest)}
    number, point = np.nonzero(rows.doubtful)
    return StepTable(
        # All columns once more would be the most that is held at a time.
        rows=pd.DataFrame(
            {"proxy": rows.proxy, "point": rows.point, **columns, **apart}, copy=False
        ),
        reported=pd.DataFrame(as_reported, copy=False),
        scrapes=scrapes,
        recounted=recounted,
        counters=counters,
        has_cpu_counters=tables.has(CPU_COUNTER),
        missed_rps=rows.sums(counted.missed[counted.missed["is_evicted"].astype(bool)], "rps"),
        doubtful=pd.DataFrame({"proxy": number, "point": point}),
        has_idle_scrapes=np.asarray(rows.seen("proxy_build").any(axis=1)),
    )


def _events(rows: Rows, tables: Tables) -> dict[str, Floats]:
    """Return the columns of events: an Envoy counts updates and connections even at zero."""
    columns = {column: rows.known(name) for column, name in EVENTS.items()}
    name = EVENTS["failed_rps"]
    columns["failed_rps"] = rows.zero_where_scraped(name, is_known=tables.has(name))
    return columns


def _multiple(proxy: Ints, believed: Floats, stored: Floats) -> Floats:
    if believed is stored:
        return alike(1.0, len(proxy))
    known = np.where(np.isnan(believed) | np.isnan(stored), np.nan, 1.0)
    sums = pd.DataFrame({"believed": believed * known, "stored": stored * known}).groupby(proxy)
    whole = sums.transform("sum")
    multiple = whole["believed"] / whole["stored"].where(whole["stored"] > 0)
    return multiple.fillna(1.0).to_numpy(np.float64)


def _scrapes(
    rows: Rows, scrapes: Floats, cpu: Floats, proxies: pd.DataFrame, cluster: Ints, whole: float
) -> Scrapes:
    """Return how often each row was scraped; `whole` is how often a proxy is in a step."""
    workload, namespace = (
        np.asarray(proxies.groupby(names).ngroup(), dtype=np.int64)
        for names in (["namespace", "workload"], ["namespace"])
    )
    return Scrapes(
        proxy=rows.proxy,
        point=rows.point,
        scrape_count=scrapes,
        is_seen=~(np.isnan(cpu) & np.isnan(scrapes)),
        workload=workload,
        namespace=namespace,
        cluster=cluster,
        point_count=rows.doubtful.shape[1],
        whole_step_count=whole,
    )


def _lived_shares(rows: Rows, scrapes: Scrapes, manifest: Manifest) -> Floats:
    """Return `lived_share`: a cluster that is dark at an end of the window may have gone on."""
    ranges = manifest.rate_window_seconds(Exporter.PROXY) / manifest.window.step_seconds
    shares = scrapes.lived(ranges)
    return as_one(np.where(rows.at(rows.doubtful), 1.0, shares)) if rows.doubtful.any() else shares


def _own_share(full: Floats, factor: float) -> Floats:
    """Return which share of a range's increase is its own step's, where a series ends in it.

    A range begins before its step, and so has an increase that the step before has too. `factor`
    is the range over the step, and `full` the share of the range in which the proxy lived.
    """
    # No count is zero, but a damaged table may hold one.
    lived = np.where(full > 0, full, PART_OF_A_STEP)
    return np.asarray(np.maximum(1 - (1 - 1 / factor) / lived, 0.0))


def _is_renewed(proxy: Ints, point: Ints, counters: Mapping[str, Floats], resets: Floats) -> Bools:
    """Return the steps in which another pod of the same name took a proxy's place.

    A pod of a StatefulSet keeps its name on another node, under another address. Its counters begin
    again in new series, so no reset is counted. Of two addresses in one step the rates are those
    of one.
    """
    if all(map(are_alike, counters.values())):
        # None falls: as a rule they are asked for only where rates are in doubt.
        return np.zeros(len(proxy), dtype=bool)
    reported = np.array([counters[name] for name in REPORTERS])
    # A pod that has gone by the end of its last step has no counters there: nothing took its place.
    requests = np.where(np.isnan(reported).all(axis=0), np.nan, np.nansum(reported, axis=0))
    cpu, is_lower = (
        now < _RENEWED * before(now, proxy) for now in (counters["cpu_vcpu"], requests)
    )
    # A kubelet's last sample stays visible for five minutes, so its counter may fall later.
    is_lower &= cpu | after(cpu, proxy)
    return np.asarray(follows(proxy, point) & is_lower & (resets == 0))


def _of(frame: pd.DataFrame, reporter: str) -> pd.DataFrame:
    return frame[frame["reporter"] == reporter]


def _counters(rows: Rows, tables: Tables, window: TimeWindow) -> dict[str, Floats]:
    requests = with_points(tables[REQUEST_COUNTER], window)
    found = {
        reporter: rows.sums(requests[requests["reporter"] == reporter], REQUEST_COUNTER)
        for reporter in REPORTERS
    }
    found["cpu_vcpu"] = np.nan_to_num(rows.known(CPU_COUNTER))
    return {
        name: as_one(np.where(counter > 0, counter, np.nan) / window.step_seconds)
        for name, counter in found.items()
    }


def _begins_with_window(proxy: Ints, point: Ints, scrapes: Floats) -> Bools:
    """Return the rows of the window's first step if nothing is stored of the time before it.

    Then most proxies were scraped less often in it than they usually are: its range is longer than
    the step, and the first part of it is empty.
    """
    usual = pd.Series(scrapes).groupby(proxy).transform("median").to_numpy(float)
    is_first = point == 0
    known = is_first & ~np.isnan(scrapes)
    fewer = known & (scrapes < usual)
    return np.asarray(is_first & (fewer.sum() > _MOST * max(known.sum(), 1)))
