"""The second stage of the program: from a measured mesh to the cost of its proxies."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.calibration import judge, summary
from analyzer.calibration.breaks import cost_break, since_change
from analyzer.calibration.event_terms import event_findings
from analyzer.calibration.memory import fit_memory
from analyzer.calibration.models import Knee, Power
from analyzer.calibration.node_kinds import node_kind_findings
from analyzer.calibration.observations import Observations, observe
from analyzer.calibration.pattern_findings import pattern_findings
from analyzer.calibration.patterns import find_patterns
from analyzer.calibration.result import Calibration, Decomposition, RoleCalibration
from analyzer.calibration.role import Fitted, fit_role
from analyzer.calibration.tcp import TcpCosts
from analyzer.calibration.within_pods import unequal_pods
from analyzer.calibration.ztunnel import fit_ztunnels
from analyzer.data import assumptions
from analyzer.measurement.findings import Bias, Finding, Severity
from analyzer.measurement.usage import MeshUsage
from analyzer.settings import Setting
from analyzer.units import Interval, Provenance, Reason, Refusal, Role, in_percent

MAX_UNEXPLAINED_SHARE = 0.03
"""Share of the measured CPU above which unexplained CPU gives a warning."""

MAX_CORRECTED_SHARE = 0.10
"""Share by which the slope may be corrected without a warning."""

ALL_REQUESTS_SHARE = 0.995
"""Share of the requests that reads 100 %: a warning would contradict itself."""


# As of `measure`: the same names repeat in every table.
@pd.option_context("mode.string_storage", "python")
def calibrate_usage(usage: MeshUsage) -> Calibration:
    """Fit the cost of each role's proxies in a measured mesh."""
    observations, change = since_change(observe(usage, Role.SIDECAR), usage.window)
    role = fit_role(Role.SIDECAR, observations)
    sidecar, fitted, memory = role.calibration, role.fitted, fit_memory(usage)
    tcp = TcpCosts.of(fitted.workloads, observations.rows) if fitted else None
    total = usage.total(Role.SIDECAR, "cpu_vcpu")
    decomposition = summary.decompose(fitted, observations, total, tcp)
    workloads = tuple(summary.workload_calibrations(fitted, observations, tcp)) if fitted else ()
    tcp_calibration = tcp.calibration(observations) if tcp else None
    refusals = (
        *(item for item in (sidecar, memory) if isinstance(item, Refusal)),
        *(summary.refused_workloads(fitted, observations, tcp) if fitted else ()),
    )
    warnings = (
        *_warnings(sidecar, decomposition),
        *cost_break(change),
        *_findings(fitted, sidecar, observations),
    )
    predicted = summary.predicted_vcpu(fitted, tcp) if fitted else np.zeros(0)
    # They hold columns of all samples, and what follows makes others.
    del role, fitted, tcp
    return Calibration(
        sidecar=sidecar,
        waypoint=_waypoint(usage, sidecar),
        ztunnel=fit_ztunnels(observe(usage, Role.ZTUNNEL)),
        memory=memory,
        workloads=workloads,
        tcp=tcp_calibration,
        decomposition=decomposition,
        observations=_named(observations, predicted),
        exclusions=observations.exclusions,
        timeline=summary.timeline(usage, observations, predicted),
        refusals=refusals,
        warnings=warnings,
    )


def _findings(
    fitted: Fitted | None, sidecar: RoleCalibration | Refusal, observations: Observations
) -> Iterator[Finding]:
    """Yield what the residuals, events, kinds of node and unequal pods show."""
    if fitted is not None:
        yield from pattern_findings(find_patterns(fitted.workloads))
        yield from event_findings(fitted.workloads)
    if isinstance(sidecar, RoleCalibration):
        yield from node_kind_findings(sidecar.cpu_of_node_kinds)
    if fitted is not None:
        yield from unequal_pods(fitted.pods, observations)


def _named(observations: Observations, predicted: Floats) -> pd.DataFrame:
    """Return the fitted samples with namespace, workload and predicted CPU."""
    rows, names = observations.rows, {}
    for column in ("namespace", "workload"):
        codes, categories = pd.factorize(observations.workloads[column])
        of_rows = codes.astype(np.int32)[rows["workload"]]
        names[column] = pd.Categorical.from_codes(of_rows, categories)
    return rows.assign(**names, predicted_vcpu=predicted)


def _waypoint(usage: MeshUsage, sidecar: RoleCalibration | Refusal) -> RoleCalibration | Refusal:
    """Fit waypoints if the mesh has them; otherwise derive their cost from its sidecars."""
    measured = fit_role(Role.WAYPOINT, observe(usage, Role.WAYPOINT)).calibration
    if isinstance(measured, RoleCalibration):
        return measured
    if isinstance(sidecar, Refusal):
        detail = f"{measured.detail} Sidecars have no fit to derive it from either."
        return replace(measured, reason=Reason.NO_DATA, detail=detail)
    ratio = assumptions()["waypoint_to_sidecar_ratio"]
    return RoleCalibration(
        role=Role.WAYPOINT,
        vcpu_per_1000_rps=_product(sidecar.vcpu_per_1000_rps, ratio.value),
        idle_vcpu_per_proxy=_product(sidecar.idle_vcpu_per_proxy, ratio.value),
        curve=sidecar.curve.elsewhere.scaled(ratio.value.mid),
        operating_rps=sidecar.operating_rps,
        fitted_rps=sidecar.fitted_rps,
        model=f"{ratio.value.mid:g} x sidecar ({sidecar.model})",
        provenance=Provenance.DERIVED,
        source=f"{ratio.source}. Not measured: {measured.detail}",
        not_measured=measured,
    )


def _product(one: Interval, other: Interval) -> Interval:
    """Multiply ends with ends: wider than a 90 % interval if the two are independent.

    Idle CPU that is corrected may be a hair below zero: there the greater factor gives the low end.
    """
    ends = [mine * theirs for mine in (one.low, one.high) for theirs in (other.low, other.high)]
    return Interval(low=min(ends), mid=one.mid * other.mid, high=max(ends))


def _warnings(
    sidecar: RoleCalibration | Refusal, decomposition: Decomposition
) -> Iterator[Finding]:
    if isinstance(sidecar, RoleCalibration):
        if (sidecar.covered_share or 0) < ALL_REQUESTS_SHARE:
            yield Finding(
                name="partial_fit",
                text=f"The fit covers {in_percent(sidecar.covered_share or 0)} of the sidecars' "
                "requests. The other workloads could not be fitted.",
            )
        corrected = sidecar.attenuation_applied_share
        if sidecar.is_split:
            yield Finding(
                name="bursty_load",
                severity=Severity.SERIOUS,
                text="The cost per request is doubtful: its range is wide. CPU and requests of a "
                "burst are often in different intervals.",
                fix=f"Use a longer {Setting.STEP}, or scrape more often.",
                bias=Bias.NONE,
            )
        elif corrected > MAX_CORRECTED_SHARE:
            yield Finding(
                name="offset_samples",
                text=f"Cost per request is corrected: the fit is about {in_percent(corrected)} "
                "low. CPU and request samples are offset in time, or request rates have errors.",
                fix=f"Use a longer {Setting.STEP}.",
            )
        straight = sidecar.straight_line_idle_vcpu_per_proxy
        if straight is not None and isinstance(sidecar.curve, Power):
            yield Finding(
                name="curved_cost",
                text="Cost per request is lower on busier sidecars, so a curve is fitted "
                f"({sidecar.model}). Idle CPU is {sidecar.idle_vcpu_per_proxy.mid:.3g} vCPU per "
                f"sidecar by the curve, and {straight:.3g} vCPU by a straight line.",
            )
        if isinstance(sidecar.curve, Knee):
            more, at = in_percent(sidecar.curve.rise_share), in_percent(sidecar.curve.knee_share)
            yield Finding(
                name="cost_knee",
                text=f"A request costs {more} more on sidecars above {at} of their workload's "
                "highest rate. Busy nodes, CPU limits, retries and failed requests are likely "
                "causes.",
                fix="Compare CPU throttling, node CPU and response codes at high and low load.",
            )
        yield from judge.findings(sidecar)
    share = decomposition.unexplained_vcpu / max(decomposition.measured_vcpu, 1e-12)
    if abs(share) > MAX_UNEXPLAINED_SHARE:
        what = f"does not explain {in_percent(share)} of the sidecars' CPU"
        if share < 0:
            what = f"predicts {in_percent(-share)} more CPU than the sidecars used"
        few = f"Some samples use far {'more' if share > 0 else 'less'} than their requests explain."
        yield Finding(name="unexplained_cpu", text=f"The fit {what}. {few}")
