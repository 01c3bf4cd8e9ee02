"""What a vCPU and a GiB cost on each node, and thus for what runs there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.calibration.segments import Floats
from analyzer.errors import InsufficientData
from analyzer.measurement.usage import MeshUsage
from analyzer.projection.load import MeshLoad
from analyzer.projection.scenario import Scenario
from analyzer.units import HOURS_PER_MONTH

__all__ = ["NodePrices", "node_prices", "weights_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodePrices:
    """What every node costs; a node of unknown price costs the mean of the others.

    Attributes:
        month_usd: indexed by node: vcpu (USD per vCPU-month), memory_gib (USD per GiB-month).
        source: where they come from, with how many nodes are priced.
    """

    month_usd: pd.DataFrame
    source: str

    def of(self, nodes: pd.Series) -> Floats:
        """Return the prices of a vCPU and of a GiB on each of these nodes, shape (n, 2)."""
        return self.month_usd.reindex(nodes).fillna(self.month_usd.mean()).to_numpy(float)

    def mean(self, nodes: pd.Series, weights: Floats) -> tuple[float, float]:
        """Return the mean prices of a vCPU and of a GiB of what is spread so over these nodes."""
        vcpu, memory_gib = np.average(self.of(nodes), axis=0, weights=weights_of(weights))
        return float(vcpu), float(memory_gib)

    def of_namespaces(self, load: MeshLoad) -> Floats:
        """Return the prices where the sidecars of each namespace run, shape (namespaces, 2)."""
        placed = load.placement
        prices = self.of(placed["node"]) * placed[["vcpu"]].to_numpy(float)
        total = placed.assign(vcpu_usd=prices[:, 0], memory_usd=prices[:, 1])
        sums = total.groupby("namespace")[["vcpu", "vcpu_usd", "memory_usd"]].sum()
        means = sums[["vcpu_usd", "memory_usd"]].div(sums["vcpu"].where(sums["vcpu"] > 0), axis=0)
        found = means.reindex(load.namespaces["namespace"]).to_numpy(float)
        return np.where(np.isnan(found), self.month_usd.mean().to_numpy(), found)


def weights_of(used: Floats) -> Floats:
    """Return what a mean price is weighted by: what is used, or all alike where nothing is."""
    return used if used.sum() > 0 else np.ones(len(used))


def node_prices(usage: MeshUsage, scenario: Scenario) -> NodePrices | None:
    """Return the prices of the nodes; None where one price holds for all.

    Raises:
        InsufficientData: if no node's price is known where the scenario asks for them.
    """
    prices, nodes = scenario.prices, usage.nodes.set_index("node")
    if prices.rule == "flat":
        return None
    if prices.rule == "opencost":
        hour = nodes[["vcpu_usd_per_hour", "memory_usd_per_gib_hour"]]
        lacking = "no node_cpu_hourly_cost of any node is in the snapshot: scrape OpenCost"
        source = "OpenCost's node_cpu_hourly_cost and node_ram_hourly_cost"
    else:
        listed = prices.by_instance_type or {}
        hour = pd.DataFrame(
            {
                "vcpu": nodes["instance_type"].map(
                    {name: item.vcpu_hour_usd for name, item in listed.items()}
                ),
                "memory": nodes["instance_type"].map(
                    {name: item.memory_gib_hour_usd for name, item in listed.items()}
                ),
            }
        )
        seen = ", ".join(sorted(set(nodes["instance_type"]) - {""})) or "none is known"
        lacking = f"no node is of an instance type in the scenario's price list; seen: {seen}"
        source = "the scenario's price list"
    known = hour.astype(float).dropna()
    if known.empty:
        raise InsufficientData(f'prices of nodes: {lacking}, or use prices = "flat"')
    known.columns = pd.Index(["vcpu", "memory_gib"])
    return NodePrices(
        month_usd=known * HOURS_PER_MONTH,
        source=f"{source}: {len(known)} of {len(nodes)} nodes, {HOURS_PER_MONTH} h a month",
    )
