"""The sidecars' fit as the answer has it: by workload, by part of the CPU, and over time."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analyzer.arrays import Bools, Floats, Ints
from analyzer.calibration.event_terms import vcpu_of_events
from analyzer.calibration.fit.student import interval, weighted
from analyzer.calibration.observations import Observations, Unusable
from analyzer.calibration.result import Decomposition, WorkloadCalibration
from analyzer.calibration.role import Fitted
from analyzer.calibration.tcp import TcpCosts
from analyzer.measurement.usage import MeshUsage
from analyzer.units import Interval, Provenance, Refusal, Role


def decompose(
    fitted: Fitted | None,
    observations: Observations,
    total: Interval | None = None,
    tcp: TcpCosts | None = None,
) -> Decomposition:
    """Divide the measured CPU into idle, traffic, TCP, events, not fitted, and unexplained.

    `total` is that CPU with its range, where it has one.
    """
    points = observations.point_count
    excluded = sum(item.mean_vcpu for item in observations.exclusions)
    without_cpu = (item for item in observations.exclusions if item.reason == Unusable.NO_CPU)
    filled = sum((item.mean_vcpu for item in without_cpu), start=0.0)
    idle = traffic = Interval.exactly(0.0)
    of_tcp: Interval | None = None
    of_events: dict[str, Interval] = {}
    if fitted is not None:
        fits, panel, mesh = fitted.workloads, fitted.workloads.panel, fitted.mesh
        has_none = ~(fits.has_idle | fitted.pooled.borrows)
        if tcp is not None:
            has_none[tcp.segments[tcp.is_known]] = False
        of_events = {
            event.name: vcpu.scaled(1 / points)
            for event, vcpu in vcpu_of_events(fits).items()
            if not event.is_request
        }
        excluded += float(panel.workloads.sum(panel.vcpu)[has_none].sum()) / points
        if mesh is None:
            # No workload has a slope: all that is explained is idle.
            time = panel.workloads.lengths * fits.has_idle / points
            variances = fits.covariances[:, 0, 0]
            idle = weighted(time, fits.curves[:, 0], variances, fits.degrees_of_freedom)
        else:
            idle, traffic = mesh.intervals
            idle = idle.scaled(mesh.sample_count / points)
            traffic = traffic.scaled(mesh.total_basis_per_slope / points)
        if tcp is not None and tcp.is_known.any():
            at_rest, of_tcp = (vcpu.scaled(1 / points) for vcpu in tcp.vcpu())
            idle = idle + at_rest
    measured = observations.measured_vcpu
    return Decomposition(
        measured_vcpu=measured,
        idle_vcpu=idle,
        traffic_vcpu=traffic,
        tcp_vcpu=of_tcp,
        events_vcpu=of_events,
        excluded_vcpu=excluded,
        filled_vcpu=filled,
        measured_vcpu_range=total or Interval.exactly(measured),
    )


def workload_calibrations(
    fitted: Fitted, observations: Observations, tcp: TcpCosts | None = None
) -> Iterator[WorkloadCalibration]:
    """Return the cost of each workload's proxies; noisy ones are shrunk towards the others."""
    of_tcp = _of_tcp(tcp)
    fits, pooled, panel = fitted.workloads, fitted.costs, fitted.workloads.panel
    rps, vcpu = panel.workloads.sum(panel.rps), panel.workloads.sum(panel.vcpu)
    low, high = panel.workloads.lowest(panel.rps), panel.workloads.highest(panel.rps)
    marginal = panel.workloads.sum(fits.shape.marginal(panel))
    # Cost of one more request at the workload's own rates; without requests, at the mesh's.
    whole = marginal.sum() / rps.sum() if rps.sum() else fits.shape.exponent
    per_1000_rps = 1000 * np.divide(marginal, rps, out=np.full_like(rps, whole), where=rps > 0)
    counts, proxies = panel.workloads.lengths, panel.proxy_counts
    variances = np.einsum("gii->gi", pooled.covariances)
    # A negative cost is noise.
    is_known = np.column_stack([fits.has_idle, fits.has_slope]) | pooled.borrows[:, None]
    is_known &= pooled.coefficients >= 0

    for number, names in enumerate(observations.workloads.iloc[panel.numbers].itertuples()):
        freedom = pooled.degrees_of_freedom[number]
        costs = zip(pooled.coefficients[number], variances[number], is_known[number], strict=True)
        idle, slope = (interval(mid, var, freedom) if known else None for mid, var, known in costs)
        yield replace(
            WorkloadCalibration(
                namespace=str(names.namespace),
                workload=str(names.workload),
                vcpu_per_1000_rps=slope and slope.scaled(float(per_1000_rps[number])),
                idle_vcpu_per_proxy=idle,
                own_share=float(pooled.own_share[number]),
                proxy_count=int(proxies[number]),
                sample_count=int(counts[number]),
                mean_rps=float(rps[number]) / observations.point_count,
                mean_vcpu=float(vcpu[number]) / observations.point_count,
                fitted_rps=(float(low[number]), float(high[number])),
                provenance=Provenance.DERIVED if pooled.borrows[number] else Provenance.MEASURED,
            ),
            **of_tcp.get(number, {}),
        )


def _of_tcp(tcp: TcpCosts | None) -> dict[int, dict[str, Any]]:
    """Return what is different for workloads with TCP only, by number."""
    if tcp is None:
        return {}
    names = (
        "idle_vcpu_per_proxy",
        "vcpu_per_gbit_per_second",
        "vcpu_per_1000_new_connections_per_second",
    )
    origins = np.where(tcp.parts.is_derived, Provenance.DERIVED, Provenance.MEASURED)
    found = zip(tcp.segments, tcp.intervals, origins, tcp.is_known, strict=True)
    return {
        int(number): {
            **dict(zip(names, costs, strict=True)),
            "own_share": float(origin == Provenance.MEASURED),
            "provenance": Provenance(origin),
        }
        for number, costs, origin, is_known in found
        if is_known
    }


def refused_workloads(
    fitted: Fitted, observations: Observations, tcp: TcpCosts | None = None
) -> Iterator[Refusal]:
    """Return which workloads have no cost of requests or TCP of their own, and why."""
    if tcp is not None:
        yield from tcp.refusals(observations.workloads)
    for number, obstacle in sorted(fitted.workloads.obstacles.items()):
        if obstacle.is_tcp:
            continue
        names = observations.workloads.iloc[fitted.workloads.panel.numbers[number]]
        subject = f"cost per request of {names['namespace']}/{names['workload']}"
        instead = " The mesh-wide estimate is used." if fitted.pooled.borrows[number] else ""
        yield Refusal(subject=subject, reason=obstacle.reason, detail=f"{obstacle.detail}{instead}")


def predicted_vcpu(fitted: Fitted, tcp: TcpCosts | None = None) -> Floats:
    """Return the predicted CPU of each observed row; NaN without a fit."""
    predicted = _of_requests(fitted)
    if tcp is not None:
        is_tcp = np.isin(fitted.workloads.panel.workloads.numbers, tcp.segments)
        predicted = predicted.copy()
        predicted[is_tcp] = tcp.predicted_vcpu
    return predicted


def _of_requests(fitted: Fitted) -> Floats:
    fits, pooled = fitted.workloads, fitted.pooled
    borrowed = fits.panel.workloads.spread(pooled.borrows & ~fits.has_idle)
    if not borrowed.any():
        return fits.predicted_vcpu
    idle, coefficient = fits.panel.workloads.spread(pooled.coefficients.T)
    stand_in = idle + coefficient * fits.shape.basis(fits.panel)
    return np.where(borrowed, stand_in, fits.predicted_vcpu)


def timeline(usage: MeshUsage, observations: Observations, predicted: Floats) -> pd.DataFrame:
    """Return the sidecars' totals at each observed point, columns as in `Calibration.timeline`.

    `predicted` is the CPU of each row by its workload's fit: NaN if that has none, and empty if no
    workload has one.
    """
    points, rows = usage.observed_points, observations.rows
    point, vcpu = rows["point"].to_numpy(np.int64), rows["cpu_vcpu"].to_numpy(float)
    predicted = predicted if len(predicted) else np.full(len(rows), np.nan)
    known = ~np.isnan(predicted)
    is_known = _seen(points, point, known)
    left_out = {reason: lost[points] for reason, lost in observations.left_out_vcpu.items()}
    parts = {
        "fitted_vcpu": _total(points, point, vcpu, known),
        "unfitted_vcpu": _total(points, point, vcpu, ~known),
        "throttled_vcpu": left_out.pop(Unusable.THROTTLED),
        # Without CPU there is only what was filled.
        "filled_vcpu": left_out.pop(Unusable.NO_CPU),
        "left_out_vcpu": np.sum(list(left_out.values()), axis=0),
    }
    is_sidecar = (usage.proxies["role"] == Role.SIDECAR).to_numpy(bool)
    rps, at = usage.filled["proxy_rps"].to_numpy(float), usage.steps["point"].to_numpy(np.int64)
    scraped = is_sidecar[usage.steps["proxy"].to_numpy(np.int64)] & ~np.isnan(rps)
    predictions = _total(points, point, predicted, known)
    return pd.DataFrame(
        {
            "start": [usage.window.start_of(int(number)) for number in points],
            "measured_vcpu": np.sum(list(parts.values()), axis=0),
            # Without a fitted or scraped sample the total is not known: it is not zero.
            "predicted_vcpu": np.where(is_known, predictions, np.nan),
            **parts,
            "proxy_rps": np.where(
                _seen(points, at, scraped), _total(points, at, rps, scraped), np.nan
            ),
        }
    )


def _total(points: Ints, at: Ints, values: Floats, chosen: Bools) -> Floats:
    """Return the sum of the chosen values at each of the points."""
    of_chosen = np.where(chosen, values, 0.0)
    return np.bincount(at, of_chosen, minlength=points.max() + 1)[points].astype(float)


def _seen(points: Ints, at: Ints, chosen: Bools) -> Bools:
    """Return which of the points have a chosen value."""
    seen = np.zeros(points.max() + 1, dtype=bool)
    seen[at[chosen]] = True
    return seen[points]
