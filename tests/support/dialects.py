"""All dialects: the ways of storing a mesh that the analyzer must understand."""

from tests.support.dialect import Dialect
from tests.support.dialects_addon import OLD_SAMPLE_ADDON, SAMPLE_ADDON
from tests.support.dialects_derived import (
    EMPTY_CONTAINERS,
    FEDERATION,
    OLD_RECORDING_RULES,
    RECORDING_RULES,
)
from tests.support.dialects_operator import (
    AGENTGATEWAY,
    ISTIO_1_24_POD_MONITOR,
    KUBE_PROMETHEUS_STACK,
    OPENSHIFT,
)
from tests.support.dialects_plain import BY_INSTANCE, EXPORTED_STATE, GOOGLE, OLD_KUBELET
from tests.support.dialects_prices import OPENCOST, OPENCOST_EXPORTED, OPENCOST_ON_A_NODE
from tests.support.dialects_twice import (
    PAIR,
    TWO_CADVISORS,
    TWO_CLUSTERS,
    TWO_CLUSTERS_NAMED,
    TWO_PORTS,
    TWO_STATES,
)

DIALECTS: tuple[Dialect, ...] = (
    KUBE_PROMETHEUS_STACK,
    ISTIO_1_24_POD_MONITOR,
    SAMPLE_ADDON,
    OLD_SAMPLE_ADDON,
    OLD_KUBELET,
    OPENSHIFT,
    GOOGLE,
    EXPORTED_STATE,
    BY_INSTANCE,
    FEDERATION,
    TWO_PORTS,
    PAIR,
    TWO_CADVISORS,
    TWO_STATES,
    TWO_CLUSTERS,
    TWO_CLUSTERS_NAMED,
    OPENCOST,
    OPENCOST_EXPORTED,
    OPENCOST_ON_A_NODE,
    RECORDING_RULES,
    OLD_RECORDING_RULES,
    EMPTY_CONTAINERS,
    AGENTGATEWAY,
)
"""Each is documented where it is defined."""


def dialect(name: str) -> Dialect:
    """Return a dialect by its name."""
    return next(one for one in DIALECTS if one.name == name)
