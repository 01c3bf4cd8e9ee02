"""Memory, requests and dollars of a migration: as predicted, as measured, and what it saves.

Everything is priced as in a projection: `ModeNeeds` of the proxies before, as predicted and after.
BEFORE and the prediction have the prices of BEFORE's nodes, and AFTER has those of its own.
Components that no snapshot measures, such as istio-cni, are on neither side.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from analyzer.arrays import Floats
from analyzer.comparison.accounts import Sidecars
from analyzer.comparison.attribution import Account
from analyzer.comparison.bills import Bill, Bills
from analyzer.comparison.cost_result import PricesCompared
from analyzer.comparison.match import Migration, Passes
from analyzer.comparison.measured import need_of, samples_of, with_added, with_draws
from analyzer.comparison.predicted import waypoint_needs, ztunnel_needs
from analyzer.errors import InsufficientData
from analyzer.projection import figures
from analyzer.projection.choices import Basis
from analyzer.projection.components import COMPONENTS
from analyzer.projection.modes import AMBIENT_WAYPOINT, MODES, SIDECAR, ModeNeeds
from analyzer.projection.needs import Case, Need
from analyzer.projection.prices import NodePrices, node_prices
from analyzer.projection.result import Price
from analyzer.projection.scenario import Scenario
from analyzer.units import Reason, Refusal, Role, enumerated

COMPARED: Final = (Role.SIDECAR, Role.ZTUNNEL, Role.WAYPOINT)
"""The roles of a comparison, in the order of its tables."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accounts:
    """The accounts of CPU, by role and namespace ("" for ztunnels), and of each role together.

    Attributes:
        homes: where shared waypoints run: see `accounts.homes_of_shared`.
    """

    by_namespace: Mapping[Role, Mapping[str, Account]]
    sums: Mapping[Role, Account]
    sidecars: Sidecars
    passes: Passes
    homes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """One snapshot: the samples of its proxies, and the prices of its nodes."""

    samples: Mapping[Role, pd.DataFrame]
    points: int
    prices: NodePrices | None
    draw_count: int

    def need(self, role: Role, samples: pd.DataFrame | None = None) -> Need:
        """Return what these samples need, or all of the role."""
        rows = self.samples[role] if samples is None else samples
        return need_of(role, rows, self.points, self.prices, self.draw_count)


def bills_of(
    moved: Migration, case: Case, accounts: Accounts, scenario: Scenario
) -> tuple[Bills, tuple[Refusal, ...]]:
    """Return the bills of all roles, and why something in them is not known.

    `case` is that of what moved, without prices of nodes.
    """
    prices, unpriced = _node_prices(moved, scenario)
    before, after = (
        _Side(
            samples={role: samples_of(usage, role, moved) for role in COMPARED},
            points=len(usage.observed_points),
            prices=of_nodes,
            draw_count=len(case.parameters.waypoint_idle_vcpu),
        )
        for usage, of_nodes in zip((moved.before, moved.after), prices, strict=True)
    )
    case = replace(case, prices=before.prices)
    measurable = replace(case, parameters=replace(case.parameters, istio_cni_installed=True))
    by_role = {
        Role.SIDECAR: _sidecars(before, after, accounts),
        **_ambient(measurable, before, after, accounts),
    }
    bills = Bills(
        by_role=by_role,
        parameters=case.parameters,
        prices=None if unpriced else _mean_prices(prices, scenario),
        freed_node_count=_freed(case, by_role, before, accounts),
    )
    return bills, (*unpriced, *_refusals(bills, scenario))


def _node_prices(
    moved: Migration, scenario: Scenario
) -> tuple[list[NodePrices | None], tuple[Refusal, ...]]:
    """Return the prices of the nodes in both snapshots, or why there are none."""
    found: list[NodePrices | None] = []
    for name, usage in (("BEFORE", moved.before), ("AFTER", moved.after)):
        try:
            found.append(node_prices(usage, scenario))
        except InsufficientData as error:
            detail = f"In {name}: {error}"
            return [None, None], (Refusal(subject="dollars", reason=Reason.NO_DATA, detail=detail),)
    return found, ()


def _mean_prices(prices: list[NodePrices | None], scenario: Scenario) -> PricesCompared:
    before, after = (
        figures.flat_price(scenario)
        if of_nodes is None
        else Price(
            vcpu_month_usd=float(of_nodes.mean_usd["vcpu"]),
            memory_gib_month_usd=float(of_nodes.mean_usd["memory_gib"]),
            source=of_nodes.source,
        )
        for of_nodes in prices
    )
    return PricesCompared(before=before, after=after)


def _sidecars(before: _Side, after: _Side, accounts: Accounts) -> Bill:
    sidecars, samples = accounts.sidecars, before.samples[Role.SIDECAR]
    stayed = sidecars.workloads.index[sidecars.workloads["stays"]]
    kept = samples[pd.MultiIndex.from_frame(samples[[*stayed.names]]).isin(stayed)]
    there, added = before.need(Role.SIDECAR), sidecars.added_vcpu(accounts.passes)
    used = there.vcpu[Basis.USAGE] + sidecars.slope_share * float(added.sum())
    account = accounts.sums.get(Role.SIDECAR)
    nothing = there.vcpu[Basis.USAGE] * 0
    predicted, at_after = (
        (account.predicted_vcpu, account.at_after_vcpu) if account else (nothing, nothing)
    )
    to_kept = sidecars.added_to_kept_vcpu
    return Bill(
        before=there,
        before_at_after=_at(before, samples, added, used),
        predicted=_at(before, kept, to_kept * 0, predicted),
        predicted_at_after=_at(before, kept, to_kept, at_after),
        measured=after.need(Role.SIDECAR),
    )


def _at(side: _Side, samples: pd.DataFrame, added_vcpu: pd.Series, used_vcpu: Floats) -> Need:
    """Return what sidecars need with this CPU added to each workload, and used in all."""
    if samples.empty:
        return side.need(Role.SIDECAR, samples)
    grown = with_added(samples, added_vcpu, side.points)
    return with_draws(side.need(Role.SIDECAR, grown), grown, used_vcpu)


def _ambient(case: Case, before: _Side, after: _Side, accounts: Accounts) -> dict[Role, Bill]:
    waypoints = accounts.by_namespace[Role.WAYPOINT]
    predicted = {
        Role.ZTUNNEL: ztunnel_needs(
            case, accounts.sums[Role.ZTUNNEL], before.samples[Role.ZTUNNEL]
        ),
        Role.WAYPOINT: waypoint_needs(
            case, waypoints, before.samples[Role.WAYPOINT], accounts.homes
        ),
    }
    return {
        role: Bill(
            before=before.need(role),
            before_at_after=before.need(role),
            predicted=needs.before,
            predicted_at_after=needs.at_after,
            measured=after.need(role),
        )
        for role, needs in predicted.items()
    }


def _freed(
    case: Case, by_role: Mapping[Role, Bill], before: _Side, accounts: Accounts
) -> int | None:
    """Return how many whole nodes the predicted requests free, with those of istio-cni."""
    account, there = accounts.sums[Role.ZTUNNEL], before.samples[Role.ZTUNNEL]
    predicted = {role: bill.predicted for role, bill in by_role.items()}
    predicted[Role.ZTUNNEL] = ztunnel_needs(case, account, there).before
    now = ModeNeeds(name=SIDECAR, needs=tuple(bill.before for bill in by_role.values()))
    then = ModeNeeds(name=AMBIENT_WAYPOINT, needs=tuple(predicted.values()))
    return figures.freed_nodes(case.load, now, then)


def _refusals(bills: Bills, scenario: Scenario) -> Iterator[Refusal]:
    if lacking := _lacking(bills, lambda need: Basis.USAGE in need.memory_gib):
        detail = (
            f"Not known of {lacking}. Check that Prometheus keeps "
            "container_memory_working_set_bytes of their namespaces. Dollars are without memory."
        )
        yield Refusal(subject="memory", reason=Reason.NO_DATA, detail=detail)
    if lacking := _lacking(bills, lambda need: Basis.RESERVED in need.vcpu):
        detail = f"CPU requests are not known of {lacking}. Scrape kube-state-metrics."
        if scenario.basis != Basis.USAGE:
            detail += " The dollars are of CPU used."
        yield Refusal(subject="requested and billed", reason=Reason.NO_DATA, detail=detail)
    for part in MODES[AMBIENT_WAYPOINT].parts:
        if part.role not in COMPARED:
            detail = "The projection has them. No metric of AFTER measures them."
            subject = f"comparison of {COMPONENTS[part.role].plural}"
            yield Refusal(subject=subject, reason=Reason.NO_DATA, detail=detail)
    if not scenario.istio_cni_installed and Basis.RESERVED in bills.savings:
        vcpu, memory_gib = (
            float(bills.parameters[f"istio_cni_reserved_{amount}_per_node"][0])
            for amount in ("vcpu", "memory_gib")
        )
        detail = (
            f"It has no proxy to measure. Its requests of {vcpu:.3g} vCPU and {memory_gib:.3g} GiB "
            "a node are in neither figure. If it is new, the saving is smaller by that."
        )
        yield Refusal(subject="cost of istio-cni", reason=Reason.NO_DATA, detail=detail)


def _lacking(bills: Bills, has: Callable[[Need], bool]) -> str:
    """Return the roles that lack an amount, and in which snapshot; "" if none does."""
    found = []
    for name in ("BEFORE", "AFTER"):
        roles = [
            COMPONENTS[role].plural
            for role, bill in bills.by_role.items()
            if not all(map(has, bill.of_snapshots[name]))
        ]
        found += [f"the {enumerated(roles)} in {name}"] if roles else []
    return enumerated(found) if found else ""
