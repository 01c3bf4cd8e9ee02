"""The bundled samples: three roads with sums in plain loops, and a window that is too short."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache

import pytest

from analyzer.calibration import calibrate_usage
from analyzer.data import sample_path
from analyzer.measurement.snapshot import load_snapshot
from analyzer.measurement.usage import MeshUsage, measure
from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.modes import MODES, RIGHTSIZED
from analyzer.projection.scenario import default_scenario
from analyzer.units import Reason, Role
from tests.projection.by_hand_requests import (
    MIB_STEPS,
    MILLI_STEPS,
    busiest_by_hand,
    percentile_by_hand,
    rounded_by_hand,
)

PERCENT = 95
GIB = 2.0**30
VCPU_MONTH_USD, GIB_MONTH_USD = (
    default_scenario()[name].mid for name in ("vcpu_month_usd", "memory_gib_month_usd")
)


@cache
def usage_of(name: str) -> MeshUsage:
    return measure(load_snapshot(sample_path(name)))


def projected(name: str, *, force_short: bool = False) -> Projection:
    usage = usage_of(name)
    return project_usage(usage, calibrate_usage(usage), default_scenario(), force_short=force_short)


@cache
def fleet() -> Projection:
    return projected("fleet")


@cache
def requests() -> dict[tuple[str, str], tuple[float, float]]:
    """Return the requests of the fleet's workloads, vCPU and GiB, by hand."""
    vcpu: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    peak: dict[tuple[str, str], float] = defaultdict(float)
    for row in usage_of("fleet").of_role(Role.SIDECAR).to_dict("records"):
        name = (row["namespace"], row["workload"])
        vcpu[name][row["proxy"]].append(row["cpu_vcpu"])
        if not math.isnan(row["memory_bytes"]):
            peak[name] = max(peak[name], row["memory_bytes"])
    found = {}
    for name, pods in vcpu.items():
        high = busiest_by_hand(
            [(percentile_by_hand(used, PERCENT), len(used)) for used in pods.values()], PERCENT
        )
        # Throttled periods are counted, but no limit is known.
        need = high * 1.15
        found[name] = (
            rounded_by_hand(need * 1000, MILLI_STEPS, 10) / 1000,
            rounded_by_hand(peak[name] / 2**20 * 1.15, MIB_STEPS, 32) / 1024,
        )
    return found


def _or_nothing(amount: float) -> float:
    return 0.0 if math.isnan(amount) else amount


def sums(basis: Basis, *, is_resized: bool) -> tuple[float, float, float]:
    """Return vCPU, GiB and dollars a year of the fleet's sidecars, by hand."""
    usage = usage_of("fleet")
    vcpu = gib = 0.0
    held: dict[int, float] = {}
    for row in usage.of_role(Role.SIDECAR).to_dict("records"):
        requested = row["reserved_vcpu"], row["reserved_memory_bytes"] / GIB
        if is_resized:
            requested = requests()[row["namespace"], row["workload"]]
        # A sidecar that ended in a step has no memory at the end of it, but had some before.
        memory, lived = row["memory_bytes"] / GIB, row["lived_share"]
        if lived < 1 and math.isnan(memory):
            memory = held[row["proxy"]]
        held[row["proxy"]] = memory
        requested = requested[0] * lived, requested[1] * lived
        used = _or_nothing(row["cpu_vcpu"]), _or_nothing(memory * lived)
        if basis == Basis.USAGE:
            each = used
        elif basis == Basis.RESERVED:
            each = requested
        else:
            each = max(used[0], requested[0]), max(used[1], requested[1])
        vcpu += each[0]
        gib += each[1]
    vcpu /= len(usage.observed_points)
    gib /= len(usage.observed_points)
    return vcpu, gib, 12 * (vcpu * VCPU_MONTH_USD + gib * GIB_MONTH_USD)


def test_the_fleets_requests_are_those_of_plain_loops() -> None:
    found = fleet().rightsizing
    assert found is not None
    recommended = {
        (item.namespace, item.workload): (
            item.recommended.request_vcpu,
            item.recommended.request_memory_gib,
        )
        for item in found.workloads
        if item.recommended
    }

    assert recommended.keys() == requests().keys()
    for name, amounts in requests().items():
        assert recommended[name] == pytest.approx(amounts)


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("mode", ["sidecar", RIGHTSIZED])
def test_the_fleets_sums_are_those_of_plain_loops(mode: str, basis: Basis) -> None:
    (found,) = (item.bases[basis] for item in fleet().modes if item.name == mode)
    vcpu, gib, usd = sums(basis, is_resized=mode == RIGHTSIZED)

    assert found.vcpu.mid == pytest.approx(vcpu, rel=1e-9)
    assert found.memory_gib is not None
    assert found.memory_gib.mid == pytest.approx(gib, rel=1e-9)
    assert found.usd_per_year.mid == pytest.approx(usd, rel=1e-9)


def test_the_fleet_has_three_roads_and_what_each_saves() -> None:
    projection = fleet()
    dollars = {mode.name: mode.usd_per_year.mid for mode in projection.modes}
    today, resized = (sums(projection.basis, is_resized=one)[2] for one in (False, True))

    assert list(dollars) == list(MODES)
    assert [saving.mode for saving in projection.savings] == list(MODES)[1:]
    assert 0 < resized < today
    for saving in projection.savings:
        after = dollars[saving.mode]
        assert saving.usd_per_year.mid == pytest.approx(today - after, rel=1e-9)
        beyond = saving.against_rightsized
        assert (beyond is None) == (saving.mode == RIGHTSIZED)
        if beyond:
            assert beyond.usd_per_year.mid == pytest.approx(resized - after, rel=1e-9)
            assert beyond.percent.mid == pytest.approx(100 * (1 - after / resized), rel=1e-9)


def test_half_an_hour_is_refused_with_its_reason_and_shown_where_forced() -> None:
    refused, forced = projected("lab"), projected("lab", force_short=True)

    assert RIGHTSIZED not in {mode.name for mode in refused.modes}
    assert refused.saving_of(RIGHTSIZED) is None
    assert refused.rightsizing is not None
    assert {item.recommended for item in refused.rightsizing.workloads} == {None}
    (reason,) = (item.reason for item in refused.refusals if item.subject == RIGHTSIZED)
    assert reason == Reason.TOO_FEW_SAMPLES
    assert RIGHTSIZED in {mode.name for mode in forced.modes}
    assert forced.rightsizing is not None
    assert forced.rightsizing.policy.is_short
    assert any(item.recommended for item in forced.rightsizing.workloads)
