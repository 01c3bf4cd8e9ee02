"""The signs of each proxy's role: labels of its pod, what it reports, and what is beside it."""

import re
from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.applications import with_application
from analyzer.measurement.frames import TIME
from analyzer.measurement.numbers import Numbers, are_among
from analyzer.measurement.other_side import DESTINATION, INBOUND, OUTBOUND
from analyzer.measurement.pieces import Pieces
from analyzer.measurement.tables import UNKNOWN_NAMES, Tables, workload_of_creator

KEY: Final = ["namespace", "pod"]


_DESCRIBED: Final = (
    ("gateway_class", "pod_labels", "label_gateway_networking_k8s_io_gateway_class_name"),
    ("gateway_class", "proxy_pod_labels", "gateway_networking_k8s_io_gateway_class_name"),
    ("managed_by", "pod_labels", "label_gateway_istio_io_managed"),
    ("managed_by", "proxy_pod_labels", "gateway_istio_io_managed"),
    ("tls_mode", "pod_labels", "label_security_istio_io_tls_mode"),
    ("tls_mode", "proxy_pod_labels", "security_istio_io_tlsMode"),
    ("gateway_name", "proxy_pod_labels", "gateway_networking_k8s_io_gateway_name"),
    ("gateway_name", "proxy_pod_labels", "istio_io_gateway_name"),
    ("istio_label", "proxy_pod_labels", "istio"),
    ("app_label", "proxy_pod_labels", "app"),
    ("created_by_kind", "pod_placement", "created_by_kind"),
    ("created_by_name", "pod_placement", "created_by_name"),
    ("node", "pod_placement", "node"),
    ("node", "proxy_nodes", "node"),
    ("node", "proxy_nodes", "kubernetes_io_hostname"),
    ("sender", OUTBOUND, "source_workload"),
)
"""What is known of a proxy: our name, the table and its label, in order of preference."""

MOST: Final = 0.5
"""Share of a proxy's inbound requests that decides whose they are: an address that changed its pod
within a step moves a few."""

_SEVERAL: Final = 2
_LEAST_SHARE: Final = 0.02
"""Destinations of a proxy that make several, and the share of its requests that each has."""

_NO_RATE: Final = 1e-9
"""Weight of a destination that had no request in the window."""

_HASH: Final = "(?:[bcdfghjklmnpqrstvwxz2456789]{4,10}|[0-9a-f]{8,10})"
_TAIL: Final = r"(?:[bcdfghjklmnpqrstvwxz2456789]{5}|[0-9a-f]{5}|\d+)"
_GENERATED: Final = re.compile(f"(?:-{_HASH})?(?:-{_TAIL})?")
"""What controllers add to the name of a workload for its pods: a hash in the alphabet of names
that Kubernetes generates (without vowels), or a number (k8s.io/apimachinery: pkg/util/rand)."""


def is_named_after(name: str, workload: str) -> bool:
    """Return whether a pod or the object that created it belongs to a workload, by its name."""
    rest = name.removeprefix(workload)
    return name.startswith(workload) and _GENERATED.fullmatch(rest) is not None


def named(signs: pd.DataFrame, *columns: str) -> pd.Series:
    """Return the first of some text columns that is not empty in each row."""
    found = signs[columns[0]]
    for column in columns[1:]:
        found = found.where(found != "", signs[column])
    return found.astype("str")


def signs_of(tables: Tables, known: pd.DataFrame) -> pd.DataFrame:
    """Return `known`, one row a proxy with namespace and pod, with the signs of its role.

    Text columns are those of `_DESCRIBED`, `creator` (the workload behind the pod's creator) and
    `own_name` (what it calls itself in its reports, unless it is a waypoint); "" where not known.
    All others are bool: see `_reports` and `_whose`.
    """
    signs = known.assign(**_descriptions(tables, known))
    signs["creator"] = workload_of_creator(signs)
    signs = signs.assign(**_whose(tables.pieces(INBOUND), signs))
    return signs.assign(**_reports(tables, signs))


def _descriptions(tables: Tables, known: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what is known of each proxy, as str columns; "" where nothing is."""
    numbers = Numbers(known[KEY])
    rows = {}
    for name in dict.fromkeys(name for _, name, _ in _DESCRIBED):
        frame = _last_rows(tables.pieces(name)).sort_values(TIME, kind="stable")
        rows[name] = frame, numbers.of(frame)
    found = {ours: np.full(len(known), "", dtype=object) for ours, *_ in _DESCRIBED}
    for ours, name, label in _DESCRIBED:
        frame, number = rows[name]
        is_named = (number >= 0) & ~frame[label].isin(UNKNOWN_NAMES).to_numpy(bool)
        last = np.full(len(known), "", dtype=object)
        # Of several names of one proxy the last one stays.
        last[number[is_named]] = frame[label].to_numpy(object)[is_named]
        found[ours] = np.where(found[ours] == "", last, found[ours])
    return {ours: pd.Series(texts, index=known.index, dtype="str") for ours, texts in found.items()}


def _last_rows(pieces: Pieces) -> pd.DataFrame:
    """Return the labels of each piece, with the last time in it."""
    return pieces.labels.assign(**{TIME: pieces.latest()})


def _whose(inbound: Pieces, signs: pd.DataFrame) -> dict[str, pd.Series]:
    """Return whose requests each proxy reports as destination.

    `own_inbound`: its own workload's, as a sidecar does. `other_inbound`: another workload's, as a
    waypoint does before Istio 1.22; `several_inbound`: those of several others, or of one in
    another namespace. `proxied_inbound`: other proxies run in pods of that other workload.
    """
    of_pieces = inbound.labels.assign(**{INBOUND: inbound.sums()})
    sums = of_pieces.groupby([*KEY, *DESTINATION])[INBOUND].sum() + _NO_RATE
    rows = sums[~sums.index.get_level_values(-1).isin(UNKNOWN_NAMES)].reset_index()
    rows = rows.merge(signs[[*KEY, "creator", "created_by_name"]], on=KEY)
    ends = rows.drop(columns=INBOUND).itertuples(index=False)
    rows["own"] = np.array([_is_own(*row) for row in ends], dtype=bool)
    rows["share"] = rows[INBOUND] / rows.groupby(KEY)[INBOUND].transform("sum")
    owners = rows.loc[rows["own"], DESTINATION].set_axis(["namespace", "creator"], axis=1)
    owners = pd.concat([owners, signs.loc[signs["creator"] != "", ["namespace", "creator"]]])
    has_proxies = are_among(rows[DESTINATION], owners)
    others = rows[~rows["own"]]
    is_foreign = ~rows[DESTINATION[0]].isin(UNKNOWN_NAMES) & (
        rows[DESTINATION[0]] != rows["namespace"]
    )
    largest = rows.sort_values("share", kind="stable").groupby(KEY)["destination_workload"].last()
    of_each = pd.DataFrame(
        {
            "own": rows[rows["own"]].groupby(KEY)["share"].sum(),
            "other": others.groupby(KEY)["share"].sum(),
            "count": others[others["share"] >= _LEAST_SHARE].groupby(KEY).size(),
            "foreign": rows[is_foreign].groupby(KEY)["share"].sum(),
            "proxied": rows[~rows["own"] & has_proxies].groupby(KEY)["share"].sum(),
        }
    )
    keys = pd.MultiIndex.from_frame(signs[KEY])
    of_each = of_each.reindex(keys).fillna(0.0).reset_index(drop=True).set_index(signs.index)
    is_other = of_each["other"] > MOST
    receiver = largest.reindex(keys).astype(object).fillna("").set_axis(signs.index).astype("str")
    is_its_own = (of_each["own"] >= MOST) | (signs["sender"] == "")
    return {
        "own_name": receiver.where(is_its_own & (receiver != ""), signs["sender"]).astype("str"),
        "own_inbound": of_each["own"] >= MOST,
        "other_inbound": is_other,
        "several_inbound": is_other
        & ((of_each["count"] >= _SEVERAL) | (of_each["foreign"] > MOST)),
        "proxied_inbound": is_other & (of_each["proxied"] > MOST),
    }


def _is_own(
    namespace: str, pod: str, of_namespace: str, workload: str, creator: str, created_by: str
) -> bool:
    """Return whether a destination is a proxy's own workload.

    Where the object that created the pod is known, the pod's name does not count.
    """
    if of_namespace != namespace and of_namespace not in UNKNOWN_NAMES:
        return False
    return creator == workload or is_named_after(created_by or pod, workload)


def _reports(tables: Tables, signs: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what each proxy was seen to be or do, as bool columns.

    `receives`, `sends`: HTTP requests as destination and as source. `receives_tcp`, `sends_tcp`:
    TCP bytes. `is_scraped`: it has any metric of its own.
    """
    numbers = Numbers(signs[KEY])

    def is_in(*labels: pd.DataFrame) -> pd.Series:
        return pd.Series(numbers.among(*labels), index=signs.index)

    tcp, build, cpu, waypoint, inbound, outbound = (
        tables.pieces(name).labels
        for name in (
            "proxy_tcp_bytes_per_second",
            "proxy_build",
            "proxy_cpu_vcpu",
            "waypoint_requests_rps",
            INBOUND,
            OUTBOUND,
        )
    )
    containers = tables["application_containers"]
    # Pods are made from one template where they have one workload for sure.
    sure = signs["own_name"].where(signs["own_inbound"], "")
    rows = signs[KEY].assign(
        workload=named(signs.assign(sure=sure), "creator", "sure", "sender", "pod")
    )
    seen = tables["proxy_cpu_vcpu"] if len(containers) else containers
    has_application = pd.Series(with_application(containers, seen, rows), index=signs.index)
    return {
        "is_agentgateway": is_in(cpu[cpu["container"] == "agentgateway"]),
        "is_ztunnel_build": is_in(build[build["component"] == "ztunnel"]),
        "reports_waypoint": is_in(waypoint, tcp[tcp["reporter"] == "waypoint"]),
        "has_application": has_application,
        # Without data about a pod's containers it is unknown whether a proxy is alone.
        "is_alone": ~has_application & is_in(cpu) & (len(containers) > 0),
        "receives": is_in(inbound),
        "sends": is_in(outbound),
        "receives_tcp": is_in(tcp[tcp["reporter"] == "destination"]),
        "sends_tcp": is_in(tcp[tcp["reporter"] == "source"]),
        "is_scraped": is_in(inbound, outbound, waypoint, tcp, build),
    }
