"""Cut runs: figures of the odd blocks of time beside the truth of the even ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.calibration import calibrate_usage
from analyzer.calibration.fit import student
from analyzer.calibration.observations import observe
from analyzer.calibration.role import fit_role
from analyzer.calibration.summary import workload_calibrations
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Interval, Role
from tests.lab.analysis import TRUTH_BLOCKS, beside_truth, truth_by_workload
from tests.lab.recorded import Recorded

__all__ = ["LEAST_HELD_SHARE", "QUANTITIES", "Held", "held", "jackknife_half_widths", "judged"]

QUANTITIES: Final = ("vcpu_per_1000_rps", "idle_vcpu")

LEAST_HELD_SHARE: Final = 0.8
"""Of the coefficients of all runs."""

_JACKKNIFE_BLOCKS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How the tool's figures of a cut run compare with the truth.

    Attributes:
        coefficients: one row a workload and quantity: name (namespace/workload), quantity, truth,
            truth_half_width, fit, low, high, jackknife_half_width, miss (by how many half-widths
            of both ranges together, added in quadrature, fit and truth differ) and is_held (by one
            at most).
        mesh_ratios: of slope and idle of the whole mesh: the half-width of the fit, before
            corrections and the backtest widen it, over that of a jackknife over blocks of time
            that all proxies share.
    """

    coefficients: pd.DataFrame
    mesh_ratios: Sequence[float]

    @property
    def ratios(self) -> Floats:
        """The tool's half-widths over the jackknife's, of all coefficients."""
        table = self.coefficients
        half_width = (table["high"] - table["fit"]).to_numpy(float)
        return np.asarray(half_width / table["jackknife_half_width"].to_numpy(float))


def held(run: Recorded) -> Held:
    """Fit the odd blocks of a run, and hold the figures against the even ones."""
    usage = run.fitted_usage
    calibration = calibrate_usage(usage)
    truth = truth_by_workload(run.kept_truth, is_shared=True)
    table = beside_truth(calibration, truth)
    jackknife = jackknife_half_widths(usage)
    rows = pd.concat(_of_quantity(table, name, jackknife) for name in QUANTITIES)
    return Held(
        coefficients=rows.reset_index(drop=True), mesh_ratios=_mesh_ratios(usage, jackknife)
    )


def _of_quantity(
    table: pd.DataFrame, quantity: str, jackknife: Mapping[tuple[str, str], float]
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
    known = [jackknife.get((name, quantity), np.nan) for name in rows["name"]]
    return judged(rows.assign(jackknife_half_width=known))


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return these coefficients with their misses, and whether they are held."""
    above, below = rows["high"] - rows["fit"], rows["fit"] - rows["low"]
    to_end = np.where(rows["truth"] > rows["fit"], above, below)
    together = np.hypot(to_end, rows["truth_half_width"])
    miss: pd.Series[float] = (rows["fit"] - rows["truth"]).abs() / together
    return rows.assign(miss=miss, is_held=miss <= 1)


def jackknife_half_widths(usage: MeshUsage) -> dict[tuple[str, str], float]:
    """Return half-widths of 90 % intervals by leaving out blocks of time that all proxies share.

    It is the plain jackknife: everything is fitted again without each block. By name of the
    workload ("" for the mesh) and quantity.
    """
    points = usage.observed_points
    blocks = np.array_split(points, _JACKKNIFE_BLOCKS)
    figures: dict[tuple[str, str], list[float]] = {}
    for block in blocks:
        rest: Ints = np.setdiff1d(points, block)
        for key, interval in _fitted(usage.only(points=rest)).items():
            figures.setdefault(key, []).append(interval.mid)
    return {
        key: _half_width(np.array(values))
        for key, values in figures.items()
        if len(values) == len(blocks)
    }


def _half_width(values: Floats) -> float:
    count = len(values)
    variance = (count - 1) / count * ((values - values.mean()) ** 2).sum()
    return float(student.half_width(variance, count - 1))


def _fitted(usage: MeshUsage) -> dict[tuple[str, str], Interval]:
    """Return what the fit alone gives the mesh and its workloads, before any correction of it.

    By name of the workload ("" for the mesh) and quantity.
    """
    observations = observe(usage, Role.SIDECAR)
    fitted = fit_role(Role.SIDECAR, observations).fitted
    if fitted is None:
        return {}
    slope, idle = QUANTITIES
    found: dict[tuple[str, str], Interval | None] = {}
    if fitted.mesh is not None:
        found["", idle], found["", slope] = fitted.mesh.intervals
    for item in workload_calibrations(fitted, observations):
        name = f"{item.namespace}/{item.workload}"
        found[name, slope], found[name, idle] = item.vcpu_per_1000_rps, item.idle_vcpu_per_proxy
    return {key: interval for key, interval in found.items() if interval is not None}


def _mesh_ratios(usage: MeshUsage, jackknife: Mapping[tuple[str, str], float]) -> list[float]:
    fitted = _fitted(usage)
    return [
        (fitted["", name].high - fitted["", name].mid) / jackknife.get(("", name), np.nan)
        for name in QUANTITIES
    ]
