"""What the proxies of AFTER were predicted to need: CPU and memory, used, requested and billed.

The CPU used is that of the accounts. It is placed as the projection places it, on nodes and in
namespaces, so that requests, memory and prices are those of the projection's components. What ran
before requests and holds what it did in BEFORE.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.comparison.attribution import Account
from analyzer.comparison.measured import need_of, of_one_proxy
from analyzer.projection.choices import Basis
from analyzer.projection.components import each_ztunnel
from analyzer.projection.needs import Case, Each, Need, prices_by_basis
from analyzer.projection.waypoints import each_waypoint, placed, replicas_of
from analyzer.units import Provenance, Role

_PER_REQUEST = ("passes_rps", "unsized_rps", "http_gbit_per_second")
"""Loads of a node that grow with its requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """The need of one role, at the traffic before and after."""

    before: Need
    at_after: Need


def ztunnel_needs(case: Case, account: Account, there: pd.DataFrame) -> Predicted:
    """Return the predicted need of the ztunnels; `there` are samples of those that ran before."""
    nodes, before_rps = case.nodes, account.before_rps
    factor = account.after_rps / before_rps if before_rps > 0 else 1.0
    grown = nodes.assign(**{name: nodes[name] * factor for name in _PER_REQUEST})
    return Predicted(
        before=_ztunnel_need(case, nodes, account.predicted_vcpu, account.predicted_count, there),
        at_after=_ztunnel_need(case, grown, account.at_after_vcpu, account.predicted_count, there),
    )


def _ztunnel_need(
    case: Case, nodes: pd.DataFrame, used_vcpu: Floats, count: float, there: pd.DataFrame
) -> Need:
    each = each_ztunnel(replace(case, load=replace(case.load, nodes=nodes)))
    shares = nodes["present_share"].to_numpy(float)
    counts = shares * (count / shares.sum())
    total = (each.used[0] * counts[:, None]).sum(axis=0)
    # Differs from 1 only if ztunnels ran before, or for the connections of added requests.
    relative = np.divide(used_vcpu, total, out=np.ones_like(used_vcpu), where=total > 0)
    each = replace(each, used=(each.used[0] * relative, each.used[1]))
    if not there.empty:
        each = _as_before(each, of_one_proxy(there.assign(namespace="")).loc[[""]])
    provenance = case.parameters.ztunnel_provenance
    return _of_all(each, counts, role=Role.ZTUNNEL, provenance=provenance)


def waypoint_needs(
    case: Case,
    accounts: Mapping[str, Account],
    there: pd.DataFrame,
    homes: Mapping[str, str],
) -> Predicted:
    """Return the predicted need of the waypoints.

    Arguments as in `ztunnel_needs`; `homes` are those of `accounts.homes_of_shared`.
    """
    known = {name: item for name, item in accounts.items() if item.predicted_count > 0}
    draw_count = len(case.parameters.waypoint_idle_vcpu)
    if not known:
        nothing = need_of(Role.WAYPOINT, there.iloc[:0], 1, None, draw_count)
        return Predicted(before=nothing, at_after=nothing)
    counts = np.array([account.predicted_count for account in known.values()])
    planned = _planned(case, pd.Index(known), homes)
    each = _as_before(planned, of_one_proxy(there).reindex(list(known)))
    provenance = case.parameters.waypoint_provenance or Provenance.DERIVED

    def need(used_vcpu: list[Floats]) -> Need:
        used = np.array(used_vcpu) / counts[:, None]
        of_each = replace(each, used=(used, each.used[1]))
        return _of_all(of_each, counts, role=Role.WAYPOINT, provenance=provenance)

    return Predicted(
        before=need([account.predicted_vcpu for account in known.values()]),
        at_after=need([account.at_after_vcpu for account in known.values()]),
    )


def _planned(case: Case, names: pd.Index, homes: Mapping[str, str]) -> Each:
    """Return a replica in each of these namespaces, as projected; NaN where nothing moved.

    Prices are those of the nodes of the namespaces that it serves, else the nodes' mean.
    """
    waypoints, parameters = placed(case.load, case.parameters.placement), case.parameters
    draw_count, own = len(parameters.waypoint_idle_vcpu), waypoints.names
    at = pd.Index([homes.get(name, name) for name in own]).get_indexer(names)
    if not own:
        nothing = np.full((len(names), draw_count), np.nan)
        return Each(
            used=(nothing, nothing), requested=(nothing, nothing), prices=_mean(case, names)
        )
    each = each_waypoint(case, waypoints, replicas_of(waypoints, parameters))

    def there(amount: Floats, missing: Floats | float = np.nan) -> Floats:
        of_all = np.broadcast_to(amount, (len(own), amount.shape[-1]))[np.maximum(at, 0)]
        return np.where((at >= 0)[:, None], of_all, missing)

    (vcpu, memory_gib), (requested_vcpu, requested_gib) = (
        tuple(map(there, pair)) for pair in (each.used, each.requested)
    )
    mean = _mean(case, names)
    return Each(
        used=(vcpu, memory_gib),
        requested=(requested_vcpu, requested_gib),
        prices=None if each.prices is None or mean is None else there(each.prices, mean),
    )


def _mean(case: Case, names: pd.Index) -> Floats | None:
    """Return the nodes' mean prices for each of these, shape (names, 2)."""
    if case.prices is None:
        return None
    return np.tile(case.prices.mean_usd.to_numpy(float), (len(names), 1))


def _as_before(each: Each, before: pd.DataFrame) -> Each:
    """Return the proxies with the requests and the memory that one had before, where known.

    `before` has a row per place, or one for all: columns as in `measured.of_one_proxy`.
    """

    def known(name: str, otherwise: Floats) -> Floats:
        measured = before[name].to_numpy(float)[:, None]
        return np.where(np.isnan(measured), otherwise, measured)

    return replace(
        each,
        used=(each.used[0], known("memory_gib", each.used[1])),
        requested=(
            known("reserved_vcpu", each.requested[0]),
            known("reserved_memory_gib", each.requested[1]),
        ),
    )


def _of_all(each: Each, counts: Floats, *, role: Role, provenance: Provenance) -> Need:
    """Return the need of all proxies together; an amount that one of them lacks is absent."""
    vcpu, memory_gib = each.amounts(counts)
    month_usd = None if each.prices is None else prices_by_basis(each.prices, vcpu, memory_gib)

    def summed(amounts: Mapping[Basis, Floats]) -> dict[Basis, Floats]:
        # What is billed is known only if both of its parts are.
        parts = {**dict.fromkeys(Basis, ()), Basis.BILLED: (Basis.USAGE, Basis.RESERVED)}
        unknown = {basis for basis, of_all in amounts.items() if np.isnan(of_all).any()}
        return {
            basis: np.asarray(of_all.sum(axis=0))
            for basis, of_all in amounts.items()
            if not unknown & {basis, *parts[basis]}
        }

    return Need(
        role=role,
        count=float(counts.sum()),
        provenance=provenance,
        vcpu=summed(vcpu),
        memory_gib=summed(memory_gib),
        month_usd=month_usd,
    )
