"""Cut runs: figures of the odd blocks of time beside the truth of the even ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from unittest import mock

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration import calibrate_usage
from analyzer.calibration.breaks import since_change
from analyzer.calibration.fit import student
from analyzer.calibration.fit.least_squares import Problem
from analyzer.calibration.mesh import mesh_curve
from analyzer.calibration.observations import Observations, observe
from analyzer.calibration.panel import Panel
from analyzer.calibration.role import Fitted, fit_role
from analyzer.calibration.summary import workload_calibrations
from analyzer.calibration.workloads import fit_workloads, pool_workloads
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Interval, Role
from tests.lab.analysis import TRUTH_BLOCKS, beside_truth, truth_by_workload
from tests.lab.recorded import Recorded

__all__ = [
    "JACKKNIFE_BLOCKS",
    "LEAST_HELD_SHARE",
    "QUANTITIES",
    "RATIOS",
    "Held",
    "held",
    "jackknife_half_widths",
    "judged",
    "median_ratios",
]

QUANTITIES: Final = ("vcpu_per_1000_rps", "idle_vcpu")

LEAST_HELD_SHARE: Final = 0.8
"""Of the coefficients of all runs."""

RATIOS: Final = (0.7, 1.5)
"""Least and most of the fit's own half-width over the jackknife's, as a median over runs. One run
does not show it: the half-width of a jackknife with 12 blocks is itself uncertain by a fifth."""

JACKKNIFE_BLOCKS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How the tool's figures of a cut run compare with the truth.

    Attributes:
        coefficients: one row a workload and quantity: name (namespace/workload), quantity, truth,
            truth_half_width, fit, low, high, ratio (as in `mesh_ratios`, for the workload), miss
            (by how many half-widths of both ranges together, added in quadrature, fit and truth
            differ) and is_held (by one at most).
        mesh_ratios: of slope and idle of the whole mesh: the half-width of the fit, before
            corrections and the backtest widen it, over that of a jackknife over blocks of time
            that all proxies share.
    """

    coefficients: pd.DataFrame
    mesh_ratios: Sequence[float]


def held(run: Recorded) -> Held:
    """Fit the odd blocks of a run, and hold the figures against the even ones."""
    usage = run.fitted_usage
    truth = truth_by_workload(run.kept_truth, is_shared=True)
    table = beside_truth(calibrate_usage(usage), truth)
    jackknife = jackknife_half_widths(usage)
    ratios = {
        key: half_width / jackknife[key] if jackknife.get(key) else np.nan
        for key, half_width in _statistical_half_widths(usage).items()
    }
    rows = pd.concat(_of_quantity(table, name, ratios) for name in QUANTITIES)
    return Held(
        coefficients=rows.reset_index(drop=True),
        mesh_ratios=[ratios.get(("", name), np.nan) for name in QUANTITIES],
    )


def _of_quantity(
    table: pd.DataFrame, quantity: str, ratios: Mapping[tuple[str, str], float]
) -> pd.DataFrame:
    low, high = (
        f"idle_{end}_vcpu" if quantity == "idle_vcpu" else f"{end}_{quantity}"
        for end in ("low", "high")
    )
    rows = pd.DataFrame(
        {
            "name": table["namespace"] + "/" + table["workload"],
            "quantity": quantity,
            "truth": table[f"truth_{quantity}"],
            "truth_half_width": table[f"truth_{quantity}_error"]
            * student.quantile(TRUTH_BLOCKS - 1),
            "fit": table[quantity],
            "low": table[low],
            "high": table[high],
        }
    )
    known = [ratios.get((name, quantity), np.nan) for name in rows["name"]]
    return judged(rows.assign(ratio=known))


def median_ratios(outcomes: Collection[Held]) -> pd.DataFrame:
    """Return medians over runs of the half-widths over the jackknife's.

    Rows are quantities. Columns are mesh, and workloads: of all of them in all runs.
    """
    coefficients = pd.concat(outcome.coefficients for outcome in outcomes)
    of_mesh = np.median([outcome.mesh_ratios for outcome in outcomes], axis=0)
    of_workloads = coefficients.groupby("quantity")["ratio"].median()
    return pd.DataFrame(
        {"mesh": of_mesh, "workloads": of_workloads.loc[[*QUANTITIES]]}, index=[*QUANTITIES]
    )


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return these coefficients with their misses, and whether they are held."""
    above, below = rows["high"] - rows["fit"], rows["fit"] - rows["low"]
    to_end = np.where(rows["truth"] > rows["fit"], above, below)
    together = np.hypot(to_end, rows["truth_half_width"])
    miss: pd.Series[float] = (rows["fit"] - rows["truth"]).abs() / together
    return rows.assign(miss=miss, is_held=miss <= 1)


def jackknife_half_widths(usage: MeshUsage) -> dict[tuple[str, str], float]:
    """Return half-widths of 90 % intervals by leaving out blocks of time that all proxies share.

    It is the plain jackknife: everything is fitted again without each block, in the same shape and
    after the same change of cost. No coefficient is held at zero: a jackknife at a bound shows no
    noise, while the fit quotes that of the free coefficient. By name of the workload ("" for the
    mesh) and quantity.
    """
    observations, fitted = _fit(usage)
    if fitted is None:
        return {}
    point = observations.rows["point"].to_numpy()
    figures: dict[tuple[str, str], list[float]] = {}
    for block in np.array_split(np.unique(point), JACKKNIFE_BLOCKS):
        rest = Panel.of(observations.rows[~np.isin(point, block)])
        with mock.patch.object(Problem, "floored", new=[]):
            fits = fit_workloads(fitted.workloads.shape, rest)
        again = replace(fitted, workloads=fits, pooled=pool_workloads(fits))
        for key, interval in _figures(observations, again).items():
            figures.setdefault(key, []).append(interval.mid)
    return {
        key: _half_width(np.array(values))
        for key, values in figures.items()
        if len(values) == JACKKNIFE_BLOCKS
    }


def _half_width(values: Floats) -> float:
    count = len(values)
    variance = (count - 1) / count * ((values - values.mean()) ** 2).sum()
    return float(student.half_width(variance, count - 1))


def _statistical_half_widths(usage: MeshUsage) -> dict[tuple[str, str], float]:
    """Return the fit's own half-widths: without model choice, attenuation and the backtest."""
    observations, fitted = _fit(usage)
    figures = {} if fitted is None else _figures(observations, fitted)
    return {key: interval.high - interval.mid for key, interval in figures.items()}


def _fit(usage: MeshUsage) -> tuple[Observations, Fitted | None]:
    observations, _ = since_change(observe(usage, Role.SIDECAR), usage.window)
    return observations, fit_role(Role.SIDECAR, observations).fitted


def _figures(observations: Observations, fitted: Fitted) -> dict[tuple[str, str], Interval]:
    """Return what the fits alone give the mesh and its workloads, without corrections."""
    slope, idle = QUANTITIES
    found: dict[tuple[str, str], Interval | None] = {}
    mesh = mesh_curve(fitted.workloads, fitted.pooled)
    if mesh is not None:
        found["", idle], found["", slope] = mesh.intervals
    for item in workload_calibrations(replace(fitted, costs=fitted.pooled), observations):
        name = f"{item.namespace}/{item.workload}"
        found[name, slope], found[name, idle] = item.vcpu_per_1000_rps, item.idle_vcpu_per_proxy
    return {key: interval for key, interval in found.items() if interval is not None}
