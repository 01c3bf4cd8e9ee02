"""Names of workloads as signs of a role. They count last: anyone may choose them."""

import re
from typing import Final

import pandas as pd

AGENTGATEWAY_SUFFIX: Final = "-istio-agentgateway"
"""The Deployment of a Gateway is called after it and its class, that of a waypoint after it alone
(istio/istio: DisableNameSuffix in the controllers of Gateways)."""

ZTUNNEL: Final = "ztunnel"
WAYPOINT: Final = "waypoint"

_GATEWAY: Final = "(?:ingress|egress|east-?west)-?gateway"
_WHOLE_NAMES: Final = "^istio-(?:ingress|egress|gateway|eastwest)$"
"""Names of gateways in Istio's charts and documents (istio/istio: manifests/charts/gateways)."""

_LIKE_A_GATEWAY: Final = "gateway|ingress|egress"
"""Words in names of gateways, but of applications too."""

_ISTIOS_NAMESPACES: Final = ("istio-system", "istio-ingress", "istio-egress", "istio-gateways")
"""Namespaces that Istio's documents use for gateways."""

_ROLE_WORD: Final = re.compile(f"{ZTUNNEL}|{WAYPOINT}|{_GATEWAY}|{_LIKE_A_GATEWAY}")


def is_of_gateways(names: pd.Series) -> pd.Series:
    """Return which names Istio itself gives to gateways."""
    return names.str.contains(f"{_GATEWAY}|{_WHOLE_NAMES}")


def is_like_a_gateways(names: pd.Series, namespaces: pd.Series) -> pd.Series:
    """Return which workloads may be gateways by their names or namespaces."""
    without_cluster = namespaces.str.replace("^.*/", "", regex=True)
    return names.str.contains(_LIKE_A_GATEWAY) | without_cluster.isin(_ISTIOS_NAMESPACES)


def role_word(name: str) -> str:
    """Return the word in a name that is evidence of a role; "" without one."""
    if re.search(_WHOLE_NAMES, name):
        return "ingressgateway"
    found = _ROLE_WORD.search(name)
    return found[0] if found else ""
