"""The prices of a vCPU and a GiB on each node, and of the proxies that run there."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analyzer.arrays import Floats
from analyzer.errors import InsufficientData
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.choices import PriceList, PriceSource
from analyzer.projection.demand import MeasuredLoad
from analyzer.projection.scenario import Scenario
from analyzer.units import HOURS_PER_MONTH, counted

_NEXT_TO_NOTHING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodePrices:
    """The prices of the nodes; a node without a price has the mean of the others.

    Attributes:
        month_usd: indexed by node: vcpu (USD per vCPU-month), memory_gib (USD per GiB-month).
        source: of the prices, with the number of nodes that have one.
    """

    month_usd: pd.DataFrame
    source: str

    def of(self, nodes: pd.Series) -> Floats:
        """Return the prices of a vCPU and of a GiB on each of these nodes, shape (n, 2)."""
        return self.month_usd.reindex(nodes).fillna(self.month_usd.mean()).to_numpy(float)

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
        return np.where(np.isnan(found), self.month_usd.mean().to_numpy(), found)


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
    prices, nodes = scenario.prices, usage.nodes.set_index("node")
    if prices == PriceSource.FLAT:
        return None
    if isinstance(prices, PriceList):
        listed = {name: asdict(price) for name, price in prices.by_instance_type.items()}
        table = pd.DataFrame.from_dict(listed, orient="index")
        hour = table.reindex(nodes["instance_type"]).set_axis(nodes.index)
        types = ", ".join(sorted(set(nodes["instance_type"]) - {""}))
        of_nodes = f"The nodes are {types}." if types else "The types of the nodes are not known."
        lacking = f"The scenario's price list has no price for any node. {of_nodes}"
        cure = "Add their prices"
        source = "the scenario's price list"
    else:
        hour = nodes[["vcpu_usd_per_hour", "memory_usd_per_gib_hour"]]
        lacking = "The snapshot has no node_cpu_hourly_cost."
        cure = "Scrape OpenCost and collect again"
        source = "OpenCost's node_cpu_hourly_cost and node_ram_hourly_cost"
    known = hour.astype(float).dropna()
    if known.empty:
        raise InsufficientData(f'{lacking} {cure}, or use prices = "flat".')
    known.columns = pd.Index(["vcpu", "memory_gib"])
    return NodePrices(
        month_usd=known * HOURS_PER_MONTH,
        source=f"{source}: {len(known)} of {counted(len(nodes), 'node')}, "
        f"{HOURS_PER_MONTH} h per month",
    )
