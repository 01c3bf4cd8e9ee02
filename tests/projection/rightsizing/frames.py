"""Samples of sidecars made by hand: what right-sizing starts from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.projection.rightsizing.applied import with_savings
from analyzer.projection.rightsizing.recommend import recommend
from analyzer.projection.rightsizing.result import Policy, Recommendation, Rightsizing
from analyzer.projection.sidecars import with_billed
from tests.projection.rightsizing.bursts import MEBIBYTE, STEPS_PER_DAY, policy

__all__ = ["DAY", "Pod", "recommended", "samples", "sized", "steadily"]

DAY = STEPS_PER_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One sidecar, seen in the steps from `first`; NaN is not known."""

    cpu_vcpu: Sequence[float]
    workload: str = "shop/front"
    first: int = 0
    memory_bytes: Sequence[float] | float = 64 * MEBIBYTE
    throttled_share: Sequence[float] | float = math.nan
    lived_share: Sequence[float] | float = 1.0
    reserved_vcpu: Sequence[float] | float = 0.1
    limit_vcpu: Sequence[float] | float = math.nan
    reserved_memory_bytes: float = 128 * MEBIBYTE
    limit_memory_bytes: float = 1024 * MEBIBYTE


def steadily(vcpu: float, steps: int = DAY) -> list[float]:
    return [vcpu] * steps


def samples(*pods: Pod) -> pd.DataFrame:
    """Return the rows of these pods, as `MeshUsage.of_role` gives them."""
    frames = []
    for number, pod in enumerate(pods):
        namespace, workload = pod.workload.split("/")
        steps = len(pod.cpu_vcpu)
        frames.append(
            pd.DataFrame(
                {
                    "namespace": namespace,
                    "workload": workload,
                    "proxy": number,
                    "point": np.arange(pod.first, pod.first + steps),
                    "cpu_vcpu": np.asarray(pod.cpu_vcpu, float),
                    "memory_bytes": pod.memory_bytes,
                    "throttled_share": pod.throttled_share,
                    "lived_share": pod.lived_share,
                    "reserved_vcpu": pod.reserved_vcpu,
                    "limit_vcpu": pod.limit_vcpu,
                    "reserved_memory_bytes": pod.reserved_memory_bytes,
                    "limit_memory_bytes": pod.limit_memory_bytes,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def sized(
    *pods: Pod, killed: Sequence[tuple[str, str]] = (), rules: Policy | None = None
) -> Rightsizing:
    """Return what is recommended for these pods, over the window that they were seen in."""
    rows = samples(*pods)
    points = np.arange(int(rows["point"].max()) + 1, dtype=np.int64)
    hours = len(points) * (rules or policy()).step_seconds / 3600
    found = recommend(rows, points, rules or policy(hours), killed)
    return with_savings(found, with_billed(rows), len(points))


def recommended(
    *pods: Pod, killed: Sequence[tuple[str, str]] = (), rules: Policy | None = None
) -> Recommendation:
    """Return what is recommended where these are the pods of one workload."""
    (found,) = sized(*pods, killed=killed, rules=rules).workloads
    return found
