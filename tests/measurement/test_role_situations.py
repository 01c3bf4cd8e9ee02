"""Every situation of the table has its role, or is ambiguous with its signs named."""

from pathlib import Path

import pytest

from analyzer.measurement.role_rules import UNKNOWN
from analyzer.measurement.roles import NO_EVIDENCE, proxy_table
from analyzer.measurement.tables import Tables
from analyzer.units import Role
from tests.measurement.role_situations import SITUATIONS, Situation
from tests.measurement.snapshots import make_snapshot

_OF_ONE_SIGN = {
    "1.29, native, client only, containers unknown",
    "1.21, no traffic and no name",
}
"""Ambiguous because there is too little evidence: nothing contradicts."""


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: str(one.name))
def test_the_role_is_right_or_ambiguous(situation: Situation, tmp_path: Path) -> None:
    snapshot = make_snapshot(tmp_path / "snap", situation.tables)
    found = proxy_table(Tables(snapshot)).set_index("pod")
    proxy = found.loc[situation.pod]

    assert proxy["role"] == situation.role, proxy["evidence"]
    named = {role for role in Role if f"({role})" in proxy["evidence"]}
    if situation.role == UNKNOWN and situation.name not in _OF_ONE_SIGN:
        assert len(named) > 1
    else:
        assert named == set()
        assert (proxy["evidence"] == NO_EVIDENCE) == (situation.role == UNKNOWN)
    # The others keep theirs.
    assert set(found.drop(index=situation.pod)["role"]) == {Role.SIDECAR}


def test_there_are_enough_situations_and_each_has_a_source() -> None:
    assert len(SITUATIONS) >= 30
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS)
    assert all(one.source for one in SITUATIONS)
    assert {one.role for one in SITUATIONS} == {*Role, UNKNOWN}


def test_a_waypoint_is_not_called_after_the_workload_that_it_calls(tmp_path: Path) -> None:
    old = next(one for one in SITUATIONS if one.name == "1.18, of a service account")
    found = proxy_table(Tables(make_snapshot(tmp_path / "snap", old.tables))).set_index("pod")

    assert found.loc[old.pod, "workload"] == "echo-istio-waypoint"
