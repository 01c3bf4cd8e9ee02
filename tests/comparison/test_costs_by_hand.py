"""Memory, requests and dollars of a migration against the same done with plain loops."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from _pytest.mark import ParameterSet

from analyzer.comparison.compare import compare_usage
from analyzer.comparison.cost_result import Versus
from analyzer.comparison.result import Comparison, Difference
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis, PriceSource
from analyzer.projection.scenario import Scenario, default_scenario
from analyzer.units import Role
from tests.projection.builders import MEBIBYTE, Call, Node, Proxy, mesh, scenario
from tests.projection.by_hand import Bill, Question, _bill, _sidecars, bills
from tests.projection.fits import calibration

SLOPE = 0.3 / 1000
"""The fitted cost of a request, in vCPU."""

FRONT, BACK, LEDGER = "shop/front", "shop/back", "books/ledger"


def proxy(  # noqa: PLR0913 - what a proxy has
    workload: str,
    node: str,
    vcpu: tuple[float, ...],
    rps: tuple[float, ...] = (0, 0, 0),
    *,
    requests: tuple[float, float] = (0.1, 128),
    memory_mib: float = 50.0,
    role: Role = Role.SIDECAR,
) -> Proxy:
    """Return a proxy; `requests` are its vCPU and MiB."""
    return Proxy(
        workload=workload,
        node=node,
        role=role,
        cpu_vcpu=vcpu,
        proxy_rps=rps,
        memory_bytes=memory_mib * MEBIBYTE,
        reserved_vcpu=requests[0],
        reserved_memory_bytes=requests[1] * MEBIBYTE,
    )


def ztunnel(node: str, *vcpu: float) -> Proxy:
    return proxy(
        "istio-system/ztunnel",
        node,
        vcpu,
        requests=(0.2, 512),
        memory_mib=30 + 400 * vcpu[0],
        role=Role.ZTUNNEL,
    )


def waypoint(namespace: str, node: str, vcpu: tuple[float, ...], rps: tuple[float, ...]) -> Proxy:
    of_role = {"requests": (0.15, 256), "memory_mib": 90.0, "role": Role.WAYPOINT}
    return proxy(f"{namespace}/waypoint", node, vcpu, rps, **of_role)  # type: ignore[arg-type]


SIDECARS = (
    proxy(FRONT, "a", (0.2, 0.4, 0.31), (120, 333, 250)),
    proxy(FRONT, "b", (0.21, 0.38, 0.30), (118, 341, 244), requests=(0.35, 64), memory_mib=70),
    proxy(BACK, "b", (0.05, 0.11, 0.07), (60, 170, 130), memory_mib=200),
    proxy(LEDGER, "c", (0.01, 0.01, 0.02), (0.5, 1.5, 2.5)),
)
CALLS = (
    Call(source=FRONT, destination=BACK, rps=(60, 170, 130)),
    Call(source=BACK, destination=LEDGER, rps=(0.5, 1.5, 2.5)),
)
ZTUNNELS = (ztunnel("a", 0.1, 0.3, 0.2), ztunnel("b", 0.05, 0.25, 0.12), ztunnel("c", 0.01, 0, 0))
NODES = (
    Node(name="a", vcpu_usd_per_hour=0.05, memory_usd_per_gib_hour=0.0066),
    Node(name="b", vcpu_usd_per_hour=0.021, memory_usd_per_gib_hour=0.0028),
    Node(name="c", vcpu_usd_per_hour=0.011, memory_usd_per_gib_hour=0.0014),
)
LATER_NODES = tuple(
    replace(
        node,
        vcpu_usd_per_hour=1.25 * node.vcpu_usd_per_hour,
        memory_usd_per_gib_hour=0.5 * node.memory_usd_per_gib_hour,
    )
    for node in NODES
)
WAYPOINTS = (
    waypoint("shop", "a", (0.03, 0.09, 0.2), (30, 90, 70)),
    waypoint("shop", "b", (0.02, 0.08, 0.05), (30, 80, 60)),
    waypoint("books", "c", (0.01, 0.01, 0.02), (0.5, 1.5, 2.5)),
)

SCENARIOS = {
    "flat": scenario(memory_gib_month_usd=2.5),
    "opencost": scenario(prices="opencost"),
    "with istio-cni": scenario(memory_gib_month_usd=3, istio_cni_installed=True, basis="usage"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A mesh before and after; what stays has sidecars in both."""

    after: tuple[Proxy, ...]
    moved: tuple[Proxy, ...] = SIDECARS
    assumed: Scenario
    growth: float = 1.0

    def usages(self) -> tuple[MeshUsage, MeshUsage]:
        grown = [
            replace(
                call,
                rps=tuple(self.growth * rps for rps in call.rps),
                reporter="waypoint" if self._is_moved(call) else "destination",
            )
            for call in CALLS
        ]
        before = mesh(*SIDECARS, calls=CALLS, nodes=NODES, steps=3)
        return before, mesh(*self.after, calls=grown, nodes=LATER_NODES, steps=3)

    def _is_moved(self, call: Call) -> bool:
        return call.destination in {one.workload for one in self.moved}

    def question(self, proxies: Sequence[Proxy], nodes: Sequence[Node] = NODES) -> Question:
        """Return the question for `by_hand` about these proxies."""
        assumptions = self.assumed.assumptions
        return Question(
            proxies=proxies,
            calls=[call for call in CALLS if self._is_moved(call)],
            nodes=nodes,
            assumed={name: item.value.mid for name, item in assumptions.items()},
            waypoint=(0.0115, 0.345),
            stated=[
                name
                for name, item in assumptions.items()
                if item != default_scenario().assumptions[name]
            ],
            # Its own requests cannot be measured, and are on neither side.
            istio_cni_installed=True,
            priced=self.assumed.prices != PriceSource.FLAT,
        )

    def measured(self, role: Role, basis: Basis) -> Bill:
        proxies = [replace(one, role=Role.SIDECAR) for one in self.after if one.role == role]
        return _bill(list(_sidecars(self.question(proxies, LATER_NODES))), str(basis))

    def before(self, basis: Basis) -> Bill:
        return _bill(list(_sidecars(self.question(SIDECARS))), str(basis))

    def predicted(self, role: Role, basis: Basis) -> Bill:
        if role == Role.SIDECAR:
            kept = [one for one in SIDECARS if one not in self.moved]
            return _bill(list(_sidecars(self.question(kept))), str(basis))
        found = bills(self.question(self.moved))
        l4, both = (found[mode, str(basis)] for mode in ("ambient-l4", "ambient-waypoint"))
        return l4 if role == Role.ZTUNNEL else minus(both, l4)


def minus(first: Bill, second: Bill) -> Bill:
    return Bill(
        vcpu=first.vcpu - second.vcpu,
        memory_gib=first.memory_gib - second.memory_gib,
        usd_per_year=first.usd_per_year - second.usd_per_year,
    )


def _pairs() -> Iterator[ParameterSet]:
    for name, assumed in SCENARIOS.items():
        yield pytest.param(Pair(after=(*ZTUNNELS, *WAYPOINTS), assumed=assumed), id=f"all, {name}")
        kept = (
            proxy(FRONT, "a", (0.25, 0.4, 0.33), (120, 333, 250), memory_mib=55),
            proxy(FRONT, "c", (0.26, 0.41, 0.29), (118, 341, 244), requests=(0.4, 64)),
            proxy(BACK, "b", (0.05, 0.12, 0.06), (60, 170, 130)),
        )
        yield pytest.param(
            Pair(
                after=(*kept, *ZTUNNELS, WAYPOINTS[2]),
                moved=SIDECARS[3:],
                assumed=assumed,
            ),
            id=f"books, {name}",
        )


PAIRS = [*_pairs()]


@pytest.fixture(autouse=True)
def _known_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["analyzer.comparison.compare"]
    monkeypatch.setattr(module, "calibrate_usage", lambda _: calibration())


def compared(pair: Pair) -> Comparison:
    found = compare_usage(*pair.usages(), pair.assumed)
    assert isinstance(found, Comparison)
    return found


def check(found: Versus | None, predicted: float, measured: float) -> None:
    assert found is not None
    assert found.predicted.mid == pytest.approx(predicted, rel=1e-9, abs=1e-9)
    assert found.measured.mid == pytest.approx(measured, rel=1e-9, abs=1e-9)
    assert found.difference.mid == pytest.approx(measured - predicted, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_each_role_and_the_total_are_as_by_hand_on_each_basis(pair: Pair) -> None:
    found = compared(pair)
    shown: dict[str, Difference] = {item.role: item for item in found.components}

    for basis in Basis:
        totals = [0.0] * 6
        for role in (Role.SIDECAR, Role.ZTUNNEL, Role.WAYPOINT):
            predicted, measured = pair.predicted(role, basis), pair.measured(role, basis)
            both = [
                (getattr(bill, name))
                for name in ("vcpu", "memory_gib", "usd_per_year")
                for bill in (predicted, measured)
            ]
            totals = [total + value for total, value in zip(totals, both, strict=True)]
            if role not in shown:
                assert not any(both)
                continue
            of_basis = (shown[role].bases or {})[basis]
            check(of_basis.vcpu, *both[:2])
            check(of_basis.memory_gib, *both[2:4])
            check(of_basis.usd_per_year, *both[4:])
        total = (found.total.bases or {})[basis]
        check(total.vcpu, *totals[:2])
        check(total.memory_gib, *totals[2:4])
        check(total.usd_per_year, *totals[4:])


@pytest.mark.parametrize("pair", PAIRS)
def test_the_saving_is_what_was_before_less_everything_after(pair: Pair) -> None:
    found = compared(pair)
    roles = (Role.SIDECAR, Role.ZTUNNEL, Role.WAYPOINT)

    assert found.costs.basis == pair.assumed.basis
    assert found.costs.bases_with_memory == tuple(Basis)
    for basis in Basis:
        saving = found.costs.savings[basis]
        before = pair.before(basis).usd_per_year
        predicted = before - sum(pair.predicted(role, basis).usd_per_year for role in roles)
        realised = before - sum(pair.measured(role, basis).usd_per_year for role in roles)
        assert saving.before_usd_per_year.mid == pytest.approx(before, rel=1e-9, abs=1e-9)
        assert saving.predicted_usd_per_year.mid == pytest.approx(predicted, rel=1e-9, abs=1e-9)
        assert saving.realised_usd_per_year.mid == pytest.approx(realised, rel=1e-9, abs=1e-9)
        assert saving.difference_usd_per_year.mid == pytest.approx(
            realised - predicted, rel=1e-9, abs=1e-9
        )
        # The traffic is the same, so both are.
        assert saving.predicted_at_after_usd_per_year.mid == pytest.approx(
            predicted, rel=1e-9, abs=1e-9
        )
        assert saving.realised_at_after_usd_per_year.mid == pytest.approx(
            realised, rel=1e-9, abs=1e-9
        )


@pytest.mark.parametrize("basis", Basis)
def test_sidecars_at_the_traffic_after_pay_for_each_added_request(basis: Basis) -> None:
    """All moved, and half as many requests again: each passes a sidecar at both ends."""
    pair = Pair(after=(*ZTUNNELS, *WAYPOINTS), assumed=SCENARIOS["opencost"], growth=1.5)
    saving = compared(pair).costs.savings[basis]

    added = {FRONT: 0.0, BACK: 0.0, LEDGER: 0.0}
    for call, end in itertools.product(CALLS, ("source", "destination")):
        added[getattr(call, end)] += 0.5 * sum(call.rps) / 3
    grown = []
    for one in SIDECARS:
        of_workload = sum(
            sum(other.proxy_rps) for other in SIDECARS if other.workload == one.workload
        )
        more = [3 * SLOPE * added[one.workload] * rps / of_workload for rps in one.proxy_rps]
        vcpu = tuple(used + extra for used, extra in zip(one.cpu_vcpu, more, strict=True))
        grown.append(replace(one, cpu_vcpu=vcpu))
    usd = _bill(list(_sidecars(pair.question(grown))), str(basis)).usd_per_year
    assert saving.before_at_after_usd_per_year.mid == pytest.approx(usd, rel=1e-9, abs=1e-9)


def test_billed_at_the_traffic_after_is_settled_sample_by_sample() -> None:
    """At one price it is exact: where a sample uses more than its request, use is billed."""
    pair = Pair(after=(*ZTUNNELS, *WAYPOINTS), assumed=SCENARIOS["flat"], growth=40.0)
    saving = compared(pair).costs.savings[Basis.BILLED]

    month_usd = 0.0
    for one in SIDECARS:
        added = 0.0
        for call in CALLS:
            added += 39 * sum(call.rps) * (one.workload in (call.source, call.destination)) / 3
        of_workload = 0.0
        for other in SIDECARS:
            if other.workload == one.workload:
                of_workload += sum(other.proxy_rps)
        for step in range(3):
            used = one.cpu_vcpu[step] + 3 * SLOPE * added * one.proxy_rps[step] / of_workload
            month_usd += 22 * max(used, one.reserved_vcpu) / 3
            month_usd += 2.5 * max(one.memory_bytes, one.reserved_memory_bytes) / 2**30 / 3
    assert saving.before_at_after_usd_per_year.mid == pytest.approx(
        12 * month_usd, rel=1e-9, abs=1e-9
    )


def test_memory_of_one_proxy_is_a_mean_over_its_proxies() -> None:
    pair = Pair(after=(*ZTUNNELS, *WAYPOINTS), assumed=SCENARIOS["flat"])
    shown = {item.role: item.memory_gib_per_proxy for item in compared(pair).components}

    for role, count in ((Role.ZTUNNEL, 3), (Role.WAYPOINT, 3)):
        one = shown[role]
        assert one is not None
        measured = pair.measured(role, Basis.USAGE).memory_gib / count
        assert one.measured == pytest.approx(measured, rel=1e-9, abs=1e-9)
    of_waypoint = shown[Role.WAYPOINT]
    assert of_waypoint is not None
    # Two namespaces, a replica in each.
    predicted = pair.predicted(Role.WAYPOINT, Basis.USAGE).memory_gib / 2
    assert of_waypoint.predicted.mid == pytest.approx(predicted, rel=1e-9, abs=1e-9)
