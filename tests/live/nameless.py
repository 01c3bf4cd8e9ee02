"""The part of an answer without names: the same for a snapshot that hides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

__all__ = ["assert_alike"]


def assert_alike(told: Mapping[str, Any], hidden: Mapping[str, Any]) -> None:
    """Fail where two calibrations of a role differ in more than the names of workloads."""
    first, second = ({**role["backtest"]} for role in (told, hidden))
    figures, same = (_figures(test.pop("workloads")) for test in (first, second))

    assert {**told, "backtest": first} == {**hidden, "backtest": second}
    # Hashes sort otherwise than names, and the last bits of a sum follow its order.
    assert len(figures) == len(same)
    for row, other in zip(figures, same, strict=True):
        assert row == pytest.approx(other)


def _figures(workloads: list[dict[str, Any]]) -> list[tuple[float, ...]]:
    return sorted((item["measured_vcpu"], *item["predicted_vcpu"].values()) for item in workloads)
