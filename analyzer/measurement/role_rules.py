"""The signs of a role, the strongest first, as rules over the table of `signs`.

They are those of Istio's injection templates, charts and stats filter.
"""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from analyzer.measurement.role_names import (
    AGENTGATEWAY_SUFFIX,
    WAYPOINT,
    ZTUNNEL,
    is_like_a_gateways,
    is_of_gateways,
)
from analyzer.measurement.signs import named
from analyzer.units import Role

UNKNOWN = "unknown"
"""Role of a proxy whose evidence is not enough or contradicts itself: it is listed, and in no
total."""

_WAYPOINT_CLASSES: Final = ("istio-waypoint", "istio-agentgateway-waypoint")
_WAYPOINT_CONTROLLER: Final = "istio.io-mesh-controller"
_EAST_WEST: Final = "istio.io-eastwest-controller"
_EAST_WEST_CLASS: Final = "istio-east-west"
"""The east-west gateway of ambient mode is made from the waypoint's template
(istio/istio: files/waypoint.yaml, pilot/pkg/config/kube/gatewaycommon/classinfo.go)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One sign.

    Attributes:
        rows: of which proxies it holds.
        role: what they are, or UNKNOWN if two signs contradict each other.
        evidence: the sign, as the tables name it.
    """

    rows: pd.Series
    role: str
    evidence: str


def rules_of(signs: pd.DataFrame) -> list[Rule]:
    """Return the rules for some proxies: the first that holds decides.

    Labels of the pod come first, then what only one role reports, then what is in the pod. Names
    come last. Before all are the contradictions of the first two.
    """
    labelled, shown = _by_labels(signs), _by_reports(signs)
    return [*_contradictions(labelled, shown), *labelled, *shown, *_by_pod(signs)]


def _by_labels(signs: pd.DataFrame) -> list[Rule]:
    """Return the rules of labels that Istio puts on pods of one role only."""
    gateway_class, managed_by = signs["gateway_class"], signs["managed_by"]
    is_waypoint_class = gateway_class.isin(_WAYPOINT_CLASSES)
    is_waypoint_managed = managed_by == _WAYPOINT_CONTROLLER
    of_class, managed = "label gateway-class-name", "label managed"
    return [
        Rule(rows=is_waypoint_class, role=Role.WAYPOINT, evidence=of_class),
        Rule(rows=(gateway_class != "") & ~is_waypoint_class, role=Role.GATEWAY, evidence=of_class),
        Rule(rows=is_waypoint_managed, role=Role.WAYPOINT, evidence=managed),
        Rule(rows=(managed_by != "") & ~is_waypoint_managed, role=Role.GATEWAY, evidence=managed),
        Rule(rows=signs["tls_mode"] == "istio", role=Role.SIDECAR, evidence="label tlsMode"),
    ]


def _by_reports(signs: pd.DataFrame) -> list[Rule]:
    """Return the rules of what proxies of one role only report."""
    others = signs["other_inbound"] & (
        signs["is_alone"]
        | signs["several_inbound"]
        | (signs["proxied_inbound"] & ~signs["has_application"])
        | named(signs, "creator", "pod").str.contains(WAYPOINT, regex=False)
    )
    is_east_west = (signs["managed_by"] == _EAST_WEST) | (
        signs["gateway_class"] == _EAST_WEST_CLASS
    )
    return [
        Rule(
            rows=signs["is_ztunnel_build"],
            role=Role.ZTUNNEL,
            evidence="istio_build component ztunnel",
        ),
        Rule(
            rows=signs["reports_waypoint"] & ~is_east_west,
            role=Role.WAYPOINT,
            evidence="reporter waypoint",
        ),
        # Of Envoys only a sidecar reports what came in for its own workload.
        Rule(rows=signs["own_inbound"], role=Role.SIDECAR, evidence="reporter destination"),
        # A waypoint did so before Istio 1.22, for other workloads (istio/istio issue 50225).
        Rule(
            rows=others & ~is_east_west,
            role=Role.WAYPOINT,
            evidence="reporter destination, other workloads",
        ),
    ]


def _contradictions(*groups: list[Rule]) -> list[Rule]:
    """Return a rule for each two signs of different roles that hold of the same proxy."""
    rules = [rule for group in groups for rule in group]
    return [
        Rule(
            rows=one.rows & other.rows,
            role=UNKNOWN,
            evidence=f"{one.evidence} ({one.role}), {other.evidence} ({other.role})",
        )
        for number, one in enumerate(rules)
        for other in rules[number + 1 :]
        if one.role != other.role
    ]


def _by_pod(signs: pd.DataFrame) -> list[Rule]:
    """Return the rules of what is in the pod, and of names where that does not decide."""
    name = named(signs, "creator", "own_name", "pod")
    alone, beside = signs["is_alone"], signs["has_application"]
    receives, sends = (signs[one] | signs[f"{one}_tcp"] for one in ("receives", "sends"))
    is_silent = signs["is_scraped"] & ~receives & ~sends
    ztunnel = name.str.contains(ZTUNNEL, regex=False)
    is_daemon_set = signs["created_by_kind"].isin(["DaemonSet", ""])
    waypoint = name.str.contains(WAYPOINT, regex=False)
    labels = signs["istio_label"].str.contains("gateway", regex=False)
    labels |= is_of_gateways(signs["app_label"])
    like_one = is_like_a_gateways(name, signs["namespace"])
    agentgateway = signs["is_agentgateway"]
    application = "application container in the pod"
    return [
        Rule(
            rows=ztunnel & (signs["created_by_kind"] == "DaemonSet"),
            role=Role.ZTUNNEL,
            evidence="DaemonSet called ztunnel",
        ),
        Rule(rows=signs["app_label"] == ZTUNNEL, role=Role.ZTUNNEL, evidence="label app"),
        Rule(
            rows=agentgateway & name.str.endswith(AGENTGATEWAY_SUFFIX),
            role=Role.GATEWAY,
            evidence="container agentgateway, named after its class",
        ),
        Rule(rows=agentgateway, role=Role.WAYPOINT, evidence="container agentgateway"),
        Rule(
            rows=signs["other_inbound"] & signs["proxied_inbound"] & beside,
            role=UNKNOWN,
            evidence=f"reporter destination, another workload ({Role.WAYPOINT}), "
            f"{application} ({Role.SIDECAR})",
        ),
        Rule(
            rows=signs["other_inbound"] & (signs["created_by_name"] != "") & ~beside,
            role=UNKNOWN,
            evidence=f"reporter destination, another workload ({Role.WAYPOINT}), containers of the "
            f"pod unknown ({Role.SIDECAR})",
        ),
        Rule(
            rows=(signs["gateway_name"] != "") & ~receives & ~(is_silent & waypoint),
            role=Role.GATEWAY,
            evidence="label gateway-name",
        ),
        Rule(
            rows=labels & ~receives & (alone | sends | is_silent),
            role=Role.GATEWAY,
            evidence="label istio or app of a gateway",
        ),
        Rule(
            rows=is_of_gateways(name) & ~receives & (sends | is_silent),
            role=Role.GATEWAY,
            evidence="name of a gateway",
        ),
        Rule(
            rows=beside & like_one & ~receives & (sends | is_silent),
            role=UNKNOWN,
            evidence=f"{application} ({Role.SIDECAR}), name like that of a gateway "
            f"({Role.GATEWAY})",
        ),
        # Gateways, waypoints and ztunnels are alone in their pods, unless someone adds a helper.
        Rule(rows=beside, role=Role.SIDECAR, evidence=application),
        Rule(
            rows=alone & signs["receives_tcp"] & ztunnel & is_daemon_set,
            role=Role.ZTUNNEL,
            evidence="reports TCP, called ztunnel",
        ),
        Rule(
            rows=alone & signs["receives"],
            role=Role.WAYPOINT,
            evidence="reporter destination, alone in its pod",
        ),
        Rule(
            rows=~beside & receives & waypoint,
            role=Role.WAYPOINT,
            evidence="reporter destination, called waypoint",
        ),
        Rule(
            rows=alone & receives,
            role=UNKNOWN,
            evidence=f"reporter destination ({Role.SIDECAR}), alone in its pod ({Role.WAYPOINT})",
        ),
        Rule(rows=receives, role=Role.SIDECAR, evidence="reporter destination"),
        Rule(
            rows=alone & sends & waypoint,
            role=UNKNOWN,
            evidence=f"reporter source, alone in its pod ({Role.GATEWAY}), called waypoint "
            f"({Role.WAYPOINT})",
        ),
        Rule(rows=alone & sends, role=Role.GATEWAY, evidence="reporter source, alone in its pod"),
        Rule(
            rows=alone & is_silent & waypoint,
            role=Role.WAYPOINT,
            evidence="alone in its pod, called waypoint",
        ),
        Rule(
            rows=alone & is_silent & like_one,
            role=Role.GATEWAY,
            evidence="alone in its pod, name of a gateway",
        ),
    ]
