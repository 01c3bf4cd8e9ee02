"""What istiod uses and requests, from a snapshot."""

from pathlib import Path

import pytest

from analyzer.measurement.istiod import UNSEEN, istiod_of
from analyzer.prometheus.promql import Scope
from tests.measurement.snapshots import Rows, make_snapshot

_GIB = 1024.0**3
_A, _B = ("", "istio-system", "istiod-6d5-a"), ("", "istio-system", "istiod-6d5-b")

TABLES: dict[str, Rows] = {
    # Two pods; the second was not there in the first step, and no step has a third value.
    "istiod_vcpu": [(*_A, 0, 0.1), (*_A, 1, 0.3), (*_B, 1, 0.2)],
    "istiod_memory_bytes": [(*_A, 0, 2 * _GIB), (*_A, 1, 2 * _GIB), (*_B, 1, 1 * _GIB)],
    "istiod_requests": [
        *((*_A, "cpu", 0, 0.5), (*_A, "cpu", 1, 0.5), (*_B, "cpu", 1, 0.5)),
        (*_A, "memory", 0, 2 * _GIB),
    ],
}


def test_all_pods_add_up_and_steps_are_averaged(tmp_path: Path) -> None:
    found = istiod_of(make_snapshot(tmp_path / "snapshot", TABLES, points=3))

    assert found.vcpu == pytest.approx((0.1 + 0.5) / 2)
    assert found.memory_gib == pytest.approx((2 + 3) / 2)
    assert found.reserved_vcpu == pytest.approx((0.5 + 1.0) / 2)
    assert found.reserved_memory_gib == pytest.approx(2)


def test_an_older_snapshot_does_not_show_it(tmp_path: Path) -> None:
    assert istiod_of(make_snapshot(tmp_path / "old", {})) == UNSEEN


def test_it_is_not_that_of_a_part_of_the_namespaces(tmp_path: Path) -> None:
    scope = Scope(namespaces=("shop",))

    assert istiod_of(make_snapshot(tmp_path / "part", TABLES, scope=scope)) == UNSEEN
