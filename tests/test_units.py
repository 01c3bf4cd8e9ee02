"""The words every layer shares, and the rule that a name has its unit."""

import dataclasses
import importlib
import inspect
import math
import pkgutil
import re
import typing
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer
from analyzer.units import HOURS_PER_MONTH, MONTHS_PER_YEAR, Interval, Reason, Refusal

_HOLDS_NUMBERS = re.compile(r"\b(float(64)?|Interval)\b")
SAYS_ITS_UNIT = re.compile(
    r"(^|_)(vcpu|rps|seconds|days|gib|bytes|usd|share|error|squared|count|percent)"
    # Draws and the range of a quantity have its unit.
    r"(_draws|_range)?$"
    r"|_per_|(^|_)probability(_|$)"
    # Statistics that have none, or the square of two others'.
    r"|(^|_)(exponent|weights|gains|freedom|coefficients|covariances?)$"
)
_OF_ITS_CALLER = ("analyzer.calibration.fit.",)
"""Modules that compute with numbers of any unit."""
_UNIT_ELSEWHERE = {
    "analyzer.projection.rightsizing.autoscaled.Scaled.replicas": "pods: a count",
    "analyzer.projection.rightsizing.busiest.Pods.values": "those of its caller's values",
    "analyzer.projection.rightsizing.limited.Limited.amount": "the field of its resource says it",
    "analyzer.projection.rightsizing.limited.Limited.enforced": "as amount",
    "analyzer.projection.rightsizing.result.Policy.limit_factor": "it has none",
    "analyzer.projection.rightsizing.result.Policy.percentile": "it has none",
    "analyzer.projection.rightsizing.result.Policy.window_hours": "its name has it: hours",
    "analyzer.projection.rightsizing.result.ScopedConfiguration.configured_clusters": "a count",
    "analyzer.projection.rightsizing.result.ScopedConfiguration.needed_clusters": "a count",
    "analyzer.projection.uncertainty.Parameters.rightsizing": "deviates: they have none",
    "analyzer.units.Interval.low": "the field that holds the interval says it",
    "analyzer.units.Interval.mid": "the field that holds the interval says it",
    "analyzer.units.Interval.high": "the field that holds the interval says it",
    "analyzer.prometheus.response.Series.times": "Prometheus's own, seconds since the epoch",
    "analyzer.measurement.impossible.Impossible.raw": "the names of its columns say it",
    "analyzer.measurement.pieces.Pieces.samples": "the query that was asked says it",
    "analyzer.prometheus.response.Series.samples": "the query that was asked says it",
    **{
        f"analyzer.prometheus.points.{of}.{field}": "as of a Series"
        for of in ("Cut", "_Points")
        for field in ("times", "samples")
    },
    **{
        f"analyzer.measurement.doubts._Sums.{field}": "requests or CPU seconds, as its table has"
        for field in ("rated", "highest", "rows", "counters", "series")
    },
    **{
        f"analyzer.measurement.proxy_counting._Counted.{field}": "proxies of each part"
        for field in ("asked", "none", "found", "several")
    },
    "analyzer.projection.connections._Moments.whole": "products of rates and connections a second",
    "analyzer.projection.connections._Moments.without_each": "products, as those of whole",
    "analyzer.calibration.mesh.MeshCurve.mid": "two units: idle vcpu, vcpu per 1000 rps",
    "analyzer.calibration.workloads.WorkloadFits.curves": "two units: idle vcpu, coefficient",
    "analyzer.calibration.result.RoleCalibration.draws": "two units: idle vcpu, vcpu per 1000 rps",
    "analyzer.calibration.result.RoleCalibration.cost_of_each": "the keys say it",
    "analyzer.calibration.result.RoleCalibration.cpu_of_node_kinds": "ratios: they have none",
    "analyzer.calibration.observations.NodeFactors.factors": "they have none",
    "analyzer.calibration.observations.NodeFactors.variances": "of factors: they have none",
    "analyzer.calibration.panel.Panel.node_factors": "they have none",
    "analyzer.calibration.result.RoleCalibration.range_factor": "it has none",
    "analyzer.calibration.result.RoleCalibration.residual_correlation": "it has none",
    "analyzer.calibration.breaks.Change.factor": "it has none",
    "analyzer.calibration.role.Fitted.beside": "a share: it has none",
    "analyzer.calibration.within_pods.PodComparison.slopes": "vcpu per rps",
    "analyzer.calibration.within_pods.PodComparison.changes": "vcpu per rps",
    "analyzer.calibration.within_pods.PodComparison.requests": "rps, summed over samples",
    "analyzer.calibration.workloads.WorkloadFits.left_out": "two units: idle vcpu, coefficient",
    "analyzer.calibration.tcp_fits.TcpFits.reduction": "ratios: they have none",
    "analyzer.calibration.tcp_loads.TcpLoads.connections": "thousands per second",
    "analyzer.calibration.tcp_mean.Divided.moves": "ratios of costs",
    "analyzer.calibration.tcp_mean.Divided.borrowed": "two units, as those of costs",
    "analyzer.calibration.tcp_mean.Divided.directions": "ratios of costs",
    "analyzer.calibration.tcp_fits.Amounts.means": "three: none, gbit/s, 1000 connections/s",
    "analyzer.calibration.result.TcpCalibration.draws": "three units: those of its costs",
    "analyzer.projection.demand.Growth.factor": "it has none",
    "analyzer.projection.needs.Each.used": "two units: vcpu, gib",
    "analyzer.projection.needs.Each.requested": "two units: vcpu, gib",
    "analyzer.projection.needs.Each.prices": "two units: usd per vcpu-month, usd per gib-month",
    "analyzer.projection.own_costs.Called.request_ratio": "it has none",
    "analyzer.projection.own_costs.Called.idle_ratio": "it has none",
    "analyzer.projection.own_costs.OwnCosts.request_ratio": "it has none",
    "analyzer.projection.own_costs.OwnCosts.idle_ratio": "it has none",
    "analyzer.projection.result.ControlPlane.proxies_served": "proxies, a mean over time",
    "analyzer.projection.result.ControlPlane.proxies_by_role": "proxies, a mean over time",
    "analyzer.report.sentences.projection._Choice.one": "the name of the sweep",
    "analyzer.projection.result.SweepPoint.choice": "the name of the sweep",
    "analyzer.projection.result.Sweep.break_even": "the name of the sweep",
    **{
        f"analyzer.comparison.cost_result.{name}": "the key that holds it says it"
        for name in (
            "Versus.predicted",
            "Versus.predicted_at_after",
            "Versus.measured",
            "Versus.difference",
            "Versus.difference_at_after",
            "PerProxy.predicted",
            "PerProxy.measured",
        )
    },
    "analyzer.report.table.Amount.value": "the column that it stands in says it",
    "analyzer.data.Assumption.value": "the assumption's name says it",
    "analyzer.projection.uncertainty.Parameters.values": "the keys say it",
    "analyzer.projection.uncertainty.Parameters.waypoint_fit": "the keys say it",
    "analyzer.projection.uncertainty.Parameters.sidecar_fit": "the keys say it",
    "analyzer.projection.uncertainty.Parameters.waypoint_own": "ratios",
    "analyzer.projection.uncertainty.Parameters.unseen_time": "standard deviations: it has none",
    "analyzer.projection.unseen.MeasuredRanges.traffic": "a factor: it has none",
    "analyzer.measurement.filling.Estimate.low": "the column that is filled says it",
    "analyzer.measurement.filling.Estimate.mid": "the column that is filled says it",
    "analyzer.measurement.filling.Estimate.high": "the column that is filled says it",
    "analyzer.measurement.filling.Line.idle": "the column that is filled says it",
    "analyzer.measurement.filling.Line.slope": "the column that is filled says it",
    "analyzer.measurement.nodes.NodePresence.shares": "shares: it has none",
    "analyzer.measurement.quality.evidence.Evidence.corrections": "the name of the column",
    "analyzer.measurement.missing.Missing.counted": "proxies, a mean over time",
    "analyzer.measurement.missing.Missing.brief": "proxies, a mean over time",
    "analyzer.measurement.missing.Missing.unmeasured": "proxies, a mean over time",
    "analyzer.measurement.steps.StepTable.recounted": "a factor: it has none",
    "analyzer.measurement.steps.StepTable.counters": "the columns say it",
    "analyzer.measurement.steps.StepTable.scrapes": "scrapes, as it says",
}
finite = st.floats(-1e9, 1e9)


def _numbers() -> Iterator[tuple[str, str]]:
    """Yield the full name and the last part of every field that holds numbers."""
    for module in pkgutil.walk_packages(analyzer.__path__, "analyzer."):
        if module.name.endswith("__main__"):
            continue
        for thing in vars(importlib.import_module(module.name)).values():
            if not (inspect.isclass(thing) and thing.__module__ == module.name):
                continue
            if not dataclasses.is_dataclass(thing):
                continue
            hints = typing.get_type_hints(thing)
            for field in dataclasses.fields(thing):
                if _HOLDS_NUMBERS.search(str(hints[field.name])):
                    yield f"{module.name}.{thing.__name__}.{field.name}", field.name


def test_every_number_has_its_unit() -> None:
    numbers = dict(_numbers())

    silent = {
        full
        for full, name in numbers.items()
        if not SAYS_ITS_UNIT.search(name) and not full.startswith(_OF_ITS_CALLER)
    }
    assert silent - _UNIT_ELSEWHERE.keys() == set()


def test_every_exception_to_that_rule_is_still_needed() -> None:
    numbers = dict(_numbers())

    assert [
        full
        for full in _UNIT_ELSEWHERE
        if full not in numbers or SAYS_ITS_UNIT.search(numbers[full])
    ] == []


def test_the_rule_finds_a_field_without_a_unit() -> None:
    assert SAYS_ITS_UNIT.search("idle_vcpu")
    assert SAYS_ITS_UNIT.search("vcpu_per_1000_rps")
    assert not SAYS_ITS_UNIT.search("idle")
    assert not SAYS_ITS_UNIT.search("vcpus")
    assert _HOLDS_NUMBERS.search("analyzer.units.Interval | None")
    assert not _HOLDS_NUMBERS.search("collections.abc.Mapping[str, int]")


def test_a_month_of_a_bill_is_a_twelfth_of_a_year() -> None:
    assert HOURS_PER_MONTH * MONTHS_PER_YEAR == 365 * 24


@given(st.lists(finite, min_size=3, max_size=3))
def test_an_interval_is_in_order_or_refused(ends: list[float]) -> None:
    low, mid, high = ends
    if low <= mid <= high:
        assert Interval(low=low, mid=mid, high=high).mid == mid
    else:
        with pytest.raises(ValueError, match="Not in order"):
            Interval(low=low, mid=mid, high=high)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["low", "mid", "high"])
def test_an_interval_holds_no_unknown_and_no_infinity(bad: float, place: str) -> None:
    ends = {"low": 1.0, "mid": 1.0, "high": 1.0, place: bad}

    with pytest.raises(ValueError, match="Not finite"):
        Interval(**ends)


def test_an_exact_value_is_an_interval_without_width() -> None:
    assert Interval.exactly(0.35) == Interval(low=0.35, mid=0.35, high=0.35)


@given(finite, st.floats(0, 1e6))
def test_scaling_an_interval_scales_its_three_numbers(mid: float, factor: float) -> None:
    scaled = Interval(low=mid - 1, mid=mid, high=mid + 2).scaled(factor)

    assert scaled.low == pytest.approx((mid - 1) * factor)
    assert scaled.mid == pytest.approx(mid * factor)
    assert scaled.high == pytest.approx((mid + 2) * factor)


def test_intervals_add_end_to_end() -> None:
    together = Interval(low=1, mid=2, high=4) + Interval(low=10, mid=30, high=50)

    assert together == Interval(low=11, mid=32, high=54)


def test_a_negative_factor_cannot_turn_an_interval_round() -> None:
    with pytest.raises(ValueError, match="negative factor"):
        Interval.exactly(1.0).scaled(-1.0)


def test_an_interval_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Interval.exactly(1.0).mid = 2.0  # type: ignore[misc]


def test_a_refusal_reads_as_a_sentence() -> None:
    refusal = Refusal(subject="shop/cart", reason=Reason.NO_TRAFFIC, detail="it had no request")

    assert str(refusal) == "shop/cart: it had no request"
