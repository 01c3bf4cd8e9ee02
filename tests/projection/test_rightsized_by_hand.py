"""Right-sized sidecars against plain loops: needs, bills, savings, and what moving saves beyond."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest

from analyzer.projection import Projection, project_usage
from analyzer.projection.choices import Basis
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.modes import MODES, RIGHTSIZED
from analyzer.projection.namespaces import stakes
from analyzer.projection.needs import Case as Evaluated
from analyzer.units import Interval, Provenance
from tests.projection.builders import Call, Proxy
from tests.projection.by_hand import Bill
from tests.projection.test_project_by_hand import CHURN, EDGE, GROWN, POOLED, PRICED, SHOP, Case

REPEATS = 8
WAVE = (1.0, 1.3, 0.9, 1.1)
"""What the CPU of each repetition is multiplied by, so that steps differ."""


def lengthened(case: Case) -> Case:
    """Return a case whose window comes again and again, with other CPU each time."""
    return replace(
        case,
        proxies=tuple(map(_longer, case.proxies)),
        calls=tuple(_longer_call(call) for call in case.calls),
    )


def _longer(proxy: Proxy) -> Proxy:
    steps = len(proxy.cpu_vcpu)
    life = [] if proxy.points is None else proxy.points
    return replace(
        proxy,
        cpu_vcpu=tuple(
            vcpu * WAVE[number % len(WAVE)] for number in range(REPEATS) for vcpu in proxy.cpu_vcpu
        ),
        proxy_rps=(proxy.proxy_rps * REPEATS)[: steps * REPEATS],
        points=None
        if proxy.points is None
        else tuple(point + number * steps for number in range(REPEATS) for point in life),
    )


def _longer_call(call: Call) -> Call:
    return replace(call, rps=call.rps * REPEATS)


REQUESTED = POOLED.assumed.changed("a test", {"basis": "reserved"})

WITHOUT_REQUESTS = replace(
    SHOP,
    proxies=tuple(
        replace(proxy, reserved_vcpu=math.nan) if number in {1, 3} else proxy
        for number, proxy in enumerate(SHOP.proxies)
    ),
)
"""A pod of a workload, and all of another one, request nothing."""

CASES = {
    "several pods of a workload": lengthened(SHOP),
    "billed, three replicas, TCP": lengthened(EDGE),
    "more traffic, requests of nothing": lengthened(GROWN),
    "two clusters with prices, less traffic": lengthened(PRICED),
    "pods that come and go, one too short-lived": lengthened(CHURN),
    "a pod and a workload without a request": lengthened(WITHOUT_REQUESTS),
    "requested": lengthened(replace(POOLED, assumed=REQUESTED)),
}


@cache
def projected(name: str) -> Projection:
    case = CASES[name]
    return project_usage(case.usage(), case.fitted, case.assumed, force_short=True)


@cache
def expected(name: str) -> dict[tuple[str, str], Bill]:
    return CASES[name].expected()


def dollars(name: str, mode: str, basis: Basis) -> float:
    return expected(name)[mode, str(basis)].usd_per_year


@pytest.mark.parametrize("name", CASES)
def test_every_mode_on_every_basis_is_what_plain_loops_give(name: str) -> None:
    projection = projected(name)

    assert [mode.name for mode in projection.modes] == list(MODES)
    for mode in projection.modes:
        assert set(mode.bases) == set(Basis)
        for basis, found in mode.bases.items():
            bill = expected(name)[mode.name, str(basis)]
            assert found.vcpu.mid == pytest.approx(bill.vcpu, rel=1e-9)
            assert found.memory_gib is not None
            assert found.memory_gib.mid == pytest.approx(bill.memory_gib, rel=1e-9)
            assert found.usd_per_year.mid == pytest.approx(bill.usd_per_year, rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_right_sizing_changes_requests_and_bills_and_never_the_use(name: str) -> None:
    bases = {mode.name: mode.bases for mode in projected(name).modes}
    today, resized = bases["sidecar"], bases[RIGHTSIZED]

    assert {
        part.provenance
        for mode in projected(name).modes
        if mode.name == RIGHTSIZED
        for part in mode.components
    } == {Provenance.MEASURED}
    assert resized[Basis.USAGE].vcpu.mid == pytest.approx(today[Basis.USAGE].vcpu.mid, rel=1e-12)
    for basis in (Basis.RESERVED, Basis.BILLED):
        assert resized[basis].vcpu.mid != pytest.approx(today[basis].vcpu.mid, rel=0.001)
        assert resized[basis].vcpu.low <= resized[basis].vcpu.mid <= resized[basis].vcpu.high


@pytest.mark.parametrize("name", CASES)
def test_every_saving_is_what_plain_loops_give_on_every_basis(name: str) -> None:
    for saving in projected(name).savings:
        assert set(saving.bases) == set(Basis)
        for basis, found in saving.bases.items():
            before = dollars(name, "sidecar", basis)
            saved = before - dollars(name, saving.mode, basis)
            assert found.usd_per_year.mid == pytest.approx(saved, rel=1e-9, abs=1e-9 * before)
            assert found.percent.mid == pytest.approx(100 * saved / before, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_what_moving_saves_beyond_is_against_right_sized_sidecars(name: str) -> None:
    projection = projected(name)
    before = dollars(name, RIGHTSIZED, projection.basis)
    resized, *ambient = projection.savings

    assert resized.mode == RIGHTSIZED
    assert resized.against_rightsized is None
    assert [saving.mode for saving in ambient] == [
        saving.mode for saving in projection.ambient_savings
    ]
    for saving in ambient:
        after = dollars(name, saving.mode, projection.basis)
        assert saving.against_rightsized is not None
        found = saving.against_rightsized
        assert found.usd_per_year.mid == pytest.approx(before - after, rel=1e-9)
        assert found.percent.mid == pytest.approx(100 * (1 - after / before), rel=1e-9)


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("name", CASES)
def test_the_namespaces_dollars_add_up_to_the_modes(name: str, basis: Basis) -> None:
    projection = projected(name)
    assert isinstance(projection.load, MeasuredLoad)
    assert projection.workings is not None
    found = stakes(
        Evaluated(
            load=projection.load,
            parameters=projection.workings.parameters,
            prices=projection.workings.node_prices,
            own_costs=projection.workings.own_costs,
        ),
        basis,
    )
    bases = {mode.name: mode.bases[basis] for mode in projection.modes}

    assert found.rightsized_usd is not None
    assert found.rightsized_usd.sum(axis=0) == pytest.approx(bases[RIGHTSIZED].usd_draws, rel=1e-9)
    assert found.sidecar_usd.sum(axis=0) == pytest.approx(bases["sidecar"].usd_draws, rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_right_sizing_saves_exactly_nothing_of_what_is_used(name: str) -> None:
    (resized,) = (saving for saving in projected(name).savings if saving.mode == RIGHTSIZED)

    assert resized.bases[Basis.USAGE].usd_per_year == Interval.exactly(0.0)
    assert resized.vcpu == Interval.exactly(0.0)


def test_a_workload_that_is_too_short_lived_keeps_todays_requests() -> None:
    found = projected("pods that come and go, one too short-lived").rightsizing
    assert found is not None
    refused = {item.workload for item in found.workloads if item.recommended is None}

    assert refused == {"demo"}


HOURS = {"days": ["tue"], "start": "00:05", "end": "01:00", "time_zone": "UTC"}
"""Eleven of the steps."""


@pytest.mark.parametrize("hours", [None, HOURS], ids=["all hours", "working hours"])
@pytest.mark.parametrize("name", CASES)
def test_the_workloads_savings_add_up_to_what_the_modes_bill_less(
    name: str, hours: dict[str, object] | None
) -> None:
    case = CASES[name]
    assumed = case.assumed.changed("a test", {"working_hours": hours}) if hours else case.assumed
    projection = project_usage(case.usage(), case.fitted, assumed, force_short=True)
    today, resized = (
        mode.bases[Basis.BILLED].vcpu.mid
        for mode in projection.modes
        if mode.name in {"sidecar", RIGHTSIZED}
    )
    assert projection.rightsizing is not None
    saved = [item.saved_vcpu for item in projection.rightsizing.workloads]

    assert sum(vcpu for vcpu in saved if vcpu is not None) == pytest.approx(today - resized)


def test_working_hours_change_what_is_saved_and_no_request() -> None:
    case = CASES["several pods of a workload"]
    assumed = case.assumed.changed("a test", {"working_hours": HOURS})
    found, other = (
        project_usage(case.usage(), case.fitted, each, force_short=True).rightsizing
        for each in (case.assumed, assumed)
    )
    assert found is not None
    assert other is not None
    always = {item.workload: item for item in found.workloads}

    for item in other.workloads:
        assert item.recommended == always[item.workload].recommended
    assert any(item.saved_vcpu != always[item.workload].saved_vcpu for item in other.workloads)
