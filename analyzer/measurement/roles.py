"""Workload, node and role of each proxy, from what the snapshot holds.

Sidecars, gateways, waypoints and ztunnels are distinguished here: all are called istio-proxy. The
signs are those of Istio's injection templates, charts and stats filter (`signs`). Labels of the pod
come first, then what only one role reports, then what is in the pod. Names come last.
"""

from typing import Final

import numpy as np
import pandas as pd

from analyzer.measurement.role_rules import UNKNOWN, rules_of
from analyzer.measurement.signs import KEY, named, signs_of
from analyzer.measurement.tables import Tables
from analyzer.units import Role

_OF_PROXIES: Final = (
    "proxy_cpu_vcpu",
    "inbound_requests_rps",
    "outbound_requests_rps",
    "waypoint_requests_rps",
    "proxy_tcp_bytes_per_second",
    "proxy_build",
)
"""Tables that have rows of proxies only."""

NO_EVIDENCE = "none"

AMBIGUOUS_SHARE: Final = 0.02
"""Share of the sidecars' CPU from which figures are given with and without ambiguous proxies."""


def why_unknown(evidence: str) -> str:
    """Return why a proxy has no role, as the end of a sentence."""
    if evidence == NO_EVIDENCE:
        return "no traffic and no application container in its pod, so no total includes it"
    return f"its signs contradict each other: {evidence}, so no total includes it"


def proxy_table(tables: Tables) -> pd.DataFrame:
    """Return one row a proxy, sorted by namespace and pod.

    Columns: namespace, pod, workload, node, role, evidence. A proxy is known by its CPU or by its
    own metrics. Its workload is what Istio calls it; else the object that created its pod; else
    the pod's own name. A waypoint's reports do not name it: they name its clients and backends.
    """
    own = [tables.pieces(name).labels[KEY] for name in _OF_PROXIES]
    known = pd.concat(own).drop_duplicates().sort_values(KEY, ignore_index=True)
    known = known[(known["pod"] != "") & (known["namespace"] != "")].reset_index(drop=True)
    found = assign_roles(signs_of(tables, known))
    theirs, others = (
        named(found, *columns) for columns in (("creator", "pod"), ("own_name", "creator", "pod"))
    )
    workload = theirs.where(found["role"] == Role.WAYPOINT, others)
    return found.assign(workload=workload)[[*KEY, "workload", "node", "role", "evidence"]]


def assign_roles(signs: pd.DataFrame) -> pd.DataFrame:
    """Return `signs` with the columns `role` and `evidence`, by the first rule that holds.

    `signs` has one row a proxy, with the columns of `signs.signs_of`.
    """
    rules = rules_of(signs)
    chosen = np.full(len(signs), len(rules))
    for number in reversed(range(len(rules))):
        chosen[rules[number].rows.to_numpy(bool)] = number
    # A member of an enumeration would stay one in the column.
    roles = np.array([*(str(rule.role) for rule in rules), UNKNOWN], dtype=object)
    evidence = np.array([*(rule.evidence for rule in rules), NO_EVIDENCE], dtype=object)
    return signs.assign(
        **{
            name: pd.Series(texts[chosen], index=signs.index, dtype="str")
            for name, texts in (("role", roles), ("evidence", evidence))
        }
    )
