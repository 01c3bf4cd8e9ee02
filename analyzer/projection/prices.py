"""The prices of a vCPU and a GiB on each node, and of the proxies that run there."""

from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.errors import InsufficientData
from analyzer.measurement.findings import Bias, Finding
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import Basis, PriceList, PriceSource
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.scenario import Scenario
from analyzer.units import HOURS_PER_MONTH, counted, in_percent

AMOUNTS: Final = ("vcpu", "memory_gib")
"""What has a price, and its column."""

_NEXT_TO_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodePrices:
    """The prices of the nodes; one without a price has the mean of those of its kind.

    Attributes:
        own_usd: the prices that are known, indexed by node: vcpu (USD per vCPU-month), memory_gib
            (USD per GiB-month). NaN: not known, which a price of 0 is too.
        month_usd: the same, each price that is not known replaced by the mean.
        nodes: instance_type, allocatable_vcpu and present_share, by node.
        source: of the prices, with the number of nodes that have both.
    """

    own_usd: pd.DataFrame
    month_usd: pd.DataFrame
    nodes: pd.DataFrame
    source: str

    @property
    def mean_usd(self) -> pd.Series:
        """The mean of the known prices, by the share of the time that each node existed."""
        return pd.Series({name: self.mean_of(self.own_usd.index, name) for name in AMOUNTS})

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The nodes without a price of a vCPU or of a GiB."""
        return tuple(map(str, self.own_usd.index[self.own_usd.isna().any(axis=1)]))

    def weights(self, nodes: pd.Index, column: str) -> pd.Series:
        """Return the weight of each of these nodes with a known price in their mean."""
        known = self.own_usd[column].reindex(nodes).dropna().index
        shares = self.nodes["present_share"].reindex(known)
        return shares if shares.sum() > 0 else pd.Series(1.0, index=known)

    def mean_of(self, nodes: pd.Index, column: str) -> float:
        """Return the mean of these nodes' known prices, by the time that each existed."""
        weights = self.weights(nodes, column)
        return float((self.own_usd[column].reindex(weights.index) * weights).sum() / weights.sum())

    def alike(self, node: str, column: str) -> tuple[str, pd.Index]:
        """Return the priced nodes of the same kind, and what they share.

        Of the same instance type; else of the same size; else all.
        """
        priced = self.own_usd.index[self.own_usd[column].notna()]
        own, others = self.nodes.loc[node], self.nodes.reindex(priced)
        kind, vcpu = own["instance_type"], round(own["allocatable_vcpu"], 1)
        same_kind = priced[(others["instance_type"] == kind) & (kind != "")]
        if len(same_kind):
            return f"of type {kind}", same_kind
        same_size = priced[others["allocatable_vcpu"].round(1) == vcpu]
        return (f"with {vcpu:g} vCPU", same_size) if len(same_size) else ("", priced)

    def of(self, nodes: pd.Series) -> Floats:
        """Return the prices of a vCPU and of a GiB on each of these nodes, shape (n, 2)."""
        return self.month_usd.reindex(nodes).fillna(self.mean_usd).to_numpy(float)

    def of_namespaces(self, load: MeasuredLoad) -> Floats:
        """Return the mean prices of each namespace's sidecars, shape (namespaces, 2)."""
        placed = load.placement
        # Sidecars without CPU count too: they run on a node with a price.
        weights = placed["usage_vcpu"] + _NEXT_TO_NOTHING
        names = placed["namespace"]
        prices = pd.DataFrame(self.of(placed["node"]), index=placed.index)
        sums = prices.mul(weights, axis=0).groupby(names).sum()
        means = sums.div(weights.groupby(names).sum(), axis=0)
        found = means.reindex(load.namespaces["namespace"]).to_numpy(float)
        return np.where(np.isnan(found), self.mean_usd.to_numpy(), found)


def mean_price(prices: Floats, amounts: Floats) -> Floats:
    """Return the mean of prices (n,), weighted by amounts (n, draws); unweighted if all are 0."""
    total = amounts.sum(axis=0)
    even = np.full(total.shape, prices.mean() if len(prices) else 0.0)
    return np.asarray(np.divide(prices @ amounts, total, out=even, where=total > 0))


def node_prices(usage: MeshUsage, scenario: Scenario) -> NodePrices | None:
    """Return the prices of the nodes; None if all have the scenario's flat price.

    Raises:
        InsufficientData: if no node has a price.
    """
    if scenario.prices == PriceSource.FLAT:
        return None
    nodes = usage.nodes.set_index("node")
    if isinstance(scenario.prices, PriceList):
        hour, lacking, source = _listed(scenario.prices, nodes["instance_type"])
    else:
        hour = nodes[["vcpu_usd_per_hour", "memory_usd_per_gib_hour"]]
        lacking = "The snapshot has no node_cpu_hourly_cost or no node_ram_hourly_cost above 0. "
        lacking += "Scrape OpenCost and collect again"
        source = "OpenCost's node_cpu_hourly_cost and node_ram_hourly_cost"
    # An exporter without a price list writes 0: nothing is free.
    own = hour.astype(float).where(hour > 0)
    if own.isna().all().any():
        raise InsufficientData(f'{lacking}, or use prices = "flat".')
    own.columns = pd.Index(AMOUNTS)
    own = own * HOURS_PER_MONTH
    of_all = f"{own.notna().all(axis=1).sum()} of {counted(len(nodes), 'node')}"
    columns = ["instance_type", "allocatable_vcpu", "present_share"]
    found = NodePrices(
        own_usd=own,
        month_usd=own,
        nodes=nodes.reindex(columns=columns).fillna({"present_share": 1.0}),
        source=f"{source}: {of_all}, {HOURS_PER_MONTH} h per month",
    )
    return replace(found, month_usd=_filled(found))


def _filled(prices: NodePrices) -> pd.DataFrame:
    """Return the known prices, and the mean of the same kind for each that is not."""
    filled = prices.own_usd.copy()
    for column in AMOUNTS:
        for node in filled.index[filled[column].isna()]:
            _, nodes = prices.alike(node, column)
            filled.loc[node, column] = prices.mean_of(nodes, column)
    return filled


def _listed(prices: PriceList, instance_types: pd.Series) -> tuple[pd.DataFrame, str, str]:
    """Return a scenario's prices by node, what to do if there are none, and their source."""
    listed = {name: asdict(price) for name, price in prices.by_instance_type.items()}
    table = pd.DataFrame.from_dict(listed, orient="index")
    hour = table.reindex(instance_types).set_axis(instance_types.index)
    types = ", ".join(sorted(set(instance_types) - {""}))
    of_nodes = f"The nodes are {types}." if types else "The types of the nodes are not known."
    lacking = (
        f"The scenario's price list has no price above 0 for any node. {of_nodes} Add their prices"
    )
    return hour, lacking, "the scenario's price list"


def without_price(prices: NodePrices, load: MeasuredLoad, basis: Basis) -> Finding | None:
    """Return a finding about the nodes without a price of their own; None if all have one."""
    names = prices.unpriced
    if not names:
        return None
    placed = load.placement
    amounts = placed[[f"{basis}_{amount}" for amount in AMOUNTS]].to_numpy(float)
    usd = amounts * prices.of(placed["node"])
    own = prices.own_usd.reindex(placed["node"]).to_numpy(float)
    total = float(usd.sum())
    share = float(usd[np.isnan(own)].sum()) / total if total > 0 else 0.0
    return Finding(
        name="nodes_without_price",
        text=f"Of {counted(len(prices.nodes), 'node')}, {len(names):,} have no price, or one of 0. "
        "The mean price of the same instance type or size is used. "
        f"{in_percent(share)} of the sidecars' cost is at such prices.",
        affected=names,
        fix="Add the nodes to OpenCost's price list, or their instance types to the scenario.",
        bias=Bias.EITHER,
    )
