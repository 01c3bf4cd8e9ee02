"""What the proxies cost, as JSON values; what could not be had is None, and left out later."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from analyzer.calibration.models import Power
from analyzer.calibration.result import (
    Backtest,
    Calibration,
    Decomposition,
    MemoryCalibration,
    RoleCalibration,
    WorkloadCalibration,
)
from analyzer.units import Interval, Refusal

__all__ = ["calibration_json", "interval_json", "role_json"]


def interval_json(value: Interval | None) -> dict[str, float] | None:
    """Return an interval as JSON."""
    if value is None:
        return None
    return {"low": value.low, "mid": value.mid, "high": value.high}


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Return everything the calibration found but its draws and observations."""
    return {
        "sidecar": role_json(calibration.sidecar),
        "waypoint": role_json(calibration.waypoint),
        "ztunnel": role_json(calibration.ztunnel),
        "memory": _memory(calibration.memory),
        "workloads": [_workload(item) for item in calibration.workloads],
        "decomposition": _decomposition(calibration.decomposition),
        "exclusions": [
            {"reason": item.reason, "step_count": item.step_count, "vcpu": item.mean_vcpu}
            for item in calibration.exclusions
        ],
    }


def role_json(role: RoleCalibration | Refusal) -> dict[str, Any] | None:
    """Return what a proxy of one role costs; None where that could not be said."""
    if isinstance(role, Refusal):
        return None
    fitted, backtest = role.fitted_rps, role.backtest
    return {
        "vcpu_per_1000_rps": interval_json(role.vcpu_per_1000_rps),
        "idle_vcpu_per_proxy": interval_json(role.idle_vcpu_per_proxy),
        "ratio_vcpu_per_1000_rps": role.ratio_vcpu_per_1000_rps,
        "model": role.model,
        "exponent": role.curve.exponent if isinstance(role.curve, Power) else None,
        **{name: interval_json(value) for name, value in role.cost_of_each.items()},
        **_of_ztunnel(role),
        "remarks": list(role.remarks) or None,
        "candidates": [asdict(item) for item in role.candidates] or None,
        "fitted_rps": fitted and {"min": fitted[0], "max": fitted[1]},
        "operating_rps": role.operating_rps,
        "straight_line_idle_vcpu_per_proxy": role.straight_line_idle_vcpu_per_proxy,
        "attenuation_share": interval_json(role.attenuation_share),
        "r_squared": role.r_squared,
        "backtest_error": backtest and backtest.bias_share,
        "backtest": backtest and _backtest(backtest),
        "sample_count": role.sample_count,
        "proxy_count": role.proxy_count,
        "covered_share": role.covered_share,
        "provenance": role.provenance,
        "source": role.source or None,
    }


def _backtest(test: Backtest) -> dict[str, Any]:
    return {
        "bias_share": test.bias_share,
        "error_share": test.error_share,
        "covered_share": test.covered_share,
        "workload_count": test.workload_count,
        "workloads": [
            {
                "namespace": row["namespace"],
                "workload": row["workload"],
                "measured_vcpu": row["measured_vcpu"],
                "predicted_vcpu": {
                    "low": row["predicted_low_vcpu"],
                    "mid": row["predicted_vcpu"],
                    "high": row["predicted_high_vcpu"],
                },
            }
            for row in test.workloads.to_dict("records")
        ],
    }


def _of_ztunnel(role: RoleCalibration) -> dict[str, Any]:
    if role.vcpu_per_gbit_per_second is None:
        return {}
    connections = role.vcpu_per_1000_new_connections_per_second
    return {
        "vcpu_per_gbit_per_second": interval_json(role.vcpu_per_gbit_per_second),
        "vcpu_per_1000_new_connections_per_second": interval_json(connections),
    }


def _memory(memory: MemoryCalibration | Refusal) -> dict[str, Any] | None:
    if isinstance(memory, Refusal):
        return None
    return {
        "gib_per_proxy": interval_json(memory.gib_per_proxy),
        "idle_gib_per_proxy": interval_json(memory.idle_gib_per_proxy),
        "gib_per_1000_clusters": interval_json(memory.gib_per_1000_clusters),
        "cluster_count": memory.cluster_count,
        "proxy_count": memory.proxy_count,
    }


def _workload(item: WorkloadCalibration) -> dict[str, Any]:
    return {
        "namespace": item.namespace,
        "workload": item.workload,
        "vcpu_per_1000_rps": interval_json(item.vcpu_per_1000_rps),
        "idle_vcpu_per_proxy": interval_json(item.idle_vcpu_per_proxy),
        "own_share": item.own_share,
        "proxy_count": item.proxy_count,
        "sample_count": item.sample_count,
        "mean_rps": item.mean_rps,
        "mean_vcpu": item.mean_vcpu,
        "fitted_rps": {"min": item.fitted_rps[0], "max": item.fitted_rps[1]},
        "provenance": item.provenance,
    }


def _decomposition(parts: Decomposition) -> dict[str, Any]:
    return {
        "measured_vcpu": parts.measured_vcpu,
        "idle_vcpu": parts.idle_vcpu.mid,
        "traffic_vcpu": parts.traffic_vcpu.mid,
        "excluded_vcpu": parts.excluded_vcpu,
        "unexplained_vcpu": parts.unexplained_vcpu,
        "idle_vcpu_range": interval_json(parts.idle_vcpu),
        "traffic_vcpu_range": interval_json(parts.traffic_vcpu),
    }
