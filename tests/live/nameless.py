"""What an answer says apart from names: the same of a snapshot that hides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["nameless"]


def nameless(role: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role's calibration without names: hashes stand for them, and sort otherwise."""
    test = role["backtest"]
    figures = sorted(
        (item["measured_vcpu"], *item["predicted_vcpu"].values()) for item in test["workloads"]
    )
    return {**role, "backtest": {**test, "workloads": figures}}
