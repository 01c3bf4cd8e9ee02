"""The sidecars over time: what they used, what passed them, and what took no part in the fit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzer.arrays import Floats, Ints
from analyzer.calibration.observations import Cause, Observations
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Role


def timeline(usage: MeshUsage, observations: Observations, predicted: Floats) -> pd.DataFrame:
    """Return the sidecars' totals in each observed point, columns as in `Calibration.timeline`.

    Args:
        usage: the mesh.
        observations: its sidecars.
        predicted: CPU that the fit gives each row of `observations.rows`; NaN where it gives none.
    """
    points, rows = usage.observed_points, observations.rows
    point, vcpu = rows["point"].to_numpy(np.int64), rows["cpu_vcpu"].to_numpy(float)
    # Without any fit there is no prediction of any row.
    known = np.zeros(len(rows), dtype=bool) if not len(predicted) else ~np.isnan(predicted)
    left_out = {cause: vcpu[points] for cause, vcpu in observations.left_out_vcpu.items()}
    throttled = left_out.pop(Cause.THROTTLED)
    parts = {
        "fitted_vcpu": _total(points, point[known], vcpu[known]),
        "unfitted_vcpu": _total(points, point[~known], vcpu[~known]),
        "throttled_vcpu": throttled,
        "left_out_vcpu": np.sum(list(left_out.values()), axis=0),
    }
    at, rps = _requests(usage)
    # Where no step was fitted nothing is predicted, and where none was scraped nothing is known.
    fits = _where(points, point[known], predicted[known] if len(predicted) else vcpu[known])
    return pd.DataFrame(
        {
            "start": [usage.window.start_of(int(at)) for at in points],
            "measured_vcpu": np.sum(list(parts.values()), axis=0),
            "predicted_vcpu": fits,
            **parts,
            "proxy_rps": _where(points, at, rps),
        }
    )


def _requests(usage: MeshUsage) -> tuple[Ints, Floats]:
    """Return the point and the requests of every sidecar's step in which these are known."""
    is_sidecar = (usage.proxies["role"] == Role.SIDECAR).to_numpy(bool)
    rps = usage.steps["proxy_rps"].to_numpy(float)
    chosen = is_sidecar[usage.steps["proxy"].to_numpy(np.int64)] & ~np.isnan(rps)
    return usage.steps["point"].to_numpy(np.int64)[chosen], rps[chosen]


def _where(points: Ints, at: Ints, values: Floats) -> Floats:
    """Add values up at each of the points; NaN where there are none."""
    return np.where(np.isin(points, at), _total(points, at, values), np.nan)


def _total(points: Ints, at: Ints, values: Floats) -> Floats:
    """Add values up at each of the points."""
    return np.bincount(at, values, minlength=points.max() + 1)[points].astype(float)
