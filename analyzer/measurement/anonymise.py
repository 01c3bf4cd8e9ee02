"""Replacing names by hashes, so that a snapshot can be given to others.

Every name becomes a keyed hash, the same wherever the name occurs. Without the salt the hash of a
guessed name cannot be computed. Each collection makes a new salt and discards it, unless
ISTIO_USAGE_SALT sets one, for snapshots that are to be compared.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import pandas as pd

from analyzer.measurement.proxy_counts import ProxyCounts
from analyzer.measurement.role_names import AGENTGATEWAY_SUFFIX, role_word
from analyzer.measurement.tables import UNKNOWN_NAMES
from analyzer.prometheus.promql import Scope

HIDDEN_SOURCE: Final = "hidden"
"""The source in a manifest where names are hidden."""

SALT_VARIABLE: Final = "ISTIO_USAGE_SALT"

_KINDS: Final = {
    **{kind: kind for kind in ("cluster", "namespace", "pod", "node")},
    **dict.fromkeys(("source_workload", "destination_workload"), "workload"),
    "source_workload_namespace": "namespace",
    "destination_workload_namespace": "namespace",
    "destination_service_namespace": "namespace",
    "destination_service_name": "service",
    "pod_ip": "address",
    "kubernetes_io_hostname": "node",
    "node_zone": "zone",
    "autoscaler": "autoscaler",
    **dict.fromkeys(("owner_name", "target_name"), "workload"),
    "label_gateway_networking_k8s_io_gateway_class_name": "class",
    "gateway_networking_k8s_io_gateway_class_name": "class",
    "gateway_networking_k8s_io_gateway_name": "gateway",
    "istio_io_gateway_name": "gateway",
    "istio": "workload",
    "app": "workload",
}
"""Label columns that hold names, and what kind of thing each names."""

_ISTIO_CLASS: Final = "istio"
"""How the names of Istio's own gateway classes begin: they identify roles, and are no secret."""

_HASH_DIGITS = 12
"""48 bits: two of 100,000 names share a hash with a probability of one in 50,000."""

_ADDRESS = re.compile(r"\[?(?P<host>[^\]]*?)\]?:(?P<port>\d+)")


def given_salt(environment: Mapping[str, str] = os.environ) -> str:
    """Return the user's salt; "" without one."""
    return environment.get(SALT_VARIABLE, "")


def new_salt(environment: Mapping[str, str] = os.environ) -> str:
    """Return the salt for a new collection."""
    return given_salt(environment) or secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymiser:
    """Replaces names; without a salt it changes nothing."""

    salt: str = ""

    def name(self, kind: str, name: str) -> str:
        """Return the replacement of a name of some kind: "pod-3f0a..."."""
        if not self.salt or name in UNKNOWN_NAMES:
            return name
        return f"{kind}-{self._hash(kind, name)}"

    def scope(self, scope: Scope) -> Scope:
        """Return a scope without its names."""
        return Scope(
            namespaces=tuple(self.name("namespace", item) for item in scope.namespaces),
            cluster=self.name("cluster", scope.cluster),
        )

    def proxy_counts(self, counts: ProxyCounts | None) -> ProxyCounts | None:
        """Return counts without the names of clusters and scrape jobs."""
        return counts and replace(
            counts,
            groups=tuple(
                replace(
                    group,
                    cluster=self.name("cluster", group.cluster),
                    job=self.name("job", group.job),
                )
                for group in counts.groups
            ),
        )

    def source(self, url: str) -> str:
        """Return where Prometheus is, or that it is hidden."""
        return HIDDEN_SOURCE if self.salt else url

    def remarks(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Return all of the server's remarks, or only how many there were."""
        hidden = (f"{len(texts)} remarks, hidden with the names",)
        return hidden if self.salt and texts else texts

    def frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table with its names replaced."""
        if not self.salt:
            return frame
        replaced = {
            column: _mapped(frame[column], partial(self._value, column, kind))
            for column, kind in _KINDS.items()
            if column in frame
        }
        if "created_by_name" in frame:
            is_set = frame["created_by_kind"] == "ReplicaSet"
            names = frame["created_by_name"]
            sets = _mapped(names, self._replica_set)
            replaced["created_by_name"] = _mapped(names, self._workload).mask(is_set, sets)
        return frame.assign(**replaced)

    def _hash(self, kind: str, name: str) -> str:
        digest = hmac.new(self.salt.encode(), f"{kind}/{name}".encode(), hashlib.sha256)
        return digest.hexdigest()[:_HASH_DIGITS]

    def _value(self, column: str, kind: str, name: str) -> str:
        if kind == "workload":
            return self._workload(name)
        if kind == "class" and name.startswith(_ISTIO_CLASS):
            return name
        address = _ADDRESS.fullmatch(name) if column == "pod" else None
        if address:
            # Not yet attributed to a pod: it must still meet the pod_ip of its owner.
            return f"{self.name('address', address['host'])}:{address['port']}"
        return self.name(kind, name)

    def _workload(self, name: str) -> str:
        """Replace a workload, but keep the word in its name that is evidence of a role."""
        replaced = self.name("workload", name)
        if name in UNKNOWN_NAMES or not self.salt:
            return replaced
        ending = AGENTGATEWAY_SUFFIX if name.endswith(AGENTGATEWAY_SUFFIX) else ""
        word = "" if ending else role_word(name)
        return f"{word}-{replaced}" if word else f"{replaced}{ending}"

    def _replica_set(self, name: str) -> str:
        """Replace a ReplicaSet so that its Deployment matches the workload in Istio's labels.

        Its name is that of its Deployment and a hash, or any name where it was made by hand.
        """
        if name in UNKNOWN_NAMES:
            return name
        base, dash, suffix = name.rpartition("-")
        # `workload_of_creator` removes the last part again.
        return f"{self._workload(base if dash else name)}-{self._hash('set', suffix)}"


def _mapped(names: pd.Series, replace: Callable[[str], str]) -> pd.Series:
    """Replace each different name once."""
    return names.map({name: replace(name) for name in names.unique()}).astype("str")
