"""The best evidence decides what a proxy is, and where there is none nobody guesses."""

import pandas as pd
import pytest

from analyzer.measurement.roles import UNKNOWN, assign_roles
from analyzer.units import Role

NOTHING: dict[str, bool | str] = {
    "gateway_class": "",
    "managed_by": "",
    "tls_mode": "",
    "is_agentgateway": False,
    "is_ztunnel_build": False,
    "reports_waypoint": False,
    "has_application": False,
    "is_alone": True,
    "reports_inbound": False,
    "reports_outbound": False,
    "created_by_kind": "ReplicaSet",
    "created_by_name": "web-6c9f",
}
ZTUNNEL_SET = {"created_by_kind": "DaemonSet", "created_by_name": "ztunnel"}


def decided(**evidence: bool | str) -> tuple[str, str]:
    """Return role and evidence of one proxy."""
    (row,) = assign_roles(pd.DataFrame([{**NOTHING, **evidence}])).itertuples()
    return str(row.role), str(row.evidence)


@pytest.mark.parametrize(
    ("evidence", "role", "reason"),
    [
        ({"gateway_class": "istio-waypoint"}, Role.WAYPOINT, "label gateway-class-name"),
        (
            {"gateway_class": "istio-agentgateway-waypoint"},
            Role.WAYPOINT,
            "label gateway-class-name",
        ),
        ({"gateway_class": "istio"}, Role.GATEWAY, "label gateway-class-name"),
        ({"managed_by": "istio.io-mesh-controller"}, Role.WAYPOINT, "label managed"),
        ({"managed_by": "istio.io-gateway-controller"}, Role.GATEWAY, "label managed"),
        ({"tls_mode": "istio"}, Role.SIDECAR, "label tlsMode"),
        ({"is_agentgateway": True}, Role.WAYPOINT, "container agentgateway"),
        ({"is_ztunnel_build": True}, Role.ZTUNNEL, "istio_build component ztunnel"),
        ({"reports_waypoint": True}, Role.WAYPOINT, "reporter waypoint"),
        ({"has_application": True}, Role.SIDECAR, "application container in the pod"),
        (ZTUNNEL_SET, Role.ZTUNNEL, "DaemonSet called ztunnel"),
        ({"reports_inbound": True}, Role.SIDECAR, "reporter destination"),
        ({"reports_outbound": True}, Role.GATEWAY, "reporter source, alone in its pod"),
        ({"reports_outbound": True, "is_alone": False}, UNKNOWN, "none"),
        ({"tls_mode": "disabled"}, UNKNOWN, "none"),
        ({}, UNKNOWN, "none"),
    ],
)
def test_each_evidence_decides_alone(
    evidence: dict[str, bool | str], role: str, reason: str
) -> None:
    assert decided(**evidence) == (role, reason)


@pytest.mark.parametrize(
    ("evidence", "role"),
    [
        # A ztunnel reports TCP as destination, as a sidecar does.
        ({"is_ztunnel_build": True, "reports_inbound": True, **ZTUNNEL_SET}, Role.ZTUNNEL),
        ({**ZTUNNEL_SET, "reports_inbound": True, "reports_outbound": True}, Role.ZTUNNEL),
        # A gateway may have a container beside it that is no application, its labels know.
        ({"gateway_class": "istio", "has_application": True, "is_alone": False}, Role.GATEWAY),
        ({"managed_by": "istio.io-mesh-controller", "reports_outbound": True}, Role.WAYPOINT),
        ({"is_agentgateway": True, "reports_outbound": True}, Role.WAYPOINT),
        # A client's sidecar only sends, as a gateway does.
        ({"has_application": True, "reports_outbound": True}, Role.SIDECAR),
        ({"reports_inbound": True, "reports_outbound": True}, Role.SIDECAR),
        ({"reports_waypoint": True, "reports_outbound": True}, Role.WAYPOINT),
    ],
    ids=[
        "ztunnel build", "ztunnel set", "gateway", "managed waypoint", "agentgateway", "client",
        "sidecar", "waypoint",
    ],
)  # fmt: skip
def test_better_evidence_wins(evidence: dict[str, bool | str], role: str) -> None:
    assert decided(**evidence)[0] == role


@pytest.mark.parametrize(
    "creator",
    [
        {"created_by_kind": "ReplicaSet", "created_by_name": "ztunnel-dashboard-6c9f"},
        {"created_by_kind": "DaemonSet", "created_by_name": "agent"},
    ],
)
def test_only_a_daemonset_called_ztunnel_is_one(creator: dict[str, bool | str]) -> None:
    assert decided(**creator)[0] == UNKNOWN


def test_rows_and_their_other_columns_stay_as_they_are() -> None:
    given = pd.DataFrame([{**NOTHING, "pod": "b"}, {**NOTHING, "pod": "a"}])
    found = assign_roles(given)

    pd.testing.assert_frame_equal(found[given.columns], given)


def test_nobody_is_no_row() -> None:
    empty = pd.DataFrame([NOTHING]).iloc[:0]

    assert assign_roles(empty)[["role", "evidence"]].empty
