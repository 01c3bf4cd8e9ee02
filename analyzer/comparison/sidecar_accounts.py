"""The accounts of the sidecars that stayed: each workload is compared with itself.

predicted  as measured before, its slope for each request added, its idle for each proxy added
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration.models import Power
from analyzer.calibration.result import Calibration, RoleCalibration
from analyzer.comparison.attribution import Account, Fitted
from analyzer.comparison.match import Migration
from analyzer.projection.draws import draw_curve, generator
from analyzer.units import Interval, Provenance

__all__ = ["sidecar_accounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Costs:
    """What each sidecar costs by one calibration: columns idle, traffic, marginal; NaN: unknown.

    Attributes:
        table: by namespace and workload: vcpu per proxy; vcpu per rps, on average and at the
            margin. Only what was measured of the workload itself.
        mean_coefficients: of the mesh, likewise; None where it has no fit.
    """

    table: pd.DataFrame
    mean_coefficients: Mapping[str, float] | None


def sidecar_accounts(
    moved: Migration, before: Calibration, after: Calibration
) -> dict[str, Account]:
    """Return one account a namespace in which sidecars stayed, or are new."""
    role = before.sidecar
    assert isinstance(role, RoleCalibration)  # noqa: S101 - `compare` has seen to it
    idle, slope = draw_curve(role, generator())
    # All workloads err as the mesh does: their own errors are not drawn.
    relative = tuple(
        part / part[0] if part[0] > 0 else np.ones_like(part) for part in (idle, slope)
    )
    rows = _costed(moved, _costs(before), _costs(after))
    return {
        str(namespace): _sidecar_account(group, relative)
        for namespace, group in rows.groupby("namespace")
        if (group["kept_count"] > 0).any() or (group["after_count"] > 0).any()
    }


def _costs(calibration: Calibration) -> _Costs:
    role = calibration.sidecar
    mean = None
    exponent = 1.0
    if isinstance(role, RoleCalibration):
        exponent = role.curve.exponent if isinstance(role.curve, Power) else 1.0
        slope = role.vcpu_per_1000_rps.mid / 1000
        idle = role.idle_vcpu_per_proxy.mid
        mean = {"idle": idle, "marginal": slope, "traffic": slope / exponent}
    found = {
        (item.namespace, item.workload): (item.idle_vcpu_per_proxy.mid, slope.mid / 1000)
        for item in calibration.workloads
        for slope in [item.vcpu_per_1000_rps]
        if slope and item.idle_vcpu_per_proxy and item.provenance == Provenance.MEASURED
    }
    index = pd.MultiIndex.from_tuples(found, names=["namespace", "workload"]) if found else None
    table = pd.DataFrame(list(found.values()), columns=["idle", "marginal"], index=index)
    return _Costs(table=table.assign(traffic=table["marginal"] / exponent), mean_coefficients=mean)


def _costed(moved: Migration, before: _Costs, after: _Costs) -> pd.DataFrame:
    """Return the workloads with what each costs: `_before`, and `_after` where fitted in both.

    A workload that stayed and has no fit of its own is taken as it was; one that is new costs as
    the mean of the mesh.
    """
    known = moved.workloads.dropna(subset=["before_vcpu", "after_vcpu"])
    rows = known.set_index(["namespace", "workload"])
    stays = (rows["before_count"] > 0) & ~rows["has_moved"]
    mean = before.mean_coefficients or {}
    for name in ("idle", "traffic", "marginal"):
        first = before.table[name].reindex(rows.index) if len(before.table) else np.nan
        rows[f"{name}_before"] = first
        rows[f"{name}_before"] = rows[f"{name}_before"].where(stays, mean.get(name, 0.0))
        later = after.table[name].reindex(rows.index) if len(after.table) else np.nan
        rows[f"{name}_after"] = later
        rows[f"{name}_after"] = rows[f"{name}_after"].where(stays & rows[f"{name}_before"].notna())
    kept = rows[["before_count", "before_rps", "before_vcpu"]].where(stays, 0.0)
    return rows.fillna({f"{name}_before": 0.0 for name in ("idle", "traffic", "marginal")}).assign(
        stays=stays,
        kept_count=kept["before_count"],
        kept_rps=kept["before_rps"],
        kept_vcpu=kept["before_vcpu"],
    )


def _sidecar_account(rows: pd.DataFrame, relative: tuple[Floats, ...]) -> Account:
    """Return the account of a namespace's sidecars; `relative` are idle and slope over draws."""
    idle_share, slope_share = relative
    added_rps = (rows["after_rps"] - rows["kept_rps"]).where(rows["stays"], 0.0)
    idle, idle_after = (
        _total(rows, "idle_before", amount) for amount in ("kept_count", "after_count")
    )
    traffic = _total(rows, "traffic_before", "kept_rps")
    added = float((rows["marginal_before"] * added_rps).sum())
    new_traffic = _total(rows[~rows["stays"]], "traffic_before", "after_rps")
    # What the fit leaves of what was measured stays as it was.
    own = float(rows["kept_vcpu"].sum()) - idle - traffic
    idle_now = idle_share * idle_after
    traffic_now = slope_share * (traffic + added + new_traffic)
    return Account(
        predicted_vcpu=own + idle_share * idle + slope_share * traffic,
        at_after_vcpu=own + idle_share * idle + slope_share * (traffic + added),
        with_count_vcpu=own + idle_now + traffic_now,
        measured_vcpu=float(rows["after_vcpu"].sum()),
        predicted_count=float(rows["kept_count"].sum()),
        measured_count=float(rows["after_count"].sum()),
        before_rps=float(rows["kept_rps"].sum()),
        after_rps=float(rows["after_rps"].sum()),
        fitted=_fitted_sidecars(rows[rows["idle_after"].notna()], relative),
    )


def _fitted_sidecars(rows: pd.DataFrame, relative: tuple[Floats, ...]) -> Fitted | None:
    if rows.empty:
        return None
    return Fitted(
        count=float(rows["after_count"].sum()),
        rps=float(rows["after_rps"].sum()),
        predicted_idle_vcpu=relative[0] * _total(rows, "idle_before", "after_count"),
        predicted_traffic_vcpu=relative[1] * _total(rows, "traffic_before", "after_rps"),
        measured_idle_vcpu=Interval.exactly(_total(rows, "idle_after", "after_count")),
        measured_traffic_vcpu=Interval.exactly(_total(rows, "traffic_after", "after_rps")),
    )


def _total(rows: pd.DataFrame, cost: str, amount: str) -> float:
    return float((rows[cost] * rows[amount]).sum())
