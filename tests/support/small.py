"""Meshes of two workloads, for tests that want an answer they can work out by hand."""

from dataclasses import replace
from datetime import timedelta

from tests.support.default import DEFAULT_START
from tests.support.spec import MeshSpec, WorkloadSpec

FRONT = WorkloadSpec(
    namespace="shop",
    name="front",
    pods=4,
    idle_vcpu=0.01,
    vcpu_per_1000_rps=0.2,
    inbound_rps_per_pod=100,
    outbound_ratio=0.5,
    calls=("shop/back",),
)
BACK = WorkloadSpec(
    namespace="shop",
    name="back",
    pods=6,
    idle_vcpu=0.004,
    vcpu_per_1000_rps=0.6,
    inbound_rps_per_pod=50,
    native=True,
)

SMALL_MESH = MeshSpec(
    seed=7, start=DEFAULT_START + timedelta(hours=10), hours=2, workloads=(FRONT, BACK)
)
"""Ten pods for two hours, noisy, without churn or restarts."""

STILL_MESH = replace(
    SMALL_MESH,
    workloads=tuple(replace(w, trough_to_peak=1.0) for w in SMALL_MESH.workloads),
    noise_cv=0.0,
    rps_noise_cv=0.0,
    pod_load_sigma=0.0,
    cpu_lag_seconds=0.0,
)
"""The same, but every pod always does the same and is seen without delay."""
