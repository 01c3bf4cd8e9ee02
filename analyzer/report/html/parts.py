"""Tables of the mesh's parts: its workloads and its namespaces."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from analyzer.calibration.result import Calibration, WorkloadCalibration
from analyzer.projection.result import Projection
from analyzer.report.html.cells import Cell, Column, Table, figure, interval, trimmed
from analyzer.report.words import number

__all__ = ["namespaces_table", "workloads_table"]

_SAVINGS = {
    "saving_l4_vcpu": "vCPU saved, L4 only",
    "saving_waypoint_vcpu": "vCPU saved with a waypoint",
    "cumulative_saving_vcpu": "vCPU saved so far",
}


def workloads_table(calibration: Calibration) -> Table | None:
    """Return what the sidecars of each workload cost, those that use most first."""
    ranked = sorted(calibration.workloads, key=lambda item: -item.mean_vcpu)
    if not ranked:
        return None
    rows, note = trimmed([_workload(item) for item in ranked], "workloads.csv")
    return Table(
        anchor="workloads",
        caption="What the sidecars of each workload cost, those that use most first",
        columns=(
            Column(title="workload"),
            Column(title="sidecars"),
            Column(title="vCPU used"),
            Column(title="requests/s"),
            Column(title="vCPU per 1000 requests/s"),
            Column(title="idle vCPU each"),
            Column(title="rests on its own data"),
            Column(title="figures are", is_text=True),
        ),
        rows=rows,
        note=note,
    )


def _workload(item: WorkloadCalibration) -> tuple[Cell, ...]:
    is_refused = item.vcpu_per_1000_rps is None
    return (
        Cell(text=f"{item.namespace}/{item.workload}"),
        Cell(text=f"{item.proxy_count:,}"),
        figure(item.mean_vcpu),
        figure(item.mean_rps),
        interval(item.vcpu_per_1000_rps, absent="refused"),
        interval(item.idle_vcpu_per_proxy, absent="refused"),
        # Adding 0 takes the sign off a zero.
        Cell(text="" if is_refused else f"{round(100 * item.own_share) + 0} %"),
        Cell(text="" if is_refused else str(item.provenance)),
    )


def namespaces_table(projection: Projection) -> Table | None:
    """Return what moving each namespace saves, in the order in which moving saves most."""
    frame = projection.namespaces
    if frame.empty:
        return None
    savings = [column for column in _SAVINGS if column in frame]
    rows, note = trimmed(
        [
            (
                Cell(text=str(row["namespace"]), detail=_remark(row)),
                figure(row["sidecar_count"], _count),
                figure(row["proxy_rps"]),
                figure(row["sidecar_vcpu"]),
                *(figure(row[column]) for column in savings),
            )
            for row in frame.to_dict("records")
        ],
        "namespaces.csv",
    )
    order = ", in the order in which moving saves most" if savings else ""
    return Table(
        anchor="namespaces",
        caption=f"The namespaces{order}",
        columns=(
            Column(title="namespace"),
            Column(title="sidecars"),
            Column(title="requests/s"),
            Column(title="vCPU of sidecars"),
            *(Column(title=_SAVINGS[column]) for column in savings),
        ),
        rows=rows,
        note=note,
    )


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


def _remark(row: Mapping[Hashable, Any]) -> str:
    remarks = {
        "waypoint_costs_more": "a waypoint costs more than its sidecars",
        "waypoint_extrapolated": "waypoint at a rate no proxy was seen at",
    }
    return "; ".join(text for column, text in remarks.items() if row.get(column))
